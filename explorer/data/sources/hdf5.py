"""Images in HDF5 files, such as USPS and PatchCamelyon, and in MATLAB files of version 7.3, which are HDF5."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from explorer.data.choices import Layout, refuse_unused
from explorer.data.image_arrays import Axes
from explorer.data.ranges import AnyArray
from explorer.data.source import Facts, Source
from explorer.data.sources.array_source import source_of
from explorer.data.sources.containers import (
    DISTRUST,
    IMAGES,
    SPLIT_ORDER,
    SPLITS,
    Column,
    Labels,
    LeftOut,
    Rows,
    Stack,
    arranged_shape,
    check_chunks,
    check_stack,
    chosen_array,
    columns,
    few,
    found_axes,
    has_files,
    is_number,
    rows_of,
    split_groups,
    stream,
    unused,
)
from explorer.data.sources.entry import PathKind, suffix_members, suffix_patterns
from explorer.errors import DataError
from explorer.messages import message
from explorer.reader import Handed
from explorer.types import Progress

SUFFIXES: Final = (".h5", ".hdf5", ".hdf")
_SPLIT_FILE: Final = re.compile(
    r"(?P<stem>.*?(?P<split>train|test|validation|valid|val)?)_x(?P<suffix>\.(?:h5|hdf5|hdf))", re.IGNORECASE
)
"""A file of images, beside one of labels with y in place of x."""
_SHAPES_3D: Final = {
    f"label {place}": name
    for place, name in enumerate(("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation"))
}
"""What the columns of 3dshapes.h5 are, by its authors."""
_MAX_MEMBERS: Final = 10_000
_MAX_DEPTH: Final = 16
_COLUMN_BYTES: Final = 512 << 20
_TEXT_BYTES: Final = 200


def takes(path: Path) -> bool:
    """Return whether it is an HDF5 file, or a folder with files of images and labels, ``…_x.h5`` and ``…_y.h5``."""
    if path.is_dir():
        return has_files(path, SUFFIXES) and bool(_parts(path))
    return path.is_file() and path.suffix.lower() in SUFFIXES


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | Source]:
    """Open the arrays of an HDF5 file, or those of files by split; see `PathKind.scan_as`.

    Images are numbers ``(n, h, w)`` or ``(n, h, w, c)``, or channels first; of several arrays the chosen one, else
    ``images``, ``x`` or the largest; without any, flat squares ``(n, side²)`` of such a name. Arrays of as many rows
    are labels and attributes. Groups named like splits are splits. DataError if there are no images.
    """
    refuse_unused(facts.choices, ("array", "range", "layout", "channels"), facts.name)
    parts = _parts(path) or [("", path, None)]
    files = [file for _, images, labels in parts for file in (images, labels) if file is not None]
    arguments = {
        "parts": tuple((split, labels is not None) for split, _, labels in parts),
        "array": facts.choices.array,
        "layout": facts.choices.layout,
    }
    yield source_of(facts, (yield from stream("hdf5", files, arguments, path.name)))


def _parts(path: Path) -> list[tuple[str, Path, Path | None]]:
    """Return split, file of images and file of labels of ``…_x.h5``, or of all these in a folder; empty for others."""
    names = [path.name] if path.is_file() else sorted(os.listdir(path))
    folder = path.parent if path.is_file() else path
    found: list[tuple[str, Path, Path | None]] = []
    for match in filter(None, map(_SPLIT_FILE.fullmatch, names)):
        labels = folder / f"{match['stem']}_y{match['suffix']}"
        split = SPLITS.get((match["split"] or "").lower(), "") if path.is_dir() else ""
        found.append((split, folder / match[0], labels if labels.is_file() else None))
    splits = [split for split, _, _ in found]
    if len(found) > 1 and (len(set(splits)) < len(splits) or "" in splits):
        return []
    return sorted(found, key=lambda part: SPLIT_ORDER.index(part[0]))


# -- in the reader process ---------------------------------------------------------------------------------------------


def read_hdf5(
    files: tuple[Handed, ...], *, parts: Sequence[tuple[str, bool]], array: str, layout: Layout
) -> Iterator[Stack | Rows | Labels | Column | LeftOut]:
    """Read the images, labels and attributes of HDF5 files; see `scan_as`.

    `parts` has for each file of images its split, and whether a file of labels follows it.
    """
    left = iter(files)
    sets: list[tuple[str, Any, dict[str, Any]]] = []
    names: list[str] = []
    for split, labeled in parts:
        handed = next(left)
        arrays = arrays_in(handed)
        alone = len(parts) > 1 or array in arrays
        groups, outside = ({split: arrays}, {}) if alone else split_groups(arrays, _images_among)
        for part, members in groups.items():
            images = _images_among(members)
            names = list(images)
            name = chosen_array(names, [math.prod(one.shape) for one in images.values()], array, handed.name)
            others = {one: values for one, values in (members | outside).items() if one not in names}
            sets.append((part, images[name], others | (arrays_in(next(left)) if labeled else {})))
    known = any(values.shape[0] == sets[0][1].shape[0] for values in sets[0][2].values())
    count = sets[0][1].shape[0] if known else None
    if isinstance(sets[0][1], _Squares):
        axes, found = _Squares.axes, _Squares.layout
    else:
        axes, found = found_axes(sets[0][1].shape, layout, files[0].name, count)
    stack = _stack([(split, images) for split, images, _ in sets], axes, files[0].name)
    stack = replace(stack, arrays=tuple(names) if len(names) > 1 else (), layout=found)
    yield check_stack(stack, files[0].name, sum(file.size for file in files))
    for _, images, _ in sets:
        check_chunks(images, files[0].name)
        yield from rows_of(images, axes)
    counts = [arranged_shape(images.shape, axes)[0] for _, images, _ in sets]
    values: dict[str, AnyArray] = {}
    notes: list[LeftOut] = []
    for name in sorted(set[str]().union(*(others for _, _, others in sets))):
        datasets = [others.get(name) for _, _, others in sets]
        found_parts = [_values(one, count) for one, count in zip(datasets, counts, strict=True)]
        whole = [part for part in found_parts if part is not None]
        if len(whole) == len(sets) and len({part.shape[1:] for part in whole}) == 1:
            values[name] = np.concatenate(whole)
        else:
            notes.append(unused(name, next(one.shape for one in datasets if one is not None), sum(counts)))
    yield from few(notes)
    of_3dshapes = files[0].name.lower().startswith("3dshapes")
    for record in columns(values, sum(counts)):
        if of_3dshapes and isinstance(record, Column):
            yield replace(record, name=_SHAPES_3D.get(record.name, record.name))
        else:
            yield record


class _Squares:
    """A dataset of flat squares ``(n, side²)``, as images ``(n, side, side)``."""

    axes: Final[Axes] = (0, 1, 2, -1)
    layout: Final[Layout] = "flat"

    def __init__(self, dataset: Any) -> None:
        count, size = dataset.shape
        self.dtype: np.dtype[Any] = dataset.dtype
        self.shape = (count, math.isqrt(size), math.isqrt(size))
        self.chunks: tuple[int, ...] | None = dataset.chunks
        self._dataset = dataset

    def __getitem__(self, index: tuple[slice, ...]) -> AnyArray:
        return np.asarray(self._dataset[index[0]]).reshape(-1, *self.shape[1:])[(slice(None), *index[1:])]


def _images_among(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arrays that may be images: numbers with 3 or 4 axes, the last two longer than 1.

    Without any, tables with a usual name for images and a square number of columns, as squares.
    """
    numbers = {name: array for name, array in sorted(arrays.items()) if is_number(array.dtype) and all(array.shape)}
    deep = {
        name: array
        for name, array in numbers.items()
        if len(array.shape) in (3, 4) and sum(n > 1 for n in array.shape) > 1
    }
    return deep or {
        name: _Squares(array)
        for name, array in numbers.items()
        if len(array.shape) == 2
        and name.rpartition("/")[2].lower() in IMAGES
        and (side := math.isqrt(array.shape[1])) ** 2 == array.shape[1]
        and side > 3
    }


