"""Drop privileges of a process before it reads an untrusted file."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias

from explorer.reader.landlock import restrict_files
from explorer.reader.seccomp import restrict_calls

Guard: TypeAlias = Literal["memory", "cpu", "files", "network", "processes"]
_SET_SIGNAL_OF_PARENTS_DEATH: Final = 1
GUARDS: Final[tuple[Guard, ...]] = ("memory", "cpu", "files", "network", "processes")


def end_with_parent(parent: int = 0) -> None:
    """Let Linux kill this process when the thread that started it ends, since a looping parser would not notice.

    It exits now if the process `parent` has ended before.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_SIGNAL_OF_PARENTS_DEATH, signal.SIGKILL, 0, 0, 0)
        if parent and os.getppid() != parent:
            os._exit(0)


def lock_down(memory_bytes: int, cpu_seconds: int, folders: Sequence[Path]) -> tuple[Guard, ...]:
    """Restrict this process permanently, and return which of `GUARDS` the system enforces.

    Everything that it needs must be imported and open before: afterwards only files below `folders` can be opened, for
    reading. Memory (address space) and CPU time of all threads are beyond the current use.
    """
    limited = _limit_resources(memory_bytes, cpu_seconds)
    files = restrict_files(folders)
    calls = restrict_calls(folders=bool(folders))
    held: dict[Guard, bool] = {
        "memory": "memory" in limited,
        "cpu": "cpu" in limited,
        "files": files or (calls and not folders),
        "network": calls,
        "processes": calls,
    }
    return tuple(guard for guard in GUARDS if held[guard])


def _limit_resources(memory_bytes: int, cpu_seconds: int) -> set[Guard]:
    try:
        import resource
    except ImportError:  # not on Windows
        return set()
    found: set[Guard] = set()
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + 1 + cpu_seconds
    limits: list[tuple[Guard | None, int, int, int]] = [
        # The soft limit comes one second earlier, and its signal tells the reason.
        ("cpu", resource.RLIMIT_CPU, seconds, seconds + 1),
        (None, resource.RLIMIT_CORE, 0, 0),
        (None, resource.RLIMIT_FSIZE, 0, 0),
    ]
    taken = _address_space()
    if taken:
        limits.append(("memory", resource.RLIMIT_AS, taken + memory_bytes, taken + memory_bytes))
    for guard, kind, soft, hard in limits:
        try:
            resource.setrlimit(kind, (soft, hard))
        except (ValueError, OSError):
            continue
        if guard is not None:
            found.add(guard)
    return found


def _address_space() -> int:
    """Return the bytes of address space of this process; 0 if unknown."""
    try:
        import resource

        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0
