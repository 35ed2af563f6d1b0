"""Zip archives and NumPy arrays from anybody: nothing is inflated before its declared size was counted.

What comes out is bounded by what was declared, too. Object arrays, which are pickles, are never read. Names never
become paths.
"""

from __future__ import annotations

import math
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.errors import DataError, ExplorerError
from explorer.reading import reading, size_text

_SUFFIX: Final = ".npy"
_ENCRYPTED: Final = 0x1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Others inflate in pieces of a size that nobody can bound."""

_CHUNK: Final = 1 << 20
_KINDS: Final = "biufcSU"
_DISTRUST: Final = "Do not open files that you do not trust; choose another."
_COPY: Final = "Save or copy it again."


@dataclass(frozen=True)
class ZipLimits:
    """What an archive may unfold into.

    Attributes
    ----------
    total
        Bytes of all members together, as declared.
    members
        Number of members.
    ratio, unsuspicious
        An archive may unfold to `ratio` times its size, or to `unsuspicious` bytes where that is more.
    """

    total: int
    members: int = 1_000
    ratio: int = 300
    unsuspicious: int = 256 << 20


def check_members(
    archive: zipfile.ZipFile,
    limits: ZipLimits,
    where: str,
    error: type[ExplorerError],
    allowed: Mapping[str, int] | None = None,
) -> None:
    """Refuse an archive by what it declares; nothing is inflated.

    Parameters
    ----------
    archive, limits, where, error
        The archive, what it may hold, what to call it in an error, and the class to raise.
    allowed
        Names that may be in it, and how many bytes each may have at most; any where left out.

    Raises
    ------
    ExplorerError
        If a name is there twice or is not allowed; a member is a link, a device, encrypted, or packed in an unusual
        way; there are too many; or they are larger than allowed.
    """
    members = archive.infolist()
    if len(members) > limits.members:
        raise error(f"at most {limits.members:,} parts in {where}", f"{len(members):,}", _DISTRUST)
    if len({member.filename for member in members}) < len(members):
        raise error(f"each part once in {where}", "one twice", _DISTRUST)
    for member in members:
        _check_member(member, where, error, allowed)
    total = sum(member.file_size for member in members)
    # Members that share their bytes are counted once.
    packed = min(sum(member.compress_size for member in members), archive.start_dir)
    if total > limits.total or (total > limits.unsuspicious and total > limits.ratio * packed):
        raise error(
            f"at most {size_text(limits.total)}, and {limits.ratio} times the size of the file, in {where}",
            f"{size_text(total)} from {size_text(packed)}",
            _DISTRUST,
        )


def _check_member(
    member: zipfile.ZipInfo, where: str, error: type[ExplorerError], allowed: Mapping[str, int] | None
) -> None:
    name = member.filename[:100]
    if allowed is not None and member.filename not in allowed:
        raise error(f"no other parts than {', '.join(allowed)} in {where}", f"“{name}”", _DISTRUST)
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        raise error(f"plain files in {where}", f"“{name}”, which is a link or a device", _DISTRUST)
    if member.flag_bits & _ENCRYPTED:
        raise error(f"plain or deflated parts without a password in {where}", f"“{name}”, encrypted", _DISTRUST)
    if member.compress_type not in _METHODS:
        raise error(f"plain or deflated parts in {where}", f"“{name}” in another way", _DISTRUST)
    if allowed is not None and member.file_size > allowed[member.filename]:
        most = size_text(allowed[member.filename])
        raise error(f"“{name}” of at most {most} in {where}", size_text(member.file_size), _DISTRUST)


def read_members(
    file: IO[bytes], allowed: Mapping[str, int], limits: ZipLimits, where: str, error: type[ExplorerError] = DataError
) -> dict[str, bytes]:
    """Return the content of all members of a zip, by name.

    Raises
    ------
    ExplorerError
        As `check_members` does, or if it is damaged.
    """
    with reading("a whole file", where, error, _COPY), zipfile.ZipFile(file) as archive:
        check_members(archive, limits, where, error, allowed)
        return {member.filename: read_member(archive, member) for member in archive.infolist()}


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return the content of one member, never more than it declares.

    ``ZipFile.read`` inflates up to 2 GB and cuts that to the declared size afterwards.

    Raises
    ------
    ValueError, zipfile.BadZipFile
        If there is less, or the checksum is wrong.
    """
    with archive.open(member) as part:
        content = bytearray()
        while chunk := part.read(_CHUNK):
            content += chunk
    if len(content) != member.file_size:
        raise ValueError(f"“{member.filename}” is cut short")
    return bytes(content)


