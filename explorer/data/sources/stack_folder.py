"""Folders of files that a reader process reads as one set: TIFF files with channels, DICOM files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from explorer.data.image_listing import Taken, descend, is_folder, is_image_or_dicom, list_folder, natural_key
from explorer.data.source import Facts, Skipped, Source
from explorer.data.sources.array_source import source_of
from explorer.data.sources.containers import Contents, stream
from explorer.data.sources.folder import labels_of, splits_of
from explorer.data.tables import find_tables, read_tables, take_labels
from explorer.messages import Message
from explorer.types import Progress

FILES: Final = "file"
"""The column in which a reader tells the number of each image's file."""

_LOOKED_AT: Final = 200
_DEPTH: Final = 4
_FEW_FOLDERS: Final = 3


@dataclass(frozen=True)
class StackFiles:
    """The files of one kind in a folder.

    `reader` reads those that are of the kind, by their ``names`` in the folder, and yields the column `FILES`. `others`
    is why other images in the folder are left out. `finish` may change what was read.
    """

    reader: str
    takes: Taken
    others: Message
    finish: Callable[[Contents], Contents] = lambda contents: contents


def first_images(folder: Path, takes: Taken, depth: int = _DEPTH) -> list[Path]:
    """Return some images in a folder, or else of its first folder with any; few entries are looked at."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, is_folder(entry)) for entry in islice(entries, _LOOKED_AT)]
    except OSError:
        return []
    found = sorted((one for one in found if not one[0].startswith(".")), key=lambda one: natural_key(one[0]))
    images = [folder / name for name, inner in found if not inner and takes(folder, name)]
    inside = [folder / name for name, inner in found if inner][:_FEW_FOLDERS] if depth and not images else []
    return images or next((below for one in inside if (below := first_images(one, takes, depth - 1))), [])


def scan_files(facts: Facts, path: Path, kind: StackFiles) -> Iterator[Progress | Source]:
    """Open the files of a kind in a folder: yields progress, and the source last.

    Labels, splits and tables are as in `explorer.data.sources.folder`. DataError if no file can be read.
    """
    root, passed = descend(path, is_image_or_dicom)
    index = yield from list_folder(root, is_image_or_dicom)
    used = np.array([at for at, name in enumerate(index.names) if kind.takes(root, name)], np.int64)
    names = tuple(index.names[at] for at in used.tolist())
    contents = yield from stream(kind.reader, [root], {"frames": facts.choices.frames, "names": names}, path.name)
    files = used[contents.columns.pop(FILES).values.astype(np.int64)]
    chosen = set(names)
    contents.skipped += [*index.notes, *(Skipped(name, kind.others) for name in index.names if name not in chosen)]
    beside = read_tables(find_tables([root, *passed] if index.has_table else passed, root), index.names)
    columns = {name: column.take(files) for name, column in beside.columns.items()}
    labels, label_names = labels_of(index, index.labels[files])
    if labels is None and (found := take_labels(columns)):
        labels, label_names = found
    contents.skipped += beside.notes
    contents.columns |= columns
    source = source_of(facts, kind.finish(contents))
    source.labels, source.label_names = labels, label_names
    given = None
    if beside.parts is not None and len(index.parts) == 1:
        given = replace(beside, parts=beside.parts[files]).splits()
    source.splits = given or splits_of(index, files, several=len(set(files.tolist())) < len(files))
    yield source
