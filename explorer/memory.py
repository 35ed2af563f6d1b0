"""Limit the freed memory that glibc retains. Does nothing with other C libraries."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE = 2**20
"""Freed blocks of at least this size go back to the system at once; it costs 1 ms per decoded 224×224 image."""

_ARENAS = 2
"""Heaps that threads share. glibc's default is eight per core, and each retains what was freed in it."""


def share_heaps() -> None:
    """Let all threads share few heaps that retain no large arrays; call it before threads start."""
    library = _glibc()
    if library is not None:
        library.mallopt(_M_ARENA_MAX, _ARENAS)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        library.mallopt(_M_TRIM_THRESHOLD, _LARGE)


def give_back() -> None:
    """Return freed memory to the system; takes a few milliseconds and releases the GIL."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL(None)
        library.malloc_trim.argtypes = [ctypes.c_size_t]
        library.mallopt.argtypes = [ctypes.c_int, ctypes.c_int]
    except (AttributeError, OSError):  # another one, such as musl
        return None
    return library
