"""Images in MATLAB files, such as SVHN, EMNIST and the Frey faces."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from explorer.data.choices import refuse_unused
from explorer.data.image_arrays import Axes
from explorer.data.ranges import AnyArray
from explorer.data.source import Facts, Source
from explorer.data.sources.array_limits import MAX_BYTES
from explorer.data.sources.array_source import source_of
from explorer.data.sources.containers import (
    DISTRUST,
    Column,
    Labels,
    LeftOut,
    Rows,
    Stack,
    arranged_shape,
    check_stack,
    chosen_array,
    columns,
    few,
    is_number,
    rows_of,
    split_groups,
    stream,
    unused,
)
from explorer.data.sources.entry import PathKind, suffix_members, suffix_patterns
from explorer.data.sources.hdf5 import arrays_in
from explorer.errors import DataError
from explorer.messages import message
from explorer.reader import Handed
from explorer.types import Progress

SUFFIX: Final = ".mat"
_HDF5: Final = b"MATLAB 7.3"
_CHANNELS: Final = (1, 3)
_COLORS: Final = 3
_VALUE_BYTES: Final = (
    dict.fromkeys(("logical", "int8", "uint8"), 1)
    | dict.fromkeys(("int16", "uint16"), 2)
    | dict.fromkeys(("int32", "uint32", "single"), 4)
    | dict.fromkeys(("int64", "uint64", "double"), 8)
)
"""Bytes of a number by MATLAB's name of its kind."""
_FREY: Final = ("ff", 560, (28, 20))
"""Name, rows and image shape of the Frey faces, one image per column."""
_EMNIST: Final = "dataset/mapping"
"""The table of EMNIST with a row per label: the label and the codes of its characters. Images are by column there."""


def takes(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() == SUFFIX


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | Source]:
    """Open the arrays of a MATLAB file; see `PathKind.scan_as`.

    Images are ``(h, w, n)`` or ``(h, w, c, n)`` as in MATLAB, ``(n, h, w)`` or ``(n, h, w, c)`` as in Python, or flat
    squares. Arrays of as many rows are labels and attributes. Structures are opened if no array beside them has
    images; those named like splits are splits. DataError if there are no images.
    """
    refuse_unused(facts.choices, ("array", "range", "channels"), facts.name)
    yield source_of(facts, (yield from stream("matlab", [path], {"array": facts.choices.array}, path.name)))


# -- in the reader process ---------------------------------------------------------------------------------------------


def read_matlab(files: tuple[Handed, ...], *, array: str) -> Iterator[Stack | Rows | Labels | Column | LeftOut]:
    """Read the images, labels and attributes of a MATLAB file; see `scan_as`."""
    (handed,) = files
    start = handed.file.read(len(_HDF5))
    handed.file.seek(0)
    if start == _HDF5:
        arrays: dict[str, Any] = {name: _Reversed(found) for name, found in arrays_in(handed).items()}
        others: list[str] = []
    else:
        arrays, others = _loaded(handed)
    groups, outside = ({"": arrays}, {}) if array in arrays else split_groups(arrays, _images_among)
    first, *_ = sets = list(groups.values())
    axes_by_name = _images_among(first)
    names = list(axes_by_name)
    name = chosen_array(names, [math.prod(first[one].shape) for one in names], array, handed.name)
    images, axes = [members[name] for members in sets], axes_by_name[name]
    if len(images[0].shape) == 2:
        images = [_unfolded(name, one) for one in images]
    mapping = outside.get(_EMNIST)
    if mapping is not None:
        axes = (0, 2, 1, -1)
    shapes = [arranged_shape(one.shape, axes) for one in images]
    shape = (sum(count for count, *_ in shapes), *shapes[0][1:])
    parts = tuple((split, count) for split, (count, *_) in zip(groups, shapes, strict=True) if split)
    stack = Stack(images[0].dtype.newbyteorder("<").str, shape, parts, arrays=tuple(names) if len(names) > 1 else ())
    yield check_stack(stack, handed.name, handed.size)
    for one in images:
        yield from rows_of(one, axes)
    found = [_beside(members, names, count) for members, (count, *_) in zip(sets, shapes, strict=True)]
    beside = {one: np.concatenate([values[one] for values in found]) for one in set.intersection(*map(set, found))}
    # Cells and structures of version 7.3 are made of arrays that nobody has named.
    named = [name for name in sorted(first.keys() - beside.keys() - set(names)) if not name.startswith("#")]
    yield from few(unused(other, first[other].shape, shape[0]) for other in named)
    yield from few(LeftOut(other, message("Only arrays of numbers are read.")) for other in others)
    of_svhn = name == "X" and shape[1:] == (32, 32, 3)
    for record in columns(dict(sorted(beside.items())), shape[0]):
        if isinstance(record, Labels) and mapping is not None:
            yield _characters(record, np.asarray(mapping[:, :]))
        else:
            digits = of_svhn and isinstance(record, Labels) and record.values.min() > 0 and record.values.max() == 10
            yield Labels(record.values % 10) if digits and isinstance(record, Labels) else record  # 10 stands for 0


