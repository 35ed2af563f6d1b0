"""Programs that meet hostile files: in a process of their own with bounds, whose peak of memory is told.

Run as a program it is that process' parent: so the peak is of the program alone, and its limits are set before it runs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer_testing.programs import PATIENCE_S, environment

MB = 1 << 20


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes
    ----------
    code
        Its exit code; negative where a signal ended it.
    out, err
        What it wrote.
    peak_bytes
        The most memory that it, or a child of it, had resident.
    """

    code: int
    out: str
    err: str
    peak_bytes: int

    @property
    def refusal(self) -> str:
        """The one line with which the command line refuses; asserts that it ended so."""
        lines = self.err.strip().splitlines()
        assert self.code == 2, f"exit code {self.code}\n{self.err[-3000:]}"
        assert len(lines) == 1, lines
        assert lines[0].startswith("error: "), lines
        return lines[0]


def run_limited(arguments: Sequence[str], *, memory_bytes: int = 0, cpu_s: int = 60, **more: str) -> Ended:
    """Run Python with these arguments, its address space and its processor time bounded where the system can.

    Keyword arguments are further environment variables. 0 bytes leave the memory unbounded; the peak is told all the
    same.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "explorer_testing.limited", str(memory_bytes), str(cpu_s), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        env=environment(**more),
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return Ended(**json.loads(ended.stdout))


def command(*words: str | Path, memory_bytes: int = 0, cpu_s: int = 60, **more: str) -> Ended:
    """Run the program's command line as `run_limited` does."""
    words = ("-m", "explorer", *map(str, words))
    return run_limited([str(word) for word in words], memory_bytes=memory_bytes, cpu_s=cpu_s, **more)


def _main(memory_bytes: int, cpu_s: int, arguments: Sequence[str]) -> None:
    import resource

    def limit() -> None:
        if memory_bytes:
            resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    ended = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, preexec_fn=limit, errors="replace"
    )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"code": ended.returncode, "out": ended.stdout, "err": ended.stderr, "peak_bytes": peak}))


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
