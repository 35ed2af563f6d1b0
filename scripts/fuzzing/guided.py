"""Coverage-guided fuzzing of one reader with atheris (libFuzzer), in its own process.

Reads an order and answers like `fuzzing.worker`, and ends when its time is over.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["explorer"], enable_loader_override=False):
    from fuzzing.cases import Bench
    from fuzzing.mutations import MOST_BYTES, mutate
    from fuzzing.registry import READERS
    from fuzzing.worker import Judge, answering, limit_memory, quiet, seeds_of

_OURS = 0.5
"""Fraction of format-aware mutations; the rest come from libFuzzer."""


def _fuzz(order: dict[str, Any], root: Path) -> None:
    """Run libFuzzer, which ends the process."""
    name, tell = order["reader"], answering()
    bench = Bench(READERS[name], seeds_of(name, root), root / "work")
    bench.check_seeds()
    choices, corpus = bench.choices(), root / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, (seed, victim) in enumerate(choices):
        # The first byte selects the file of a seed; the rest is its content.
        (corpus / f"{name}-{number}").write_bytes(bytes([number]) + (seed / victim).read_bytes())
    judge = Judge(bench, Path(order["out"]) / name, tell)
    count = order["start"]

    def read(data: bytes) -> None:
        nonlocal count
        bench.take(*choices[data[0] % len(choices)] if data else choices[0], repairs=bool(count % 3))
        bench.put(data[1:])
        judge(data[1:], count)
        count += 1

    def change(data: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if len(data) > 1 and rng.random() < _OURS:
            return (data[:1] + mutate(data[1:], rng))[:most]
        changed: bytes = atheris.Mutate(data, most)
        return changed

    options = {
        "max_total_time": max(1, round(order["seconds"])),
        "seed": (order["start"] + int(order["seed"])) % 2**31 or 1,
        "max_len": MOST_BYTES,
        "timeout": 3600,  # fuzz.py has the clock
        "rss_limit_mb": 0,
        "verbosity": 0,
        "artifact_prefix": f"{root}/",
    }
    limit_memory()
    tell(ready=True)
    arguments = ["fuzz", *(f"-{key}={value}" for key, value in options.items()), str(corpus)]
    atheris.Setup(arguments, read, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    quiet()
    folder = Path(sys.argv[1])
    os.environ["LATENT_EXPLORER_HOME"] = str(folder / "seed-home")
    _fuzz(json.loads(sys.stdin.readline()), folder)
