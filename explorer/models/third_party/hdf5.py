"""Reading HDF5 files; only in the reader process, since the HDF5 library is not robust against hostile files."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from explorer.errors import ModelError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from explorer.reader.handed import Handed

MAX_MEMBERS: Final = 100_000
MAX_DEPTH: Final = 64
MAX_ROW_BYTES: Final = 128 << 20
_MAX_NOTES: Final = 1_000
_SMALL: Final = 64 << 20
_COMPRESSED: Final = 20
"""Maximum ratio of the size of the arrays to that of the file."""
_LOCAL_HEADER: Final = 30


class Window(io.RawIOBase):
    """A part of a file, from `start` with `size` bytes, as a read-only file."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        super().__init__()
        self._file = file
        self._start = start
        self._size = size
        self._at = 0

    @classmethod
    def of_member(cls, file: BinaryIO, info: zipfile.ZipInfo) -> Window:
        """Return an uncompressed member of a zip file."""
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER)
        names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        return cls(file, info.header_offset + _LOCAL_HEADER + names, info.file_size)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        self._file.seek(self._start + self._at)
        content = self._file.read(max(0, min(len(view), self._size - self._at)))
        view[: len(content)] = content
        self._at += len(content)
        return len(content)


def hdf5_file(file: Any) -> Any:
    """Open an HDF5 file for reading; use it in a ``with`` block."""
    import h5py

    return h5py.File(file, "r")


def members(root: Any, without: frozenset[str] = frozenset()) -> Iterator[tuple[str, Any]]:
    """Yield all groups and datasets below a group, each once, the root first, but not the children named in `without`.

    Yields path, and group or dataset; instead of a member in another file ``link`` or ``external``. ModelError if there
    are too many members, or they are nested too deeply.
    """
    import h5py

    seen = {h5py.h5o.get_info(root.id).addr}
    left: list[tuple[str, Any, int]] = [("", root, 0)]
    count = 0
    while left:
        place, group, depth = left.pop()
        yield place, group
        for name in group:
            count += 1
            if count > MAX_MEMBERS or depth > MAX_DEPTH:
                raise ModelError(
                    "The file of weights has too many or too deeply nested groups. "
                    "Do not open files that you do not trust."
                )
            if not place and name in without:
                continue
            here = f"{place}/{name}" if place else name
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                yield here, "link"
            elif isinstance(link, h5py.HardLink):
                member = group[name]
                address = h5py.h5o.get_info(member.id).addr
                if address in seen:
                    continue
                seen.add(address)
                if isinstance(member, h5py.Group):
                    left.append((here, member, depth + 1))
                elif isinstance(member, h5py.Dataset):
                    yield here, "external" if member.external or member.is_virtual else member


def links_in(file: Any, handed: Handed) -> tuple[str, ...]:
    """Return the paths of all members of an HDF5 file that are stored in other files.

    Raises ModelError if its arrays are implausibly large for the size of the file.
    """
    declared = 0
    found = []
    for place, member in members(file):
        if isinstance(member, str):
            found.append(place)
        elif hasattr(member, "dtype") and member.shape is not None:
            declared += prod(map(int, member.shape)) * max(1, member.dtype.itemsize)
    size = os.fstat(handed.file.fileno()).st_size
    if declared > _SMALL + _COMPRESSED * size:
        raise ModelError(
            "{file} declares {declared:,} bytes of weights, but has only {size:,} bytes. "
            "Do not open files that you do not trust.",
            file=handed.name,
            declared=declared,
            size=size,
        )
    return tuple(found)


def attributes(member: Any, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the attributes of a group or dataset that are text or numbers."""
    import h5py

    found: dict[str, Any] = {}
    for name in list(member.attrs)[:_MAX_NOTES]:
        if name in without:
            continue
        value = member.attrs[name]
        if isinstance(value, h5py.Empty):
            continue
        if hasattr(value, "dtype"):
            # Arrays of strings become lists, scalars plain values.
            value = value if value.ndim and value.dtype.kind in "biuf" else value.tolist()
        found[name] = value
    return found


def rows(dataset: Any, most: int) -> Iterator[Any]:
    """Yield the values of a dataset in parts of at most `most` bytes, but at least one row.

    Raises ModelError if it is too large.
    """
    if not dataset.shape:
        yield dataset[()]
        return
    row = prod(map(int, dataset.shape[1:])) * dataset.dtype.itemsize
    if row > MAX_ROW_BYTES:
        raise ModelError(
            "A row of the weights {name} takes {size} MB; the limit is {most} MB. Import a model with smaller layers.",
            name=dataset.name,
            size=row >> 20,
            most=MAX_ROW_BYTES >> 20,
        )
    step = max(1, most // max(1, row))
    for start in range(0, dataset.shape[0], step):
        yield dataset[start : start + step]
