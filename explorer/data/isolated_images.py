"""Images that are decoded in the reader process, such as AVIF, JPEG 2000, HEIF; and JPEG XL, which cannot be read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from PIL import features

from explorer.data.extras import installed, lacks
from explorer.data.image_reader import DecodedImage, Kind, ProbedImage, UnreadImage
from explorer.errors import DataError
from explorer.messages import message
from explorer.reader import read

SUFFIXES: Final = frozenset(
    {".avif", ".avifs", ".heic", ".heif", ".hif", ".j2c", ".j2k", ".jp2", ".jpc", ".jpf", ".jpx"}
)
"""Extensions of images that are always decoded in the reader process."""

JPEG_XL_SUFFIX: Final = ".jxl"
_HEAD_BYTES: Final = 32
_AT_ONCE: Final = 250
"""Images of one process, which has all of its files open."""

_AVIF_BRANDS: Final = (b"avif", b"avis")
_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
_JPEG_2000: Final = (b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")
_JPEG_XL: Final = (b"\x00\x00\x00\x0cJXL \r\n\x87\n", b"\xff\x0a")
_BOXED_END: Final = 8
_CODESTREAM_END: Final = b"\xff\xd9"

_Answer = TypeVar("_Answer", DecodedImage, ProbedImage)


@dataclass(frozen=True)
class Wanted:
    """One frame of a file, or of the content of one, of a known kind; and the name of a file in errors."""

    path: Path | bytes
    kind: Kind
    frame: int = 0
    name: str = ""


def head_of(path_or_bytes: str | Path | bytes) -> bytes:
    """Return the first bytes of a file or content, for `kind_of`; OSError if it cannot be read."""
    if isinstance(path_or_bytes, bytes):
        return path_or_bytes[:_HEAD_BYTES]
    with Path(path_or_bytes).open("rb") as file:
        return file.read(_HEAD_BYTES)


def kind_of(head: bytes) -> Kind | None:
    """Return the kind of an image by its first bytes; None for others."""
    if head.startswith(_JPEG_2000):
        return "JPEG2000"
    if head[4:8] != b"ftyp":
        return None
    brands = [head[at : at + 4] for at in (8, 16, 20, 24, 28)]
    if any(brand in _AVIF_BRANDS for brand in brands):
        return "AVIF"
    return "HEIF" if any(brand in _HEIF_BRANDS for brand in brands) else None


def is_jpeg_xl(head: bytes) -> bool:
    return head.startswith(_JPEG_XL)


def decode_all(wanted: Sequence[Wanted], most_pixels: int) -> Iterator[DecodedImage | DataError]:
    """Decode frames in one reader process; yields each as one record, or its error, in order.

    A file that ends the process costs only itself: the others are read in another process.
    """
    if all(isinstance(one.path, Path) for one in wanted):
        yield from _read_all(wanted, most_pixels, DecodedImage)
        return
    with tempfile.TemporaryDirectory(prefix="latent-explorer-") as folder:
        yield from _read_all([_in_file(one, Path(folder)) for one in wanted], most_pixels, DecodedImage)


def probe_all(wanted: Sequence[Wanted], most_pixels: int) -> Iterator[ProbedImage | DataError]:
    """Read only the headers, or whole TIFF files; see `decode_all`."""
    return _read_all(wanted, most_pixels, ProbedImage)


def _in_file(wanted: Wanted, folder: Path) -> Wanted:
    """Return what is wanted as a file, written in a folder if it is content."""
    if isinstance(wanted.path, Path):
        return wanted
    path = folder / f"{len([*folder.iterdir()])}.{wanted.kind.lower()}"
    path.write_bytes(wanted.path)
    return replace(wanted, path=path)


def _read_all(wanted: Sequence[Wanted], most_pixels: int, answer: type[_Answer]) -> Iterator[_Answer | DataError]:
    left = list(wanted)
    while left:
        lacking = _lacking(left[0])
        if lacking is not None:
            yield lacking
            left = left[1:]
            continue
        part = list(takewhile(lambda one: _lacking(one) is None, left[:_AT_ONCE]))
        paths = list(dict.fromkeys(map(_path_of, part)))
        done = 0
        failure: DataError | None = None
        arguments = {
            "wanted": tuple((paths.index(_path_of(one)), one.kind, one.frame, _name_of(one)) for one in part),
            "most_pixels": most_pixels,
            "decode": answer is DecodedImage,
        }
        records = read("images", paths, (answer, UnreadImage), arguments)
        try:
            with closing(records):
                for outcome in _joined(records, most_pixels):
                    done += 1
                    yield outcome
                    if done == len(part):
                        break
        except DataError as error:
            failure = error
        if not done:
            # In a process of its own, so the error is of this file.
            yield failure or DataError("Cannot open {file}: it is damaged. Copy it again.", file=_name_of(part[0]))
        left = left[max(done, 1) :]


def _joined(records: Iterator[Any], most_pixels: int) -> Iterator[Any]:
    """Yield each image as one record, and the others as errors; DataError if the parts of one do not fit together."""
    parts: list[DecodedImage] = []
    for record in records:
        if isinstance(record, UnreadImage):
            parts = []
            yield DataError(record.message)
        elif isinstance(record, DecodedImage):
            if record.pixels.ndim not in (2, 3):
                raise DataError("The image is damaged. Download it again from a trusted source.")
            parts.append(record)
            found, first = sum(len(part.pixels) for part in parts), parts[0]
            kinds = {(part.pixels.shape[1:], part.pixels.dtype) for part in parts}
            if len(kinds) > 1 or found > first.height or first.height * first.pixels.shape[1] > most_pixels:
                raise DataError("The image has more pixels than it declares. Download it again from a trusted source.")
            if found == first.height:
                pixels = first.pixels if len(parts) == 1 else np.concatenate([part.pixels for part in parts])
                parts = []
                yield replace(first, pixels=pixels)
        else:
            yield record


def _path_of(wanted: Wanted) -> Path:
    assert isinstance(wanted.path, Path), "content was written to a file"
    return wanted.path


def _name_of(wanted: Wanted) -> str:
    return wanted.name or (wanted.path.name if isinstance(wanted.path, Path) else str(message("the image")))


def _lacking(wanted: Wanted) -> DataError | None:
    """Return why no image of this kind can be read here; None if it can."""
    if wanted.kind == "HEIF":
        return None if installed("heif") else lacks("heif", message("HEIC"), _name_of(wanted))
    feature = {"AVIF": "avif", "JPEG2000": "jpg_2000"}.get(wanted.kind)
    if feature is None or (feature in (*features.modules, *features.codecs) and features.check(feature)):
        return None
    return DataError(
        "Cannot open {file}: this Pillow was built without {kind}. Install the newest: {command}",
        file=_name_of(wanted),
        kind=wanted.kind,
        command="pip install --upgrade pillow",
    )


def check_whole(path: Path, kind: Kind) -> None:
    """Raise DataError if a file is shorter than its boxes, or its codestream has no end: it is truncated."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(2) == _CODESTREAM_END[:1] + b"\x4f":
            file.seek(-2, 2)
            whole = file.read() == _CODESTREAM_END
        else:
            at = 0
            while size - at >= _BOXED_END:
                file.seek(at)
                head = file.read(16)
                length = int.from_bytes(head[:4])
                length = size - at if not length else int.from_bytes(head[8:]) if length == 1 else length
                at += max(length, _BOXED_END)
            whole = at <= size
    if not whole:
        raise DataError("Cannot open {file}: the image is truncated. Copy it again.", file=path.name)