@dataclass(frozen=True)
class Header:
    """What the header of an array says of it."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(
    file: IO[bytes], size: int, where: str, error: type[ExplorerError] = DataError, remedy: str = _COPY
) -> Header:
    """Read the header of an array, and compare it with the bytes that there are.

    Parameters
    ----------
    file
        At the header's first byte; left at the first value.
    size
        Bytes of header and values together.
    where
        What to call it in an error.
    error, remedy
        The class to raise, and what to do.

    Raises
    ------
    ExplorerError
        If it is damaged, or promises more values than there are.
    """
    with reading("a whole NumPy array", where, error, remedy):
        start = file.read(np.lib.format.MAGIC_LEN)
        if start[: len(np.lib.format.MAGIC_PREFIX)] != np.lib.format.MAGIC_PREFIX:
            raise error(f"a NumPy array in {where}", "something else", remedy)
        if start[-2:] not in (b"\1\0", b"\2\0"):
            raise error(f"an array of format 1 or 2 in {where}", f"format {start[-2]}", remedy)
        first = start[-2] == 1
        read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
        header = Header(*read(file))
        left = size - file.tell()
    if header.dtype.hasobject:
        return header
    if min(header.shape, default=0) < 0 or not header.dtype.itemsize or header.nbytes > left:
        raise error(f"the {header.nbytes:,} bytes that its header promises in {where}", f"{left:,} at most", remedy)
    return header


def read_values(file: IO[bytes], header: Header) -> NDArray[Any]:
    """Read the values behind a header.

    Raises
    ------
    ValueError
        If there are fewer.
    """
    flat = np.empty(math.prod(header.shape), header.dtype)
    left = flat.view(np.uint8).data
    while len(left):
        chunk = file.read(min(_CHUNK, len(left)))
        if not chunk:
            raise ValueError("the array is cut short")
        left[: len(chunk)] = chunk
        left = left[len(chunk) :]
    return flat.reshape(header.shape, order="F" if header.fortran else "C")


def read_arrays(
    file: IO[bytes],
    limits: ZipLimits,
    where: str,
    error: type[ExplorerError] = DataError,
    kinds: Mapping[str, str] | None = None,
    remedy: str = _COPY,
) -> dict[str, NDArray[Any] | None]:
    """Return the arrays of an npz by name; None for one of objects, which is not read.

    Parameters
    ----------
    file
        The archive, open for reading.
    limits
        What it may hold.
    where
        What to call it in an error.
    error
        The class to raise.
    kinds
        Names that may be in it, and the dtype of each, such as ``float32``; any where left out.
    remedy
        What to do about a damaged one.

    Raises
    ------
    ExplorerError
        If it is damaged, larger than allowed, or holds something else than such arrays.
    """
    arrays: dict[str, NDArray[Any] | None] = {}
    with reading("a whole NumPy file", where, error, remedy), zipfile.ZipFile(file) as archive:
        check_members(archive, limits, where, error)
        for member in archive.infolist():
            name = member.filename.removesuffix(_SUFFIX)
            if kinds is not None and (name not in kinds or name == member.filename):
                raise error(f"no other arrays than {', '.join(kinds)} in {where}", f"“{name[:100]}”", _DISTRUST)
            with archive.open(member) as part:
                told = f"“{name[:100]}” of {where}"
                header = read_header(part, member.file_size, told, error, remedy)
                if kinds is not None:
                    _check_kind(header, kinds[name], member.file_size - part.tell(), told, error)
                usable = header.dtype.kind in _KINDS and not header.dtype.hasobject
                arrays[name] = read_values(part, header) if usable else None
                # The checksum is compared at the end; a member may be longer than its array.
                while usable and part.read(_CHUNK):
                    pass
    return arrays


def _check_kind(header: Header, kind: str, size: int, where: str, error: type[ExplorerError]) -> None:
    if header.dtype.hasobject or header.dtype.name != kind or not header.dtype.isnative or header.fortran:
        raise error(f"an array of {kind} as {where}", f"one of {header.dtype}", _DISTRUST)
    if header.nbytes != size:
        told = "×".join(map(str, header.shape))[:100]
        raise error(f"{where} as large as its header says, {told}", "another size", _DISTRUST)


def whole_arrays(
    file: IO[bytes], limits: ZipLimits, where: str, error: type[ExplorerError] = DataError, remedy: str = _COPY
) -> dict[str, NDArray[Any]]:
    """Return the arrays of an npz as `read_arrays` does; one of objects is an error."""
    arrays = read_arrays(file, limits, where, error, remedy=remedy)
    return {name: _no_objects(name, array, where, error) for name, array in arrays.items()}


def _no_objects(name: str, array: NDArray[Any] | None, where: str, error: type[ExplorerError]) -> NDArray[Any]:
    if array is None:
        raise error(f"arrays of numbers in {where}", f"“{name[:100]}”, one of objects", _DISTRUST)
    return array
