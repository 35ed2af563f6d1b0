"""Which files and folders a command reads and writes, and the check that both stay apart.

A command declares its options of either kind; `check_outputs` is called for every command before it runs.
"""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import ModelError
from explorer.paths import check_apart, check_file

if TYPE_CHECKING:
    from explorer.cli.command import Command

OF_SOURCE = re.compile(r"(?P<data>.+):(?P<index>[0-9]{1,18})", re.DOTALL)
"""A picture as ``DATA:INDEX``."""


def model(text: str) -> list[Path]:
    """Return the folder of a bundle that is named or whose path is given; none where there is no such bundle."""
    from explorer.models.bundle import bundle_folder

    try:
        return [bundle_folder(text)]
    except ModelError:
        return []


def data(text: str) -> list[Path]:
    """Return what a data set is read from; nothing where there is none of that name or path."""
    from explorer.data.sources import places_of

    return places_of(text)


def picture(text: str) -> list[Path]:
    """Return what a picture, a file or ``DATA:INDEX``, is read from."""
    match = OF_SOURCE.fullmatch(text)
    return data(match["data"]) if match else file(text)


def file(text: str) -> list[Path]:
    """Return a path."""
    return [Path(text).expanduser()]


def new_file(path: Path, options: Namespace) -> None:
    """Check a file that is written: nothing is there, or a file and ``--force`` is given."""
    check_file(path, force=options.force)


def new_bundle(path: Path, options: Namespace) -> None:
    """Check a folder that becomes a bundle: nothing is there, or another bundle and ``--force`` is given."""
    from explorer.models.bundle import check_replaceable

    check_replaceable(path, force=options.force)


def check_outputs(command: Command, options: Namespace) -> None:
    """Make sure that what a command will write replaces nothing unasked, and stays apart from what it will read.

    Raises
    ------
    ExportError
        If not.
    """
    inputs = [path for name, places in command.reads.items() for text in _texts(options, name) for path in places(text)]
    for name, check in command.writes.items():
        for path in map(file_path, _texts(options, name)):
            check_apart(path, inputs)
            check(path, options)


def file_path(text: str) -> Path:
    """Return an absolute path."""
    return Path(text).expanduser().absolute()


def _texts(options: Namespace, name: str) -> Iterator[str]:
    """Yield what was given for an option, which may take several or be left out."""
    given = getattr(options, name, None)
    if isinstance(given, str):
        yield given
    else:
        yield from given or ()
