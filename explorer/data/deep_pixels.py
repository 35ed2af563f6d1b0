"""The values of images of more than 8 bits per channel, also where Pillow keeps only 8."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

DTYPES: Final = ("uint8", "uint16", "int32", "float32")
"""Of the values in image files."""

DEEP_MODES: Final = {**dict.fromkeys(("I;16", "I;16B", "I;16L", "I;16N"), "uint16"), "I": "int32", "F": "float32"}
"""Pillow's modes of more than 8 bits, which are gray, with the dtype of their values."""

_DEEP_COLOR: Final = re.compile("(RGB|RGBX|RGBA|RGBa);16([BLN])")
"""Pillow's names of 16-bit color in a file, of which it keeps the high bytes; ``a`` if multiplied by alpha."""

_OTHER_BYTES: Final = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
"""Read in the other byte order, the low bytes become the high ones."""

SIDEWAYS: Final = 5
"""From this EXIF orientation on, rows are columns."""


@dataclass(frozen=True, eq=False)
class Deep:
    """The values of an image of more than 8 bits per channel, uint16, int32 or float32, upright.

    Gray is ``(h, w)``, color ``(h, w, 3)``, or ``(h, w, 4)`` with alpha from 0 to 65535. `profile` is the color profile
    (ICC) of these values where they make up their whole range; empty for sRGB.
    """

    values: NDArray[Any]
    profile: bytes = b""

    @property
    def colors(self) -> NDArray[Any]:
        """The values without alpha."""
        return self.values[..., :3] if self.values.ndim == 3 else self.values

    @property
    def alpha(self) -> NDArray[np.float32] | None:
        """Opacity from 0 to 1, ``(h, w)``; None without alpha."""
        if self.values.ndim == 2 or self.values.shape[2] == 3:
            return None
        opacity: NDArray[np.float32] = np.divide(self.values[..., 3], np.float32(0xFFFF), dtype=np.float32)
        return opacity

    @property
    def nbytes(self) -> int:
        return self.values.nbytes


def dtype_of(pil_image: Image.Image) -> str:
    """Return which of `DTYPES` the values in the file have, of an image that is not loaded yet."""
    return "uint16" if _deep_color(pil_image) else DEEP_MODES.get(pil_image.mode, "uint8")


def values_of(pil_image: Image.Image, again: Callable[[], Image.Image] | None = None) -> NDArray[Any] | None:
    """Return the values of an image of more than 8 bits, which it loads: uint16, int32 or float32; None for others.

    Shapes as in `Deep`, without the EXIF orientation. `again` opens the same file once more, for 16-bit color, of which
    Pillow keeps only 8 bits; without it None is returned.
    """
    if pil_image.mode in DEEP_MODES:
        return np.asarray(pil_image)
    match = _deep_color(pil_image)
    if match is None or again is None:
        return None
    kind = match[1].upper()  # multiplied by alpha in 8 bits, Pillow would lose more
    with again() as low:
        low.tile = [_with_raw_mode(tile, f"{kind};16{_OTHER_BYTES[match[2]]}") for tile in low.tile]
        low.load()
        low_bytes = np.asarray(low)
    pil_image.tile = [_with_raw_mode(tile, f"{kind};16{match[2]}") for tile in pil_image.tile]  # type: ignore[attr-defined]
    pil_image.load()
    values: NDArray[np.uint16] = np.asarray(pil_image).astype(np.uint16) << 8 | low_bytes
    return divided_by_alpha(values) if match[1] == "RGBa" else values


def divided_by_alpha(values: NDArray[Any]) -> NDArray[Any]:
    """Return colors ``(…, c)`` that were multiplied by alpha, the last channel, as they were before.

    Uint8, uint16, or floats from 0 to 1, as those that are returned.
    """
    top = 1.0 if values.dtype.kind == "f" else float(np.iinfo(values.dtype).max)
    alpha = values[..., -1:].astype(np.float64)
    colors = np.divide(values[..., :-1] * top, alpha, out=np.zeros(values[..., :-1].shape), where=alpha > 0)
    colors = np.minimum(colors if values.dtype.kind == "f" else np.rint(colors), top)
    return np.concatenate([colors.astype(values.dtype), values[..., -1:]], axis=-1)


def _with_raw_mode(tile: Any, mode: str) -> Any:
    arguments = mode if isinstance(tile[3], str) else (mode, *tile[3][1:])
    return ImageFile._Tile(tile[0], tile[1], tile[2], arguments)


def upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Apply an EXIF orientation."""
    if orientation >= SIDEWAYS:
        values = values.swapaxes(0, 1)
    # After the transposition: whether rows and columns run backwards.
    rows, columns = {2: (0, 1), 3: (1, 1), 4: (1, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}.get(orientation, (0, 0))
    return values[:: -1 if rows else 1, :: -1 if columns else 1]


def _deep_color(pil_image: Image.Image) -> re.Match[str] | None:
    """Return Pillow's name of the 16-bit color in the file of an image that is not loaded yet; None for others."""
    if pil_image.mode not in ("RGB", "RGBA"):
        return None
    found = {_raw_mode(tile) for tile in getattr(pil_image, "tile", None) or ()}
    return _DEEP_COLOR.fullmatch(found.pop()) if len(found) == 1 else None


def _raw_mode(tile: Any) -> str:
    mode = tile[3] if isinstance(tile[3], str) else tile[3][0] if isinstance(tile[3], tuple) and tile[3] else ""
    return mode if isinstance(mode, str) else ""
