"""Decode untrusted image files: 8 bits per channel in one of four Pillow modes (L, LA, RGB or RGBA), or all their bits.

AVIF, JPEG 2000, HEIF, TIFF with compression, and images with a color profile that has tables, are decoded in the reader
process (`explorer.data.isolated_images`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.data.color_profiles import to_srgb
from explorer.data.deep_pixels import Deep, dtype_of, upright, values_of
from explorer.data.depth import to_bytes
from explorer.data.formats import (
    MAX_PIXELS,
    Content,
    Header,
    MissingEndError,
    NeedsReader,
    Request,
    errors_named,
    exif_orientation,
    header_of,
    open_file,
    opening,
    refuse_untrusted,
    seek,
)
from explorer.data.frames import MAX_FRAMES, frame_sizes
from explorer.data.image_reader import DecodedImage, Kind
from explorer.data.isolated_images import Wanted, decode_all
from explorer.data.jpeg_ends import ends_as_jpeg, with_end_mark
from explorer.data.plain_modes import JPEG_FORMATS, plain_colors, without_ink
from explorer.data.ranges import Range, file_range
from explorer.errors import DataError
from explorer.messages import Value, message

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


def open_with_header(path_or_bytes: Content, name: Value = "") -> Opened:
    """Decode the first frame of an image as `open_image` does; also return how it was read, and how many there are."""
    return _open_frame(path_or_bytes, name, 0, None, counted=True)


def open_request(request: Request, value_range: Range | None = None, *, deep: bool = False) -> Image.Image | Deep:
    """Decode a frame as `open_image` does; with `deep` of more than 8 bits the values. DataError as in `open_image`."""
    ((_, found),) = open_together([request], value_range, deep=deep)
    if isinstance(found, DataError):
        raise found
    return found


def open_here(request: Request, value_range: Range | None = None, *, deep: bool = False) -> Image.Image | Deep:
    """Do as `open_request` where the reader process is not needed; else NeedsReader."""
    with errors_named(request):
        try:
            with opening(request) as pil_image:
                return _decoded_here(pil_image, request).chosen(value_range, deep=deep)
        except MissingEndError:
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
            with errors_named(requests[position]):
                yield position, _decoded_there(outcome).chosen(value_range, deep=deep)
        except DataError as error:
            yield position, error


def plain_mode(pil_image: Image.Image) -> Image.Image:
    """Return an image as ``L``, ``LA``, ``RGB`` or ``RGBA`` in sRGB, with its EXIF data.

    Values of more than 8 bits are scaled from the range that they fill; DataError if there is no finite one.
    """
    values = values_of(pil_image)
    return _shallow(pil_image) if values is None else _shown(values, pil_image.info, None)[0]


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


def _open_frame(path_or_bytes: Content, name: Value, frame: int, value_range: Range | None, *, counted: bool) -> Opened:
    request = Request(path_or_bytes, name or _name_of(path_or_bytes), frame)
    with errors_named(request):
        try:
            try:
                with opening(request) as pil_image:
                    sizes = frame_sizes(pil_image, path_or_bytes) if counted else None
                    return _decoded_here(pil_image, request, sizes).opened(value_range)
            except MissingEndError:
                whole = _without_end_mark(path_or_bytes, request.name)
                return Opened(whole, header_of(whole, 1, "uint8"), (whole.size[::-1],), None, None)
        except NeedsReader as needs:
            (found,) = decode_all([_wanted(request, needs.kind)], MAX_PIXELS)
            return _decoded_there(found, needs.sizes).opened(value_range)


def _open_frames(
    positions: list[int], requests: Sequence[Request], value_range: Range | None, *, deep: bool
) -> Iterator[tuple[int, Image.Image | Deep | DataError | NeedsReader]]:
    """Decode frames of one file, in the order of their numbers."""
    done = 0
    try:
        with opening(requests[positions[0]]) as pil_image:
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


def _decoded_here(pil_image: Image.Image, request: Request, sizes: Sequence[tuple[int, int]] | None = None) -> _Frame:
    """Decode a frame of an opened file; NeedsReader if it may only be decoded in the reader process.

    It has a header only with the sizes of all frames.
    """
    seek(pil_image, request.frame, request.name)
    refuse_untrusted(pil_image, sizes)
    dtype = dtype_of(pil_image)  # known only until it is loaded, which EXIF data may need
    try:
        values = values_of(pil_image, lambda: _opened_again(request))
        pil_image.load()
    except OSError as error:
        if pil_image.format in JPEG_FORMATS:
            raise MissingEndError from error
        raise
    header = _NO_HEADER if sizes is None else header_of(pil_image, len(sizes), dtype)
    return _Frame(pil_image, values, header, sizes or (), _file_range(pil_image))


def _opened_again(request: Request) -> Image.Image:
    pil_image = open_file(request.path_or_bytes, request.name)
    seek(pil_image, request.frame, request.name)
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


def _wanted(request: Request, kind: Kind) -> Wanted:
    """Return what the reader process shall decode; DataError if it is a JPEG that is not whole."""
    content = request.path_or_bytes
    with errors_named(request):
        if kind == "JPEG" and not ends_as_jpeg(content):
            content = with_end_mark(content, request.name)
    return Wanted(content if isinstance(content, bytes) else Path(content), kind, request.frame, str(request.name))


def _without_end_mark(path_or_bytes: Content, name: Value) -> Image.Image:
    """Decode a JPEG without its end mark; OSError if more is missing."""
    with open_file(with_end_mark(path_or_bytes, name), name) as pil_image:
        pil_image.load()
        return plain_mode(pil_image)


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


def _file_range(pil_image: Image.Image) -> Range | None:
    """Return the range that a file declares; None for formats that declare none."""
    return (0.0, 65535.0) if pil_image.format == "PPM" and pil_image.mode == "I" else None


def _name_of(path_or_bytes: Content) -> Value:
    return message("the image") if isinstance(path_or_bytes, bytes) else str(path_or_bytes)
