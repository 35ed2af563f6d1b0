"""Conversion of records to msgpack and back, with validation by type."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import msgpack
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    # Imported on receipt, so that a process that only sends records starts without it.
    from pydantic import TypeAdapter

_ARRAY = 1
"""Msgpack extension type of an array: its index in the frame, 4 bytes."""

_MOST_ERRORS = 100


def encode(value: Any, arrays: list[NDArray[Any]]) -> bytes:
    """Return `value` in msgpack; its arrays are appended to `arrays`, in C order and little endian.

    Raises ValueError, TypeError, OverflowError if it has values that cannot be sent.
    """

    def plain(part: Any) -> Any:
        if isinstance(part, np.ndarray):
            arrays.append(np.asarray(part, part.dtype.newbyteorder("<"), order="C"))
            return msgpack.ExtType(_ARRAY, (len(arrays) - 1).to_bytes(4, "little"))
        if isinstance(part, np.generic):
            return part.item()
        if isinstance(part, PurePath):
            return str(part)
        if hasattr(part, "model_dump"):
            return part.model_dump()
        if dataclasses.is_dataclass(part) and not isinstance(part, type):
            return {field.name: getattr(part, field.name) for field in dataclasses.fields(part) if field.init}
        raise TypeError(f"value of type {type(part).__name__}")

    packed: bytes = msgpack.packb(value, default=plain, unicode_errors="surrogatepass")
    return packed


class Decoder:
    """Decoder of consecutive untrusted msgpack values, with at most `containers` lists and maps."""

    def __init__(self, data: memoryview, containers: int) -> None:
        self.arrays: list[NDArray[Any]] = []
        self._size = len(data)
        self._left = containers
        self._unpacker = msgpack.Unpacker(
            max_buffer_size=max(1, self._size),
            list_hook=self._counted,
            object_hook=self._counted,
            ext_hook=self._array,
            unicode_errors="surrogatepass",
        )
        self._unpacker.feed(data)

    def value(self, depth: int) -> Any:
        """Return the next value.

        Raises ValueError if it is nested deeper than `depth`, has too many lists and maps, or is damaged.
        """
        value = self._unpacker.unpack()
        level = [value] if isinstance(value, list | dict) else []
        while level := [
            item
            for holder in level
            for item in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(item, list | dict)
        ]:
            depth -= 1
            if depth < 0:
                raise ValueError("values nested too deeply")
        return value

    @property
    def ended(self) -> bool:
        return bool(self._unpacker.tell() == self._size)

    def _counted(self, value: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise ValueError("too many lists and maps")
        return value

    def _array(self, code: int, data: bytes) -> NDArray[Any]:
        if code != _ARRAY:
            raise ValueError("value of an unknown extension type")
        return self.arrays[int.from_bytes(data, "little")]


def validated(kind: type, fields: Any) -> Any:
    """Return the record of type `kind` with these fields; ValueError if one is missing, unknown or of another type."""
    from pydantic import ValidationError

    try:
        return _adapter(kind).validate_python([fields])[0]
    except ValidationError as error:
        if error.error_count() > _MOST_ERRORS:
            raise ValueError(f"{kind.__name__} with {error.error_count()} invalid values") from error
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, (kind.__name__, *first["loc"][1:])))
        raise ValueError(f"{place}: {first['msg']}") from error


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    from pydantic import ConfigDict, TypeAdapter

    # A dataclass takes its config from its container, here a tuple of one.
    return TypeAdapter(tuple[kind], config=ConfigDict(extra="forbid", arbitrary_types_allowed=True))  # type: ignore[valid-type]  # a type known only here
