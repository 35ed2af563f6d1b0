"""Resources of a process and all its children: memory, open files, threads. Reads /proc, so Linux only."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_MIB = 2**20


@dataclass(frozen=True)
class Holding:
    """Resources of one or several processes.

    Attributes
    ----------
    memory
        Proportional set size in bytes (shared pages count once), or the resident set size if unavailable.
    own
        The anonymous part of it, in bytes: unlike that of libraries, its share does not change when an unrelated
        process that uses them starts or ends.
    files, threads, processes
        Numbers of open files, threads and processes.
    """

    memory: int
    own: int
    files: int
    threads: int
    processes: int = 1

    @property
    def memory_mb(self) -> float:
        """Memory in MiB."""
        return self.memory / _MIB

    @property
    def own_mb(self) -> float:
        """Anonymous memory in MiB."""
        return self.own / _MIB

    def __add__(self, other: Holding) -> Holding:
        return Holding(
            self.memory + other.memory,
            self.own + other.own,
            self.files + other.files,
            self.threads + other.threads,
            self.processes + other.processes,
        )


def holding(pid: int) -> Holding:
    """Return the resources of one process."""
    proc = Path("/proc", str(pid))
    return Holding(*_memory(proc), len(os.listdir(proc / "fd")), len(os.listdir(proc / "task")))


def children(pid: int) -> list[int]:
    """Return all descendants of a process."""
    found: list[int] = []
    for task in Path("/proc", str(pid), "task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *children(child)]
    return found


def tree_holding(pid: int) -> tuple[Holding, Holding]:
    """Return the resources of a process, and the sum of those of all its descendants."""
    below = Holding(0, 0, 0, 0, 0)
    for child in children(pid):
        with suppress(OSError):  # it has ended meanwhile
            below += holding(child)
    return holding(pid), below


def _memory(proc: Path) -> tuple[int, int]:
    """Return all memory, and its anonymous part."""
    with suppress(OSError):
        sizes = {
            line.split(":")[0]: int(line.split()[1]) * 1024
            for line in (proc / "smaps_rollup").read_text().splitlines()
            if line.startswith("Pss")
        }
        return sizes["Pss"], sizes.get("Pss_Anon", sizes["Pss"])
    resident = int((proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resident, resident
