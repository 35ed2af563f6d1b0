"""The description of a command and its result."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from explorer.cli.console import Console


@dataclass(frozen=True)
class Report:
    """The result of a command: what ``--json`` prints (plain values, arrays, paths), and the same as lines of text."""

    document: object
    lines: Sequence[str]


Reads: TypeAlias = Mapping[str, Callable[[str], Sequence[Path]]]
"""For each input option, the function that returns the paths that its value refers to."""

Writes: TypeAlias = Mapping[str, Callable[[Path, Namespace], None]]
"""For each output option, the check that raises ExportError if the path may not be written."""


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes
    ----------
    example
        A call that works as written, without the name of the program; shown by ``--help``.
    add_arguments
        Declares its options.
    run
        Runs the command; returns a report, or an exit code if it has printed its output itself.
    reads, writes
        Options that name files and folders, see `explorer.cli.places`. Outputs are checked before `run`: they must not
        overlap inputs, and replace existing files only with ``--force``.
    reports_failure
        Whether an error is also printed as a JSON event.
    notes
        Further text for ``--help``, above the example.
    """

    example: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace, Console], Report | int]
    reads: Reads = field(default_factory=dict)
    writes: Writes = field(default_factory=dict)
    notes: str = ""
    reports_failure: bool = False
