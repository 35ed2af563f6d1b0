"""Open untrusted image files: 8 bits per channel in one of four Pillow modes (L, LA, RGB or RGBA), or all their bits.

Only raster formats that Pillow decodes itself are allowed, not those that start another program (EPS). AVIF, JPEG 2000,
HEIF, TIFF with compression, and images with a color profile that has tables, are decoded in the reader process
(`explorer.data.isolated_images`).
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from explorer.data import isolated_images
from explorer.data.color_profiles import fitting_profile, has_tables, to_srgb
from explorer.data.deep_pixels import DEEP_MODES, DTYPES, SIDEWAYS, Deep, dtype_of, upright, values_of
from explorer.data.depth import to_bytes
from explorer.data.frames import MAX_FRAMES, frame_sizes, png_chunks
from explorer.data.image_reader import DecodedImage, Kind, ProbedImage
from explorer.data.isolated_images import (
    JPEG_XL_SUFFIX,
    Wanted,
    decode_all,
    head_of,
    is_jpeg_xl,
    kind_of,
    probe_all,
)
from explorer.data.plain_modes import JPEG_FORMATS, plain_colors, without_ink
from explorer.data.ranges import Range, file_range
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

_PROBED_TOGETHER: Final = (*isolated_images.SUFFIXES, ".tif", ".tiff")
_ORIENTATION_TAG: Final = 0x0112
_WIDTH_TAG: Final = 0x0100
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
Content: TypeAlias = str | Path | bytes
"""A path, or the content of a file."""


class NeedsReader(Exception):
    """An image may only be decoded in the reader process, as a file of this kind."""

    def __init__(self, kind: Kind, sizes: Sequence[tuple[int, int]] | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.sizes = sizes


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
    deep
        The values themselves; None for 8-bit images.
    """

    pil_image: Image.Image
    header: Header
    sizes: tuple[tuple[int, int], ...]
    range: Range | None
    deep: Deep | None


def open_image(
    path_or_bytes: Content, name: Value = "", frame: int = 0, value_range: Range | None = None
) -> Image.Image:
    """Decode one image, a file or its content; of several frames or pages the first by default.

    It is fully loaded, independent of the file, of mode ``L``, ``LA``, ``RGB`` or ``RGBA``, 8 bits per channel, sRGB.
    `value_range` becomes 0 to 255 in images of more than 8 bits; by default it is found from the values. The EXIF
    orientation is kept, not applied. DataError, with `name` or the path, if it is missing, not an image, truncated,
    corrupt or too large.
    """
    return _open_frame(path_or_bytes, name, frame, value_range, counted=False).pil_image


def open_with_header(
    path_or_bytes: Content, name: Value = "", frame: int = 0, value_range: Range | None = None
) -> Opened:
    """Decode one image as `open_image` does; also return how it was read, and the number of frames."""
    return _open_frame(path_or_bytes, name, frame, value_range, counted=True)


def _open_frame(path_or_bytes: Content, name: Value, frame: int, value_range: Range | None, *, counted: bool) -> Opened:
    request = Request(path_or_bytes, name or _name_of(path_or_bytes), frame)
    with _errors_named(request):
        try:
            try:
                with _opening(request) as pil_image:
                    sizes = frame_sizes(pil_image, path_or_bytes) if counted else None
                    return _decoded_here(pil_image, request, sizes).opened(value_range)
            except _MissingEndError:
                whole = _without_end_mark(path_or_bytes, request.name)
                return Opened(whole, _header(whole, 1, "uint8"), (whole.size[::-1],), None, None)
        except NeedsReader as needs:
            (found,) = decode_all([_wanted(request, needs.kind)], MAX_PIXELS)
            return _decoded_there(found, needs.sizes).opened(value_range)


@dataclass(frozen=True)
class Request:
    """One frame of a file, or of the content of one, and its name in errors."""

    path_or_bytes: Content
    name: Value
    frame: int = 0


