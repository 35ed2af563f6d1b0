"""Resources of a process and all its children: memory, open files, threads. Reads /proc, so Linux only."""

from __future__ import annotations

import os
from collections import Counter
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
        Resident bytes; in the sum over processes, pages of a file that several of them map count once.
    own
        The anonymous part of it, in bytes.
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


def children(pid: int) -> list[int]:
    """Return all descendants of a process."""
    found: list[int] = []
    for task in Path("/proc", str(pid), "task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *children(child)]
    return found


def tree_holding(pid: int) -> tuple[Holding, Holding]:
    """Return the resources of a process, and the sum of those of all its descendants without what it shares with it."""
    files: dict[str, int] = {}
    window, below = _holding(Path("/proc", str(pid)), files), Holding(0, 0, 0, 0, 0)
    for child in children(pid):
        with suppress(OSError):  # it has ended meanwhile
            below += _holding(Path("/proc", str(child)), files)
    return window, below


def _holding(proc: Path, files: dict[str, int]) -> Holding:
    """Return the resources of one process; `files` are the resident bytes of each mapped file that count already.

    The proportional set size would depend on unrelated processes that use the same libraries.
    """
    own, mapped = _resident(proc)
    more = 0
    for path, size in mapped.items():
        known = files.get(path, 0)
        more += max(0, size - known)
        files[path] = max(size, known)
    return Holding(own + more, own, len(os.listdir(proc / "fd")), len(os.listdir(proc / "task")))


def _resident(proc: Path) -> tuple[int, dict[str, int]]:
    """Return the anonymous resident bytes, and those of each mapped file."""
    own, mapped, path = 0, Counter[str](), ""
    for line in (proc / "smaps").read_text("utf-8", "replace").splitlines():
        words = line.split(maxsplit=5)
        if not words[0].endswith(":"):
            path = words[5] if len(words) > 5 else ""
        elif words[0] == "Rss:":
            mapped[path] += int(words[1]) * 1024
        elif words[0] == "Anonymous:":
            mapped[path] -= int(words[1]) * 1024
            own += int(words[1]) * 1024
    return own, dict(mapped)
