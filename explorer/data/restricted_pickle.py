"""Read pickles of plain data and NumPy arrays without the power that a pickle has.

A pickle is a program. This reader first looks at every instruction and refuses all that plain data does not need, and
then runs it with stand-ins in the place of every function that it may name: they only remember what they are given. No
function of NumPy or of the standard library is called by the pickle, and nothing is imported for it.
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
"""What plain data and arrays are made of; no instances, no persistent names, no extension codes."""

_MEMO_PUTS: Final = ("PUT", "BINPUT", "LONG_BINPUT")
_TYPES: Final = frozenset({"u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"})
_MAX_DIMS: Final = 4
_MAX_DEPTH: Final = 8
_MAX_PARTS: Final = 500_000


def load_plain_pickle(path: Path) -> Any:
    """Return what a pickle holds: numbers, texts, bytes, lists, tuples, dicts, and arrays of numbers.

    Parameters
    ----------
    path
        A pickle of protocol 0 to 4. Texts of Python 2 come as bytes.

    Raises
    ------
    DataError
        If it is broken or too large, or holds anything else; nothing was executed then.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"a file of at most {MAX_BYTES >> 20} MB at {path}", "a larger one", "Download it again.")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"a file that can be read at {path}", f"“{error.strerror or error}”") from error
    try:
        _check_instructions(content)
        return _finished(_Reader(io.BytesIO(content), encoding="bytes").load())
    # A hostile pickle can raise anything from inside the reader.
    except Exception as error:
        text = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError(
            f"plain data and arrays of numbers in {path}",
            f"“{text}”; nothing of it was executed",
            "Download the file again from where it is published.",
        ) from error


def _check_instructions(content: bytes) -> None:
    for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if opcode.name not in _OPCODES:
            raise pickle.UnpicklingError(f"the instruction {opcode.name}")
        if count > _MAX_INSTRUCTIONS:
            raise pickle.UnpicklingError("too many instructions")
        # The reader makes room for all numbers below the largest.
        if opcode.name in _MEMO_PUTS and (not isinstance(argument, int) or argument > len(content)):
            raise pickle.UnpicklingError("a memory cell with an absurd number")


class _Sealed:
    """Something that a pickle may hold but not change."""

    __slots__ = ()

    def __setstate__(self, state: object) -> NoReturn:
        raise pickle.UnpicklingError("a state for something that has none")


class _ArrayClass(_Sealed):
    """Stands for ``numpy.ndarray``: an argument of `_Reconstruct`, never called."""

    __slots__ = ()


class _DtypeClass(_Sealed):
    """Stands for ``numpy.dtype``."""

    __slots__ = ()

    def __call__(self, code: object = b"", *rest: object) -> _Dtype:
        text = code.decode("ascii", "replace") if isinstance(code, bytes) else str(code)
        if text.lstrip("|<>=") not in _TYPES:
            raise pickle.UnpicklingError(f"an array of type {text[:20]}")
        return _Dtype(text.lstrip("|<>="))


class _Reconstruct(_Sealed):
    """Stands for numpy's ``_reconstruct``, which makes an empty array to be filled."""

    __slots__ = ()

    def __call__(self, kind: object, shape: object, code: object) -> _Array:
        if not isinstance(kind, _ArrayClass):
            raise pickle.UnpicklingError("an array of another class")
        return _Array()


class _Encode(_Sealed):
    """Stands for ``_codecs.encode``, by which Python 3 writes bytes in protocol 2."""

    __slots__ = ()

    def __call__(self, text: object, encoding: object = "") -> bytes:
        if not isinstance(text, str) or encoding not in ("latin1", b"latin1", "latin-1", b"latin-1"):
            raise pickle.UnpicklingError("an encoding that bytes do not have")
        return text.encode("latin1")


class _Dtype:
    """A type of numbers, with the order of its bytes."""

    __slots__ = ("code", "order")

    def __init__(self, code: str) -> None:
        self.code = code
        self.order = "|"

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or any(part is not None for part in state[2:5]):
            raise pickle.UnpicklingError("a type with parts")
        order = state[1].decode("ascii", "replace") if isinstance(state[1], bytes) else state[1]
        if order not in ("|", "<", ">", "="):
            raise pickle.UnpicklingError("a type with another order of bytes")
        self.order = order


class _Array:
    """An array's shape, type and bytes, not yet checked."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state

    def finished(self) -> np.ndarray[Any, Any]:
        """Return the array.

        Raises
        ------
        pickle.UnpicklingError
            If its parts do not fit together.
        """
        state = self.state
        if not isinstance(state, tuple) or len(state) != 5:
            raise pickle.UnpicklingError("an array without its parts")
        _, shape, dtype, fortran, content = state
        if not isinstance(shape, tuple) or len(shape) > _MAX_DIMS or not all(type(size) is int for size in shape):
            raise pickle.UnpicklingError("an array without a shape")
        if not isinstance(dtype, _Dtype) or not isinstance(content, bytes):
            raise pickle.UnpicklingError("an array of objects")
        plain = np.dtype(f"{'=' if dtype.order == '|' else dtype.order}{dtype.code}")
        if min(shape, default=0) < 0 or math.prod(shape) * plain.itemsize != len(content):
            raise pickle.UnpicklingError("an array of another size than its bytes")
        return np.frombuffer(content, plain).reshape(shape, order="F" if fortran else "C")


_STAND_INS: Final = {
    ("numpy.core.multiarray", "_reconstruct"): _Reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _Reconstruct,
    ("numpy", "ndarray"): _ArrayClass,
    ("numpy", "dtype"): _DtypeClass,
    ("_codecs", "encode"): _Encode,
}


class _Reader(pickle.Unpickler):
    """Knows five names, and gives stand-ins for them."""

    def find_class(self, module: str, name: str, /) -> Any:
        stand_in = _STAND_INS.get((module, name))
        if stand_in is None:
            raise pickle.UnpicklingError(f"the name {module[:60]}.{name[:60]}")
        return stand_in()

    def persistent_load(self, pid: Any) -> NoReturn:
        raise pickle.UnpicklingError("a persistent name")


def _finished(value: Any) -> Any:
    """Return plain data: arrays in the place of their stand-ins, and nothing else left of these."""
    left = [_MAX_PARTS]

    def finish(value: Any, depth: int) -> Any:
        left[0] -= 1  # a part that is named many times is finished many times
        if depth > _MAX_DEPTH or left[0] < 0:
            raise pickle.UnpicklingError("data nested too deeply")
        if isinstance(value, _Array):
            return value.finished()
        if isinstance(value, dict):
            return {finish(key, depth + 1): finish(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [finish(item, depth + 1) for item in value]
        if value is None or isinstance(value, bool | int | float | str | bytes):
            return value
        raise pickle.UnpicklingError("something that is no plain data")

    return finish(value, 0)