@dataclass(frozen=True, eq=False)
class _Frame:
    """A decoded frame.

    `values` are those of more than 8 bits, and None for others; `pil_image` is the loaded image, or has at least its
    `info`; `declared` is the range of the values if the file tells it.
    """

    pil_image: Image.Image
    values: NDArray[Any] | None
    header: Header
    sizes: Sequence[tuple[int, int]]
    declared: Range | None = None

    def opened(self, value_range: Range | None) -> Opened:
        plain, limits = self._shown(value_range)
        return Opened(plain, self.header, tuple(self.sizes), limits, self._deep())

    def chosen(self, value_range: Range | None, *, deep: bool) -> Image.Image | Deep:
        found = self._deep() if deep else None
        return self._shown(value_range)[0] if found is None else found

    def _shown(self, value_range: Range | None) -> tuple[Image.Image, Range | None]:
        if self.values is None:
            return _shallow(self.pil_image), None
        return _shown(self.values, self.pil_image.info, value_range or self.declared)

    def _deep(self) -> Deep | None:
        if self.values is None:
            return None
        values = np.ascontiguousarray(upright(self.values, exif_orientation(self.pil_image)))
        profile = self.pil_image.info.get("icc_profile")
        return Deep(values, profile if isinstance(profile, bytes) and values.dtype == np.uint16 else b"")


class _MissingEndError(Exception):
    """A JPEG ends too early."""


@contextmanager
def _errors_named(request: Request) -> Iterator[None]:
    """Raise DataError, with the name, for any other error; Pillow's decoders raise SyntaxError, IndexError and more."""
    try:
        yield
    except (DataError, NeedsReader, _MissingEndError):
        raise
    except Exception as error:
        raise _unreadable(request.path_or_bytes, request.name, error) from error


@contextmanager
def _opening(request: Request) -> Iterator[Image.Image]:
    """Open an image without decoding it; NeedsReader if Pillow must not even open it here."""
    try:
        pil_image = _open(request.path_or_bytes, request.name)
    except UnidentifiedImageError:
        kind = kind_of(head_of(request.path_or_bytes))
        if kind is None:
            raise
        raise NeedsReader(kind) from None
    with pil_image:
        yield pil_image


def _decoded_here(pil_image: Image.Image, request: Request, sizes: Sequence[tuple[int, int]] | None = None) -> _Frame:
    """Decode a frame of an opened file; NeedsReader if it may only be decoded in the reader process.

    It has a header only with the sizes of all frames.
    """
    _seek(pil_image, request.frame, request.name)
    _refuse_untrusted(pil_image, sizes)
    dtype = dtype_of(pil_image)  # known only until it is loaded, which EXIF data may need
    try:
        values = values_of(pil_image, lambda: _opened_again(request))
        pil_image.load()
    except OSError as error:
        if pil_image.format in JPEG_FORMATS:
            raise _MissingEndError from error
        raise
    header = _NO_HEADER if sizes is None else _header(pil_image, len(sizes), dtype)
    return _Frame(pil_image, values, header, sizes or (), _file_range(pil_image))


def _opened_again(request: Request) -> Image.Image:
    pil_image = _open(request.path_or_bytes, request.name)
    _seek(pil_image, request.frame, request.name)
    return pil_image


def _decoded_there(found: DecodedImage | DataError, sizes: Sequence[tuple[int, int]] | None = None) -> _Frame:
    """Return a frame that the reader process decoded, or raise its error."""
    if isinstance(found, DataError):
        raise found
    pixels, values = found.pixels, None
    if pixels.dtype == np.uint8:
        pil_image = Image.fromarray(pixels)
    else:
        pil_image, values = Image.Image(), pixels
    pil_image.info |= {key: one for key, one in (("icc_profile", found.profile), ("exif", found.exif)) if one}
    height, width = upright(pixels, exif_orientation(pil_image)).shape[:2]
    sizes = sizes or [(height, width)] * min(found.frames, MAX_FRAMES + 1)
    channels = 1 if pixels.ndim == 2 or pixels.shape[2] == 2 else 3
    return _Frame(pil_image, values, Header(height, width, channels, len(sizes), pixels.dtype.name), sizes)


