"""Zip archives and the arrays in them, from anybody: nothing is unpacked, and nothing larger is read than was allowed.

What an archive says of itself is checked before a byte of it is inflated, and what comes out is held against it. Names
never become paths.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import SessionError

_ENCRYPTED = 0x1
_MOST_MEMBERS = 100
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_REMEDY = "Do not open files that you do not trust; choose another."
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


def read_members(file: IO[bytes], allowed: Mapping[str, int], where: str) -> dict[str, bytes]:
    """Return the content of the members of a zip.

    Parameters
    ----------
    file
        The archive, open for reading.
    allowed
        Names that may be in it, and how many bytes each may have at most, inflated.
    where
        What to call it in an error.

    Raises
    ------
    SessionError
        If there is a member of another name (a way out of the folder, say), one twice, a link, an encrypted one, one
        that is too large, or one whose checksum is wrong.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check_list([member.filename for member in members], allowed, where)
            for member in members:
                _check_member(member, allowed[member.filename], where)
            return {member.filename: _content(archive, member) for member in members}
    except _DAMAGED as error:
        raise _damaged(where, error) from error


def read_arrays(content: bytes, kinds: Mapping[str, str], most: int, where: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of an npz, by name.

    Parameters
    ----------
    content
        The npz.
    kinds
        Names that may be in it, and the dtype of each, as ``float32``.
    most
        Bytes that all arrays may take together.
    where
        What to call it in an error.

    Returns
    -------
    dict
        Of those dtypes, of any shape; floats are finite.

    Raises
    ------
    SessionError
        As `read_members`; or an array is of another dtype (objects among them), larger than allowed, or not finite.
    """
    names = {f"{name}.npy": name for name in kinds}
    parts = read_members(BytesIO(content), dict.fromkeys(names, most), where)
    if sum(map(len, parts.values())) > most:
        raise SessionError(f"arrays of at most {most >> 20} MB in {where}", "more", _REMEDY)
    return {names[part]: _array(raw, kinds[names[part]], f"{part} in {where}") for part, raw in parts.items()}


def _check_list(names: list[str], allowed: Mapping[str, int], where: str) -> None:
    if len(names) > _MOST_MEMBERS:
        raise SessionError(f"at most {_MOST_MEMBERS} parts in {where}", f"{len(names):,}", _REMEDY)
    if len(set(names)) < len(names):
        raise SessionError(f"each part once in {where}", "one twice", _REMEDY)
    for name in names:
        if name not in allowed:
            raise SessionError(f"no other parts than {', '.join(allowed)} in {where}", f"“{name[:100]}”", _REMEDY)


def _check_member(member: zipfile.ZipInfo, most: int, where: str) -> None:
    mode = member.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise SessionError(f"plain files in {where}", f"“{member.filename}”, which is a link or a device", _REMEDY)
    if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
        raise SessionError(f"plain or deflated parts in {where}", f"“{member.filename}” in another way", _REMEDY)
    if member.file_size > most:
        size = f"{member.file_size / 2**20:,.0f} MB"
        raise SessionError(f"“{member.filename}” of at most {most >> 20} MB in {where}", size, _REMEDY)


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Read one member; the reader gives no more than the size that was checked, and then checks the checksum."""
    with archive.open(member) as part:
        content = part.read()
    if len(content) != member.file_size:
        raise ValueError(f"“{member.filename}” is cut short")
    return content


def _array(raw: bytes, kind: str, where: str) -> NDArray[Any]:
    """Read one array, whose header must say exactly what is there: a shape is room that would be asked for."""
    file = BytesIO(raw)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except ValueError as error:
        raise _damaged(where, error) from error
    if dtype.hasobject or dtype.name != kind or not dtype.isnative or fortran:
        raise SessionError(f"an array of {kind} as {where}", f"one of {dtype}", _REMEDY)
    size = dtype.itemsize
    for side in shape:
        size *= side
    if size != len(raw) - file.tell() or any(side < 0 for side in shape):
        told = "×".join(map(str, shape))[:100]
        raise SessionError(f"{where} as large as its header says, {told}", "another size", _REMEDY)
    array = np.frombuffer(raw, dtype, offset=file.tell()).reshape(shape)
    if dtype.kind == "f" and not np.isfinite(array).all():
        raise SessionError(f"finite numbers in {where}", "others", _REMEDY)
    return array


def _damaged(where: str, why: object) -> SessionError:
    words = " ".join(str(why).split())[:200]
    return SessionError(f"a whole file {where}", f"a damaged one ({words})", "Open an older copy, if there is one.")
