"""Read untrusted zip archives and NumPy arrays: declared sizes are checked before anything is inflated.

The output is bounded by the declared size, too. Object arrays, which are pickles, are never read. Names never become
paths.
"""

from __future__ import annotations

import math
import stat
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.errors import DataError, ExplorerError
from explorer.messages import Message, Value, message
from explorer.reading import reading, size_text

_SUFFIX: Final = ".npy"
_ENCRYPTED: Final = 0x1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Other methods inflate in pieces of unbounded size."""

_CHUNK: Final = 1 << 20
_KINDS: Final = "biufcSU"
_DISTRUST: Final = message("Do not open files that you do not trust.")
_COPY: Final = message("Save or copy it again.")
_NPZ: Final = message("a NumPy .npz file")


@dataclass(frozen=True)
class ZipLimits:
    """Limits on the unpacked content of an archive: bytes of all `members` together, as declared, and their number.

    It may unpack to `ratio` times its size, or to `unsuspicious` bytes where that is more.
    """

    total: int
    members: int = 1_000
    ratio: int = 300
    unsuspicious: int = 256 << 20


def check_members(
    archive: zipfile.ZipFile,
    limits: ZipLimits,
    where: Value,
    error: type[ExplorerError],
    allowed: Mapping[str, int] | None = None,
) -> None:
    """Refuse an archive by what it declares; nothing is inflated. `allowed` are names with the most bytes of each.

    Raises `error` if a name is repeated or not allowed; a member is a link, a device, encrypted, or compressed with an
    unsupported method; there are too many; or they are larger than allowed.
    """
    members = archive.infolist()
    if len(members) > limits.members:
        raise error(
            "Cannot open {file}: it has {count:# entry|# entries}, more than {most:,}. {remedy}",
            file=where,
            count=len(members),
            most=limits.members,
            remedy=_DISTRUST,
        )
    if len({member.filename for member in members}) < len(members):
        raise error("Cannot open {file}: it has two entries of the same name. {remedy}", file=where, remedy=_DISTRUST)
    for member in members:
        _check_member(member, where, error, allowed)
    total = sum(member.file_size for member in members)
    # Members that share their bytes are counted once.
    packed = min(sum(member.compress_size for member in members), archive.start_dir)
    if total > limits.total:
        raise error(
            "Cannot open {file}: it unpacks to {size}, more than {most}. {remedy}",
            file=where,
            size=size_text(total),
            most=size_text(limits.total),
            remedy=_DISTRUST,
        )
    if total > limits.unsuspicious and total > limits.ratio * packed:
        raise error(
            "Cannot open {file}: {packed} unpack to {size}, more than {ratio} times as much. {remedy}",
            file=where,
            packed=size_text(packed),
            size=size_text(total),
            ratio=limits.ratio,
            remedy=_DISTRUST,
        )


def _check_member(
    member: zipfile.ZipInfo, where: Value, error: type[ExplorerError], allowed: Mapping[str, int] | None
) -> None:
    reason = _member_refusal(member, allowed)
    if reason is not None:
        raise error(
            "Cannot open {file}: its entry “{name}” {reason}. {remedy}",
            file=where,
            name=member.filename[:100],
            reason=reason,
            remedy=_DISTRUST,
        )


def _member_refusal(member: zipfile.ZipInfo, allowed: Mapping[str, int] | None) -> Message | None:
    if allowed is not None and member.filename not in allowed:
        return message("is not one of {allowed}", allowed=list(allowed))
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        return message("is a link or a device")
    if member.flag_bits & _ENCRYPTED:
        return message("is encrypted")
    if member.compress_type not in _METHODS:
        return message("is neither stored nor deflated")
    if allowed is not None and member.file_size > allowed[member.filename]:
        sizes = size_text(member.file_size), size_text(allowed[member.filename])
        return message("has {size}, more than {most}", size=sizes[0], most=sizes[1])
    return None


def read_members(
    file: IO[bytes],
    allowed: Mapping[str, int],
    limits: ZipLimits,
    where: Value,
    error: type[ExplorerError] = DataError,
) -> dict[str, bytes]:
    """Return the content of all members of a zip, by name; `error` as of `check_members`, or if it is damaged."""
    with reading(message("a zip archive"), where, error, _COPY), zipfile.ZipFile(file) as archive:
        check_members(archive, limits, where, error, allowed)
        return {member.filename: read_member(archive, member) for member in archive.infolist()}


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return the content of one member, never more than it declares.

    ``ZipFile.read`` inflates up to 2 GB and cuts that to the declared size afterwards. ValueError, zipfile.BadZipFile
    if there is less, or the checksum is wrong.
    """
    with archive.open(member) as part:
        content = bytearray()
        while chunk := part.read(_CHUNK):
            content += chunk
    if len(content) != member.file_size:
        raise ValueError(f"“{member.filename}” is truncated")
    return bytes(content)


