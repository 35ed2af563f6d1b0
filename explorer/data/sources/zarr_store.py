"""Images in Zarr stores, a folder or a zip file, also in the layout of microscopy (OME-Zarr)."""

from __future__ import annotations

import itertools
import math
import os
import stat
import zipfile
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import UnsupportedOperation
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from explorer.array_files import ZipLimits, check_members
from explorer.data.choices import Layout, refuse_unused
from explorer.data.extras import require
from explorer.data.ranges import AnyArray
from explorer.data.source import Facts, Source
from explorer.data.sources.array_limits import MAX_BYTES, MAX_RATIO, UNSUSPICIOUS_BYTES
from explorer.data.sources.array_source import source_of
from explorer.data.sources.containers import (
    DISTRUST,
    MAX_COLUMNS,
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
    is_number,
    pieces,
    rows_of,
    stream,
    unused,
)
from explorer.data.sources.entry import PathKind
from explorer.errors import DataError
from explorer.json_limits import SESSION, parse_json
from explorer.messages import message
from explorer.reader import Handed
from explorer.reading import reason_of
from explorer.types import Progress

_ZIPS: Final = (".zarr.zip", ".zarr")
_METADATA: Final = (".zarray", ".zgroup", "zarr.json")
_MAX_JSON: Final = 8 << 20
_READ_ONLY: Final = "a store that is only read by key"
_MAX_FOLDERS: Final = 10_000
_MAX_DEPTH: Final = 8
_MAX_MEMBERS: Final = 1_000_000
_COLUMN_BYTES: Final = 512 << 20
_CODECS: Final = frozenset(
    {"bytes", "blosc", "gzip", "zlib", "zstd", "lz4", "lzma", "bz2", "crc32c", "crc32", "adler32", "fletcher32"}
    | {"transpose", "sharding_indexed", "delta", "shuffle", "fixedscaleoffset", "bitround", "quantize", "packbits"}
    | {"imagecodecs_delta", "vlen-utf8"}
)
"""Codecs of numbers; all others, as pickle, are refused."""


def takes(path: Path) -> bool:
    """Return whether it is a Zarr group or array, as a folder or a zip file."""
    if path.is_dir():
        return any(os.path.isfile(path / name) for name in _METADATA)
    return path.is_file() and path.name.lower().endswith(_ZIPS)


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | Source]:
    """Open the images of a Zarr store; see `PathKind.scan_as`.

    Of OME-Zarr the highest resolution of all images of one shape, whose times and positions are images; of others an
    array ``(n, h, w)`` or ``(n, h, w, c)``, or channels first, with arrays of as many numbers or rows as labels and
    attributes. DataError if there is none, or it has codecs that are
    not for numbers.
    """
    refuse_unused(facts.choices, ("array", "range", "layout", "channels"), facts.name)
    require("zarr", message("Zarr"), path.name)
    arguments = {"array": facts.choices.array, "layout": facts.choices.layout}
    yield source_of(facts, (yield from stream("zarr", [path], arguments, path.name)))


# -- in the reader process ---------------------------------------------------------------------------------------------


