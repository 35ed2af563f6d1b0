"""Open one picture file safely, as one of the four plain modes that the rest of the program knows.

Only raster formats that Pillow decodes itself are let in: formats that start another program (EPS) are not.
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

PICTURE_SUFFIXES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
    | {".ppm", ".pgm", ".pbm", ".pnm", ".tga"}
)
"""Endings, lower case with the dot, of the files that are taken for pictures."""

MAX_PIXELS: Final = 80_000_000
"""Pictures with more pixels are refused: a small file can unfold into more than the memory holds."""

# A camera's MPO comes in through JPEG.
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

# What is wrong with a file is raised here as an error; Pillow's warnings would only add lines to standard error.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True)
class Header:
    """What the first bytes of a picture tell.

    Attributes
    ----------
    height, width
        In pixels, as the picture is to be seen (EXIF orientation applied).
    channels
        1 for grey, 3 for colour; an alpha channel is not counted.
    """

    height: int
    width: int
    channels: int


def open_picture(path_or_bytes: str | Path | bytes, name: str = "") -> Image.Image:
    """Decode one picture; of an animation the first frame.

    Parameters
    ----------
    path_or_bytes
        A file, or its contents.
    name
        What messages call it; the path where left out.

    Returns
    -------
    PIL.Image.Image
        Fully loaded, independent of the file, of mode ``L``, ``LA``, ``RGB`` or ``RGBA``, 8 bits a channel. The EXIF
        orientation is not applied yet, but kept.

    Raises
    ------
    DataError
        If the file is missing, not a picture, truncated, corrupt or too large; the message names it and the reason.
    """
    name = name or _name_of(path_or_bytes)
    try:
        with _open(path_or_bytes, name) as picture:
            try:
                picture.load()
                return plain_mode(picture)
            except OSError:
                if picture.format not in _JPEG_FORMATS:
                    raise
        return _without_end_mark(path_or_bytes, name)
    except DataError:
        raise
    # Pillow raises whatever its decoders stumble over: SyntaxError, struct.error, IndexError and others.
    except Exception as error:
        raise _unreadable(name, error) from error


def probe_picture(path: Path) -> Header:
    """Check a picture file, without decoding it where that would take long.

    Of PNG files the chunks are walked through, and up to 1 MB their checksums verified; JPEG files are decoded, at an
    eighth of their size, where the end mark is not near their end. Other formats have no end mark: up to 16 MB they
    are decoded.

    Raises
    ------
    DataError
        If the file cannot be a whole picture.
    """
    name = path.name
    try:
        with _open(path, name) as picture:
            kind, (width, height) = str(picture.format), picture.size
            channels = 1 if picture.mode in ("1", "L", "LA", "La", "F", *_DEEP_MODES) else 3
            if exif_orientation(picture) >= _SIDEWAYS:
                width, height = height, width
        _check_whole(path, kind)
        return Header(height, width, channels)
    except DataError:
        raise
    except Exception as error:  # see open_picture
        raise _unreadable(name, error) from error


def plain_mode(picture: Image.Image) -> Image.Image:
    """Return `picture` as ``L``, ``LA``, ``RGB`` or ``RGBA``, with its EXIF data; 16-bit grey is scaled, not cut.

    Raises
    ------
    DataError
        If the values of a deep picture do not say what white is.
    """
    mode = picture.mode
    if mode in _DEEP_MODES or mode == "F":
        return _from_deep(picture)
    if picture.has_transparency_data:
        plain = picture.convert("LA" if mode in ("1", "L", "LA", "La") else "RGBA")
        plain.info.pop("transparency", None)
        return plain
    if mode == "1":
        return picture.convert("L")
    if mode == "CMYK" and picture.format in _JPEG_FORMATS and "adobe" not in picture.info:
        # Pillow takes every such JPEG for Adobe's, which are negatives; one without Adobe's mark is none.
        return _with_exif(ImageChops.invert(picture).convert("RGB"), picture)
    return picture.copy() if mode in _PLAIN_MODES else picture.convert("RGB")


def exif_orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) to 8; 1 where there is none, or the note is broken."""
    try:
        value = int(picture.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # a broken note raises anything, and is no reason to refuse the picture
        return 1
    return value if 1 <= value <= 8 else 1


def _open(path_or_bytes: str | Path | bytes, name: str) -> Image.Image:
    file = io.BytesIO(path_or_bytes) if isinstance(path_or_bytes, bytes) else Path(path_or_bytes)
    picture = Image.open(file, formats=_FORMATS)
    width, height = picture.size
    if width * height > MAX_PIXELS:
        picture.close()
        raise DataError(
            f"a picture of at most {MAX_PIXELS // 1_000_000} million pixels in {name}",
            f"{width}×{height}",
            "Make it smaller first.",
        )
    return picture


def _from_deep(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture).astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if picture.mode == "F" and low >= 0 and high <= 1:
        values = values * 255
    elif picture.mode != "F" and low >= 0 and high <= 0xFFFF:
        values = values / 257
    elif not (low >= 0 and high <= 255):
        raise DataError(
            "grey values of 8 or 16 bits, or from 0 to 1", f"values from {low:g} to {high:g}", "Save it as 8-bit grey."
        )
    return _with_exif(Image.fromarray(np.rint(values).astype(np.uint8)), picture)


def _with_exif(plain: Image.Image, picture: Image.Image) -> Image.Image:
    plain.info.update({key: value for key, value in picture.info.items() if key == "exif"})
    return plain


def _check_whole(path: Path, kind: str) -> None:
    """Raise whatever a decoder raises where a file is not whole."""
    size = path.stat().st_size
    if kind == "PNG":
        if size <= _WHOLE_CHECK_BYTES:
            with _open(path, path.name) as picture:
                picture.verify()
        else:
            _walk_png(path)
    elif kind in _JPEG_FORMATS:
        if not _ends_as_jpeg(path, size):
            _check_jpeg(path)
    elif kind != "WEBP" and size <= _DECODED_BYTES:  # that one is whole if it opens
        open_picture(path, path.name)


def _walk_png(path: Path) -> None:
    """Walk through the chunks of a PNG by their lengths; what follows the last one does not matter."""
    with path.open("rb") as file:
        file.seek(_PNG_START)
        while (head := file.read(8))[4:] != b"IEND":
            if len(head) < 8:
                raise DataError(f"a whole picture in {path.name}", "a file that ends too early", "Copy it again.")
            file.seek(int.from_bytes(head[:4]) + 4, 1)


def _ends_as_jpeg(path: Path, size: int) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL_BYTES))
        return _JPEG_END in file.read()


