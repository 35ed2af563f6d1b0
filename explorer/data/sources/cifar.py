"""CIFAR-10 in its Python version: a folder of pickled batches, read without executing them.

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
from explorer.data.sources.entry import PathKind
from explorer.data.splits import given_splits, random_splits
from explorer.errors import DataError
from explorer.messages import message
from explorer.types import Indices, Pixels, Progress

LABEL_NAMES: Final = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_TRAIN: Final = re.compile(r"data_batch_([1-9]\d?)")
_TEST: Final = "test_batch"
_NAMES: Final = "batches.meta"
_INSIDE: Final = ("cifar-10-batches-py", "cifar-10-batches-py-target", "cifar-10-batches-py-target/cifar-10-batches-py")
_SIDE: Final = 32
_VALUES: Final = 3 * _SIDE * _SIDE


def takes(path: Path) -> bool:
    """Return whether `path` is a folder with CIFAR-10 batches, a parent of it, or one of its files."""
    return _folder(path) is not None


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | Source]:
    """Open CIFAR-10: yields progress while the batches are read, and the source last; see `PathKind.scan_as`.

    The path is ``cifar-10-batches-py``, its parent, or a file in it. The training batches come first. DataError if a
    batch is damaged, or has anything but arrays and plain data.
    """
    folder = _folder(path)
    if folder is None:
        raise DataError(
            "Cannot open {folder} as CIFAR-10: no batches (data_batch_1 … test_batch). Download it again.", folder=path
        )
    train, test = _files(folder)
    images: list[Pixels] = []
    labels: list[Indices] = []
    for number, file in enumerate([*train, *test]):
        yield Progress(number, len(train) + len(test), message("Reading batches"))
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
        # os.path, since it returns False without read permission instead of raising.
        if any(os.path.isfile(folder / name) for name in ("data_batch_1", _TEST)):
            return folder
    return None


def _files(folder: Path) -> tuple[list[Path], list[Path]]:
    numbered = {int(match[1]): file for file in folder.iterdir() if (match := _TRAIN.fullmatch(file.name))}
    test = folder / _TEST
    return [numbered[number] for number in sorted(numbered)], [test] if test.is_file() else []


def _batch(path: Path) -> tuple[Pixels, Indices]:
    """Return the images uint8 ``(n, 32, 32, 3)`` and the labels of one batch."""
    content = load_plain_pickle(path)
    data, labels = _value(content, "data"), _value(content, "labels")
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
    if (
        not isinstance(labels, list)
        or len(labels) != len(data)
        or not all(type(label) is int and 0 <= label < len(LABEL_NAMES) for label in labels)
    ):
        raise DataError(
            "Cannot open {file}: it does not have {count:# label|# labels} from 0 to {last}. Download it again.",
            file=path,
            count=len(data),
            last=len(LABEL_NAMES) - 1,
        )
    images = data.reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), np.array(labels, np.int64)


def _value(content: Any, key: str) -> Any:
    """Return a value of a dict with str or bytes keys."""
    return content.get(key, content.get(key.encode())) if isinstance(content, dict) else None


def _label_names(folder: Path) -> tuple[str, ...]:
    path = folder / _NAMES
    names = _value(load_plain_pickle(path), "label_names") if path.is_file() else None
    if not isinstance(names, list) or len(names) != len(LABEL_NAMES):
        return LABEL_NAMES
    return tuple(name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names)


def _companions(path: Path) -> list[Path]:
    folder = _folder(path)
    return [] if folder is None else [file for files in _files(folder) for file in files]


KIND = PathKind(
    message("CIFAR-10 batches"),
    takes,
    scan_as,
    label="CIFAR-10 batches",
    patterns=("data_batch_*", _TEST),
    companions=_companions,
    members=rf"{_TRAIN.pattern}|{_TEST}|{re.escape(_NAMES)}",
)