def open_request(request: Request, value_range: Range | None = None, *, deep: bool = False) -> Image.Image | Deep:
    """Decode a frame as `open_image` does; with `deep` of more than 8 bits the values. DataError as in `open_image`."""
    ((_, found),) = open_together([request], value_range, deep=deep)
    if isinstance(found, DataError):
        raise found
    return found


def open_here(request: Request, value_range: Range | None = None, *, deep: bool = False) -> Image.Image | Deep:
    """Do as `open_request` where the reader process is not needed; else NeedsReader."""
    with _errors_named(request):
        try:
            with _opening(request) as pil_image:
                return _decoded_here(pil_image, request).chosen(value_range, deep=deep)
        except _MissingEndError:
            return _without_end_mark(request.path_or_bytes, request.name)


def open_together(
    requests: Sequence[Request], value_range: Range | None = None, *, deep: bool = False
) -> Iterator[tuple[int, Image.Image | Deep | DataError]]:
    """Decode frames as `open_request` does, each with its position in `requests`, in any order.

    A file of several frames is opened once, and one reader process decodes all images that need one.
    """
    by_file: dict[Content, list[int]] = {}
    for position, request in enumerate(requests):
        by_file.setdefault(request.path_or_bytes, []).append(position)
    isolated: list[tuple[int, Wanted]] = []
    for positions in by_file.values():
        together = sorted(positions, key=lambda at: requests[at].frame)
        for position, found in _open_frames(together, requests, value_range, deep=deep):
            if not isinstance(found, NeedsReader):
                yield position, found
                continue
            try:
                isolated.append((position, _wanted(requests[position], found.kind)))
            except DataError as error:
                yield position, error
    outcomes = decode_all([wanted for _, wanted in isolated], MAX_PIXELS)
    for (position, _), outcome in zip(isolated, outcomes, strict=True):
        try:
            with _errors_named(requests[position]):
                yield position, _decoded_there(outcome).chosen(value_range, deep=deep)
        except DataError as error:
            yield position, error


def _open_frames(
    positions: list[int], requests: Sequence[Request], value_range: Range | None, *, deep: bool
) -> Iterator[tuple[int, Image.Image | Deep | DataError | NeedsReader]]:
    """Decode frames of one file, in the order of their numbers."""
    done = 0
    try:
        with _opening(requests[positions[0]]) as pil_image:
            for _, group in groupby(positions, lambda at: requests[at].frame):
                same = [*group]  # decoded once: Pillow would not decode all bits of a frame twice
                found: Image.Image | Deep | NeedsReader
                try:
                    found = _decoded_here(pil_image, requests[same[0]]).chosen(value_range, deep=deep)
                except NeedsReader as needs:
                    found = needs
                for position in same:
                    yield position, found
                    done += 1
    except Exception:
        # Each by itself: the error of one does not concern the others.
        for position in positions[done:]:
            try:
                yield position, open_here(requests[position], value_range, deep=deep)
            except (DataError, NeedsReader) as error:
                yield position, error


def _wanted(request: Request, kind: Kind) -> Wanted:
    """Return what the reader process shall decode; DataError if it is a JPEG that is not whole."""
    content = request.path_or_bytes
    with _errors_named(request):
        if kind == "JPEG" and not _ends_as_jpeg(content):
            content = _with_end_mark(content, request.name)
    return Wanted(content if isinstance(content, bytes) else Path(content), kind, request.frame, str(request.name))


def probes_together(name: str) -> bool:
    """Return whether files of this name are probed faster together, by `probe_together`."""
    return name.lower().endswith(_PROBED_TOGETHER)


def probe_image(path: Path) -> Header:
    """Check an image file and return its header, without decoding it if that takes long.

    PNG: all chunks are visited, and their checksums verified up to 1 MB. JPEG: decoded at an eighth of its size if the
    end mark is not near its end. AVIF, JPEG 2000, HEIF: the boxes must fit into the file. Other formats have no end
    mark: decoded up to 16 MB.

    Raises DataError if the file is not a complete image.
    """
    with _errors_named(Request(path, path.name)):
        header, kind = _probed_here(path)
    if header is not None and kind is None:
        return header
    (outcome,) = probe_together([path])
    if isinstance(outcome, DataError):
        raise outcome
    return outcome


