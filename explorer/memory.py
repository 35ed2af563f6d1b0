"""How the C library keeps memory that was freed: in few places, and not for ever. Does nothing but with glibc."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

_M_ARENA_MAX = -8
_ARENAS = 2
"""Heaps that threads share; by default there are eight for each core, and every one keeps what was freed in it."""


def share_heaps() -> None:
    """Let all threads share few heaps; to be called before there are threads."""
    library = _glibc()
    if library is not None:
        library.mallopt(_M_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Return freed memory to the system; takes some milliseconds, during which other threads run."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> Any:
    """Return the C library, where it is glibc."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL(None)
        library.malloc_trim.argtypes = [ctypes.c_size_t]
        library.mallopt.argtypes = [ctypes.c_int, ctypes.c_int]
    except (AttributeError, OSError):  # another one, such as musl
        return None
    return library