@dataclass(frozen=True)
class Header:
    """Shape, memory order and dtype of an array, from its header."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(
    file: IO[bytes], size: int, where: Value, error: type[ExplorerError] = DataError, remedy: Message = _COPY
) -> Header:
    """Read the header of an array, and compare its declared size with the bytes available.

    The file is at the header's first byte, and left at the first value; `size` is the bytes of both together. Raises
    `error` if it is damaged, or declares more values than there are.
    """
    with reading(message("a NumPy array"), where, error, remedy):
        start = file.read(np.lib.format.MAGIC_LEN)
        if start[: len(np.lib.format.MAGIC_PREFIX)] != np.lib.format.MAGIC_PREFIX:
            raise error("Cannot read {file}: it is not a NumPy array. {remedy}", file=where, remedy=remedy)
        if start[-2:] not in (b"\1\0", b"\2\0"):
            raise error(
                "Cannot read {file}: NumPy format {version} is not supported, only 1.0 and 2.0. {remedy}",
                file=where,
                version=f"{start[-2]}.{start[-1]}",
                remedy=remedy,
            )
        first = start[-2] == 1
        read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
        header = Header(*read(file))
        left = size - file.tell()
    if header.dtype.hasobject:
        return header
    if min(header.shape, default=0) < 0 or not header.dtype.itemsize or header.nbytes > left:
        raise error(
            "Cannot read {file}: its header declares {size:# byte|# bytes}, but {left:,} are left. {remedy}",
            file=where,
            size=header.nbytes,
            left=left,
            remedy=remedy,
        )
    return header


def read_values(file: IO[bytes], header: Header) -> NDArray[Any]:
    """Read the values after a header, in the shape and dtype that it declares.

    ValueError if there are fewer, or a text is invalid.
    """
    flat = np.empty(math.prod(header.shape), header.dtype)
    left = flat.view(np.uint8).data
    while len(left):
        chunk = file.read(min(_CHUNK, len(left)))
        if not chunk:
            raise ValueError("the array is truncated")
        left[: len(chunk)] = chunk
        left = left[len(chunk) :]
    if flat.dtype.kind == "U":
        characters = flat.view(np.dtype(np.uint32).newbyteorder(flat.dtype.byteorder))
        if (characters > sys.maxunicode).any():
            raise ValueError("a text has an invalid character")
    return flat.reshape(header.shape, order="F" if header.fortran else "C")


def read_arrays(
    file: IO[bytes],
    limits: ZipLimits,
    where: Value,
    error: type[ExplorerError] = DataError,
    kinds: Mapping[str, str] | None = None,
    remedy: Message = _COPY,
) -> dict[str, NDArray[Any] | None]:
    """Return the arrays of an npz by name; None for an object array, which is not read.

    `kinds` are allowed names and the dtype of each, such as ``float32``; None allows any. Raises `error` if it is
    damaged, larger than allowed, or has other arrays.
    """
    arrays: dict[str, NDArray[Any] | None] = {}
    with reading(_NPZ, where, error, remedy), zipfile.ZipFile(file) as archive:
        check_members(archive, limits, where, error)
        for member in archive.infolist():
            name = member.filename.removesuffix(_SUFFIX)
            if kinds is not None and (name not in kinds or name == member.filename):
                raise error(
                    "Cannot read {file}: its array “{name}” is not one of {kinds}. {remedy}",
                    file=where,
                    name=name[:100],
                    kinds=list(kinds),
                    remedy=_DISTRUST,
                )
            with archive.open(member) as part:
                place = message("“{name}” in {file}", name=name[:100], file=where)
                header = read_header(part, member.file_size, place, error, remedy)
                if kinds is not None:
                    _check_kind(header, kinds[name], member.file_size - part.tell(), place, error)
                usable = header.dtype.kind in _KINDS and not header.dtype.hasobject
                arrays[name] = read_values(part, header) if usable else None
                # zipfile compares the checksum at the end, and a member may be longer than its array.
                while usable and part.read(_CHUNK):
                    pass
    return arrays


def _check_kind(header: Header, kind: str, size: int, where: Value, error: type[ExplorerError]) -> None:
    if header.dtype.hasobject or header.dtype.name != kind or not header.dtype.isnative:
        raise error(
            "Cannot read {array}: its dtype is {dtype} instead of {kind}. {remedy}",
            array=where,
            dtype=header.dtype,
            kind=kind,
            remedy=_DISTRUST,
        )
    if header.fortran:
        raise error("Cannot read {array}: it is in Fortran order. {remedy}", array=where, remedy=_DISTRUST)
    if header.nbytes != size:
        raise error(
            "Cannot read {array}: {size:# byte|# bytes} do not fit its shape {shape}. {remedy}",
            array=where,
            size=size,
            shape="×".join(map(str, header.shape))[:100],
            remedy=_DISTRUST,
        )


def whole_arrays(
    file: IO[bytes], limits: ZipLimits, where: Value, error: type[ExplorerError] = DataError, remedy: Message = _COPY
) -> dict[str, NDArray[Any]]:
    """Return the arrays of an npz as `read_arrays` does; an object array is an error."""
    arrays = read_arrays(file, limits, where, error, remedy=remedy)
    return {name: _no_objects(name, array, where, error) for name, array in arrays.items()}


def _no_objects(name: str, array: NDArray[Any] | None, where: Value, error: type[ExplorerError]) -> NDArray[Any]:
    if array is None:
        raise error(
            "Cannot read {file}: its array “{name}” holds Python objects. {remedy}",
            file=where,
            name=name[:100],
            remedy=_DISTRUST,
        )
    return array
