"""What a command is, and what it hands back."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    notes
        More for ``--help``, above the example.
    """

    example: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace, Console], Report | int]
    notes: str = ""
