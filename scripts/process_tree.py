"""What a process and all its children hold: memory, open files, threads. Reads /proc, so Linux only."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_MIB = 2**20


@dataclass(frozen=True)
class Holding:
    """What a process, or several, hold.

    Attributes
    ----------
    memory
        Proportional set size in bytes (pages that several processes share count once), or the resident set size where
        the kernel does not say.
    files, threads, processes
        Numbers of open files, threads and processes.
    """

    memory: int
    files: int
    threads: int
    processes: int = 1

    @property
    def memory_mb(self) -> float:
        """Memory in MiB."""
        return self.memory / _MIB

    def __add__(self, other: Holding) -> Holding:
        return Holding(
            self.memory + other.memory,
            self.files + other.files,
            self.threads + other.threads,
            self.processes + other.processes,
        )


def holding(pid: int) -> Holding:
    """Return what one process holds."""
    proc = Path("/proc", str(pid))
    return Holding(_memory(proc), len(os.listdir(proc / "fd")), len(os.listdir(proc / "task")))


def children(pid: int) -> list[int]:
    """Return the children of a process, their children too."""
    found: list[int] = []
    for task in Path("/proc", str(pid), "task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *children(child)]
    return found


def tree_holding(pid: int) -> tuple[Holding, Holding]:
    """Return what a process holds, and what all its children hold together."""
    below = Holding(0, 0, 0, 0)
    for child in children(pid):
        with suppress(OSError):  # it has ended meanwhile
            below += holding(child)
    return holding(pid), below


def _memory(proc: Path) -> int:
    with suppress(OSError):
        for line in (proc / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return int((proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
