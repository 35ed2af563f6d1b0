"""``tour``: drive the real window through its main features and take screenshots."""

from __future__ import annotations

import os
import re
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console
from explorer.cli.parser import add_out, size
from explorer.errors import ExportError

_OURS = re.compile(r"[0-9]+-[a-z0-9-]+\.png|(first|morph)\.gif")
"""Names of the files that a tour writes."""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--only", metavar="STEP", help="run only this step; “tasks” are those of a new user, with their clicks"
    )
    parser.add_argument(
        "--size",
        type=partial(size, order="WxH"),
        metavar="WxH",
        help="size of the window in logical pixels (default: 1280x800)",
    )
    add_out(
        parser,
        "folder for screenshots and GIFs, new or empty",
        "DIR",
        replaced="the screenshots of an earlier tour",
    )


def _check_folder(folder: Path, options: Namespace) -> None:
    """Check the folder: new, empty or, with ``--force``, from an earlier tour, whose files are replaced."""
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise ExportError("Cannot write screenshots to {path}: it is a file. Choose another name.", path=folder)
    names = [entry.name for entry in folder.iterdir()]
    strangers = [name for name in names if not _OURS.fullmatch(name)]
    if strangers:
        raise ExportError(
            "Cannot write screenshots to {path}: it already contains “{name}”. Choose an empty folder.",
            path=folder,
            name=strangers[0],
        )
    if names and not options.force:
        raise ExportError(
            "Cannot write screenshots to {path}: it contains an earlier tour. Replace it with --force.",
            path=folder,
        )


def run(options: Namespace, console: Console) -> Report:
    from explorer.tour import run_tour

    out = places.file_path(options.out)
    document = run_tour(out, options.only, options.size)
    lines = [f"{name}: {count} {'click' if count == 1 else 'clicks'}" for name, count in document["clicks"].items()]
    lines.append(f"{len(document['screenshots'])} screenshots in {out}, {document['seconds']:.1f} s")
    return Report(document, lines)


COMMAND = Command("tour --out tour-images", add_arguments, run, writes={"out": _check_folder})
