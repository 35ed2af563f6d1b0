"""Memory that the process has let go of, given back to the system."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any


def give_back() -> None:
    """Return freed memory to the system, where the C library keeps it: glibc does, in an arena for every few threads.

    Takes some milliseconds, during which other threads run; nothing happens on other systems.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):  # another C library, such as musl
        return None
    trim.argtypes = [ctypes.c_size_t]
    return trim