def read_zarr(
    files: tuple[Handed, ...], *, array: str, layout: Layout
) -> Iterator[Stack | Rows | Labels | Column | LeftOut]:
    """Read the images of a Zarr store; see `scan_as`."""
    (handed,) = files
    tree: _Tree = _ZipTree(handed) if handed.opened is not None else _FolderTree(handed)
    nodes = {place: _Node.of(tree, place, handed.name) for place in tree.places()}
    found_images = list(_multiscales(nodes))
    masks = [one for one in found_images if "labels" in one[0].split("/")]
    images = [one for one in found_images if one not in masks]
    if array:
        images = [one for one in images if one[0] == array]
    if images:
        yield from _read_axes(tree, handed, images)
        for place, _, _ in masks:
            yield LeftOut(place, message("Masks of cells are not read."))
        return
    arrays = {place: _opened(tree, node, handed.name) for place, node in sorted(nodes.items()) if node.is_images}
    names = list(arrays)
    chosen = arrays[chosen_array(names, [one.size for one in arrays.values()], array, handed.name)]
    axes, found = found_axes(chosen.shape, layout, handed.name)
    shape = arranged_shape(chosen.shape, axes)
    stack = Stack(
        chosen.dtype.newbyteorder("<").str, shape, arrays=tuple(names) if len(names) > 1 else (), layout=found
    )
    yield check_stack(stack, handed.name, tree.size(stack.nbytes // MAX_RATIO))
    yield from rows_of(chosen, axes)
    values: dict[str, AnyArray] = {}
    notes: list[LeftOut] = []
    size = 0
    for place, node in sorted(nodes.items()):
        if node.array is not None and not node.is_images:
            try:
                one = _Array(tree, node.checked(handed.name))
                narrow = one.shape[:1] == shape[:1] and math.prod(one.shape[1:]) <= MAX_COLUMNS
                if narrow and is_number(one.dtype) and size + one.nbytes <= _COLUMN_BYTES:
                    values[place] = one[(slice(None),) * len(one.shape)]
                    size += one.nbytes
                else:
                    notes.append(unused(place, one.shape, shape[0]))
            except DataError as error:
                notes.append(LeftOut(place, error.message))
            except Exception as error:  # zarr raises anything
                notes.append(LeftOut(place, message("It cannot be read: {reason}.", reason=reason_of(error))))
    yield from few(notes)
    yield from columns(values, shape[0])


def _read_axes(
    tree: _Tree, handed: Handed, images: Sequence[tuple[str, _Node, str]]
) -> Iterator[Stack | Rows | LeftOut]:
    """Read images whose axes have names."""
    opened = [(place, _opened(tree, node, handed.name), axes) for place, node, axes in images]
    _, first, axes = opened[0]
    same = [one for one in opened if (one[1].shape, one[1].dtype, one[2]) == (first.shape, first.dtype, axes)]
    if sorted(axes) != sorted(set(axes)) or not {"y", "x"} <= set(axes) or len(axes) != len(first.shape):
        raise DataError(
            "Cannot open {file}: the axes of “{image}” are {axes}, for the shape {shape}. Choose an array by its name.",
            file=handed.name,
            image=opened[0][0],
            axes=list(axes) or [message("unknown")],
            shape=str(first.shape),
        )
    sizes = dict(zip(axes, first.shape, strict=True))
    outer = [axis for axis in axes if axis not in "cyx"]
    count = len(same) * int(np.prod([sizes[axis] for axis in outer], dtype=np.int64))
    shape = (count, sizes["y"], sizes["x"], sizes.get("c", 1))
    names = tuple(place for place, _, _ in opened) if len(opened) > 1 else ()
    stack = Stack(first.dtype.newbyteorder("<").str, shape, arrays=names, measured="c" in axes)
    yield check_stack(stack, handed.name, tree.size(stack.nbytes // MAX_RATIO))
    for _, array, _ in same:
        yield from _planes(array, axes, outer, sizes)
    for place, array, _ in opened:
        if (array.shape, array.dtype) != (first.shape, first.dtype):
            yield LeftOut(place, message("Its shape or dtype differs from that of the first image."))


def _planes(array: _Array, axes: str, outer: Sequence[str], sizes: Mapping[str, int]) -> Iterator[Rows]:
    """Yield the images of an array with named axes, those in one chunk together."""
    chunks = dict(zip(axes, array.chunks, strict=True))
    steps = {axis: chunks[axis] if axis == outer[-1] else 1 for axis in outer}
    order = [axes.index(axis) for axis in (*outer, *"yx", *(["c"] if "c" in axes else []))]
    for starts in itertools.product(*(range(0, sizes[axis], steps[axis]) for axis in outer)):
        chosen = {axis: slice(start, start + steps[axis]) for axis, start in zip(outer, starts, strict=True)}
        yield from pieces(array[tuple(chosen.get(axis, slice(None)) for axis in axes)].transpose(order))


@dataclass(frozen=True)
class _Node:
    """A group or array: its place, format (2 or 3), metadata (None for a group), attributes."""

    place: str
    version: int
    array: dict[str, Any] | None
    attributes: dict[str, Any]

    @classmethod
    def of(cls, tree: _Tree, place: str, file: str) -> _Node:
        both = _json(tree, place, "zarr.json", file)
        if both:
            attributes = both.get("attributes")
            array = both if both.get("node_type") == "array" else None
            return cls(place, 3, array, attributes if isinstance(attributes, dict) else {})
        return cls(place, 2, _json(tree, place, ".zarray", file) or None, _json(tree, place, ".zattrs", file))

    @property
    def is_images(self) -> bool:
        """Whether it is an array of numbers with 3 or 4 axes, by its metadata."""
        shape = self.array.get("shape") if self.array else None
        dtype = self.array.get("dtype", self.array.get("data_type")) if self.array else None
        if not isinstance(shape, list) or len(shape) not in (3, 4) or not isinstance(dtype, str):
            return False
        try:
            return all(type(size) is int and size > 0 for size in shape) and is_number(np.dtype(dtype))
        except TypeError:
            return False

    def checked(self, file: str) -> _Node:
        """Return this node; DataError if it is an array with a codec that is not known to be safe."""
        left: list[Any] = [(self.array or {}).get(key) for key in ("codecs", "compressor", "filters")]
        while left:
            codec = left.pop()
            if isinstance(codec, list):
                left += codec
            elif isinstance(codec, dict):
                name = str(codec.get("name", codec.get("id", ""))).removeprefix("numcodecs.")
                if name not in _CODECS:
                    raise DataError(
                        "Cannot open {file}: its codec “{name}” is not read. Save it with zstd or blosc.",
                        file=file,
                        name=name[:100],
                    )
                configuration = codec.get("configuration", {})
                if isinstance(configuration, dict):
                    left += [configuration.get("codecs"), configuration.get("index_codecs")]
        return self


def _json(tree: _Tree, place: str, name: str, file: str) -> dict[str, Any]:
    """Return a JSON document of the store; empty if it is missing or no object."""
    content = tree.read(f"{place}/{name}" if place else name, 0, _MAX_JSON + 1)
    found = parse_json(content, SESSION, file) if content else {}
    return found if isinstance(found, dict) else {}


def _multiscales(nodes: Mapping[str, _Node]) -> Iterator[tuple[str, _Node, str]]:
    """Yield the images of OME-Zarr: name, array of the highest resolution, and names of its axes."""
    for place, node in sorted(nodes.items()):
        attributes = node.attributes.get("ome", node.attributes)
        scales = attributes.get("multiscales") if isinstance(attributes, dict) else None
        match scales:
            case [{"datasets": [{"path": str(path)}, *_], **rest}, *_]:
                array = nodes.get(f"{place}/{path}" if place else path)
                names = rest.get("axes", list("tczyx"))
                if array is not None and isinstance(names, list):
                    axes = [name.get("name") if isinstance(name, dict) else name for name in names]
                    yield place or path, array, "".join(str(axis)[:1].lower() for axis in axes)


# -- files of a store --------------------------------------------------------------------------------------------------


class _Tree(Protocol):
    """The files of a store."""

    def places(self) -> Iterator[str]:
        """Yield the paths of groups and arrays, the root as an empty one."""

    def read(self, key: str, start: int, stop: int | None) -> bytes | None:
        """Return a part of a file, or None if it does not exist; negative positions count from the end."""

    def size(self, enough: int) -> int:
        """Return the bytes of all files; stops at `enough`."""


class _FolderTree:
    def __init__(self, handed: Handed) -> None:
        self._root = handed.path
        self._name = handed.name

    def places(self) -> Iterator[str]:
        left = [("", 0)]
        count = 0
        while left:
            place, depth = left.pop()
            count += 1
            if count > _MAX_FOLDERS:
                raise _too_many(self._name)
            names = set(os.listdir(self._root / place))
            if names & set(_METADATA):
                yield place
            chunked = (
                "zarr.json" in names and "c" in names and not os.path.exists(self._root / place / "c" / "zarr.json")
            )
            if ".zarray" in names or depth == _MAX_DEPTH or chunked:
                continue  # an array: below are only its chunks
            for name in sorted(names, reverse=True):
                inner = f"{place}/{name}" if place else name
                if os.path.isdir(self._root / inner) and not os.path.islink(self._root / inner):
                    left.append((inner, depth + 1))

    def read(self, key: str, start: int, stop: int | None) -> bytes | None:
        try:
            with open(self._root / key, "rb") as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode):
                    return None
                first, end, _ = slice(start, stop).indices(found.st_size)
                file.seek(first)
                return file.read(max(0, end - first))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def size(self, enough: int) -> int:
        total = 0
        for folder, _, names in os.walk(self._root):
            total += sum(os.lstat(os.path.join(folder, name)).st_size for name in names)
            if total >= enough:
                break
        return total


class _ZipTree:
    def __init__(self, handed: Handed) -> None:
        self._archive = zipfile.ZipFile(handed.file)
        self._archive.filelist = [info for info in self._archive.filelist if not info.is_dir()]
        check_members(
            self._archive, ZipLimits(MAX_BYTES, _MAX_MEMBERS, MAX_RATIO, UNSUSPICIOUS_BYTES), handed.name, DataError
        )
        self._name = handed.name
        self._size = handed.size
        names = self._archive.namelist()
        tops = {name.partition("/")[0] for name in names}
        # Some archives contain the folder itself.
        self._top = f"{tops.pop()}/" if len(tops) == 1 and not set(names) & set(_METADATA) else ""

    def places(self) -> Iterator[str]:
        found = {
            name.removeprefix(self._top).rpartition("/")[0]
            for name in self._archive.namelist()
            if name.rpartition("/")[2] in _METADATA
        }
        if len(found) > _MAX_FOLDERS:
            raise _too_many(self._name)
        yield from sorted(found)

    def read(self, key: str, start: int, stop: int | None) -> bytes | None:
        try:
            return self._archive.read(self._top + key)[start:stop]
        except KeyError:
            return None

    def size(self, enough: int) -> int:
        return self._size


def _too_many(file: str) -> DataError:
    return DataError("Cannot open {file}: it has too many groups. {remedy}", file=file, remedy=DISTRUST)


# -- arrays of a store -------------------------------------------------------------------------------------------------


class _Array:
    """An array of a store, read by zarr in this thread."""

    def __init__(self, tree: _Tree, node: _Node) -> None:
        from zarr.core.array import AsyncArray
        from zarr.storage import StorePath

        opening = AsyncArray.open(StorePath(_store_of(tree), node.place), zarr_format=2 if node.version == 2 else 3)
        self._array: Any = _run(opening)
        self.shape: tuple[int, ...] = tuple(map(int, self._array.shape))
        self.chunks: tuple[int, ...] = tuple(map(int, self._array.chunks))
        self.dtype = np.dtype(self._array.dtype)
        self.size = int(np.prod(self.shape, dtype=np.float64))
        self.nbytes = self.size * self.dtype.itemsize

    def __getitem__(self, index: tuple[slice, ...]) -> AnyArray:
        return np.asarray(_run(self._array.getitem(index)))


def _opened(tree: _Tree, node: _Node, file: str) -> _Array:
    array = _Array(tree, node.checked(file))
    if not is_number(array.dtype):
        raise DataError(
            "Cannot open {file}: the values of “{array}” are {dtype}. Choose an array of numbers.",
            file=file,
            array=node.place,
            dtype=array.dtype,
        )
    check_chunks(array, file)
    return array


def _store_of(tree: _Tree) -> Any:
    """Return a read-only store of zarr."""
    from zarr.abc.store import OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest

    class ReadOnly(Store):  # noqa: PLW1641
        supports_writes = supports_deletes = supports_listing = False

        def __init__(self) -> None:
            super().__init__(read_only=True)

        def __eq__(self, value: object) -> bool:
            return self is value

        async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
            match byte_range:
                case RangeByteRequest(start, end):
                    content = tree.read(key, start, end)
                case OffsetByteRequest(offset):
                    content = tree.read(key, offset, None)
                case SuffixByteRequest(suffix):
                    content = tree.read(key, -suffix, None)
                case _:
                    content = tree.read(key, 0, None)
            return None if content is None else prototype.buffer.from_bytes(content)

        async def get_partial_values(self, prototype: Any, key_ranges: Any) -> list[Any]:
            return [await self.get(key, prototype, byte_range) for key, byte_range in key_ranges]

        async def exists(self, key: str) -> bool:
            return tree.read(key, 0, 1) is not None

        async def set(self, key: str, value: Any) -> None:
            raise UnsupportedOperation(_READ_ONLY)

        async def delete(self, key: str) -> None:
            raise UnsupportedOperation(_READ_ONLY)

        def list(self) -> Any:
            raise UnsupportedOperation(_READ_ONLY)

        def list_prefix(self, prefix: str) -> Any:
            raise UnsupportedOperation(_READ_ONLY)

        def list_dir(self, prefix: str) -> Any:
            raise UnsupportedOperation(_READ_ONLY)

    return ReadOnly()


def _run(work: Awaitable[Any]) -> Any:
    """Run asynchronous work without threads and sockets, which the reader process may not create."""
    import asyncio

    base: Any = asyncio.BaseEventLoop

    class Loop(base):  # type: ignore[misc]  # its hooks have no public types
        """A loop that waits for nothing: all calls are made at once."""

        def __init__(self) -> None:
            super().__init__()
            self._selector = self

        def select(self, timeout: float | None) -> list[Any]:
            return []

        def _process_events(self, events: list[Any]) -> None:
            pass

        def _write_to_self(self) -> None:
            pass

        def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
            future = self.create_future()
            try:
                future.set_result(func(*args))
            except Exception as error:
                future.set_exception(error)
            return future

    loop = Loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


KIND = PathKind(message("a Zarr store"), takes, scan_as, label="Zarr files", patterns=("*.zarr", "*.zarr.zip"))
