"""``tour``: the real window, driven through its main loop."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console
from explorer.cli.parser import add_out


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--only", metavar="STEP", help="one step of the tour")
    add_out(
        parser,
        "the folder for screenshots and GIFs, new or empty",
        "DIR",
        replaced="the screenshots of an earlier tour",
    )


def _check_folder(path: Path, options: Namespace) -> None:
    from explorer.tour import check_pictures

    check_pictures(path, force=options.force)


def run(options: Namespace, console: Console) -> Report:
    """Take the tour."""
    from explorer.tour import run_tour

    out = places.file_path(options.out)
    document = run_tour(out, options.only)
    return Report(document, [f"{len(document['screenshots'])} screenshots in {out}, {document['seconds']:.1f} s"])


COMMAND = Command("tour --out tour-pictures", add_arguments, run, writes={"out": _check_folder})