def probe_together(paths: Sequence[Path]) -> Iterator[Header | DataError]:
    """Probe files as `probe_image` does, in one reader process if some need one; yields a result for each, in order."""
    outcomes: dict[int, Header | DataError] = {}
    wanted: dict[int, Wanted] = {}
    for position, path in enumerate(paths):
        try:
            with _errors_named(Request(path, path.name)):
                header, kind = _probed_here(path)
            if header is not None:
                outcomes[position] = header
            if kind is not None:
                wanted[position] = Wanted(path, kind)
        except DataError as error:
            outcomes[position] = error
    for position, outcome in zip(wanted, probe_all([*wanted.values()], MAX_PIXELS), strict=True):
        if isinstance(outcome, DataError):
            outcomes[position] = outcome
        elif position not in outcomes:
            outcomes[position] = _probed(outcome)
    yield from (outcomes[position] for position in range(len(paths)))


def _probed_here(path: Path) -> tuple[Header | None, Kind | None]:
    """Return the header of a file, if it can be read here, and the kind as which the reader process must check it."""
    try:
        with _opening(Request(path, path.name)) as pil_image:
            kind = str(pil_image.format)
            header = _header(pil_image, len(frame_sizes(pil_image, path)), dtype_of(pil_image))
            if _is_compressed_tiff(pil_image):
                return header, "TIFF" if path.stat().st_size <= _DECODED_BYTES else None
        _check_whole(path, kind)
        return header, None
    except NeedsReader as needs:
        isolated_images.check_whole(path, needs.kind)
        return None, needs.kind


def _probed(found: ProbedImage) -> Header:
    sized = Image.Image()
    sized.info["exif"] = found.exif
    sideways = exif_orientation(sized) >= SIDEWAYS
    height, width = (found.width, found.height) if sideways else (found.height, found.width)
    dtype = DEEP_MODES.get(found.mode, "uint8")
    channels = 1 if found.mode in ("L", "LA", *DEEP_MODES) else 3
    return Header(height, width, channels, min(found.frames, MAX_FRAMES + 1), dtype)


def plain_mode(pil_image: Image.Image) -> Image.Image:
    """Return an image as ``L``, ``LA``, ``RGB`` or ``RGBA`` in sRGB, with its EXIF data.

    Values of more than 8 bits are scaled from the range that they fill; DataError if there is no finite one.
    """
    values = values_of(pil_image)
    return _shallow(pil_image) if values is None else _shown(values, pil_image.info, None)[0]


def _shown(values: NDArray[Any], info: Mapping[Any, Any], value_range: Range | None) -> tuple[Image.Image, Range]:
    """Return values of more than 8 bits as an image in a plain mode, and the range that became black to white."""
    value_range = value_range or file_range(Deep(values).colors)
    shallow = to_bytes(values, value_range)
    if values.ndim == 3 and values.shape[2] == 4:
        shallow[..., 3] = values[..., 3] >> 8
    plain = Image.fromarray(shallow)
    plain.info |= {key: info[key] for key in ("exif", "icc_profile") if key in info and _has_profile(key, values)}
    return to_srgb(plain), value_range


def _has_profile(key: str, values: NDArray[Any]) -> bool:
    return key != "icc_profile" or values.dtype == np.uint16  # other numbers are measurements


def _shallow(pil_image: Image.Image) -> Image.Image:
    plain = without_ink(plain_colors(pil_image))
    converted = to_srgb(plain)
    return pil_image.copy() if converted is pil_image else converted


