"""The bytes of one message, a frame: version, msgpack header, raw arrays.

=========  =====================================================================================
bytes      content
=========  =====================================================================================
0 to 3     ``LXF`` and the version, one byte
4 to 7     length of the header, unsigned, little endian
8 …        header: the record's name, ``[[dtype, shape], …]`` and the fields, each in msgpack
…          the arrays in that order, C order, little endian, each at the next multiple of 16
=========  =====================================================================================

The transport gives the length of the frame. All declared sizes are checked against limits and the received bytes before
memory is allocated.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.errors import IpcError
from explorer.ipc.records import Decoder, encode, validated
from explorer.reading import reason_of

MAGIC = b"LXF\x01"
DTYPES = frozenset({"|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8"})
"""Dtypes of arrays in a frame: numbers and booleans."""

_PREFIX = struct.Struct("<4sI")
_ALIGNMENT = 16
_REASON_LIMIT = 300

Part: TypeAlias = bytes | memoryview


@dataclass(frozen=True)
class Limits:
    """Limits of a frame, checked by both ends.

    Attributes
    ----------
    frame_bytes, header_bytes, array_bytes
        Size of the whole frame, of its header, and of one array.
    arrays, dimensions
        Count of arrays, and of an array's dimensions.
    containers, depth
        Number of lists and maps in the record, which take many times their bytes in memory, and their nesting depth.
    """

    frame_bytes: int = 1 << 30
    header_bytes: int = 1 << 20
    array_bytes: int = 1 << 30
    arrays: int = 1_000
    dimensions: int = 16
    containers: int = 100_000
    depth: int = 32


LIMITS = Limits()
"""Default limits of a frame."""


def pack(record: object, limits: Limits = LIMITS) -> list[Part]:
    """Return the frame of a record, as consecutive parts; arrays are not copied.

    A record is a dataclass or pydantic model of None, booleans, numbers, strings, bytes, paths, arrays, and lists,
    tuples, maps with strings as keys, dataclasses and models of these. IpcError if it has other values, or exceeds the
    limits.
    """
    try:
        arrays: list[NDArray[Any]] = []
        fields = encode(record, arrays)
        table = [[array.dtype.str, array.shape] for array in arrays]
        header = b"".join(encode(part, []) for part in (type(record).__name__, table)) + fields
        # Refuse here what the other end would refuse.
        _read_header(memoryview(header), limits, lambda _: arrays)
        parts = _aligned([_PREFIX.pack(MAGIC, len(header)) + header, *map(_raw, arrays)])
        if sum(map(len, parts)) > limits.frame_bytes:
            raise ValueError(f"more than {limits.frame_bytes} bytes")
    except Exception as error:  # msgpack raises anything
        raise IpcError(
            "Cannot send {record} to another process: {reason}.", record=type(record).__name__, reason=reason_of(error)
        ) from error
    return parts


def unpack(data: bytes | bytearray | memoryview, receives: Iterable[type], limits: Limits = LIMITS) -> Any:
    """Return the record of a frame, validated field by field as one of `receives`.

    Arrays are copied, so that a small one does not keep a large frame in memory. IpcError, and no other exception, if
    it is not a frame of one of these records.
    """
    try:
        return _unpack(memoryview(data).cast("B"), receives, limits)
    except Exception as error:  # untrusted data can make msgpack, numpy or pydantic raise anything
        reason = str(error)[:_REASON_LIMIT]
        raise IpcError("Invalid message from a subprocess: {reason}.", reason=reason) from error


def _unpack(data: memoryview, receives: Iterable[type], limits: Limits) -> Any:
    if not _PREFIX.size <= len(data) <= limits.frame_bytes:
        raise ValueError(f"{len(data)} bytes")
    magic, size = _PREFIX.unpack_from(data)
    end = _PREFIX.size + size
    if magic != MAGIC or end > len(data):
        raise ValueError("another format, or truncated")
    name, fields = _read_header(data[_PREFIX.size : end], limits, lambda table: _arrays(data, end, table))
    kinds = {kind.__name__: kind for kind in receives}
    if name not in kinds:
        raise ValueError(f"unexpected record {name[:80]!r}")
    return validated(kinds[name], fields)


def _read_header(
    header: memoryview, limits: Limits, find_arrays: Callable[[list[Any]], list[NDArray[Any]]]
) -> tuple[str, Any]:
    """Return the record's name and its fields; `find_arrays` gives the arrays of the table, once that is checked."""
    if len(header) > limits.header_bytes:
        raise ValueError(f"header of more than {limits.header_bytes} bytes")
    # One list is the table itself, and two are each array's.
    decoder = Decoder(header, limits.containers + 1 + 2 * limits.arrays)
    name, table = decoder.value(0), decoder.value(2)
    if not isinstance(name, str) or not isinstance(table, list):
        raise ValueError("invalid header")
    _check_table(table, limits)
    decoder.arrays = find_arrays(table)
    fields = decoder.value(limits.depth)
    if not decoder.ended:
        raise ValueError("trailing bytes in the header")
    return name, fields


def _check_table(table: list[Any], limits: Limits) -> None:
    if len(table) > limits.arrays:
        raise ValueError(f"more than {limits.arrays} arrays")
    for dtype, shape in table:
        if dtype not in DTYPES or not isinstance(shape, list) or len(shape) > limits.dimensions:
            raise ValueError(f"array of dtype {str(dtype)[:20]}, or with too many dimensions")
        if not all(type(length) is int and length >= 0 for length in shape):
            raise ValueError("array with an invalid shape")
        # Zero lengths count as 1, since numpy refuses shapes whose other lengths overflow.
        if prod(max(length, 1) for length in shape) * np.dtype(dtype).itemsize > limits.array_bytes:
            raise ValueError(f"array of more than {limits.array_bytes} bytes")


def _arrays(data: memoryview, end: int, table: list[Any]) -> list[NDArray[Any]]:
    """Copy the arrays after the header, after checking that they fill the frame exactly."""
    starts = []
    for dtype, shape in table:
        starts.append(end + _gap(end))
        end = starts[-1] + prod(shape) * np.dtype(dtype).itemsize
    if end != len(data):
        raise ValueError(f"{end} bytes declared, {len(data)} received")
    return [_array(data, start, *entry) for start, entry in zip(starts, table, strict=True)]


def _array(data: memoryview, start: int, dtype: str, shape: list[int]) -> NDArray[Any]:
    count = prod(shape)
    array = np.frombuffer(data, np.dtype(dtype), count, start) if count else np.zeros(0, dtype)
    if dtype == "|b1" and array.view(np.uint8).max(initial=0) > 1:
        raise ValueError("booleans that are neither 0 nor 1")
    return array.reshape(shape).copy()


def _raw(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _gap(end: int) -> int:
    return -end % _ALIGNMENT


def _aligned(parts: Iterable[Part]) -> list[Part]:
    """Insert zeros so that each part starts at a multiple of 16."""
    found: list[Part] = []
    end = 0
    for part in parts:
        found += [bytes(_gap(end)), part] if _gap(end) else [part]
        end += _gap(end) + len(part)
    return found
