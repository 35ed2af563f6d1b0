"""AVIF, JPEG 2000 and HEIF images, which are decoded in the reader process; and JPEG XL, which cannot be read."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final, TypeVar

from PIL import Image, features

from explorer.data.image_reader import DecodedImage, Kind, ProbedImage, UnreadImage
from explorer.errors import DataError
from explorer.reader import read

SUFFIXES: Final = frozenset(
    {".avif", ".avifs", ".heic", ".heif", ".hif", ".j2c", ".j2k", ".jp2", ".jpc", ".jpf", ".jpx"}
)
"""Extensions of images that are decoded in the reader process."""

JPEG_XL_SUFFIX: Final = ".jxl"
_HEAD_BYTES: Final = 32
_AVIF_BRANDS: Final = (b"avif", b"avis")
_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
_JPEG_2000: Final = (b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")
_JPEG_XL: Final = (b"\x00\x00\x00\x0cJXL \r\n\x87\n", b"\xff\x0a")
_BOXED_END: Final = 8
_CODESTREAM_END: Final = b"\xff\xd9"

_Answer = TypeVar("_Answer", DecodedImage, ProbedImage)


@dataclass(frozen=True)
class Wanted:
    """One frame of a file of a known kind."""

    path: Path
    kind: Kind
    frame: int = 0


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


def decoded(path_or_bytes: str | Path | bytes, kind: Kind, frame: int, most_pixels: int) -> tuple[Image.Image, int]:
    """Return one frame, of mode ``L``, ``LA``, ``RGB``, ``RGBA`` or ``I;16``, and the number of frames in the file.

    Raises DataError if it cannot be read.
    """
    if isinstance(path_or_bytes, bytes):
        with tempfile.TemporaryDirectory(prefix="latent-explorer-") as folder:
            path = Path(folder, f"image.{kind.lower()}")
            path.write_bytes(path_or_bytes)
            return decoded(path, kind, frame, most_pixels)
    (outcome,) = decode_all([Wanted(Path(path_or_bytes), kind, frame)], most_pixels)
    if isinstance(outcome, DataError):
        raise outcome
    return as_image(outcome), outcome.frames


def as_image(found: DecodedImage) -> Image.Image:
    """Return a Pillow image of an answer of the reader process."""
    pil_image = Image.fromarray(found.pixels)
    pil_image.info |= {key: value for key, value in (("icc_profile", found.profile), ("exif", found.exif)) if value}
    return pil_image


def decode_all(wanted: Sequence[Wanted], most_pixels: int) -> Iterator[DecodedImage | DataError]:
    """Decode frames in one reader process; yields each or its error, in order.

    A file that ends the process costs only itself: the others are read in another process.
    """
    return _read_all(wanted, most_pixels, DecodedImage)


def probe_all(wanted: Sequence[Wanted], most_pixels: int) -> Iterator[ProbedImage | DataError]:
    """Read only the headers; see `decode_all`."""
    return _read_all(wanted, most_pixels, ProbedImage)


def _read_all(wanted: Sequence[Wanted], most_pixels: int, answer: type[_Answer]) -> Iterator[_Answer | DataError]:
    left = list(wanted)
    while left:
        lacking = _lacking(left[0])
        if lacking is not None:
            yield lacking
            left = left[1:]
            continue
        part = list(takewhile(lambda one: _lacking(one) is None, left))
        done = 0
        failure: DataError | None = None
        records = read(
            "images",
            [one.path for one in part],
            (answer, UnreadImage),
            {
                "kinds": tuple(one.kind for one in part),
                "frames": tuple(one.frame for one in part),
                "most_pixels": most_pixels,
                "decode": answer is DecodedImage,
            },
        )
        try:
            with closing(records):
                for record in records:
                    done += 1
                    yield DataError(record.reason) if isinstance(record, UnreadImage) else record
                    if done == len(part):
                        break
        except DataError as error:
            failure = error
        if not done:
            # In a process of its own, so the error is of this file.
            yield failure or DataError("Cannot open {file}: it is damaged. Copy it again.", file=part[0].path.name)
        left = left[max(done, 1) :]


def _lacking(wanted: Wanted) -> DataError | None:
    """Return why no image of this kind can be read here; None if it can."""
    if wanted.kind == "HEIF":
        if importlib.util.find_spec("pi_heif") is None:
            return DataError(
                "Cannot open {file}: HEIC images need the package pi-heif. Install it: {command}",
                file=wanted.path.name,
                command="pip install '.[heif]'",
            )
        return None
    feature = {"AVIF": "avif", "JPEG2000": "jpg_2000"}[wanted.kind]
    if feature in features.get_supported():
        return None
    return DataError(
        "Cannot open {file}: this Pillow was built without {kind}. Install the newest: {command}",
        file=wanted.path.name,
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
