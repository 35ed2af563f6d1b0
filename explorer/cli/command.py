"""What a command is, and what it hands back."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from explorer.cli.console import Console

INTERRUPTED = 130
"""Exit code after Ctrl+C, as shells have it."""


@dataclass(frozen=True)
class Report:
    """The answer of a command.

    Attributes
    ----------
    document
        What ``--json`` prints: plain values, arrays, paths.
    lines
        What a person reads instead.
    """

    document: object
    lines: Sequence[str]


Reads: TypeAlias = Mapping[str, Callable[[str], Sequence[Path]]]
"""Options that name what is read, and what gives the files and folders behind the text that was given."""

Writes: TypeAlias = Mapping[str, Callable[[Path, Namespace], None]]
"""Options that name what is written, and what raises ExportError where that may not be."""


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes
    ----------
    example
        A call that works as it stands, without the program's name; shown by ``--help``.
    add_arguments
        Declares its options.
    run
        Does the work; returns a report, or an exit code where it printed what it had to say.
    reads, writes
        Options that name files and folders, see `explorer.cli.places`. What is written is checked before `run`: it
        replaces nothing unasked, and stays apart from what is read.
    tells_failure
        Whether an error is an event, too, where JSON was asked for.
    notes
        More for ``--help``, above the example.
    """

    example: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace, Console], Report | int]
    reads: Reads = field(default_factory=dict)
    writes: Writes = field(default_factory=dict)
    notes: str = ""
    tells_failure: bool = False
