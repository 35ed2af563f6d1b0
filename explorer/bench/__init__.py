"""Benchmarks: speed as ratios to peers and limits within one run. A new one is one module and one name in `LINES`."""

from __future__ import annotations

import importlib
from typing import Any

from explorer.bench.entry import Entry
from explorer.bench.harness import MeasureError
from explorer.errors import UsageError

LINES = (
    "start",
    "memory",
    "decode-one",
    "grid",
    "slider-to-pixel",
    "smoothness",
    "folder",
    "morph",
    "neighbors",
    "import-onnx",
    "training",
)
"""Each is a module of this package, with ``_`` for ``-``, that has ``measure(quick: bool) -> list[Entry]``."""


def run(quick: bool = False, only: str | None = None) -> list[dict[str, Any]]:
    """Run the benchmarks, or the one named `only`; nothing else should run on the machine meanwhile.

    Returns one record per benchmark, case and peer, see `explorer.bench.entry.Entry.record`. UsageError if there is no
    benchmark of that name.
    """
    if only is not None and only not in LINES:
        raise UsageError("There is no benchmark “{name}”. Choose one of {names}.", name=only, names=LINES)
    names = LINES if only is None else (only,)
    return [entry.record() for name in names for entry in measure_line(name, quick)]


def measure_line(name: str, quick: bool) -> list[Entry]:
    """Run one benchmark; if it cannot be measured at all, return one entry with the reason."""
    module = importlib.import_module(f"explorer.bench.{name.replace('-', '_')}")
    try:
        entries: list[Entry] = module.measure(quick)
    except MeasureError as error:
        return [Entry(name, "all", "", None, why=str(error))]
    return entries
