"""One image file as a source of one image."""

from __future__ import annotations

from pathlib import Path

from explorer.data.formats import IMAGE_SUFFIXES, open_image, probe_image
from explorer.data.source import Facts
from explorer.data.sources.entry import PathKind
from explorer.data.sources.files import FileSource, ImageFile
from explorer.data.splits import random_splits
from explorer.messages import message


def takes(path: Path) -> bool:
    """Return whether `path` is a file with the extension of an image."""
    return path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES


def load(path: Path) -> FileSource:
    """Open one image.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    open_image(path, path.name)
    facts = Facts(name=path.name, title=path.stem, spec=str(path), how=f"read from {path}")
    return FileSource(facts, [ImageFile(path, path.name, probe_image(path))], random_splits(1))


KIND = PathKind(message("an image"), takes, load)
