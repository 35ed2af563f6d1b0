"""CIFAR-10 as it is published for Python: a folder of pickled batches, read without the power of pickles.

Format: each batch is a dict with ``data`` uint8 ``(n, 3072)``, channels first and row by row, and ``labels``
(https://www.cs.toronto.edu/~kriz/cifar.html).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from explorer.data.restricted_pickle import load_plain_pickle
from explorer.data.source import ArraySource, Facts, Source
from explorer.data.sources.entry import PathKind, last_source
from explorer.data.splits import given_splits, random_splits
from explorer.errors import DataError
from explorer.types import Indices, Pixels, Progress

LABEL_NAMES: Final = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_TRAIN: Final = re.compile(r"data_batch_([1-9]\d?)")
_TEST: Final = "test_batch"
_NAMES: Final = "batches.meta"
_INSIDE: Final = ("cifar-10-batches-py", "cifar-10-batches-py-target", "cifar-10-batches-py-target/cifar-10-batches-py")
_SIDE: Final = 32
_VALUES: Final = 3 * _SIDE * _SIDE
_REMEDY: Final = "Download it again."


def takes(path: Path) -> bool:
    """Tell whether `path` is a folder with batches of CIFAR-10, or holds that folder, or is one of its files."""
    return _folder(path) is not None


def load(path: Path) -> Source:
    """Open CIFAR-10; see `scan`."""
    return last_source(scan(path))


def scan(path: Path) -> Iterator[Progress | Source]:
    """Open CIFAR-10: yields progress while the batches are read, and the source last.

    Parameters
    ----------
    path
        ``cifar-10-batches-py``, a folder that holds it, or a file in it. The training batches come first.

    Raises
    ------
    DataError
        If a batch is broken, or holds anything but arrays and plain data.
    """
    facts = Facts(name=path.name, title=path.name, spec=str(path), how=f"read from {path}")
    yield from scan_as(facts, path)


def scan_as(facts: Facts, path: Path) -> Iterator[Progress | Source]:
    """Open CIFAR-10 as `scan` does, under given facts."""
    folder = _folder(path)
    if folder is None:
        raise DataError(f"the batches of CIFAR-10 in {path}", "none (data_batch_1 … test_batch)", _REMEDY)
    train, test = _files(folder)
    images: list[Pixels] = []
    labels: list[Indices] = []
    for number, file in enumerate([*train, *test]):
        yield Progress(number, len(train) + len(test), "reading batches")
        batch = _batch(file)
        images.append(batch[0])
        labels.append(batch[1])
    counts = [sum(map(len, images[: len(train)])), sum(map(len, images[len(train) :]))]
    splits = given_splits(counts[0], counts[1]) if all(counts) else random_splits(sum(counts))
    yield ArraySource(facts, np.concatenate(images), splits, np.concatenate(labels), _label_names(folder))


def _folder(path: Path) -> Path | None:
    if path.is_file():
        return path.parent if _TRAIN.fullmatch(path.name) or path.name == _TEST else None
    for folder in (path, *(path / inside for inside in _INSIDE)):
        # os.path: a folder that may not be read is no CIFAR-10, and no error here.
        if any(os.path.isfile(folder / name) for name in ("data_batch_1", _TEST)):
            return folder
    return None


def _files(folder: Path) -> tuple[list[Path], list[Path]]:
    numbered = {int(match[1]): file for file in folder.iterdir() if (match := _TRAIN.fullmatch(file.name))}
    test = folder / _TEST
    return [numbered[number] for number in sorted(numbered)], [test] if test.is_file() else []


def _batch(path: Path) -> tuple[Pixels, Indices]:
    """Return the pictures uint8 ``(n, 32, 32, 3)`` and the labels of one batch."""
    content = load_plain_pickle(path)
    data, labels = _value(content, "data"), _value(content, "labels")
    if (
        not isinstance(data, np.ndarray)
        or data.dtype != np.uint8
        or data.ndim != 2
        or data.shape[1] != _VALUES
        or not len(data)
    ):
        raise DataError(f"8-bit pictures (n, {_VALUES}) under “data” in {path}", _shape_of(data), _REMEDY)
    if (
        not isinstance(labels, list)
        or len(labels) != len(data)
        or not all(type(label) is int and 0 <= label < len(LABEL_NAMES) for label in labels)
    ):
        raise DataError(f"{len(data)} labels from 0 to {len(LABEL_NAMES) - 1} in {path}", _shape_of(labels), _REMEDY)
    images = data.reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), np.array(labels, np.int64)


def _value(content: Any, key: str) -> Any:
    """Return a value of a dict whose keys are texts of Python 3, or of Python 2."""
    return content.get(key, content.get(key.encode())) if isinstance(content, dict) else None


def _shape_of(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.shape} of {value.dtype}"
    return "others" if isinstance(value, list) else "none"


def _label_names(folder: Path) -> tuple[str, ...]:
    path = folder / _NAMES
    names = _value(load_plain_pickle(path), "label_names") if path.is_file() else None
    if not isinstance(names, list) or len(names) != len(LABEL_NAMES):
        return LABEL_NAMES
    return tuple(name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names)


def _companions(path: Path) -> list[Path]:
    """Return all batches of the folder that a batch lies in."""
    folder = _folder(path)
    return [] if folder is None else [file for files in _files(folder) for file in files]


KIND = PathKind("CIFAR-10 batches", takes, load, scan, _companions)
