"""Images and columns of values that a reader process takes from a container file, row by row.

A reader yields one `Stack`, its values as `Rows`, and then perhaps `Labels`, `Column`s and `LeftOut`s; `Progress` at
any time. The other functions here are for readers (`rows_of`, `columns`), and for the process that calls them
(`stream`).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from explorer import reader
from explorer.data.attributes import Attribute, column_of
from explorer.data.choices import MAX_CHANNELS, Layout
from explorer.data.formats import MAX_PIXELS
from explorer.data.image_arrays import Axes, arranged, axes_of, found_layout
from explorer.data.label_arrays import columns_of, labels_of
from explorer.data.ranges import AnyArray
from explorer.data.source import Skipped
from explorer.data.sources.array_limits import MAX_BYTES, MAX_RATIO, UNSUSPICIOUS_BYTES
from explorer.errors import DataError
from explorer.ipc.frame import DTYPES
from explorer.messages import Message, Value, message
from explorer.reading import size_text
from explorer.types import Bytes, Floats, Indices, Progress

DISTRUST: Final = message("Do not open files that you do not trust.")
IMAGES: Final = ("images", "imgs", "x", "data", "pixels")
LABELS: Final = ("labels", "label", "y", "targets", "target")
SPLITS: Final = {"train": "train", "test": "test", "val": "val", "valid": "val", "validation": "val"}
"""Splits by what their files are called."""

SPLIT_ORDER: Final = ("", "train", "test", "val")
"""Order of the splits in a source."""

_MOST_NOTES: Final = 8
MAX_COLUMNS: Final = 64
"""Columns of one array; one with more is no table of attributes."""

_LOOKED_AT: Final = 200
_MAX_CHUNK: Final = 256 << 20
_PIECE: Final = 32 << 20


@dataclass(frozen=True)
class Stack:
    """The images of a file; their values follow as `Rows`, in C order and little endian.

    Attributes
    ----------
    dtype, shape
        Of all images together, ``(n, h, w, c)``.
    parts
        Name and number of images of each split, in order; empty without splits.
    range
        The values that become 0 and 1, if the file states them.
    arrays, frames, layout
        See `explorer.data.source.Found`.
    measured
        Whether channels are measurements, never transparency.
    alpha
        Whether the file says that the last channel is transparency.
    profile
        Color profile (ICC) without tables; empty for sRGB.
    fewer
        Whether images at the end may be missing, because some turn out to be unreadable.
    """

    dtype: str
    shape: tuple[int, int, int, int]
    parts: tuple[tuple[str, int], ...] = ()
    range: tuple[float, float] | None = None
    arrays: tuple[str, ...] = ()
    frames: int = 0
    layout: Layout = ""
    measured: bool = False
    alpha: bool = False
    profile: bytes = b""
    fewer: bool = False

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Rows:
    """The next bytes of the values of the `Stack`."""

    values: Bytes


@dataclass(frozen=True)
class Column:
    """A column with one value per image, like `explorer.data.attributes.Attribute`."""

    name: str
    values: Floats | Indices
    names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Labels:
    """The class of each image, -1 without one, and perhaps the names of the classes."""

    values: Indices
    names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class LeftOut:
    """A part of the file that is not used, with the reason."""

    name: str
    reason: Message


@dataclass(eq=False)
class Contents:
    """All that was read: the images ``(n, h, w, c)``, of the dtype of the file."""

    stack: Stack
    images: AnyArray
    labels: Labels | None = None
    columns: dict[str, Attribute] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)


# -- in the reader process ---------------------------------------------------------------------------------------------


def check_stack(stack: Stack, file: Value, file_bytes: int) -> Stack:
    """Return a stack if its declared size is plausible for a file of this size, before anything is read.

    DataError if it has no images or too many channels, or is too large.
    """
    count, height, width, channels = stack.shape
    if not all(stack.shape):
        raise DataError("Cannot open {file}: it has no images. Choose another file.", file=file)
    if channels > MAX_CHANNELS:
        raise DataError(
            "Cannot open {file}: its images have {channels:,} channels; the limit is {most}. Save fewer, or choose the "
            "order of the axes.",
            file=file,
            channels=channels,
            most=MAX_CHANNELS,
        )
    if height * width > MAX_PIXELS:
        raise DataError(
            "Cannot open {file}: its images have more than {most} million pixels. Save smaller images.",
            file=file,
            most=MAX_PIXELS // 1_000_000,
        )
    size = stack.nbytes
    if size > MAX_BYTES or (size > UNSUSPICIOUS_BYTES and size > MAX_RATIO * file_bytes):
        raise DataError(
            "Cannot open {file}: it has {packed}, but declares {count:# image|# images} of {size}. {remedy}",
            file=file,
            packed=size_text(file_bytes),
            count=count,
            size=size_text(size),
            remedy=message("Save it in parts.") if size <= MAX_RATIO * file_bytes else DISTRUST,
        )
    return stack


def check_chunks(array: Any, file: Value) -> None:
    """Raise DataError if an array, which need not be in memory, is stored in chunks too large to be read."""
    size = math.prod(array.chunks or (0,)) * array.dtype.itemsize
    if size > _MAX_CHUNK:
        raise DataError(
            "Cannot open {file}: it declares chunks of {size}; the limit is {most}. Save it in smaller chunks.",
            file=file,
            size=size_text(size),
            most=size_text(_MAX_CHUNK),
        )


def pieces(block: AnyArray) -> Iterator[Rows]:
    """Yield the values of an array in parts that fit into a message."""
    little = np.ascontiguousarray(block, block.dtype.newbyteorder("<"))
    values = little.reshape(-1).view(np.uint8)
    for start in range(0, len(values), _PIECE):
        yield Rows(values[start : start + _PIECE])


def is_number(dtype: np.dtype[Any]) -> bool:
    """Return whether values of a dtype can be pixels."""
    return dtype.kind in "biuf" and dtype.fields is None and dtype.subdtype is None and dtype.itemsize <= 8


def split_groups(
    arrays: Mapping[str, Any], images_among: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return the arrays of each split, if splits with images are groups of one file, and the arrays of no split.

    ``train/data`` and ``test/data`` are ``data`` of two splits if they have one dtype, and one shape but for the first
    axis. All arrays are of the split ``""`` if there are no training images, or only these.
    """
    found: dict[str, dict[str, Any]] = {}
    others = dict(arrays)
    for path, array in arrays.items():
        *groups, name = path.split("/")
        if split := next((SPLITS[group.lower()] for group in groups if group.lower() in SPLITS), ""):
            found.setdefault(split, {})[name] = array
            del others[path]
    kinds = [{(name, one.dtype, one.shape[1:]) for name, one in members.items()} for members in found.values()]
    common = {name for name, *_ in set.intersection(*kinds)} if "train" in found and len(found) > 1 else set[str]()
    if not images_among({name: found["train"][name] for name in common}):
        return {"": dict(arrays)}, {}
    return {
        split: {name: found[split][name] for name in sorted(common)} for split in SPLIT_ORDER if split in found
    }, others


