"""CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html), as folders of pickled or of binary batches.

A pickled batch, read without executing it, is a dict with ``data`` uint8 ``(n, 3072)`` and ``labels``, or
``fine_labels`` and ``coarse_labels``. A binary one has a record of bytes for each image: its label, or its coarse and
its fine label, then 3072 values. Values are channels first and row by row.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from explorer.data.attributes import Attribute
from explorer.data.choices import refuse_unused
from explorer.data.restricted_pickle import load_plain_pickle
from explorer.data.source import ArraySource, Facts, Source
from explorer.data.sources.entry import PathKind
from explorer.data.splits import given_splits, random_splits
from explorer.errors import DataError
from explorer.messages import message
from explorer.reading import COPY_AGAIN, reading
from explorer.types import Indices, Pixels, Progress

LABEL_NAMES: Final = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_SIDE: Final = 32
_VALUES: Final = 3 * _SIDE * _SIDE
_MAX_BYTES: Final = 1 << 30
_COARSE: Final = "coarse label"


@dataclass(frozen=True)
class _Layout:
    """One of the four downloads: how its files are named, and what they contain.

    Attributes
    ----------
    first, test, meta
        Names of the files: the first batch, the test batch, and that of the names.
    keys
        Of the labels in a pickle; those in `meta` end in ``_names``. Empty if binary. Coarse labels come second.
    counts
        Numbers of labels, in the order of `keys`.
    names
        Files with the names of a binary download, in the order of `keys`.
    inside
        Folders below the opened one.
    """

    first: str
    test: str
    meta: str
    keys: tuple[str, ...]
    counts: tuple[int, ...]
    names: tuple[str, ...]
    inside: tuple[str, ...]

    @cached_property
    def train(self) -> re.Pattern[str]:
        """Names of the training batches; the groups order them."""
        return re.compile(re.escape(self.first).replace("_1", r"_([1-9]\d?)"))

    @property
    def record(self) -> int:
        """Bytes of an image and its labels in a binary batch."""
        return len(self.counts) + _VALUES

    def has(self, folder: Path) -> bool:
        # os.path, since it returns False without read permission instead of raising.
        batch = next((name for name in (self.first, self.test) if os.path.isfile(folder / name)), None)
        if batch is None or len(self.counts) == 1 or os.path.isfile(folder / self.meta):
            return batch is not None
        return not self.keys and os.path.getsize(folder / batch) % self.record == 0

    def is_batch(self, name: str) -> bool:
        return self.train.fullmatch(name) is not None or name == self.test


_PICKLED: Final = "cifar-10-batches-py"
_LAYOUTS: Final = (
    _Layout(
        *("data_batch_1", "test_batch", "batches.meta", ("label",), (10,), ()),
        (_PICKLED, f"{_PICKLED}-target", f"{_PICKLED}-target/{_PICKLED}"),
    ),
    _Layout(
        *("train", "test", "meta", ("fine_label", "coarse_label"), (100, 20), ()),
        ("cifar-100-python", "cifar-100-python-target", "cifar-100-python-target/cifar-100-python"),
    ),
    _Layout(
        *("data_batch_1.bin", "test_batch.bin", "batches.meta.txt", (), (10,), ("batches.meta.txt",)),
        ("cifar-10-batches-bin",),
    ),
    _Layout(
        *("train.bin", "test.bin", "fine_label_names.txt", (), (100, 20)),
        *(("fine_label_names.txt", "coarse_label_names.txt"), ("cifar-100-binary",)),
    ),
)


def takes(path: Path) -> bool:
    """Return whether `path` is a folder with CIFAR batches, a parent of it, or one of its batches."""
    return _find(path) is not None


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | Source]:
    """Open CIFAR-10 or CIFAR-100: yields progress while the batches are read, and last the source.

    The path is the folder of the batches, its parent, or one batch, which is opened alone; see `PathKind.scan_as`. The
    training batches come first. The fine labels of CIFAR-100 are the labels, the coarse ones an attribute. DataError if
    a batch is damaged, or has anything but arrays and plain data.
    """
    refuse_unused(facts.choices, (), facts.name)
    found = _find(path)
    if found is None:
        raise DataError(
            "Cannot open {folder} as CIFAR: no batches (data_batch_1 … test_batch, or train and test). Download it "
            "again.",
            folder=path,
        )
    folder, layout = found
    train, test = ([path], list[Path]()) if path.is_file() else _files(folder, layout)
    images: list[Pixels] = []
    labels: list[Indices] = []
    for number, file in enumerate([*train, *test]):
        yield Progress(number, len(train) + len(test), message("Reading batches"))
        batch = _pickled(file, layout) if layout.keys else _binary(file, layout)
        images.append(batch[0])
        labels.append(batch[1])
    counts = [sum(map(len, images[: len(train)])), sum(map(len, images[len(train) :]))]
    splits = given_splits(counts[0], counts[1]) if all(counts) else random_splits(sum(counts))
    fine, *coarse = np.concatenate(labels, axis=1)
    names, *coarse_names = _names(folder, layout)
    attributes = {_COARSE: Attribute(coarse[0], coarse_names[0])} if coarse else None
    yield ArraySource(facts, np.concatenate(images), splits, fine, names, attributes)


def _find(path: Path) -> tuple[Path, _Layout] | None:
    if path.is_file():
        return next(((path.parent, one) for one in _LAYOUTS if one.is_batch(path.name) and one.has(path.parent)), None)
    places = ((path / inside, one) for one in _LAYOUTS for inside in ("", *one.inside))
    return next(((folder, one) for folder, one in places if one.has(folder)), None)


def _files(folder: Path, layout: _Layout) -> tuple[list[Path], list[Path]]:
    matches = [match for file in folder.iterdir() if (match := layout.train.fullmatch(file.name))]
    matches.sort(key=lambda match: [int(group) for group in match.groups()])
    test = folder / layout.test
    return [folder / match.string for match in matches], [test] if test.is_file() else []


def _pickled(path: Path, layout: _Layout) -> tuple[Pixels, Indices]:
    """Return the images uint8 ``(n, 32, 32, 3)`` and the labels int64 ``(1 or 2, n)`` of one batch."""
    content = load_plain_pickle(path)
    data = _value(content, "data")
    if (
        not isinstance(data, np.ndarray)
        or data.dtype != np.uint8
        or data.ndim != 2
        or data.shape[1] != _VALUES
        or not len(data)
    ):
        raise DataError(
            "Cannot open {file}: its “data” is not a uint8 array of shape (n, {values}). Download it again.",
            file=path,
            values=_VALUES,
        )
    labels = [_value(content, f"{key}s") for key in layout.keys]
    for found, count in zip(labels, layout.counts, strict=True):
        whole = isinstance(found, list) and len(found) == len(data)
        if not whole or not all(type(label) is int and 0 <= label < count for label in found):
            raise _wrong_labels(path, len(data), count)
    return _images(data), np.array(labels, np.int64)


def _binary(path: Path, layout: _Layout) -> tuple[Pixels, Indices]:
    """Return the images and labels of a batch, as `_pickled` does."""
    size, record = path.stat().st_size, layout.record
    if not size or size % record or size > _MAX_BYTES:
        raise DataError(
            "Cannot read {file}: its {size:# byte|# bytes} are not images of {record:,} bytes each. {remedy}",
            file=path,
            size=size,
            record=record,
            remedy=COPY_AGAIN,
        )
    with reading(message("CIFAR images"), str(path)):
        content = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, record)
    labels = content[:, : len(layout.counts)].T[::-1]  # coarse labels come before fine ones
    for found, count in zip(labels, layout.counts, strict=True):
        if int(found.max()) >= count:
            raise _wrong_labels(path, len(content), count)
    return _images(content[:, len(layout.counts) :]), labels.astype(np.int64)


def _images(data: Pixels) -> Pixels:
    return np.ascontiguousarray(data.reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1))


def _wrong_labels(path: Path, images: int, count: int) -> DataError:
    return DataError(
        "Cannot open {file}: it does not have {count:# label|# labels} from 0 to {last}. Download it again.",
        file=path,
        count=images,
        last=count - 1,
    )


def _value(content: Any, key: str) -> Any:
    """Return a value of a dict with str or bytes keys."""
    return content.get(key, content.get(key.encode())) if isinstance(content, dict) else None


def _names(folder: Path, layout: _Layout) -> list[tuple[str, ...]]:
    """Return the names of the labels and of the coarse labels; their numbers where the names are missing."""
    if layout.keys:
        path = folder / layout.meta
        content = load_plain_pickle(path) if path.is_file() else {}
        found = [_value(content, f"{key}_names") for key in layout.keys]
    else:
        found = [_lines(folder / name) for name in layout.names]
    usual = [LABEL_NAMES if count == len(LABEL_NAMES) else tuple(map(str, range(count))) for count in layout.counts]
    return [
        tuple(name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names)
        if isinstance(names, list) and len(names) == len(others)
        else others
        for names, others in zip(found, usual, strict=True)
    ]


def _lines(path: Path) -> list[bytes]:
    if not path.is_file():
        return []
    with reading(message("names"), str(path)), path.open("rb") as file:
        return file.read(_VALUES).split()


def _companions(path: Path) -> list[Path]:
    found = None if path.is_file() else _find(path)
    return [] if found is None else [file for files in _files(*found) for file in files]


KIND = PathKind(
    message("CIFAR-10 or CIFAR-100 batches"),
    takes,
    scan_as,
    label="CIFAR batches",
    patterns=("data_batch_*", "test_batch*", "train", "test", "train.bin", "test.bin"),
    companions=_companions,
    members="|".join(f"{one.train.pattern}|{re.escape(one.test)}|{re.escape(one.meta)}" for one in _LAYOUTS),
)
