"""The machine's memory, without a third-party library."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Memory limits of cgroups v2 and v1 on Linux. Without a limit they hold "max" or a huge number."""


def memory_bytes() -> int | None:
    """Return the memory of the machine or the container in bytes; None if unknown."""
    if sys.platform == "win32":
        return _windows_bytes()
    try:
        installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None
    return min([installed, *_container_limits()]) if installed > 0 else None


def gigabytes(count: float) -> str:
    """Return a number of bytes as ``7.8 GB``, of 2³⁰ bytes each."""
    return f"{count / 2**30:.1f} GB"


def _container_limits() -> list[int]:
    limits = []
    for path in _LIMITS:
        with contextlib.suppress(OSError, ValueError):
            limits.append(int(path.read_text(encoding="ascii")))
    return limits


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of the Windows API."""

    _fields_ = (
        ("length", ctypes.c_ulong),
        ("load", ctypes.c_ulong),
        *((name, ctypes.c_ulonglong) for name in ("total", "free", "page_total", "page_free")),
        *((name, ctypes.c_ulonglong) for name in ("virtual_total", "virtual_free", "extended_free")),
    )


def _windows_bytes() -> int | None:
    status = _MemoryStatus()
    status.length = ctypes.sizeof(_MemoryStatus)
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - other systems' type stubs do not have it
    return int(status.total) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else None
