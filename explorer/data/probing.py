"""Check untrusted image files and read their headers, without decoding them if that takes long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from PIL import Image

from explorer.data import isolated_images
from explorer.data.decoding import open_image
from explorer.data.deep_pixels import DEEP_MODES, SIDEWAYS, dtype_of
from explorer.data.formats import (
    MAX_PIXELS,
    Header,
    NeedsReader,
    Request,
    errors_named,
    exif_orientation,
    header_of,
    is_compressed_tiff,
    open_file,
    opening,
)
from explorer.data.frames import MAX_FRAMES, frame_sizes, png_chunks
from explorer.data.image_reader import Kind, ProbedImage
from explorer.data.isolated_images import Wanted, probe_all
from explorer.data.jpeg_ends import ends_as_jpeg
from explorer.data.plain_modes import JPEG_FORMATS
from explorer.errors import DataError

_PROBED_TOGETHER: Final = (*isolated_images.SUFFIXES, ".tif", ".tiff")
_WHOLE_CHECK_BYTES: Final = 1 << 20
_DECODED_BYTES: Final = 16 << 20


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
    with errors_named(Request(path, path.name)):
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
            with errors_named(Request(path, path.name)):
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
        with opening(Request(path, path.name)) as pil_image:
            kind = str(pil_image.format)
            header = header_of(pil_image, len(frame_sizes(pil_image, path)), dtype_of(pil_image))
            if is_compressed_tiff(pil_image):
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


def _check_whole(path: Path, kind: str) -> None:
    """Raise whatever a decoder raises if a file is truncated."""
    size = path.stat().st_size
    if kind == "PNG":
        if size <= _WHOLE_CHECK_BYTES:
            with open_file(path, path.name) as pil_image:
                pil_image.verify()
        else:
            _walk_png(path)
    elif kind in JPEG_FORMATS:
        if not ends_as_jpeg(path):
            _check_jpeg(path)
    elif kind != "WEBP" and size <= _DECODED_BYTES:  # WebP is complete if it opens
        open_image(path, path.name)


def _walk_png(path: Path) -> None:
    """Visit the chunks of a PNG by their lengths; bytes after the last one are ignored."""
    with path.open("rb") as file:
        if not any(kind == b"IEND" for kind, _ in png_chunks(file)):
            raise DataError("Cannot open {file}: the image is truncated. Copy it again.", file=path.name)


def _check_jpeg(path: Path) -> None:
    """Decode a JPEG with trailing data, such as a phone's video, or without its end mark."""
    try:
        with open_file(path, path.name) as pil_image:
            pil_image.draft(pil_image.mode, (pil_image.width // 8, pil_image.height // 8))
            pil_image.load()
    except OSError:
        open_image(path, path.name)
