"""Rewrites the weights of an untrusted file, so that Keras and libhdf5 open only files written by this program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from explorer import reader
from explorer.errors import ModelError
from explorer.messages import message
from explorer.models.third_party.contents import Group, Rows, Weights
from explorer.models.third_party.layout import damaged


@dataclass
class Sizes:
    """Number of values in a file of weights: in its largest array, and in all."""

    largest: int = 0
    total: int = 0


def copy_weights(path: Path, part: str, target: Any) -> Sizes:
    """Copy the weights of a model file, or of the group `part` of it, into an HDF5 file open for writing.

    The reader process reads the file and returns plain arrays. ModelError if they cannot be read.
    """
    return _copied(reader.read("keras weights", [path], (Group, Weights, Rows), {"part": part}), path, target)


def copy_shards(path: Path, shards: Sequence[Path], target: Any) -> Sizes:
    """Do the same for a model of TensorFlow.js and the files of its weights."""
    return _copied(reader.read("tfjs weights", [path, *shards], (Weights, Rows)), path, target)


def _copied(records: Iterable[Group | Weights | Rows], path: Path, target: Any) -> Sizes:
    sizes = Sizes()
    begun: _Array | None = None
    for record in records:
        if isinstance(record, Rows):
            if begun is None:
                raise _incomplete(path)
            begun.add(record)
            continue
        if begun is not None and not begun.whole:
            raise _incomplete(path)
        try:
            begun = _Array(target, record) if isinstance(record, Weights) else None
            member = begun.dataset if begun else target.require_group(record.place) if record.place else target
        except (TypeError, ValueError) as error:
            raise damaged(path.name, message("two of its weights have the name {name}", name=record.place)) from error
        if begun is not None:
            sizes.largest = max(sizes.largest, begun.count)
            sizes.total += begun.count
        for name, value in record.attributes.items():
            member.attrs[name] = _attribute(value)
    if begun is not None and not begun.whole:
        raise _incomplete(path)
    return sizes


def _incomplete(path: Path) -> ModelError:
    return ModelError("{file} is damaged: some weights are missing. Copy or download it again.", file=path.name)


class _Array:
    def __init__(self, target: Any, record: Weights) -> None:
        self._dtype = np.dtype(record.dtype)
        self._shape = record.shape
        self._done = 0
        self.count = prod(record.shape)
        self.dataset = target.create_dataset(record.place, record.shape, self._dtype)

    @property
    def whole(self) -> bool:
        return self._done == self.count

    def add(self, rows: Rows) -> None:
        values = rows.values.view(self._dtype)
        if self._shape:
            row = prod(self._shape[1:])
            start = self._done // max(1, row)
            block = values.reshape(-1, *self._shape[1:])
            self.dataset[start : start + len(block)] = block
        else:
            self.dataset[()] = values[0]
        self._done += len(values)


def _attribute(value: Any) -> Any:
    """Return an attribute as h5py expects it: lists of bytes or strings, such as layer names, as arrays."""
    if isinstance(value, list) and all(isinstance(item, bytes) for item in value):
        return np.array(value, "S") if value else np.zeros(0, "S1")
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return np.array(value, h5py.string_dtype())
    return value