def exif_orientation(pil_image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) to 8; 1 if it is missing or invalid."""
    try:
        value = int(pil_image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # invalid EXIF data raises anything, and is no reason to refuse the image
        return 1
    return value if 1 <= value <= 8 else 1


def _open(path_or_bytes: Content, name: Value) -> Image.Image:
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


def _seek(pil_image: Image.Image, frame: int, name: Value) -> None:
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


def _refuse_untrusted(pil_image: Image.Image, sizes: Sequence[tuple[int, int]] | None) -> None:
    """Raise NeedsReader if only the reader process may decode a frame: for libtiff, and for Little CMS."""
    if _is_compressed_tiff(pil_image):
        raise NeedsReader("TIFF", sizes)
    kind = _READER_KINDS.get(str(pil_image.format))
    if kind is not None and has_tables(fitting_profile(pil_image)):
        raise NeedsReader(kind, sizes)


def _is_compressed_tiff(pil_image: Image.Image) -> bool:
    return any(tile[0] == "libtiff" for tile in getattr(pil_image, "tile", None) or ())


def _header(pil_image: Image.Image, frames: int, dtype: str) -> Header:
    width, height = pil_image.size
    # Pillow tells the upright size of a TIFF, and turns it when it is loaded; its tag has the size that is stored.
    stored = getattr(pil_image, "tag_v2", {}).get(_WIDTH_TAG, width)
    if exif_orientation(pil_image) >= SIDEWAYS and width == stored:
        width, height = height, width
    channels = 1 if pil_image.mode in ("1", "L", "LA", "La", *DEEP_MODES) else 3
    return Header(height, width, channels, max(1, frames), dtype)


def _file_range(pil_image: Image.Image) -> Range | None:
    """Return the range that a file declares; None for formats that declare none."""
    return (0.0, 65535.0) if pil_image.format == "PPM" and pil_image.mode == "I" else None


def _check_whole(path: Path, kind: str) -> None:
    """Raise whatever a decoder raises if a file is truncated."""
    size = path.stat().st_size
    if kind == "PNG":
        if size <= _WHOLE_CHECK_BYTES:
            with _open(path, path.name) as pil_image:
                pil_image.verify()
        else:
            _walk_png(path)
    elif kind in JPEG_FORMATS:
        if not _ends_as_jpeg(path):
            _check_jpeg(path)
    elif kind != "WEBP" and size <= _DECODED_BYTES:  # WebP is complete if it opens
        open_image(path, path.name)


def _walk_png(path: Path) -> None:
    """Visit the chunks of a PNG by their lengths; bytes after the last one are ignored."""
    with path.open("rb") as file:
        if not any(kind == b"IEND" for kind, _ in png_chunks(file)):
            raise DataError("Cannot open {file}: the image is truncated. Copy it again.", file=path.name)


def _ends_as_jpeg(path_or_bytes: Content) -> bool:
    if isinstance(path_or_bytes, bytes):
        return _JPEG_END in path_or_bytes[-_TAIL_BYTES:]
    with open(path_or_bytes, "rb") as file:
        file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
        return _JPEG_END in file.read()


def _check_jpeg(path: Path) -> None:
    """Decode a JPEG with trailing data, such as a phone's video, or without its end mark."""
    try:
        with _open(path, path.name) as pil_image:
            pil_image.draft(pil_image.mode, (pil_image.width // 8, pil_image.height // 8))
            pil_image.load()
    except OSError:
        open_image(path, path.name)


def _without_end_mark(path_or_bytes: Content, name: Value) -> Image.Image:
    """Decode a JPEG without its end mark; OSError if more is missing."""
    with _open(_with_end_mark(path_or_bytes, name), name) as pil_image:
        pil_image.load()
        return plain_mode(pil_image)


def _with_end_mark(path_or_bytes: Content, name: Value) -> bytes:
    """Return the content of a JPEG with an end mark added; OSError if more is missing.

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
    whole = [content.rstrip(b"\xff") + filler + _JPEG_END for filler in _JPEG_FILLERS]
    decoded = []
    for one in whole:
        with _open(one, name) as pil_image:
            decoded.append(pil_image.tobytes())
    if decoded[0] != decoded[1]:
        raise OSError("image file is truncated")
    return whole[0]


def _name_of(path_or_bytes: Content) -> Value:
    return message("the image") if isinstance(path_or_bytes, bytes) else str(path_or_bytes)


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
