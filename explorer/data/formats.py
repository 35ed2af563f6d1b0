"""Open one untrusted image file, in one of four Pillow modes: L, LA, RGB or RGBA.

Only raster formats that Pillow decodes itself are allowed, not those that start another program (EPS).
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageChops, UnidentifiedImageError

from explorer.errors import DataError
from explorer.messages import Value, message
from explorer.reading import reason_of

IMAGE_SUFFIXES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
    | {".ppm", ".pgm", ".pbm", ".pnm", ".tga"}
)
"""Extensions of image files, in lower case with the dot."""

MAX_PIXELS: Final = 80_000_000
"""Images with more pixels are refused: a small file can decode into more than the memory holds."""

# Pillow opens MPO, a camera format, through JPEG.
_FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP", "DIB", "WEBP", "TIFF", "PPM", "TGA")
_PLAIN_MODES: Final = ("L", "LA", "RGB", "RGBA")
_DEEP_MODES: Final = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_JPEG_FORMATS: Final = ("JPEG", "MPO")
_ORIENTATION_TAG: Final = 0x0112
_SIDEWAYS: Final = 5
_TAIL_BYTES: Final = 4096
_WHOLE_CHECK_BYTES: Final = 1 << 20
_DECODED_BYTES: Final = 16 << 20
_REPAIRED_BYTES: Final = 64 << 20
_JPEG_END: Final = b"\xff\xd9"
_JPEG_FILLERS: Final = (b"", b"\x55\x2a" * 64)
_PNG_START: Final = 8

# Defects are raised as errors; Pillow's warnings would only clutter standard error.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True)
class Header:
    """Size and channels of an image, from the header of its file.

    Height and width are in pixels, with the EXIF orientation applied; channels are 1 or 3, without alpha.
    """

    height: int
    width: int
    channels: int


def open_image(path_or_bytes: str | Path | bytes, name: Value = "") -> Image.Image:
    """Decode one image, a file or its content; of an animation the first frame.

    It is fully loaded, independent of the file, of mode ``L``, ``LA``, ``RGB`` or ``RGBA``, 8 bits per channel. The
    EXIF orientation is kept, not applied. DataError, with `name` or the path, if it is missing, not an image,
    truncated, corrupt or too large.
    """
    name = name or _name_of(path_or_bytes)
    try:
        with _open(path_or_bytes, name) as pil_image:
            try:
                pil_image.load()
                return plain_mode(pil_image)
            except OSError:
                if pil_image.format not in _JPEG_FORMATS:
                    raise
        return _without_end_mark(path_or_bytes, name)
    except DataError:
        raise
    # Pillow's decoders raise anything: SyntaxError, struct.error, IndexError and others.
    except Exception as error:
        raise _unreadable(name, error) from error


def probe_image(path: Path) -> Header:
    """Check an image file and return its header, without decoding it if that takes long.

    PNG: all chunks are visited, and their checksums verified up to 1 MB. JPEG: decoded at an eighth of its size if the
    end mark is not near its end. Other formats have no end mark: decoded up to 16 MB.

    Raises DataError if the file is not a complete image.
    """
    name = path.name
    try:
        with _open(path, name) as pil_image:
            kind, (width, height) = str(pil_image.format), pil_image.size
            channels = 1 if pil_image.mode in ("1", "L", "LA", "La", "F", *_DEEP_MODES) else 3
            if exif_orientation(pil_image) >= _SIDEWAYS:
                width, height = height, width
        _check_whole(path, kind)
        return Header(height, width, channels)
    except DataError:
        raise
    except Exception as error:  # see open_image
        raise _unreadable(name, error) from error


def plain_mode(pil_image: Image.Image) -> Image.Image:
    """Return an image as ``L``, ``LA``, ``RGB`` or ``RGBA``, with its EXIF data; 16-bit gray is scaled, not clipped.

    Raises DataError if the range of an image with more than 8 bits is unknown.
    """
    mode = pil_image.mode
    if mode in _DEEP_MODES or mode == "F":
        return _from_deep(pil_image)
    if pil_image.has_transparency_data:
        plain = pil_image.convert("LA" if mode in ("1", "L", "LA", "La") else "RGBA")
        plain.info.pop("transparency", None)
        return plain
    if mode == "1":
        return pil_image.convert("L")
    if mode == "CMYK" and pil_image.format in _JPEG_FORMATS and "adobe" not in pil_image.info:
        # Pillow treats every CMYK JPEG as Adobe's, which are inverted; one without Adobe's mark is not.
        return _with_exif(ImageChops.invert(pil_image).convert("RGB"), pil_image)
    return pil_image.copy() if mode in _PLAIN_MODES else pil_image.convert("RGB")


def exif_orientation(pil_image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) to 8; 1 if it is missing or invalid."""
    try:
        value = int(pil_image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # invalid EXIF data raises anything, and is no reason to refuse the image
        return 1
    return value if 1 <= value <= 8 else 1


def _open(path_or_bytes: str | Path | bytes, name: Value) -> Image.Image:
    file = io.BytesIO(path_or_bytes) if isinstance(path_or_bytes, bytes) else Path(path_or_bytes)
    pil_image = Image.open(file, formats=_FORMATS)
    width, height = pil_image.size
    if width * height > MAX_PIXELS:
        pil_image.close()
        raise DataError(
            "Cannot open {file}: it has {size} pixels, and the limit is {most} million. Resize the image.",
            file=name,
            size=f"{width}×{height}",
            most=MAX_PIXELS // 1_000_000,
        )
    return pil_image


def _from_deep(pil_image: Image.Image) -> Image.Image:
    values = np.asarray(pil_image).astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if pil_image.mode == "F" and low >= 0 and high <= 1:
        values = values * 255
    elif pil_image.mode != "F" and low >= 0 and high <= 0xFFFF:
        values = values / 257
    elif not (low >= 0 and high <= 255):
        raise DataError(
            "Cannot open the image: its values range from {low:g} to {high:g}. Save it as 8-bit grayscale.",
            low=low,
            high=high,
        )
    return _with_exif(Image.fromarray(np.rint(values).astype(np.uint8)), pil_image)


def _with_exif(plain: Image.Image, pil_image: Image.Image) -> Image.Image:
    plain.info.update({key: value for key, value in pil_image.info.items() if key == "exif"})
    return plain


def _check_whole(path: Path, kind: str) -> None:
    """Raise whatever a decoder raises if a file is truncated."""
    size = path.stat().st_size
    if kind == "PNG":
        if size <= _WHOLE_CHECK_BYTES:
            with _open(path, path.name) as pil_image:
                pil_image.verify()
        else:
            _walk_png(path)
    elif kind in _JPEG_FORMATS:
        if not _ends_as_jpeg(path, size):
            _check_jpeg(path)
    elif kind != "WEBP" and size <= _DECODED_BYTES:  # WebP is complete if it opens
        open_image(path, path.name)


def _walk_png(path: Path) -> None:
    """Visit the chunks of a PNG by their lengths; bytes after the last one are ignored."""
    with path.open("rb") as file:
        file.seek(_PNG_START)
        while (head := file.read(8))[4:] != b"IEND":
            if len(head) < 8:
                raise DataError("Cannot open {file}: the image is truncated. Copy it again.", file=path.name)
            file.seek(int.from_bytes(head[:4]) + 4, 1)


def _ends_as_jpeg(path: Path, size: int) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL_BYTES))
        return _JPEG_END in file.read()