def _stack(parts: Sequence[tuple[str, Any]], axes: Axes, file: str) -> Stack:
    shapes = [arranged_shape(images.shape, axes) for _, images in parts]
    if len({shape[1:] for shape in shapes}) > 1 or len({images.dtype for _, images in parts}) > 1:
        raise DataError(
            "Cannot open {file} with the other splits: their images have different shapes or dtypes. Open each file "
            "alone.",
            file=file,
        )
    count = sum(shape[0] for shape in shapes)
    sizes = tuple((split, shape[0]) for (split, _), shape in zip(parts, shapes, strict=True) if split)
    return Stack(parts[0][1].dtype.newbyteorder("<").str, (count, *shapes[0][1:]), sizes)


def _values(dataset: Any, count: int) -> AnyArray | None:
    """Return the values of a dataset that may be a column of so many images; None if it is none."""
    import h5py

    if dataset is None or dataset.shape[0] != count:
        return None
    text = h5py.check_string_dtype(dataset.dtype) is not None
    size = math.prod(dataset.shape) * (_TEXT_BYTES if text else dataset.dtype.itemsize)
    if size > _COLUMN_BYTES or not (text or is_number(dataset.dtype)):
        return None
    if text:
        return np.array([str(one)[:_TEXT_BYTES] for one in dataset.asstr(errors="replace")[...].reshape(-1)])
    return np.asarray(dataset[...])


def arrays_in(handed: Handed) -> dict[str, Any]:
    """Return the datasets of an HDF5 file by path, each once; those in other files are ignored.

    DataError if there are too many members, or they are nested too deeply.
    """
    import h5py

    found: dict[str, Any] = {}
    seen: set[int] = set()
    left: list[tuple[str, Any, int]] = [("", h5py.File(handed.file, "r"), 0)]
    count = 0
    while left:
        place, group, depth = left.pop()
        for name in group:
            count += 1
            if count > _MAX_MEMBERS or depth > _MAX_DEPTH:
                raise DataError(
                    "Cannot open {file}: it has too many or too deeply nested groups. {remedy}",
                    file=handed.name,
                    remedy=DISTRUST,
                )
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            member = group[name]
            address = h5py.h5o.get_info(member.id).addr
            if address in seen:
                continue
            seen.add(address)
            if isinstance(member, h5py.Group):
                left.append((f"{place}{name}/", member, depth + 1))
            elif isinstance(member, h5py.Dataset) and member.shape and not (member.external or member.is_virtual):
                found[f"{place}{name}"] = member
    return found


KIND = PathKind(
    message("an HDF5 file"),
    takes,
    scan_as,
    label="HDF5 files",
    patterns=suffix_patterns(SUFFIXES),
    companions=lambda path: [labels for _, _, labels in _parts(path) if labels is not None],
    members=suffix_members(SUFFIXES),
)
