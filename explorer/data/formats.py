"""Open untrusted image files: 8 bits per channel in one of four Pillow modes (L, LA, RGB or RGBA), or all their bits.

Only raster formats that Pillow decodes itself are allowed, not those that start another program (EPS). AVIF, JPEG 2000
and HEIF are decoded in the reader process (`explorer.data.isolated_images`).
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, UnidentifiedImageError

from explorer.data import isolated_images
from explorer.data.color_profiles import to_srgb
from explorer.data.deep_pixels import DEEP_MODES, DTYPES, dtype_of, upright, values_of, without_alpha
from explorer.data.depth import Range, found_range, to_bytes
from explorer.data.frames import MAX_FRAMES, frame_sizes, png_chunks
from explorer.data.image_reader import Kind, ProbedImage
from explorer.data.isolated_images import (
    JPEG_XL_SUFFIX,
    Wanted,
    as_image,
    decode_all,
    head_of,
    is_jpeg_xl,
    kind_of,
    probe_all,
)
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

# Pillow opens MPO, a camera format, through JPEG.
_FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP", "DIB", "WEBP", "TIFF", "PPM", "TGA")
_PLAIN_MODES: Final = ("L", "LA", "RGB", "RGBA")
_JPEG_FORMATS: Final = ("JPEG", "MPO")
_ORIENTATION_TAG: Final = 0x0112
_SIDEWAYS: Final = 5
_TAIL_BYTES: Final = 4096
_WHOLE_CHECK_BYTES: Final = 1 << 20
_DECODED_BYTES: Final = 16 << 20
_REPAIRED_BYTES: Final = 64 << 20
_JPEG_END: Final = b"\xff\xd9"
_JPEG_FILLERS: Final = (b"", b"\x55\x2a" * 64)

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


_NO_HEADER: Final = Header(0, 0, 0)


@dataclass(frozen=True, eq=False)
class Opened:
    """A decoded image as `open_image` returns it, and how it was read.

    Attributes
    ----------
    header
        Of the decoded frame, with the number of frames in the file.
    sizes
        Height and width of every frame of the file.
    range
        The values that became black and white; None for 8-bit images.
    """

    pil_image: Image.Image
    header: Header
    sizes: tuple[tuple[int, int], ...]
    range: Range | None


def open_image(
    path_or_bytes: str | Path | bytes, name: Value = "", frame: int = 0, value_range: Range | None = None
) -> Image.Image:
    """Decode one image, a file or its content; of several frames or pages the first by default.

    It is fully loaded, independent of the file, of mode ``L``, ``LA``, ``RGB`` or ``RGBA``, 8 bits per channel, sRGB.
    `value_range` becomes 0 to 255 in images of more than 8 bits; by default it is found from the values. The EXIF
    orientation is kept, not applied. DataError, with `name` or the path, if it is missing, not an image, truncated,
    corrupt or too large.
    """
    return _open_frame(path_or_bytes, name, frame, value_range, counted=False).pil_image


def open_with_header(
    path_or_bytes: str | Path | bytes, name: Value = "", frame: int = 0, value_range: Range | None = None
) -> Opened:
    """Decode one image as `open_image` does; also return how it was read, and the number of frames."""
    return _open_frame(path_or_bytes, name, frame, value_range, counted=True)


def _open_frame(
    path_or_bytes: str | Path | bytes, name: Value, frame: int, value_range: Range | None, *, counted: bool
) -> Opened:
    name = name or _name_of(path_or_bytes)
    try:
        try:
            with _open(path_or_bytes, name) as pil_image:
                sizes = frame_sizes(pil_image, path_or_bytes) if counted else None
                _seek(pil_image, frame, name)
                again = _reopening(path_or_bytes, frame, name)
                try:
                    return _opened(pil_image, sizes, value_range, again)
                except OSError:
                    if pil_image.format not in _JPEG_FORMATS:
                        raise
            whole = _without_end_mark(path_or_bytes, name)
            return Opened(whole, _header(whole, 1, "uint8"), (whole.size[::-1],), None)
        except UnidentifiedImageError:
            kind = kind_of(head_of(path_or_bytes))
            if kind is None:
                raise
            isolated, count = isolated_images.decoded(path_or_bytes, kind, frame, MAX_PIXELS)
            return _opened(isolated, [isolated.size[::-1]] * min(count, MAX_FRAMES), value_range)
    except DataError:
        raise
    # Pillow's decoders raise anything: SyntaxError, struct.error, IndexError and others.
    except Exception as error:
        raise _unreadable(path_or_bytes, name, error) from error


def open_deep(path: Path | bytes, name: Value = "", frame: int = 0) -> tuple[NDArray[Any], Range] | None:
    """Return the values of `open_values`, and the range that they fill; None for an image of 8 bits."""
    values = open_values(path, name, frame)
    return None if values is None else (values, found_range(values))


def open_values(path: Path | bytes, name: Value = "", frame: int = 0) -> NDArray[Any] | None:
    """Return the values of an image of more than 8 bits per channel, a file or its content; None for others.

    They are uint16, int32 or float32, ``(h, w)`` or ``(h, w, 3)``, without alpha, upright. DataError as in
    `open_image`.
    """
    name = name or _name_of(path)
    try:
        try:
            with _open(path, name) as pil_image:
                _seek(pil_image, frame, name)
                values = values_of(pil_image, _reopening(path, frame, name))
                orientation = exif_orientation(pil_image)
        except UnidentifiedImageError:
            kind = kind_of(head_of(path))
            if kind is None:
                raise
            isolated, _ = isolated_images.decoded(path, kind, frame, MAX_PIXELS)
            values, orientation = values_of(isolated), exif_orientation(isolated)
        if values is None:
            return None
        return np.ascontiguousarray(upright(without_alpha(values), orientation))
    except DataError:
        raise
    except Exception as error:  # see open_image
        raise _unreadable(path, name, error) from error


@dataclass(frozen=True)
class Request:
    """One frame of a file, and its name in errors."""

    path: Path
    name: str
    frame: int = 0


def decodes_together(path: str) -> bool:
    """Return whether files of this name are decoded faster together, by `open_together`."""
    return path[path.rfind(".") :].lower() in isolated_images.SUFFIXES


def open_together(
    requests: Sequence[Request], value_range: Range | None = None
) -> Iterator[tuple[int, Image.Image | DataError]]:
    """Decode frames as `open_image` does, each with its position in `requests`, in any order.

    A file of several frames is opened once, and one reader process decodes all images that need one.
    """
    isolated: list[tuple[int, Wanted]] = []
    by_path: dict[Path, list[int]] = {}
    for position, request in enumerate(requests):
        kind = _isolated_kind(request.path)
        if kind is None:
            by_path.setdefault(request.path, []).append(position)
        else:
            isolated.append((position, Wanted(request.path, kind, request.frame)))
    for path, positions in by_path.items():
        yield from _open_frames(path, sorted(positions, key=lambda at: requests[at].frame), requests, value_range)
    outcomes = decode_all([wanted for _, wanted in isolated], MAX_PIXELS)
    for (position, _), outcome in zip(isolated, outcomes, strict=True):
        found: Image.Image | DataError
        try:
            if isinstance(outcome, DataError):
                raise outcome
            found = _opened(as_image(outcome), None, value_range).pil_image
        except DataError as error:
            found = error
        except Exception as error:  # see open_image
            found = _unreadable(requests[position].path, requests[position].name, error)
        yield position, found


def _open_frames(
    path: Path, positions: list[int], requests: Sequence[Request], value_range: Range | None
) -> Iterator[tuple[int, Image.Image | DataError]]:
    """Decode frames of one file, in the order of their numbers."""
    done = 0
    try:
        with _open(path, requests[positions[0]].name) as pil_image:
            for position in positions:
                frame, name = requests[position].frame, requests[position].name
                _seek(pil_image, frame, name)
                again = _reopening(path, frame, name)
                yield position, _opened(pil_image, None, value_range, again).pil_image
                done += 1
    except Exception:
        # Each by itself: the error of one does not concern the others.
        for position in positions[done:]:
            try:
                request = requests[position]
                yield position, open_image(path, request.name, request.frame, value_range)
            except DataError as error:
                yield position, error


def probe_image(path: Path) -> Header:
    """Check an image file and return its header, without decoding it if that takes long.

    PNG: all chunks are visited, and their checksums verified up to 1 MB. JPEG: decoded at an eighth of its size if the
    end mark is not near its end. AVIF, JPEG 2000, HEIF: the boxes must fit into the file. Other formats have no end
    mark: decoded up to 16 MB.

    Raises DataError if the file is not a complete image.
    """
    name = path.name
    try:
        try:
            with _open(path, name) as pil_image:
                kind = str(pil_image.format)
                header = _header(pil_image, len(frame_sizes(pil_image, path)), dtype_of(pil_image))
            _check_whole(path, kind)
            return header
        except UnidentifiedImageError:
            if _isolated_kind(path, by_name=False) is None:
                raise
            (outcome,) = probe_together([path])
            if isinstance(outcome, DataError):
                raise outcome from None
            return outcome
    except DataError:
        raise
    except Exception as error:  # see open_image
        raise _unreadable(path, name, error) from error


def probe_together(paths: Sequence[Path]) -> Iterator[Header | DataError]:
    """Probe files that are decoded in the reader process, all in one; yields a header or error for each, in order."""
    outcomes: dict[int, Header | DataError] = {}
    wanted: dict[int, Wanted] = {}
    for position, path in enumerate(paths):
        try:
            kind = _isolated_kind(path, by_name=False)
            if kind is None:
                outcomes[position] = probe_image(path)
            else:
                isolated_images.check_whole(path, kind)
                wanted[position] = Wanted(path, kind)
        except DataError as error:
            outcomes[position] = error
        except Exception as error:  # see open_image
            outcomes[position] = _unreadable(path, path.name, error)
    for position, outcome in zip(wanted, probe_all([*wanted.values()], MAX_PIXELS), strict=True):
        outcomes[position] = outcome if isinstance(outcome, DataError) else _probed(outcome)
    yield from (outcomes[position] for position in range(len(paths)))


def _probed(found: ProbedImage) -> Header:
    sized = Image.Image()
    sized.info["exif"] = found.exif
    sideways = exif_orientation(sized) >= _SIDEWAYS
    height, width = (found.width, found.height) if sideways else (found.height, found.width)
    dtype = DEEP_MODES.get(found.mode, "uint8")
    channels = 1 if found.mode in ("L", "LA", *DEEP_MODES) else 3
    return Header(height, width, channels, min(found.frames, MAX_FRAMES), dtype)


def plain_mode(
    pil_image: Image.Image, value_range: Range | None = None, again: Callable[[], Image.Image] | None = None
) -> Image.Image:
    """Return an image as ``L``, ``LA``, ``RGB`` or ``RGBA`` in sRGB, with its EXIF data.

    Values of more than 8 bits are scaled from `value_range`, by default the one they fill. `again` opens the same file
    once more, since Pillow keeps only 8 bits of 16-bit color. DataError if there is no finite value.
    """
    return _plain(pil_image, values_of(pil_image, again), value_range)[0]


def _plain(
    pil_image: Image.Image, values: NDArray[Any] | None, value_range: Range | None
) -> tuple[Image.Image, Range | None]:
    """Return a loaded image in a plain mode, and the range of its values, the deep ones if it has."""
    if values is not None:
        value_range = value_range or _file_range(pil_image) or found_range(without_alpha(values))
        shallow = to_bytes(values, value_range)
        if values.ndim == 3 and values.shape[2] == 4:
            shallow[..., 3] = values[..., 3] >> 8
        plain = Image.fromarray(shallow)
        plain.info |= {key: pil_image.info[key] for key in ("exif", "icc_profile") if key in pil_image.info}
        return (to_srgb(plain) if values.ndim == 3 else _with_exif(plain, plain)), value_range
    return _shallow(pil_image), None


def _shallow(pil_image: Image.Image) -> Image.Image:
    mode = pil_image.mode
    if pil_image.has_transparency_data:
        plain = pil_image.convert("LA" if mode in ("1", "L", "LA", "La") else "RGBA")
        plain.info.pop("transparency", None)
        return to_srgb(plain)
    if mode == "1":
        return pil_image.convert("L")
    if mode == "CMYK":
        ink = pil_image
        if pil_image.format in _JPEG_FORMATS and "adobe" not in pil_image.info:
            # Pillow treats every CMYK JPEG as Adobe's, which are inverted; one without Adobe's mark is not.
            ink = ImageChops.invert(pil_image)
            ink.info = dict(pil_image.info)
        colors = to_srgb(ink)
        return colors if colors.mode == "RGB" else _with_exif(ink.convert("RGB"), pil_image)
    plain = pil_image if mode in _PLAIN_MODES else pil_image.convert("RGB")
    converted = to_srgb(plain)
    return pil_image.copy() if converted is pil_image else converted


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


def _seek(pil_image: Image.Image, frame: int, name: Value) -> None:
    """Go to a frame; DataError if there is none of this number."""
    if not frame:
        if pil_image.tell():
            pil_image.seek(0)
        return
    try:
        if pil_image.format in _JPEG_FORMATS or frame >= MAX_FRAMES:
            raise EOFError
        pil_image.seek(frame)
    except EOFError:
        raise DataError(
            "Cannot open {file}: it has no frame {frame}. Choose another.", file=name, frame=frame
        ) from None
    _check_size(pil_image, name)


def _reopening(path_or_bytes: str | Path | bytes, frame: int, name: Value) -> Callable[[], Image.Image]:
    def again() -> Image.Image:
        pil_image = _open(path_or_bytes, name)
        _seek(pil_image, frame, name)
        return pil_image

    return again


def _opened(
    pil_image: Image.Image,
    sizes: Sequence[tuple[int, int]] | None,
    value_range: Range | None,
    again: Callable[[], Image.Image] | None = None,
) -> Opened:
    """Decode an image that was opened; it has a header only with the sizes of all its frames."""
    dtype = dtype_of(pil_image)  # known only until it is loaded, which EXIF data may need
    values = values_of(pil_image, again)
    pil_image.load()
    header = _NO_HEADER if sizes is None else _header(pil_image, len(sizes), dtype)
    plain, found = _plain(pil_image, values, value_range)
    return Opened(plain, header, tuple(sizes or ()), found)


def _header(pil_image: Image.Image, frames: int, dtype: str) -> Header:
    width, height = pil_image.size
    if exif_orientation(pil_image) >= _SIDEWAYS:
        width, height = height, width
    channels = 1 if pil_image.mode in ("1", "L", "LA", "La", *DEEP_MODES) else 3
    return Header(height, width, channels, max(1, frames), dtype)


def _file_range(pil_image: Image.Image) -> Range | None:
    """Return the range that a file declares; None for formats that declare none."""
    return (0.0, 65535.0) if pil_image.format == "PPM" and pil_image.mode == "I" else None


def _isolated_kind(path: Path, *, by_name: bool = True) -> Kind | None:
    """Return the kind of an image that is decoded in the reader process; None for others, and unreadable files."""
    if by_name and not decodes_together(path.name):
        return None
    try:
        return kind_of(head_of(path))
    except (OSError, ValueError):
        return None


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
        if not any(kind == b"IEND" for kind, _ in png_chunks(file)):
            raise DataError("Cannot open {file}: the image is truncated. Copy it again.", file=path.name)


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


def _unreadable(path_or_bytes: str | Path | bytes, name: Value, error: Exception) -> DataError:
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


def _is_jpeg_xl(path_or_bytes: str | Path | bytes) -> bool:
    try:
        return is_jpeg_xl(head_of(path_or_bytes))
    except (OSError, ValueError):
        return False


def _system_reason(error: OSError) -> Value:
    return message("no such file") if isinstance(error, FileNotFoundError) else reason_of(error)