def chosen_array(names: Sequence[str], sizes: Sequence[int], choice: str, file: Value) -> str:
    """Return the chosen array, or the one most likely to be images: by its name, else the largest.

    DataError if there is none, or the chosen one does not exist.
    """
    if not names:
        raise DataError(
            "Cannot open {file}: it has no images. Save numbers as an array (n, h, w) or (n, h, w, channels).",
            file=file,
        )
    if choice and choice not in names:
        raise DataError(
            "Cannot open {file}: it has no array “{choice}” of images. Choose one of {names}.",
            file=file,
            choice=choice,
            names=list(names[:20]),
        )
    by_name = (name for wanted in IMAGES for name in names if name.rpartition("/")[2].lower() == wanted)
    return choice or next(by_name, names[sizes.index(max(sizes))])


def chosen_frames(frames: str, count: int, file: Value) -> range:
    """Return the positions of the chosen frames of `count`, all by default; DataError if there is no such frame."""
    if frames in ("", "all"):
        return range(count)
    first = 0 if frames == "first" else int(frames)
    if first >= count:
        raise DataError(
            "“{file}” has no frame {frame}. Choose one from 0 to {last}.", file=file, frame=first, last=count - 1
        )
    return range(first, first + 1)


def found_axes(shape: Sequence[int], layout: Layout, name: Value, count: int | None = None) -> tuple[Axes, Layout]:
    """Return the axes of an array of images with 3 or 4 axes, and its layout, which may be chosen.

    `count` is the number of images, if something else tells it. See `explorer.data.image_arrays.found_layout`.
    """
    layout = layout or found_layout(tuple(shape), name, count)
    return axes_of(shape, layout, name), layout


def arranged_shape(shape: Sequence[int], axes: Axes) -> tuple[int, int, int, int]:
    """Return the shape ``(n, h, w, c)`` of an array with these axes."""
    count, height, width, channels = (int(shape[axis]) if axis >= 0 else 1 for axis in axes)
    return count, height, width, channels


