"""The paths that a command reads and writes, and the check that they do not overlap.

Commands declare their input and output options; `check_outputs` runs before every command.
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
"""An image as ``DATA:INDEX``."""


def model(text: str) -> list[Path]:
    """Return the folder of a bundle, given its name or path; empty if there is no such bundle."""
    from explorer.models.bundle import bundle_folder

    try:
        return [bundle_folder(text)]
    except ModelError:
        return []


def data(text: str) -> list[Path]:
    """Return the paths that a dataset is read from; empty if there is no such dataset."""
    from explorer.data.sources import places_of

    return places_of(text)


def image(text: str) -> list[Path]:
    """Return the paths that an image, a file or ``DATA:INDEX``, is read from."""
    match = OF_SOURCE.fullmatch(text)
    return data(match["data"]) if match else file(text)


def file(text: str) -> list[Path]:
    return [Path(text).expanduser()]


def new_file(path: Path, options: Namespace) -> None:
    """Check an output file: it must not exist unless ``--force`` is given."""
    check_file(path, force=options.force)


def new_bundle(path: Path, options: Namespace) -> None:
    """Check an output bundle: it must not exist unless it is a bundle and ``--force`` is given."""
    from explorer.models.bundle import check_replaceable

    check_replaceable(path, force=options.force)


def check_outputs(command: Command, options: Namespace) -> None:
    """Check that the outputs of a command neither overlap its inputs nor replace anything without ``--force``.

    Raises ExportError if they do.
    """
    inputs = [path for name, places in command.reads.items() for text in _texts(options, name) for path in places(text)]
    for name, check in command.writes.items():
        for path in map(file_path, _texts(options, name)):
            check_apart(path, inputs)
            check(path, options)


def file_path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _texts(options: Namespace, name: str) -> Iterator[str]:
    """Yield the values of an option, which may be a list or missing."""
    given = getattr(options, name, None)
    if isinstance(given, str):
        yield given
    else:
        yield from given or ()
