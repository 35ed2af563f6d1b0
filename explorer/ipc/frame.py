"""The bytes of one message, a frame: version, msgpack header, raw arrays.

=========  =====================================================================================
bytes      content
=========  =====================================================================================
0 to 3     ``LXF`` and the version, one byte
4 to 7     length of the header, unsigned, little endian
8 …        header: msgpack of ``[record's name, [[dtype, shape], …], fields]``
…          the arrays in that order, C order, little endian, each at the next multiple of 16
=========  =====================================================================================

The transport gives the length of the frame. Everything that a frame declares is bounded, and compared with the bytes
that came, before anything of that size is made.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import msgpack
import numpy as np
from numpy.typing import NDArray

from explorer.errors import IpcError
from explorer.ipc.records import Flattener, from_plain

MAGIC = b"LXF\x01"
DTYPES = frozenset({"|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8"})
"""Kinds of arrays that a frame can hold: numbers and truth values."""

_PREFIX = struct.Struct("<4sI")
_ALIGNMENT = 16
_REASON_LIMIT = 300

Part: TypeAlias = bytes | memoryview


@dataclass(frozen=True)
class Limits:
    """What a frame may hold at most; both ends keep to it.

    Attributes
    ----------
    frame_bytes, header_bytes, array_bytes
        Size of the whole frame, of its header, and of one array.
    arrays, dimensions
        Count of arrays, and of an array's dimensions.
    containers, depth
        Lists and maps in the record, which in memory take many times their bytes, and how deep they nest.
    """

    frame_bytes: int = 1 << 30
    header_bytes: int = 1 << 20
    array_bytes: int = 1 << 30
    arrays: int = 1_000
    dimensions: int = 16
    containers: int = 100_000
    depth: int = 32


LIMITS = Limits()
"""What a frame may hold where nothing else is said."""


def pack(record: object, limits: Limits = LIMITS) -> list[Part]:
    """Return the frame of a record, as parts to be sent one behind the other; arrays are not copied.

    Parameters
    ----------
    record
        A dataclass or pydantic model of None, booleans, numbers, strings, bytes, paths, arrays, and lists, tuples, maps
        with strings as keys, dataclasses and models of these.
    limits
        What the frame may hold.

    Raises
    ------
    IpcError
        If the record holds something else, or more than that.
    """
    try:
        flattener = Flattener(limits.containers)
        fields = flattener.plain(record, limits.depth)
        arrays = flattener.arrays
        if len(arrays) > limits.arrays:
            raise ValueError(f"more than {limits.arrays} arrays")
        table = [[array.dtype.str, array.shape] for array in arrays]
        _starts(table, limits)
        header: bytes = msgpack.packb([type(record).__name__, table, fields], unicode_errors="surrogatepass")
        if len(header) > limits.header_bytes:
            raise ValueError(f"more than {limits.header_bytes} bytes beside its arrays")
        parts = _aligned([_PREFIX.pack(MAGIC, len(header)) + header, *map(_raw, arrays)])
        if sum(map(len, parts)) > limits.frame_bytes:
            raise ValueError(f"more than {limits.frame_bytes} bytes")
    except Exception as error:  # msgpack raises what it likes
        raise IpcError(f"a message that another process can be sent ({type(record).__name__})", str(error)) from error
    return parts


def unpack(data: bytes | bytearray | memoryview, receives: Iterable[type], limits: Limits = LIMITS) -> Any:
    """Return the record of a frame.

    Parameters
    ----------
    data
        The frame, whole. Arrays are copied out of it, so that no small one keeps a large frame in memory.
    receives
        Types of records that are accepted, each checked field by field.
    limits
        What the frame may hold.

    Raises
    ------
    IpcError
        If it is anything but a frame of one of these records; no other exception leaves.
    """
    try:
        return _unpack(memoryview(data).cast("B"), receives, limits)
    except Exception as error:  # what came is not trusted: whatever it makes msgpack, numpy or pydantic raise
        reason = str(error)[:_REASON_LIMIT]
        raise IpcError("a message of this program’s other process", f"one that cannot be read ({reason})") from error


def _unpack(data: memoryview, receives: Iterable[type], limits: Limits) -> Any:
    if not _PREFIX.size <= len(data) <= limits.frame_bytes:
        raise ValueError(f"{len(data)} bytes")
    magic, size = _PREFIX.unpack_from(data)
    end = _PREFIX.size + size
    if magic != MAGIC or size > limits.header_bytes or end > len(data):
        raise ValueError("another format, or cut off")
    name, table, fields = _load(data[_PREFIX.size : end], limits)
    *starts, total = (end + _gap(end) + start for start in _starts(table, limits)) if table else [end]
    if total != len(data):
        raise ValueError(f"{total} bytes declared, {len(data)} there")
    kinds = {kind.__name__: kind for kind in receives}
    if not isinstance(name, str) or name not in kinds:
        raise ValueError(f"a record that is not expected here: {str(name)[:80]!r}")
    arrays = [_array(data, start, *entry) for start, entry in zip(starts, table, strict=True)]
    return from_plain(kinds[name], fields, arrays, limits.depth)


def _load(header: memoryview, limits: Limits) -> Any:
    """Decode the header, counting its lists and maps on the way; two are the header's own, and two each array's."""
    left = limits.containers + 2 + 2 * limits.arrays

    def count(value: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise ValueError("too many lists and maps")
        return value

    loaded = msgpack.unpackb(header, list_hook=count, object_hook=count, unicode_errors="surrogatepass")
    if not isinstance(loaded, list) or len(loaded) != 3 or not isinstance(loaded[1], list):
        raise ValueError("a header of another form")
    return loaded


def _starts(table: Sequence[Any], limits: Limits) -> list[int]:
    """Return where each array begins, counted from the first, and at last where all end; every number is checked."""
    if len(table) > limits.arrays:
        raise ValueError(f"more than {limits.arrays} arrays")
    starts = [0]
    for dtype, shape in table:
        if dtype not in DTYPES or not isinstance(shape, list | tuple) or len(shape) > limits.dimensions:
            raise ValueError(f"an array of {str(dtype)[:20]}, or of too many dimensions")
        if not all(type(length) is int and length >= 0 for length in shape):
            raise ValueError("an array whose shape is none")
        item = int(dtype[-1])
        # Lengths beside a zero are bounded too: numpy refuses shapes whose other lengths overflow.
        if prod(max(length, 1) for length in shape) * item > limits.array_bytes:
            raise ValueError(f"an array of more than {limits.array_bytes} bytes")
        start = starts[-1]
        starts[-1] = start + _gap(start)
        starts.append(starts[-1] + prod(shape) * item)
    return starts


def _array(data: memoryview, start: int, dtype: str, shape: Sequence[int]) -> NDArray[Any]:
    count = prod(shape)
    array = np.frombuffer(data, np.dtype(dtype), count, start) if count else np.zeros(0, dtype)
    if dtype == "|b1" and array.view(np.uint8).max(initial=0) > 1:
        raise ValueError("truth values that are neither 0 nor 1")
    return array.reshape(tuple(shape)).copy()


def _raw(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _gap(end: int) -> int:
    return -end % _ALIGNMENT


def _aligned(parts: Iterable[Part]) -> list[Part]:
    """Put zeros before each part that does not begin at a multiple of 16."""
    found: list[Part] = []
    end = 0
    for part in parts:
        found += [bytes(_gap(end)), part] if _gap(end) else [part]
        end += _gap(end) + len(part)
    return found
