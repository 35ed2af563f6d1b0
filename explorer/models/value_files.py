"""Image files with more than 8 bits, or other channels than gray and color: their values are read and written as is."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.data.color_profiles import values_to_srgb
from explorer.data.decoding import open_request
from explorer.data.deep_pixels import Deep
from explorer.data.formats import Request
from explorer.data.sources import tiff
from explorer.data.sources.containers import stream
from explorer.export.ome_tiff import ImageStack, write_stacks
from explorer.export.stills import write_deep_png
from explorer.types import Progress

SUFFIX: Final = ".tif"
"""Of a format that has values of any kind."""

_GRAY, _GRAY_ALPHA, _COLOR, _RGBA = 1, 2, 3, 4
_PNG: Final = ".png"


@dataclass(frozen=True, eq=False)
class FileValues:
    """The values of a file.

    Attributes
    ----------
    images
        ``(n, h, w, c)`` of the dtype of the file, without `alpha`.
    alpha
        The transparency ``(n, h, w, 1)``; None without one.
    measured
        Whether channels are measurements, not colors.
    """

    images: NDArray[Any]
    alpha: NDArray[Any] | None = None
    measured: bool = False

    @property
    def channels(self) -> int:
        return int(self.images.shape[3])

    def fits(self, suffix: str) -> bool:
        """Return whether a format, by its extension, has all these values."""
        if suffix.lower() in tiff.SUFFIXES:
            return True
        plain = len(self.images) == 1 and self.channels in (_GRAY, _COLOR) and not self.measured
        return suffix.lower() == _PNG and plain and self.images.dtype == np.uint16

    def save(self, path: Path, suffix: str) -> None:
        """Write the values in the format of a suffix that fits; ExportError if the file cannot be written.

        TIFF has measured channels as OME-TIFF, others as pages of gray or color.
        """
        values = self.images if self.alpha is None else np.concatenate([self.images, self.alpha], axis=3)
        if suffix.lower() == _PNG:
            write_deep_png(values[0], path)
        elif self.measured:
            for _ in write_stacks([ImageStack.of("images", values)], path):
                pass
        else:
            import tifffile

            color = self.channels == _COLOR
            tifffile.imwrite(
                path,
                values if color or self.alpha is not None else values[..., 0],
                photometric="rgb" if color else "minisblack",
                extrasamples=None if self.alpha is None else ["unassalpha"],
                metadata=None,
            )


def read_values(path: Path, wanted: int) -> Generator[Progress, None, FileValues | None]:
    """Read the values of an image file, upright; yields progress, and returns None if `open_image` keeps them all.

    The last of four channels, and of two if the file says so, is transparency, unless they are measured, or `wanted` by
    a model. DataError if the file is missing, damaged or too large.
    """
    if not tiff.takes(path):
        found = open_request(Request(path, str(path)), deep=True)
        return _of_deep(found) if isinstance(found, Deep) else None
    contents = yield from stream("tiff", [path], {"frames": ""}, path.name)
    images = contents.images
    if images.dtype == np.bool_:
        images = images.astype(np.uint8) * np.uint8(255)
    channels = images.shape[3]
    plain = not contents.stack.measured and (channels in (_GRAY, _COLOR) or channels != wanted)
    if plain and channels <= _RGBA and images.dtype == np.uint8:
        return None
    alpha = channels == _RGBA or (channels == _GRAY_ALPHA and contents.stack.alpha)
    if plain and (channels in (_GRAY, _COLOR) or alpha):
        count = channels - alpha
        colors = values_to_srgb(images[..., :count], contents.stack.profile)
        return FileValues(colors, images[..., count:] if alpha else None)
    return FileValues(images, measured=channels != _GRAY)


def _of_deep(deep: Deep) -> FileValues:
    """Return the values of a file that Pillow reads, their colors in sRGB, with its transparency."""
    images = values_to_srgb(deep.colors.reshape(1, *deep.values.shape[:2], -1), deep.profile)
    return FileValues(images, None if deep.alpha is None else deep.values[np.newaxis, ..., _COLOR:])
