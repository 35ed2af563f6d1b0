"""Image files that may be opened: which formats, how large, and opened by Pillow without decoding them.

Only raster formats that Pillow decodes itself are allowed, not those that start another program (EPS). Some are decoded
in the reader process only (`explorer.data.isolated_images`): opening or decoding them here raises `NeedsReader`.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from PIL import Image, UnidentifiedImageError

from explorer.data import isolated_images
from explorer.data.color_profiles import fitting_profile, has_tables
from explorer.data.deep_pixels import DEEP_MODES, DTYPES, SIDEWAYS
from explorer.data.frames import MAX_FRAMES
from explorer.data.image_reader import Kind
from explorer.data.isolated_images import JPEG_XL_SUFFIX, head_of, is_jpeg_xl, kind_of
from explorer.data.plain_modes import JPEG_FORMATS
from explorer.errors import DataError
from explorer.messages import Value, message
from explorer.reading import reason_of

WRITTEN_SUFFIXES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
    | {".ppm", ".pgm", ".pbm", ".pnm", ".tga"}
)
"""Extensions of image files that are read and written, in lower case with the dot."""

IMAGE_SUFFIXES: Final = WRITTEN_SUFFIXES | isolated_images.SUFFIXES | {JPEG_XL_SUFFIX}
"""Extensions of image files, in lower case with the dot. JPEG XL is among them to be named where it is left out."""

MAX_PIXELS: Final = 80_000_000
"""Images with more pixels are refused: a small file can decode into more than the memory holds."""

_FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP", "DIB", "WEBP", "TIFF", "PPM", "TGA")
_READER_KINDS: Final[dict[str, Kind]] = {"MPO": "JPEG", "JPEG": "JPEG", "PNG": "PNG", "WEBP": "WEBP", "TIFF": "TIFF"}
"""Formats that carry a color profile, and what the reader process opens them as."""
_ORIENTATION_TAG: Final = 0x0112
_WIDTH_TAG: Final = 0x0100

# Defects are raised as errors; Pillow's warnings would only clutter standard error.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True)
class Header:
    """Size and kind of an image, from the header of its file.

    Height and width are in pixels, with the EXIF orientation applied; channels are 1 or 3, without alpha. `frames` is
    the number of frames or pages; `dtype` is that of the values in the file.
    """

    height: int
    width: int
    channels: int
    frames: int = 1
    dtype: str = "uint8"

    def numbers(self) -> tuple[int, ...]:
        """Return all of it; `DTYPES` has the position of the dtype."""
        return self.height, self.width, self.channels, self.frames, DTYPES.index(self.dtype)


Content: TypeAlias = str | Path | bytes
"""A path, or the content of a file."""


@dataclass(frozen=True)
class Request:
    """One frame of a file, or of the content of one, and its name in errors."""

    path_or_bytes: Content
    name: Value
    frame: int = 0


class NeedsReader(Exception):
    """An image may only be decoded in the reader process, as a file of this kind."""

    def __init__(self, kind: Kind, sizes: Sequence[tuple[int, int]] | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.sizes = sizes


class MissingEndError(Exception):
    """A JPEG ends too early."""


@contextmanager
def errors_named(request: Request) -> Iterator[None]:
    """Raise DataError, with the name, for any other error; Pillow's decoders raise SyntaxError, IndexError and more."""
    try:
        yield
    except (DataError, NeedsReader, MissingEndError):
        raise
    except Exception as error:
        raise _unreadable(request.path_or_bytes, request.name, error) from error


@contextmanager
def opening(request: Request) -> Iterator[Image.Image]:
    """Open an image without decoding it; NeedsReader if Pillow must not even open it here."""
    try:
        pil_image = open_file(request.path_or_bytes, request.name)
    except UnidentifiedImageError:
        kind = kind_of(head_of(request.path_or_bytes))
        if kind is None:
            raise
        raise NeedsReader(kind) from None
    with pil_image:
        yield pil_image