def _check_jpeg(path: Path) -> None:
    """Decode a JPEG with trailing data, such as a phone's video, or without its end mark."""
    try:
        with _open(path, path.name) as pil_image:
            pil_image.draft(pil_image.mode, (pil_image.width // 8, pil_image.height // 8))
            pil_image.load()
    except OSError:
        open_image(path, path.name)


def _without_end_mark(path_or_bytes: str | Path | bytes, name: Value) -> Image.Image:
    """Decode a JPEG without its end mark; OSError if more is missing.

    libjpeg fills in missing data. So the file is decoded twice, with different bytes before the added end mark: both
    results are equal only if no pixel was missing.
    """
    if isinstance(path_or_bytes, bytes):
        content = path_or_bytes
    else:
        with Path(path_or_bytes).open("rb") as file:
            content = file.read(_REPAIRED_BYTES + 1)
    if len(content) > _REPAIRED_BYTES:
        raise OSError("image file is truncated")
    whole = []
    for filler in _JPEG_FILLERS:
        with _open(content.rstrip(b"\xff") + filler + _JPEG_END, name) as pil_image:
            pil_image.load()
            whole.append(plain_mode(pil_image))
    if whole[0].tobytes() != whole[1].tobytes():
        raise OSError("image file is truncated")
    return whole[0]


def _name_of(path_or_bytes: str | Path | bytes) -> Value:
    return message("the image") if isinstance(path_or_bytes, bytes) else str(path_or_bytes)


def _unreadable(name: Value, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
        return DataError("Cannot open {file}: {reason}. Check the path.", file=name, reason=_system_reason(error))
    if isinstance(error, UnidentifiedImageError):
        return DataError("Cannot open {file}: unknown image format. Save it as PNG or JPEG.", file=name)
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return DataError(
            "Cannot open {file}: more than {most} million pixels. Resize the image.",
            file=name,
            most=MAX_PIXELS // 1_000_000,
        )
    return DataError(
        "Cannot open {file}: {reason}. Save it again as PNG or JPEG, or remove it.", file=name, reason=reason_of(error)
    )


def _system_reason(error: OSError) -> Value:
    return message("no such file") if isinstance(error, FileNotFoundError) else reason_of(error)
