"""``tour``: the real window, driven through its main loop."""

from __future__ import annotations

import os
import re
from argparse import ArgumentParser, Namespace
from pathlib import Path

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console
from explorer.cli.parser import add_out
from explorer.errors import ExportError

_OURS = re.compile(r"[0-9]+-[a-z0-9-]+\.png|(first|morph)\.gif")
"""What a tour leaves in its folder."""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--only", metavar="STEP", help="one step of the tour")
    add_out(
        parser,
        "the folder for screenshots and GIFs, new or empty",
        "DIR",
        replaced="the screenshots of an earlier tour",
    )


def _check_folder(folder: Path, options: Namespace) -> None:
    """Check the folder: new, empty or, with ``--force``, an earlier tour's, whose files are written over."""
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise ExportError("a folder for the pictures", f"{folder}, which is a file", "Choose another name.")
    names = [entry.name for entry in folder.iterdir()]
    strangers = [name for name in names if not _OURS.fullmatch(name)]
    if strangers:
        raise ExportError("an empty folder", f"{folder} with “{strangers[0]}” in it", "Choose another name.")
    if names and not options.force:
        raise ExportError(
            "an empty folder", f"{folder} with an earlier tour", "Choose another name, or replace it with --force."
        )


def run(options: Namespace, console: Console) -> Report:
    """Take the tour."""
    from explorer.tour import run_tour

    out = places.file_path(options.out)
    document = run_tour(out, options.only)
    return Report(document, [f"{len(document['screenshots'])} screenshots in {out}, {document['seconds']:.1f} s"])


COMMAND = Command("tour --out tour-pictures", add_arguments, run, writes={"out": _check_folder})