def open_file(path_or_bytes: Content, name: Value) -> Image.Image:
    file = io.BytesIO(path_or_bytes) if isinstance(path_or_bytes, bytes) else path_or_bytes
    pil_image = Image.open(file, formats=_FORMATS)
    _check_size(pil_image, name)
    return pil_image


def _check_size(pil_image: Image.Image, name: Value) -> None:
    width, height = pil_image.size
    if width * height > MAX_PIXELS:
        pil_image.close()
        raise DataError(
            "Cannot open {file}: it has {size} pixels, and the limit is {most} million. Make the image smaller.",
            file=name,
            size=f"{width}×{height}",
            most=MAX_PIXELS // 1_000_000,
        )


def seek(pil_image: Image.Image, frame: int, name: Value) -> None:
    """Go to a frame; DataError if there is none of this number."""
    if not frame:
        if pil_image.tell():
            pil_image.seek(0)
        return
    try:
        if pil_image.format in JPEG_FORMATS or frame >= MAX_FRAMES:
            raise EOFError
        pil_image.seek(frame)
    except EOFError:
        raise DataError(
            "Cannot open {file}: it has no frame {frame}. Choose another.", file=name, frame=frame
        ) from None
    _check_size(pil_image, name)


def refuse_untrusted(pil_image: Image.Image, sizes: Sequence[tuple[int, int]] | None) -> None:
    """Raise NeedsReader if only the reader process may decode a frame: for libtiff, and for Little CMS."""
    if is_compressed_tiff(pil_image):
        raise NeedsReader("TIFF", sizes)
    kind = _READER_KINDS.get(str(pil_image.format))
    if kind is not None and has_tables(fitting_profile(pil_image)):
        raise NeedsReader(kind, sizes)


def is_compressed_tiff(pil_image: Image.Image) -> bool:
    return any(tile[0] == "libtiff" for tile in getattr(pil_image, "tile", None) or ())


def header_of(pil_image: Image.Image, frames: int, dtype: str) -> Header:
    width, height = pil_image.size
    # Pillow tells the upright size of a TIFF, and turns it when it is loaded; its tag has the size that is stored.
    stored = getattr(pil_image, "tag_v2", {}).get(_WIDTH_TAG, width)
    if exif_orientation(pil_image) >= SIDEWAYS and width == stored:
        width, height = height, width
    channels = 1 if pil_image.mode in ("1", "L", "LA", "La", *DEEP_MODES) else 3
    return Header(height, width, channels, max(1, frames), dtype)


def exif_orientation(pil_image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) to 8; 1 if it is missing or invalid."""
    try:
        value = int(pil_image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # invalid EXIF data raises anything, and is no reason to refuse the image
        return 1
    return value if 1 <= value <= 8 else 1


def _unreadable(path_or_bytes: Content, name: Value, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
        return DataError("Cannot open {file}: {reason}. Check the path.", file=name, reason=_system_reason(error))
    if isinstance(error, UnidentifiedImageError):
        if _is_jpeg_xl(path_or_bytes):
            return DataError(
                "Cannot open {file}: JPEG XL has no reader under a free license that this program may include "
                "(pillow-jxl-plugin is under the GPL-3). Save it as PNG.",
                file=name,
            )
        return DataError("Cannot open {file}: unknown image format. Save it as PNG or JPEG.", file=name)
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return DataError(
            "Cannot open {file}: more than {most} million pixels. Make the image smaller.",
            file=name,
            most=MAX_PIXELS // 1_000_000,
        )
    return DataError(
        "Cannot open {file}: {reason}. Save it again as PNG or JPEG, or remove it.", file=name, reason=reason_of(error)
    )


def _is_jpeg_xl(path_or_bytes: Content) -> bool:
    try:
        return is_jpeg_xl(head_of(path_or_bytes))
    except (OSError, ValueError):
        return False


def _system_reason(error: OSError) -> Value:
    return message("no such file") if isinstance(error, FileNotFoundError) else reason_of(error)
