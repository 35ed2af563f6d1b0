"""IDX files, plain or gzip, as MNIST and its relatives come; siblings are found by their names.

Format: two zero bytes, a type byte (0x08 = uint8), the number of dimensions, each dimension as a big-endian 32-bit
number, then the values (http://yann.lecun.com/exdb/mnist/).
"""

from __future__ import annotations

import gzip
import math
import os
import re
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Final, cast

import numpy as np
from numpy.typing import NDArray

from explorer.data.source import ArraySource, Facts
from explorer.data.sources.array_limits import MAX_BYTES, MAX_RATIO, UNSUSPICIOUS_BYTES
from explorer.data.sources.entry import PathKind
from explorer.data.splits import given_splits, random_splits
from explorer.errors import DataError
from explorer.types import Indices, Pixels

_NAME: Final = re.compile(
    r"(?P<prefix>.*?)(?P<split>train|t10k|test)-(?P<what>images|labels)[-._]idx(?P<dims>[13])-ubyte(?P<gz>\.gz)?",
    re.IGNORECASE,
)
_TYPES: Final = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4"}
_IMAGE_DIMS: Final = 3
_LABEL_DIMS: Final = 1
_GZIP_MAGIC: Final = b"\x1f\x8b"
_LOOKED_AT: Final = 2_000
_REMEDY: Final = "Copy or download it again."


@dataclass(frozen=True)
class _Part:
    """One split: its pictures, and its labels where there are any."""

    images: Path
    labels: Path | None


def takes(path: Path) -> bool:
    """Tell whether `path` is an IDX file, or a folder that directly holds one with a name as MNIST has it."""
    if path.is_dir():
        return bool(_named_files(path))
    if not path.is_file():
        return False
    try:
        with _opened(path) as file:
            start = file.read(4)
    except (OSError, EOFError, zlib.error):
        return _NAME.fullmatch(path.name) is not None
    well_formed = len(start) == 4 and start[:2] == b"\0\0" and start[2] in _TYPES and 1 <= start[3] <= _IMAGE_DIMS
    return well_formed or _NAME.fullmatch(path.name) is not None


def load(path: Path) -> ArraySource:
    """Open IDX pictures with their labels and their other split.

    Parameters
    ----------
    path
        Any of the files (pictures or labels of either split, gzip or not), or the folder that holds them. The training
        pictures come first, and the splits are kept; a single split is divided 80/20.

    Raises
    ------
    DataError
        If a file is missing, truncated, longer than its header says, or not what its name says.
    """
    facts = Facts(name=path.name, title=path.name, spec=str(path), how=f"read from {path}")
    return load_as(facts, path)


def load_as(facts: Facts, path: Path, label_names: tuple[str, ...] | None = None) -> ArraySource:
    """Open IDX pictures as `load` does, under given facts and label names."""
    parts = _parts(path)
    images = [_images(part.images) for part in parts]
    if len({part.shape[1:] for part in images}) != 1:
        shapes = " and ".join(str(part.shape[1:]) for part in images)
        raise DataError(f"pictures of one size in both splits at {path}", shapes, "Keep data sets in folders apart.")
    labels = [_labels(part.labels, len(array)) for part, array in zip(parts, images, strict=True) if part.labels]
    counts = [len(array) for array in images]
    splits = given_splits(counts[0], counts[1]) if len(counts) > 1 else random_splits(counts[0])
    joined = np.concatenate(images)[..., np.newaxis] if len(images) > 1 else images[0][..., np.newaxis]
    whole = np.concatenate(labels) if len(labels) == len(parts) else None
    return ArraySource(facts, joined, splits, whole, label_names)


def holds_both_splits(folder: Path) -> bool:
    """Tell by the names whether a folder holds the pictures of both splits."""
    roles = [_match(name) for name in _named_files(folder)]
    return len({role["split"].lower() == "train" for role in roles if role["what"].lower() == "images"}) == 2


