"""``tour``: the real window, driven through its main loop."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from explorer.cli.command import Command, Report
from explorer.cli.console import Console


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--only", metavar="STEP", help="one step of the tour")
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder for screenshots and the GIF")


def run(options: Namespace, console: Console) -> Report:
    """Take the tour."""
    from explorer.tour import run_tour

    out = Path(options.out).expanduser().absolute()
    document = run_tour(out, options.only)
    return Report(document, [f"{len(document['screenshots'])} screenshots in {out}, {document['seconds']:.1f} s"])


COMMAND = Command("tour --out tour-pictures", add_arguments, run)
