"""IDX files, plain or gzip, the format of MNIST; images, labels and splits are found by their names.

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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, Final, cast

import numpy as np
from numpy.typing import NDArray

from explorer.data.choices import refuse_unused
from explorer.data.ranges import found_range
from explorer.data.source import ArraySource, Facts, Found
from explorer.data.sources.array_limits import MAX_BYTES, MAX_RATIO, UNSUSPICIOUS_BYTES
from explorer.data.sources.entry import PathKind
from explorer.data.splits import given_splits, random_splits
from explorer.data.values import scaled
from explorer.errors import DataError
from explorer.messages import message
from explorer.reading import COPY_AGAIN, reason_of
from explorer.types import Indices, Pixels, Progress

_NAME: Final = re.compile(
    r"(?P<prefix>.*?)(?P<split>train|t10k|test)-(?P<what>images|labels)[-._]idx(?P<dims>[13])-ubyte(?P<gz>\.gz)?",
    re.IGNORECASE,
)
_TYPES: Final = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4"}
_IMAGE_DIMS: Final = 3
_LABEL_DIMS: Final = 1
_GZIP_MAGIC: Final = b"\x1f\x8b"
_LOOKED_AT: Final = 2_000
_DEPTH: Final = 3
_RAW: Final = "raw"
_FEW_FOLDERS: Final = 20


@dataclass(frozen=True)
class _Part:
    """One split: its images, and its labels, if any."""

    images: Path
    labels: Path | None


def takes(path: Path) -> bool:
    """Return whether `path` is an IDX file, or a folder with one named like MNIST's, perhaps in nested folders."""
    if path.is_dir():
        return _root(path) is not None
    if not path.is_file():
        return False
    try:
        with _opened(path) as file:
            start = file.read(4)
    except (OSError, EOFError, zlib.error):
        return _NAME.fullmatch(path.name) is not None
    well_formed = len(start) == 4 and start[:2] == b"\0\0" and start[2] in _TYPES and 1 <= start[3] <= _IMAGE_DIMS
    return well_formed or _NAME.fullmatch(path.name) is not None


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | ArraySource]:
    """Open IDX images with their labels; see `PathKind.scan_as`.

    The path is one of the files (images or labels, gzip or not), for its images; or their folder, for both splits,
    training images first. The splits are kept; a single one is divided 80/20. DataError if a file is missing,
    truncated, longer than its header declares, or not what its name says.
    """
    yield Progress(0, 0, message("Reading IDX files"))
    yield load_as(facts, path)


def load_as(facts: Facts, path: Path, label_names: tuple[str, ...] | None = None) -> ArraySource:
    """Open IDX images as `scan_as` does, with given label names."""
    parts = _parts(path)
    images = [_images(part.images) for part in parts]
    if len({part.shape[1:] for part in images}) != 1:
        raise DataError(
            "Cannot open {file}: the images of its splits have different shapes {shapes}. Put each dataset into its "
            "own folder.",
            file=path,
            shapes=["×".join(map(str, part.shape[1:])) for part in images],
        )
    labels = [_labels(part.labels, len(array)) for part, array in zip(parts, images, strict=True) if part.labels]
    counts = [len(array) for array in images]
    splits = given_splits(counts[0], counts[1]) if len(counts) > 1 else random_splits(counts[0])
    joined = np.concatenate(images)[..., np.newaxis] if len(images) > 1 else images[0][..., np.newaxis]
    whole = np.concatenate(labels) if len(labels) == len(parts) else None
    refuse_unused(facts.choices, ("range",), facts.name)
    limits = facts.choices.range or found_range(joined, facts.name)
    facts = replace(facts, found=Found(range=None if limits == (0.0, 255.0) else limits, channels=1))
    return ArraySource(facts, scaled(joined, limits), splits, whole, label_names)


def holds_both_splits(folder: Path) -> bool:
    """Return whether a folder has the images of both splits, by their names."""
    roles = [_match(name) for name in _named_files(folder)]
    return len({role["split"].lower() == "train" for role in roles if role["what"].lower() == "images"}) == 2


def read_idx(path: Path) -> NDArray[np.integer]:
    """Read one IDX file; DataError if it is missing, not IDX, truncated, or longer than its header declares."""
    try:
        with _opened(path) as file:
            dtype, shape = _header(file, path)
            size = math.prod(shape) * dtype.itemsize
            _check_size(size, path)
            content = file.read(size + 1)
    except (OSError, EOFError, zlib.error, MemoryError, OverflowError) as error:
        raise DataError(
            "Cannot read {file} as an IDX file: {reason}. {remedy}",
            file=path,
            reason=reason_of(error),
            remedy=COPY_AGAIN,
        ) from error
    if len(content) > size:
        raise DataError(
            "Cannot read {file}: it is larger than the {size:# byte|# bytes} that its header declares. {remedy}",
            file=path,
            size=size,
            remedy=COPY_AGAIN,
        )
    if len(content) < size:
        raise DataError(
            "Cannot read {file}: it has only {found:,} of the {size:# byte|# bytes} that its header declares. {remedy}",
            file=path,
            found=len(content),
            size=size,
            remedy=COPY_AGAIN,
        )
    return cast(NDArray[np.integer], np.frombuffer(content, dtype).reshape(shape))


