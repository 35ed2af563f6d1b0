"""One image file as a source of its image, or of its frames or pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from explorer.data.choices import refuse_unused
from explorer.data.decoding import open_with_header
from explorer.data.formats import IMAGE_SUFFIXES
from explorer.data.source import Facts
from explorer.data.sources.entry import PathKind, path_facts, suffix_members, suffix_patterns
from explorer.data.sources.files import FileSource, FileTable
from explorer.data.sources.frames_of_files import CHOICES, FramesOfFiles, found_in
from explorer.data.splits import random_splits
from explorer.messages import message


def takes(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[FileSource]:
    """Open one image, or all its frames or pages; see `PathKind.scan_as`.

    Several are named ``file.tif#0``, ``file.tif#1``, … DataError if the first cannot be read, or the chosen one is
    missing.
    """
    refuse_unused(facts.choices, CHOICES, facts.name)
    opened = open_with_header(path, path.name)
    names, header = [path.name], np.array([opened.header.numbers()], np.int32)
    shown = FramesOfFiles.of(names, header, facts.choices.frames)
    headers = shown.of_images(header)
    if shown.frames is not None and len(set(opened.sizes)) > 1:
        headers[:, :2] = np.array(opened.sizes)[shown.frames]
    facts = found_in(facts, path.parent, names, header)
    table = FileTable(path.parent, shown.paths(names), shown.names(names), headers, frames=shown.frames)
    yield FileSource(facts, table, random_splits(len(table)), skipped=shown.skipped)


KIND = PathKind(
    message("an image"),
    takes,
    scan_as,
    label="Images",
    patterns=suffix_patterns(IMAGE_SUFFIXES),
    facts=lambda path: path_facts(path, title=path.stem),
    members=suffix_members(IMAGE_SUFFIXES),
)
