"""One picture file as a source of one."""

from __future__ import annotations

from pathlib import Path

from explorer.data.formats import PICTURE_SUFFIXES, open_picture, probe_picture
from explorer.data.source import Facts
from explorer.data.sources.entry import PathKind
from explorer.data.sources.files import FileSource, PictureFile
from explorer.data.splits import random_splits


def takes(path: Path) -> bool:
    """Tell whether `path` is a file with a picture's ending."""
    return path.is_file() and path.suffix.lower() in PICTURE_SUFFIXES


def load(path: Path) -> FileSource:
    """Open one picture.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    open_picture(path, path.name)
    facts = Facts(name=path.name, title=path.stem, spec=str(path), how=f"read from {path}")
    return FileSource(facts, [PictureFile(path, path.name, probe_picture(path))], random_splits(1))


KIND = PathKind("a picture", takes, load)