def _check_jpeg(path: Path) -> None:
    """Decode a JPEG that something follows, a phone's film say, or that lacks its end mark."""
    try:
        with _open(path, path.name) as picture:
            picture.draft(picture.mode, (picture.width // 8, picture.height // 8))
            picture.load()
    except OSError:
        open_picture(path, path.name)


def _without_end_mark(path_or_bytes: str | Path | bytes, name: str) -> Image.Image:
    """Decode a JPEG that lacks nothing but its end mark.

    libjpeg fills up what is missing. So it is decoded twice, with different bytes between its last one and the end
    mark: they make no difference only where no pixel was missing.

    Raises
    ------
    OSError
        If more is missing.
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
        with _open(content.rstrip(b"\xff") + filler + _JPEG_END, name) as picture:
            picture.load()
            whole.append(plain_mode(picture))
    if whole[0].tobytes() != whole[1].tobytes():
        raise OSError("image file is truncated")
    return whole[0]


def _name_of(path_or_bytes: str | Path | bytes) -> str:
    return "the picture" if isinstance(path_or_bytes, bytes) else str(path_or_bytes)


def _unreadable(name: str, error: Exception) -> DataError:
    remedy = "Remove it, or replace it by a PNG or JPEG file."
    if isinstance(error, FileNotFoundError):
        return DataError(f"a picture in {name}", "no such file", "Check the path.")
    if isinstance(error, PermissionError | IsADirectoryError):
        return DataError(f"a picture in {name}", error.strerror or "a file that may not be read", "Check the path.")
    if isinstance(error, UnidentifiedImageError):
        return DataError(f"a picture in {name}", "bytes of no format that is known", remedy)
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return DataError(f"a picture of at most {MAX_PIXELS // 1_000_000} million pixels in {name}", "more", remedy)
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(f"a whole picture in {name}", f"“{reason}”", remedy)
