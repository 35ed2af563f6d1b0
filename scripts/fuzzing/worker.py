"""The process that reads mutated inputs; ``scripts/fuzz.py`` starts it, and kills it if it hangs.

Reads one JSON object per line from standard input: reader, first input number and seconds. Answers with one object per
line for each input.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fuzzing.cases import Bench, Outcome
from fuzzing.registry import READERS

MEMORY_BYTES = 2 << 30
"""Address space that reading may allocate in addition to that used for the seeds."""

_DISK_BYTES = 1 << 30


def limit_memory() -> None:
    """Limit the address space and the size of files, if the system supports it."""
    try:
        import resource
    except ImportError:
        return
    with open("/proc/self/statm", encoding="ascii") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY_BYTES, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_DISK_BYTES, resource.RLIM_INFINITY))


def unlimit_memory() -> None:
    """Remove the limit, so that the next reader can import its modules."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Judge:
    """Judges inputs, and saves the first of each fault."""

    def __init__(self, bench: Bench, out: Path, tell: Callable[..., None]) -> None:
        self._bench = bench
        self._out = out
        self._tell = tell
        self._seen: dict[str, int] = {}

    def __call__(self, content: bytes, number: int) -> None:
        """Read the prepared input with this content of its mutated file."""
        outcome = self._bench.judge()
        if outcome.verdict in ("foreign", "memory"):
            self._keep(content, outcome)
        self._tell(number=number, verdict=outcome.verdict, key=outcome.key)

    def _keep(self, content: bytes, outcome: Outcome) -> None:
        self._seen[outcome.key] = self._seen.get(outcome.key, 0) + 1
        if self._seen[outcome.key] > 1:
            return
        if outcome.verdict == "foreign":
            self._bench.minimized(content, outcome.key, lambda: self._tell(alive=True))
        name = "".join(letter if letter.isalnum() else "-" for letter in outcome.key)
        self._bench.save(self._out / name, outcome)


def seeds_of(name: str, root: Path) -> Path:
    """Return the folder with the seeds of a reader; created if missing."""
    folder = root / "seeds" / name
    if not folder.is_dir():
        folder.mkdir(parents=True)
        READERS[name].make_seeds(folder)
    return folder


def quiet() -> None:
    """Silence log messages and warnings about damaged files."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")


def run(order: dict[str, Any], root: Path, tell: Callable[..., None]) -> None:
    """Run one order."""
    name = order["reader"]
    unlimit_memory()
    os.environ["LATENT_EXPLORER_HOME"] = str(root / "seed-home")
    bench = Bench(READERS[name], seeds_of(name, root), root / "work")
    bench.check_seeds()
    limit_memory()
    judge = Judge(bench, Path(order["out"]) / name, tell)
    tell(ready=True)
    until, number = time.monotonic() + order["seconds"], order["start"]
    while time.monotonic() < until and number < order["most"]:
        judge(bench.prepare(random.Random(f"{order['seed']} {name} {number}")), number)
        number += 1
    tell(done=True)


def answering() -> Callable[..., None]:
    """Return a function that writes an answer; other output of libraries goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(**values: object) -> None:
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    return tell


def main() -> None:
    """Run orders until standard input ends."""
    tell = answering()
    quiet()
    root = Path(sys.argv[1])
    for line in sys.stdin:
        run(json.loads(line), root, tell)


if __name__ == "__main__":
    main()
