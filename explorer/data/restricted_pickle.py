"""Read untrusted pickles of plain data and NumPy arrays without executing code.

A pickle is a program. This reader first refuses every opcode that plain data does not need, and then replaces every
function that the pickle may name by a stand-in that only stores its arguments. The pickle calls no function of NumPy or
of the standard library, and imports nothing.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np

from explorer.errors import DataError
from explorer.reading import reason_of

MAX_BYTES: Final = 256 << 20
_MAX_INSTRUCTIONS: Final = 5_000_000
_OPCODES: Final = frozenset(
    (
        *("PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK", "DUP"),
        *("NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2", "LONG1", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("EMPTY_LIST", "LIST", "APPEND", "APPENDS", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
        *("EMPTY_DICT", "DICT", "SETITEM", "SETITEMS"),
        *("GET", "BINGET", "LONG_BINGET", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"),
        *("GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD"),
    )
)
"""Opcodes of plain data and arrays; no instances, persistent IDs or extension codes."""

_MEMO_PUTS: Final = ("PUT", "BINPUT", "LONG_BINPUT")
_TYPES: Final = frozenset({"u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"})
_MAX_DIMS: Final = 4
_MAX_DEPTH: Final = 8
_MAX_PARTS: Final = 500_000


def load_plain_pickle(path: Path) -> Any:
    """Return the content of a pickle, protocol 0 to 4: numbers, texts, bytes, lists, tuples, dicts, and numeric arrays.

    Texts of Python 2 are returned as bytes. DataError if it is damaged or too large, or has anything else; nothing was
    executed.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(
                "Cannot read {file}: it is larger than {most:,} MB. Download it again.", file=path, most=MAX_BYTES >> 20
            )
        content = path.read_bytes()
    except OSError as error:
        raise DataError("Cannot read {file}: {reason}. Check the path.", file=path, reason=reason_of(error)) from error
    try:
        _check_instructions(content)
        return _finished(_Reader(io.BytesIO(content), encoding="bytes").load())
    # A hostile pickle can raise anything from inside the reader.
    except Exception as error:
        raise DataError(
            "Cannot read {file} as a pickle of plain data: {reason}. Nothing was executed. Download it again from its "
            "publisher.",
            file=path,
            reason=reason_of(error),
        ) from error


def _check_instructions(content: bytes) -> None:
    for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if opcode.name not in _OPCODES:
            raise pickle.UnpicklingError(f"the opcode {opcode.name} is not allowed")
        if count > _MAX_INSTRUCTIONS:
            raise pickle.UnpicklingError("too many opcodes")
        # The reader allocates all memo entries below the largest.
        if opcode.name in _MEMO_PUTS and (not isinstance(argument, int) or argument > len(content)):
            raise pickle.UnpicklingError("a memo index is out of range")


class _Sealed:
    """An object that a pickle may contain but not modify."""

    __slots__ = ()

    def __setstate__(self, state: object) -> NoReturn:
        raise pickle.UnpicklingError("a state for an object that has none")


class _ArrayClass(_Sealed):
    """Stands for ``numpy.ndarray``: an argument of `_Reconstruct`, never called."""

    __slots__ = ()


class _DtypeClass(_Sealed):
    __slots__ = ()

    def __call__(self, code: object = b"", *rest: object) -> _Dtype:
        text = code.decode("ascii", "replace") if isinstance(code, bytes) else str(code)
        if text.lstrip("|<>=") not in _TYPES:
            raise pickle.UnpicklingError(f"arrays of dtype {text[:20]} are not allowed")
        return _Dtype(text.lstrip("|<>="))


class _Reconstruct(_Sealed):
    """Stands for NumPy's ``_reconstruct``, which creates an empty array."""

    __slots__ = ()

    def __call__(self, kind: object, shape: object, code: object) -> _Array:
        if not isinstance(kind, _ArrayClass):
            raise pickle.UnpicklingError("array subclasses are not allowed")
        return _Array()


class _Encode(_Sealed):
    """Stands for ``_codecs.encode``, with which Python 3 writes bytes in protocol 2."""

    __slots__ = ()

    def __call__(self, text: object, encoding: object = "") -> bytes:
        if not isinstance(text, str) or encoding not in ("latin1", b"latin1", "latin-1", b"latin-1"):
            raise pickle.UnpicklingError("bytes in an unknown encoding")
        return text.encode("latin1")


class _Dtype:
    __slots__ = ("code", "order")

    def __init__(self, code: str) -> None:
        self.code = code
        self.order = "|"

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or any(part is not None for part in state[2:5]):
            raise pickle.UnpicklingError("structured dtypes are not allowed")
        order = state[1].decode("ascii", "replace") if isinstance(state[1], bytes) else state[1]
        if order not in ("|", "<", ">", "="):
            raise pickle.UnpicklingError("a dtype with an unknown byte order")
        self.order = order


class _Array:
    """Shape, dtype and bytes of an array, not checked yet."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state

    def finished(self) -> np.ndarray[Any, Any]:
        """Return the array; pickle.UnpicklingError if shape, dtype and bytes are invalid or do not match."""
        state = self.state
        if not isinstance(state, tuple) or len(state) != 5:
            raise pickle.UnpicklingError("an array without valid data")
        _, shape, dtype, fortran, content = state
        if not isinstance(shape, tuple) or len(shape) > _MAX_DIMS or not all(type(size) is int for size in shape):
            raise pickle.UnpicklingError("an array without a valid shape")
        if not isinstance(dtype, _Dtype) or not isinstance(content, bytes):
            raise pickle.UnpicklingError("object arrays are not allowed")
        plain = np.dtype(f"{'=' if dtype.order == '|' else dtype.order}{dtype.code}")
        if min(shape, default=0) < 0 or math.prod(shape) * plain.itemsize != len(content):
            raise pickle.UnpicklingError("the size of an array does not match its bytes")
        return np.frombuffer(content, plain).reshape(shape, order="F" if fortran else "C")


_STAND_INS: Final = {
    ("numpy.core.multiarray", "_reconstruct"): _Reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _Reconstruct,
    ("numpy", "ndarray"): _ArrayClass,
    ("numpy", "dtype"): _DtypeClass,
    ("_codecs", "encode"): _Encode,
}


class _Reader(pickle.Unpickler):
    """Unpickler that resolves five names, to stand-ins."""

    def find_class(self, module: str, name: str, /) -> Any:
        stand_in = _STAND_INS.get((module, name))
        if stand_in is None:
            raise pickle.UnpicklingError(f"the name {module[:60]}.{name[:60]} is not allowed")
        return stand_in()

    def persistent_load(self, pid: Any) -> NoReturn:
        raise pickle.UnpicklingError("persistent IDs are not allowed")


def _finished(value: Any) -> Any:
    """Return plain data, with arrays instead of their stand-ins."""
    left = [_MAX_PARTS]

    def finish(value: Any, depth: int) -> Any:
        left[0] -= 1  # a part that is referenced repeatedly is converted each time
        if depth > _MAX_DEPTH or left[0] < 0:
            raise pickle.UnpicklingError("the data is nested too deeply or too large")
        if isinstance(value, _Array):
            return value.finished()
        if isinstance(value, dict):
            return {finish(key, depth + 1): finish(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [finish(item, depth + 1) for item in value]
        if value is None or isinstance(value, bool | int | float | str | bytes):
            return value
        raise pickle.UnpicklingError("objects other than plain data are not allowed")

    return finish(value, 0)