def _check_size(size: int, path: Path) -> None:
    """Refuse a header that declares more than a file of this size can contain, before unpacking it."""
    packed = path.stat().st_size
    if size > MAX_BYTES or (size > UNSUSPICIOUS_BYTES and size > MAX_RATIO * packed):
        raise DataError(
            "Cannot read {file}: its header declares {size:# byte|# bytes}, more than {ratio} times its size. {remedy}",
            file=path,
            size=size,
            ratio=MAX_RATIO,
            remedy=COPY_AGAIN,
        )


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP_MAGIC
    return cast(IO[bytes], gzip.open(path, "rb")) if compressed else path.open("rb")


def _header(file: IO[bytes], path: Path) -> tuple[np.dtype[np.integer], tuple[int, ...]]:
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _TYPES or not 1 <= start[3] <= _IMAGE_DIMS:
        raise DataError(
            "Cannot read {file}: its first bytes “{start}” are not those of IDX integers in 1 to 3 dimensions. "
            "{remedy}",
            file=path,
            start=start.hex(" "),
            remedy=COPY_AGAIN,
        )
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise DataError("Cannot read {file}: its IDX header is truncated. {remedy}", file=path, remedy=COPY_AGAIN)
    return np.dtype(_TYPES[start[2]]), struct.unpack(f">{start[3]}I", sizes)


def _images(path: Path) -> Pixels:
    array = read_idx(path)
    if array.ndim != _IMAGE_DIMS or array.dtype != np.uint8 or not array.size:
        raise DataError(
            "Cannot open {file}: its values are {dtype} of shape {shape}, not uint8 images (n, h, w). Choose the "
            "images file.",
            file=path,
            dtype=array.dtype,
            shape=str(array.shape),
        )
    return cast(Pixels, array)


def _labels(path: Path, count: int) -> Indices:
    array = read_idx(path)
    if array.ndim != _LABEL_DIMS or len(array) != count:
        raise DataError(
            "Cannot open {file}: its shape is {shape}, but there are {count:# image|# images}. Use the labels of "
            "these images.",
            file=path,
            shape=str(array.shape),
            count=count,
        )
    return array.astype(np.int64)


def _named_files(folder: Path) -> dict[str, Path]:
    """Return the files of a folder with names like MNIST's, by name."""
    try:
        # Called for every folder, also for those with 100,000 images, which need not all be listed.
        with os.scandir(folder) as entries:
            found = [entry.name for entry in islice(entries, _LOOKED_AT) if _NAME.fullmatch(entry.name)]
        return {name: folder / name for name in sorted(found) if (folder / name).is_file()}
    except OSError:
        return {}


def _root(path: Path) -> Path | None:
    """Return the folder with IDX files, below parents with one folder each, or with one of IDX files."""
    for _ in range(_DEPTH):
        if _named_files(path):
            return path
        try:
            with os.scandir(path) as entries:
                inside = [entry.path for entry in islice(entries, _LOOKED_AT) if entry.is_dir()]
        except OSError:
            return None
        if len(inside) > 1:
            inside = _with_files(inside)
        if len(inside) != 1:
            return None
        path = Path(inside[0])
    return None


def _with_files(folders: list[str]) -> list[str]:
    """Return which of a few folders have IDX files, in themselves or in ``raw``, as PyTorch stores them."""
    if len(folders) > _FEW_FOLDERS:
        return []
    return [folder for folder in folders if _named_files(Path(folder)) or _named_files(Path(folder, _RAW))]


def _parts(path: Path) -> list[_Part]:
    if path.is_dir():
        names = _named_files(_root(path) or path)
        prefixes = sorted({_match(name)["prefix"] for name in names})
        if len(prefixes) != 1:
            raise DataError(
                "Cannot open {folder}: it has the IDX files of {count:# dataset|# datasets}. Open one of the files "
                "instead.",
                folder=path,
                count=len(prefixes),
            )
        return _complete(names.values(), prefixes[0], path)
    match = _NAME.fullmatch(path.name)
    if match is None:
        return [_Part(path, None)]
    names = _named_files(path.parent)
    # If a file is there both with and without gzip, the given one is used.
    files = [file for file in (*names.values(), path) if _match(file.name)["split"].lower() == match["split"].lower()]
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
            "Cannot open {file}: labels without images (…-images-idx3-ubyte). Put both into one folder.", file=path
        )
    return parts


def _match(name: str) -> re.Match[str]:
    match = _NAME.fullmatch(name)
    assert match is not None, name  # names are filtered by this pattern before
    return match


def _companions(path: Path) -> list[Path]:
    try:
        parts = _parts(path)
    except DataError:
        return []
    return [file for part in parts for file in (part.images, part.labels) if file is not None]


KIND = PathKind(
    message("IDX files"),
    takes,
    scan_as,
    label="IDX files",
    patterns=("*-ubyte", "*-ubyte.gz"),
    companions=_companions,
    members=_NAME.pattern,
)