def _characters(labels: Labels, mapping: AnyArray) -> Labels:
    """Return labels with the characters of EMNIST as their names, if its table has them all."""
    known, codes = mapping[:, 0], mapping[:, 1:].astype(int)
    if not np.isin(labels.values, known).all() or codes.min() < ord(" ") or codes.max() > ord("~"):
        return labels
    order = np.argsort(known)
    return Labels(
        np.searchsorted(known[order], labels.values), tuple("/".join(map(chr, codes[place])) for place in order)
    )


def _beside(arrays: dict[str, Any], images: list[str], count: int) -> dict[str, AnyArray]:
    found: dict[str, AnyArray] = {}
    for name, values in arrays.items():
        if name not in images and is_number(values.dtype) and len(values.shape) == 2 and count in values.shape:
            column = np.asarray(values[:, :])
            found[name] = column if len(column) == count else column.T
    return found


def _loaded(handed: Handed) -> tuple[dict[str, Any], list[str]]:
    """Return the arrays of numbers in a file before version 7.3, whose declared sizes are checked first.

    Also the names of its other variables: texts, cells and structures.
    """
    from scipy.io import loadmat, whosmat

    file: Any = handed.file  # scipy reads open files, but its types name only paths
    variables = whosmat(file)
    declared = [(name, shape, _VALUE_BYTES[kind]) for name, shape, kind in variables if kind in _VALUE_BYTES]
    if sum(math.prod(map(int, shape)) * size for _, shape, size in declared) > MAX_BYTES:
        raise DataError(
            "Cannot open {file}: it declares arrays of more than {most} GB. {remedy}",
            file=handed.name,
            most=MAX_BYTES >> 30,
            remedy=DISTRUST,
        )
    file.seek(0)
    found = loadmat(file, variable_names=[name for name, _, _ in declared])
    arrays = {name: found[name] for name, _, _ in declared if isinstance(found.get(name), np.ndarray)}
    structures = [name for name, _, kind in variables if kind == "struct"]
    if structures and not _images_among(arrays):
        file.seek(0)
        found = loadmat(file, variable_names=structures)
        arrays |= {path: array for name in structures for path, array in _members(name, found[name])}
    else:
        structures = []
    return arrays, [name for name, _, _ in variables if name not in arrays and name not in structures]


def _members(path: str, value: AnyArray) -> Iterator[tuple[str, AnyArray]]:
    """Yield the arrays of numbers in a structure by their path."""
    if value.dtype.names and value.size == 1:
        for name in value.dtype.names:
            yield from _members(f"{path}/{name}", value.flat[0][name])
    elif is_number(value.dtype):
        yield path, value


def _images_among(arrays: Mapping[str, Any]) -> dict[str, Axes]:
    """Return the axes of the arrays that may be images."""
    return {name: axes for name, array in sorted(arrays.items()) if (axes := _axes(name, array)) is not None}


def _axes(name: str, array: Any) -> Axes | None:
    """Return the axes of an array that may be images, None for others; those of a flat one after `_unfolded`."""
    shape = tuple(map(int, array.shape))
    if not is_number(array.dtype) or not all(shape):
        return None
    if len(shape) == 4:
        return (3, 0, 1, 2) if shape[2] in _CHANNELS or shape[3] not in _CHANNELS else (0, 1, 2, 3)
    if len(shape) == 3:
        if shape[2] == _COLORS:  # one image
            return -1, 0, 1, 2
        return (0, 1, 2, -1) if shape[1] == shape[2] != shape[0] else (2, 0, 1, -1)
    return (0, 1, 2, -1) if len(shape) == 2 and _flat_shape(name, shape) else None


def _flat_shape(name: str, shape: tuple[int, ...]) -> tuple[bool, tuple[int, int]] | None:
    """Return whether flat images are the columns of an array, and height and width of one; None if it has none."""
    if (name, shape[0]) == _FREY[:2]:
        return True, _FREY[2]
    for columns_first, size in ((False, shape[1]), (True, shape[0])):
        side = math.isqrt(size)
        if side > 3 and side * side == size and min(shape) > 1:
            return columns_first, (side, side)
    return None


def _unfolded(name: str, array: Any) -> AnyArray:
    flat = _flat_shape(name, tuple(array.shape))
    assert flat is not None, "found by _axes"
    values = np.asarray(array[:, :])
    return (values.T if flat[0] else values).reshape(-1, *flat[1])


class _Reversed:
    """A dataset of a file of version 7.3, with its axes in MATLAB's order."""

    def __init__(self, dataset: Any) -> None:
        self.dtype: np.dtype[Any] = dataset.dtype
        self.shape: tuple[int, ...] = dataset.shape[::-1]
        self._dataset = dataset

    def __getitem__(self, index: tuple[slice, ...]) -> AnyArray:
        return np.asarray(self._dataset[index[::-1]]).T


KIND = PathKind(
    message("a MATLAB file"),
    takes,
    scan_as,
    label="MATLAB files",
    patterns=suffix_patterns((SUFFIX,)),
    members=suffix_members((SUFFIX,)),
)
