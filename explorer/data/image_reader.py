"""Decode images whose decoders are not trusted, in the reader process: AVIF, JPEG 2000, HEIF, TIFF with compression.

Also any image with a color profile that only Little CMS can apply. Only the reader process calls `read_images`;
`explorer.data.isolated_images` starts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.data.color_profiles import fitting_profile, has_tables
from explorer.data.color_tables import by_tables, values_by_tables
from explorer.data.deep_pixels import values_of
from explorer.data.plain_modes import plain_colors, without_ink
from explorer.errors import DataError
from explorer.messages import Message, message
from explorer.reading import reason_of
from explorer.types import ArrayOf

if TYPE_CHECKING:
    from explorer.reader.handed import Handed

Kind: TypeAlias = Literal["AVIF", "JPEG2000", "HEIF", "TIFF", "PNG", "JPEG", "WEBP", "GIF", "PPM", "BMP"]
"""Pillow's name of a format."""

AnyPixels: TypeAlias = Annotated[NDArray[Any], ArrayOf(np.uint8, np.uint16, np.int32, np.float32)]

_PART_BYTES: Final = 64 << 20


@dataclass(frozen=True)
class DecodedImage:
    """Some rows of a frame, ``(rows, w)`` or ``(rows, w, c)``, from the top; the others follow as further records.

    Attributes
    ----------
    pixels
        Uint8 with 1 to 4 channels as in Pillow's modes ``L``, ``LA``, ``RGB``, ``RGBA``, or the values of
        `explorer.data.deep_pixels.Deep`, which are not upright yet.
    height
        Of the whole frame.
    frames
        Number of frames in the file.
    profile, exif
        The color profile, empty if it has been applied; the EXIF data.
    """

    pixels: AnyPixels
    height: int
    frames: int
    profile: bytes
    exif: bytes


@dataclass(frozen=True)
class ProbedImage:
    """Size, mode and number of frames of an image, without its pixels."""

    width: int
    height: int
    mode: str
    frames: int
    exif: bytes


@dataclass(frozen=True)
class UnreadImage:
    """Why an image cannot be read."""

    message: Message


Outcome: TypeAlias = DecodedImage | ProbedImage | UnreadImage


def read_images(
    files: tuple[Handed, ...], *, wanted: Sequence[tuple[int, Kind, int, str]], most_pixels: int, decode: bool
) -> Iterator[Outcome]:
    """Read frames, or with ``decode=False`` only headers; yields an outcome for each in order, images in parts.

    TIFF files are decoded in both cases, since their headers do not tell whether they are whole. `wanted` has the
    position of the file, its kind, the number of the frame, and the name of the file in errors.
    """
    opened = _Opened(files)
    for place, kind, frame, name in wanted:
        try:
            yield from _read(opened, (place, kind, frame), name, most_pixels, decode)
            continue
        except MemoryError:
            raise
        except DataError as error:
            reason = error.message
        except Image.DecompressionBombError:
            most = most_pixels // 1_000_000
            reason = message(
                "Cannot open {file}: more than {most} million pixels. Make the image smaller.", file=name, most=most
            )
        except Exception as error:  # see `explorer.data.decoding.open_image`
            reason = message(
                "Cannot open {file}: {reason}. Save it again as PNG or JPEG, or remove it.",
                file=name,
                reason=reason_of(error),
            )
        opened.forget()
        yield UnreadImage(reason)


def _read(
    opened: _Opened, wanted: tuple[int, Kind, int], name: str, most_pixels: int, decode: bool
) -> Iterator[Outcome]:
    pil_image, frames = opened.frame(*wanted)
    exif = pil_image.info.get("exif") or b""
    width, height = pil_image.size
    if width * height > most_pixels:
        raise DataError(
            "Cannot open {file}: it has {size} pixels, and the limit is {most} million. Make the image smaller.",
            file=name,
            size=f"{width}×{height}",
            most=most_pixels // 1_000_000,
        )
    if not decode:
        if wanted[1] == "TIFF":
            pil_image.load()
        yield ProbedImage(width, height, pil_image.mode, frames, exif)
        return
    pixels, profile = _pixels(pil_image, lambda: opened.again(*wanted))
    rows = max(1, _PART_BYTES * len(pixels) // max(1, pixels.nbytes))
    for start in range(0, len(pixels), rows):
        yield DecodedImage(pixels[start : start + rows], len(pixels), frames, profile, exif)


def _pixels(pil_image: Image.Image, again: Callable[[], Image.Image]) -> tuple[NDArray[Any], bytes]:
    """Return the values of a frame, and its color profile; empty if it was applied, does not fit or is damaged."""
    profile = fitting_profile(pil_image)
    values = values_of(pil_image, again)
    if values is not None:
        return (values_by_tables(values, profile), b"") if has_tables(profile) else (values, profile)
    pil_image.load()
    plain = plain_colors(pil_image)
    profile = fitting_profile(plain)
    if has_tables(profile):
        plain, profile = by_tables(plain, profile), b""
    return np.asarray(without_ink(plain)), profile


class _Opened:
    """The files, of which the last one stays open: its next frame follows faster."""

    def __init__(self, files: Sequence[Handed]) -> None:
        self._files = files
        self._last: tuple[int, Image.Image] | None = None
        self._decoded = -1

    def frame(self, place: int, kind: Kind, frame: int) -> tuple[Image.Image, int]:
        """Return a frame of a file, not decoded yet, and the number of its frames; 1 for TIFF."""
        if kind == "HEIF":
            return _heif(self._files[place], frame)
        # A decoded frame no longer has what its 16-bit color is decoded from, and Pillow does not seek to it again.
        if self._last is None or self._last[0] != place or self._decoded == frame:
            self._last = place, self.again(place, kind, 0)
        self._decoded = frame
        pil_image = self._last[1]
        pil_image.seek(frame)
        # Counting the pages of a TIFF would take longer than decoding one.
        return pil_image, 1 if kind == "TIFF" else getattr(pil_image, "n_frames", 1)

    def again(self, place: int, kind: Kind, frame: int) -> Image.Image:
        """Return a frame of a file that is opened once more."""
        self._files[place].file.seek(0)
        pil_image = Image.open(self._files[place].file, formats=(kind,))
        pil_image.seek(frame)
        return pil_image

    def forget(self) -> None:
        self._last = None


def _heif(file: Handed, frame: int) -> tuple[Image.Image, int]:
    """Return an image of a HEIF file, not decoded yet; the primary image comes first."""
    from pi_heif import HeifImageFile

    pil_image = HeifImageFile(file.file)
    first, count = pil_image.tell(), pil_image.n_frames
    if not frame < count:
        raise EOFError("no such frame")
    pil_image.seek(first if not frame else frame - (frame <= first))
    return pil_image, count
