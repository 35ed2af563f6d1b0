"""Which lines there are. A new line is one new file and one name here."""

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
    "neighbours",
    "training",
)
"""Each is a module of this room, with ``_`` for ``-``, that has ``measure(quick: bool) -> list[Entry]``."""


def run(quick: bool = False, only: str | None = None) -> list[dict[str, Any]]:
    """Measure, line by line; nothing else should run on the machine meanwhile.

    Parameters
    ----------
    quick
        Fewer repetitions and cases.
    only
        Name of the one line to measure; all where None.

    Returns
    -------
    list of dict
        One record a line, case and peer, as ``explorer.bench.entry.Entry.record`` describes it.

    Raises
    ------
    UsageError
        If there is no line of that name.
    """
    if only is not None and only not in LINES:
        raise UsageError(f"a line of the benchmarks: {', '.join(LINES)}", f"“{only}”")
    names = LINES if only is None else (only,)
    return [entry.record() for name in names for entry in measure_line(name, quick)]


def measure_line(name: str, quick: bool) -> list[Entry]:
    """Measure one line; what keeps all of it from being measured becomes its one entry, with the reason."""
    module = importlib.import_module(f"explorer.bench.{name.replace('-', '_')}")
    try:
        entries: list[Entry] = module.measure(quick)
    except MeasureError as error:
        return [Entry(name, "all", "", None, why=str(error))]
    return entries