def read_idx(path: Path) -> NDArray[np.integer]:
    """Return the array of one IDX file, of its own type and shape.

    Raises
    ------
    DataError
        If the file is missing, not IDX, truncated, or longer than its header says.
    """
    try:
        with _opened(path) as file:
            dtype, shape = _header(file, path)
            size = math.prod(shape) * dtype.itemsize
            _check_size(size, path)
            content = file.read(size + 1)
    except (OSError, EOFError, zlib.error, MemoryError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError(f"a whole IDX file in {path}", f"“{reason or type(error).__name__}”", _REMEDY) from error
    if len(content) != size:
        received = "more" if len(content) > size else f"{len(content)}"
        raise DataError(f"{size} bytes after the header of {path}", received, _REMEDY)
    return cast(NDArray[np.integer], np.frombuffer(content, dtype).reshape(shape))


def _check_size(size: int, path: Path) -> None:
    """Refuse a header that promises more than a file of this size can hold, before it is unfolded."""
    packed = path.stat().st_size
    if size > MAX_BYTES or (size > UNSUSPICIOUS_BYTES and size > MAX_RATIO * packed):
        raise DataError(
            f"at most {MAX_RATIO} times the {packed:,} bytes of {path}", f"a header for {size:,} bytes", _REMEDY
        )


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP_MAGIC
    return cast(IO[bytes], gzip.open(path, "rb")) if compressed else path.open("rb")


def _header(file: IO[bytes], path: Path) -> tuple[np.dtype[np.integer], tuple[int, ...]]:
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _TYPES or not 1 <= start[3] <= _IMAGE_DIMS:
        raise DataError(
            f"an IDX file of whole numbers with 1 to 3 dimensions in {path}",
            f"a file that starts with {start.hex(' ') or 'nothing'}",
            _REMEDY,
        )
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise DataError(f"a whole IDX header in {path}", f"{4 + len(sizes)} bytes", _REMEDY)
    return np.dtype(_TYPES[start[2]]), struct.unpack(f">{start[3]}I", sizes)


def _images(path: Path) -> Pixels:
    array = read_idx(path)
    if array.ndim != _IMAGE_DIMS or array.dtype != np.uint8 or not array.size:
        raise DataError(
            f"8-bit pictures (n, height, width) in {path}", f"{array.shape} of {array.dtype}", "Choose the images file."
        )
    return cast(Pixels, array)


def _labels(path: Path, count: int) -> Indices:
    array = read_idx(path)
    if array.ndim != _LABEL_DIMS or len(array) != count:
        raise DataError(f"{count} labels in {path}", f"{array.shape}", "Check that labels and images belong together.")
    return array.astype(np.int64)


def _named_files(folder: Path) -> dict[str, Path]:
    """Return the files of a folder that have a name as MNIST's, by that name."""
    try:
        # This is asked of every folder, also of one with 100,000 pictures, which need not all be listed for it.
        with os.scandir(folder) as entries:
            found = [entry.name for entry in islice(entries, _LOOKED_AT) if _NAME.fullmatch(entry.name)]
        return {name: folder / name for name in sorted(found) if (folder / name).is_file()}
    except OSError:
        return {}


def _parts(path: Path) -> list[_Part]:
    if path.is_dir():
        names = _named_files(path)
        prefixes = sorted({_match(name)["prefix"] for name in names})
        if len(prefixes) != 1:
            raise DataError(
                f"the IDX files of one data set in {path}",
                f"those of {len(prefixes)} ({', '.join(prefix.rstrip('-') or 'no prefix' for prefix in prefixes)})",
                "Open one of the files instead of the folder.",
            )
        return _complete(names.values(), prefixes[0], path)
    match = _NAME.fullmatch(path.name)
    if match is None:
        return [_Part(path, None)]
    names = _named_files(path.parent)
    # Where a file lies there both packed and unpacked, the one that was named is meant.
    files = [*names.values(), path]
    return _complete(files, match["prefix"], path)


def _complete(files: Iterable[Path], prefix: str, path: Path) -> list[_Part]:
    by_role: dict[tuple[bool, str], Path] = {}
    for file in sorted(files, key=lambda file: (file == path, file.suffix.lower() != ".gz")):
        match = _match(file.name)
        if match["prefix"] == prefix:
            by_role[match["split"].lower() == "train", match["what"].lower()] = file
    parts = [
        _Part(by_role[train, "images"], by_role.get((train, "labels")))
        for train in (True, False)
        if (train, "images") in by_role
    ]
    if not parts:
        raise DataError(
            f"a file with pictures (…-images-idx3-ubyte) beside the labels at {path}",
            "labels only",
            "Put both into one folder.",
        )
    return parts


def _match(name: str) -> re.Match[str]:
    match = _NAME.fullmatch(name)
    assert match is not None, name  # only called with names that were filtered by the same pattern
    return match


def _companions(path: Path) -> list[Path]:
    """Return all files of the data set that a file belongs to."""
    try:
        parts = _parts(path)
    except DataError:
        return []
    return [file for part in parts for file in (part.images, part.labels) if file is not None]


KIND = PathKind("IDX files", takes, load, companions=_companions)
