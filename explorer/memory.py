"""How the C library keeps memory that was freed: in few places, and not for ever. Does nothing but with glibc."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE = 2**20
"""Arrays of this size go back to the system when they are freed; what one decoded image needs stays below."""

_ARENAS = 2
"""Heaps that threads share; by default there are eight for each core, and every one keeps what was freed in it."""


def share_heaps() -> None:
    """Let all threads share few heaps that keep no large arrays; to be called before there are threads."""
    library = _glibc()
    if library is not None:
        library.mallopt(_M_ARENA_MAX, _ARENAS)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        library.mallopt(_M_TRIM_THRESHOLD, _LARGE)


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
