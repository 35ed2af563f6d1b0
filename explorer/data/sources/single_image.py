"""One image file as a source of one image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from explorer.data.formats import IMAGE_SUFFIXES, open_image, probe_image
from explorer.data.source import Facts
from explorer.data.sources.entry import PathKind, path_facts, suffix_members, suffix_patterns
from explorer.data.sources.files import FileSource, ImageFile
from explorer.data.splits import random_splits
from explorer.messages import message


def takes(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[FileSource]:
    """Open one image, DataError if it cannot be read; see `PathKind.scan_as`."""
    open_image(path, path.name)
    yield FileSource(facts, [ImageFile(path, path.name, probe_image(path))], random_splits(1))


KIND = PathKind(
    message("an image"),
    takes,
    scan_as,
    label="Images",
    patterns=suffix_patterns(IMAGE_SUFFIXES),
    facts=lambda path: path_facts(path, title=path.stem),
    members=suffix_members(IMAGE_SUFFIXES),
)