def rows_of(array: Any, axes: Axes) -> Iterator[Rows]:
    """Yield the images of an array, which need not be in memory, by the positions of its axes."""
    count = arranged_shape(array.shape, axes)[0]
    step = max(1, _PIECE * count // max(1, math.prod(array.shape) * array.dtype.itemsize))
    chunks = getattr(array, "chunks", None)
    if chunks and axes[0] >= 0:  # whole chunks, so that none is decompressed twice
        step = math.ceil(step / chunks[axes[0]]) * chunks[axes[0]]
    index: list[slice] = [slice(None)] * len(array.shape)
    for start in range(0, count, step):
        if axes[0] >= 0:
            index[axes[0]] = slice(start, start + step)
        yield from pieces(arranged(np.asarray(array[tuple(index)]), axes))


def columns(arrays: Mapping[str, AnyArray], count: int) -> Iterator[Labels | Column | LeftOut]:
    """Yield labels and columns of arrays with one row per image; see `explorer.data.label_arrays.labels_of`."""
    label = next((name for wanted in LABELS for name in arrays if name.lower() == wanted), None)
    for name, array in arrays.items():
        if array.dtype.kind not in "biufUS" or not array.ndim or len(array) != count:
            yield unused(name, array.shape, count)
            continue
        flat = array.reshape(count, -1)
        if flat.shape[1] > MAX_COLUMNS:
            yield unused(name, array.shape, count)
            continue
        if name == label:
            found = labels_of(flat, "label")
            if found.values is not None:
                yield Labels(found.values, found.names)
            if found.refused is not None:
                yield LeftOut(name, found.refused)
            attributes = found.attributes
        else:
            attributes = {name: column_of(flat, name)} if flat.shape[1] == 1 else columns_of(flat, name)
        for title, attribute in attributes.items():
            yield Column(title, attribute.values, attribute.names)


def unused(name: str, shape: Sequence[int], count: int) -> LeftOut:
    """Return the note on an array that is not one row per image, or not of numbers or texts."""
    return LeftOut(
        name,
        message(
            "It is not used: its shape is {shape}, for {count:# image|# images}.", shape=str(tuple(shape)), count=count
        ),
    )


def few(notes: Iterable[LeftOut]) -> Iterator[LeftOut]:
    """Return the first notes, and one on all others."""
    listed = list(notes)
    each = listed if len(listed) <= _MOST_NOTES else listed[: _MOST_NOTES - 1]
    yield from each
    if rest := listed[len(each) :]:
        yield LeftOut(
            rest[0].name,
            message(
                "It and {count:# other part is|# other parts are} not used. {reason}",
                count=len(rest) - 1,
                reason=rest[0].reason,
            ),
        )


# -- in the process that calls it --------------------------------------------------------------------------------------


def has_files(folder: Path, suffixes: tuple[str, ...]) -> bool:
    """Return whether one of the first files in a folder, which may have very many, has one of the suffixes."""
    try:
        with os.scandir(folder) as entries:
            return any(entry.name.lower().endswith(suffixes) for entry in islice(entries, _LOOKED_AT))
    except OSError:
        return False


def stream(
    name: str, paths: Sequence[Path], arguments: Mapping[str, Any], file: Value
) -> Generator[Progress, None, Contents]:
    """Read images with a reader process: yields progress, and returns them. DataError if the file is refused."""
    found: Contents | None = None
    skipped: list[Skipped] = []
    filled = np.empty(0, np.uint8)
    done = 0
    yield Progress(0, 0, message("Reading images"))
    for record in reader.steps(name, paths, (Stack, Rows, Labels, Column, LeftOut, Progress), arguments):
        if isinstance(record, Progress):
            yield record
        elif record is None:
            yield Progress(done >> 20, len(filled) >> 20, message("Reading images"))
        elif isinstance(record, Stack):
            found = _allocated(record, file)
            filled = found.images.reshape(-1).view(np.uint8)
        elif isinstance(record, LeftOut):
            skipped.append(Skipped(record.name, record.reason))
        elif found is None:
            raise _invalid(file)
        elif isinstance(record, Rows):
            end = done + len(record.values)
            if end > len(filled):
                raise _invalid(file)
            filled[done:end] = record.values
            done = end
            yield Progress(done >> 20, len(filled) >> 20, message("Reading images"))
        elif isinstance(record, Labels):
            found.labels = record
        else:
            found.columns[record.name] = Attribute(record.values, record.names)
    if found is None:
        raise _invalid(file)
    read, rest = divmod(done * len(found.images), len(filled))
    if rest or (read < len(found.images) and not (read and found.stack.fewer)):
        raise _invalid(file)
    found.images = found.images[:read]
    found.skipped = skipped
    return found


def _allocated(stack: Stack, file: Value) -> Contents:
    if stack.dtype not in DTYPES or min(stack.shape) < 1 or stack.nbytes > MAX_BYTES:
        raise _invalid(file)  # the reader checks it, but its process may be under the control of the file
    try:
        return Contents(stack, np.empty(stack.shape, np.dtype(stack.dtype)))
    except MemoryError as full:
        raise DataError(
            "Cannot open {file}: its images take {size}, more than the free memory. Save it in parts.",
            file=file,
            size=size_text(stack.nbytes),
        ) from full


def _invalid(file: Value) -> DataError:
    return DataError(
        "Cannot open {file}: it has fewer or more values than it declares. Save or copy it again.", file=file
    )
