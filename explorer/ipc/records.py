"""Records as plain values that msgpack knows, and back, checked against the record's type."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from pathlib import PurePath
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

_ARRAY = 1
"""Msgpack's extension type that stands for an array: its place in the frame, 4 bytes."""

_MOST_ERRORS = 100


class Flattener:
    """Turns values into what msgpack takes; arrays are set apart, in C order and little endian.

    Parameters
    ----------
    containers
        How many lists and maps there may be.

    Attributes
    ----------
    arrays
        Those that were met, in that order.
    """

    def __init__(self, containers: int) -> None:
        self.arrays: list[NDArray[Any]] = []
        self._left = containers

    def plain(self, value: Any, depth: int) -> Any:
        """Return `value` as msgpack takes it.

        Raises
        ------
        ValueError, TypeError
            If it nests deeper than `depth`, holds too many lists and maps, or what cannot be sent.
        """
        if depth < 0:
            raise ValueError("values that nest too deep")
        if value is None or isinstance(value, bool | int | float | str | bytes):
            return value
        if isinstance(value, np.ndarray):
            self.arrays.append(np.asarray(value, value.dtype.newbyteorder("<"), order="C"))
            return msgpack.ExtType(_ARRAY, (len(self.arrays) - 1).to_bytes(4, "little"))
        if isinstance(value, np.generic):
            return self.plain(value.item(), depth - 1)
        if isinstance(value, PurePath):
            return str(value)
        self._left -= 1
        if self._left < 0:
            raise ValueError("too many lists and maps")
        if isinstance(value, list | tuple):
            return [self.plain(item, depth - 1) for item in value]
        fields = _fields(value)
        if not all(isinstance(name, str) for name in fields):
            raise TypeError("a map whose keys are not strings")
        return {name: self.plain(item, depth - 1) for name, item in fields.items()}


def _fields(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
    raise TypeError(f"a value of type {type(value).__name__}")


def from_plain(kind: type, fields: Any, arrays: list[NDArray[Any]], depth: int) -> Any:
    """Return the record of type `kind` with these fields.

    Raises
    ------
    ValueError
        If a field is missing, unknown or of another type, or anything nests deeper than `depth`.
    """
    try:
        return _adapter(kind).validate_python([_restored(fields, arrays, depth)])[0]
    except ValidationError as error:
        if error.error_count() > _MOST_ERRORS:
            raise ValueError(f"{kind.__name__} with {error.error_count()} wrong values") from error
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, (kind.__name__, *first["loc"][1:])))
        raise ValueError(f"{place}: {first['msg']}") from error


def _restored(value: Any, arrays: list[NDArray[Any]], depth: int) -> Any:
    """Put the arrays in their places."""
    if depth < 0:
        raise ValueError("values that nest too deep")
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    if isinstance(value, msgpack.ExtType) and value.code == _ARRAY:
        return arrays[int.from_bytes(value.data, "little")]
    if isinstance(value, list):
        return [_restored(item, arrays, depth - 1) for item in value]
    if isinstance(value, dict):
        return {name: _restored(item, arrays, depth - 1) for name, item in value.items()}
    raise ValueError("a value of an unknown kind")


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    # A dataclass takes its settings from what holds it, here a tuple of one.
    return TypeAdapter(tuple[kind], config=ConfigDict(extra="forbid", arbitrary_types_allowed=True))  # type: ignore[valid-type]  # a type known only here
