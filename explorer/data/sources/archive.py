"""A zip or tar archive, unpacked once into the cache and opened as the kind of folder that it contains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from explorer.data.archives import archive_stem, is_archive, unpack
from explorer.data.source import Facts, Source
from explorer.data.sources import cifar, dogs, fonts, idx, lfw
from explorer.data.sources.entry import PathKind, last_source
from explorer.data.sources.folder import scan as scan_folder
from explorer.messages import message
from explorer.types import Progress

_IDX_DEPTH = 3


def load(path: Path) -> Source:
    """Open an archive; see `scan`."""
    return last_source(scan(path))


def scan(path: Path) -> Iterator[Progress | Source]:
    """Open an archive: yields progress while it is unpacked and read, and the source last.

    Parameters
    ----------
    path
        A ``.zip``, ``.tar``, ``.tar.gz``, ``.tgz``, ``.tar.bz2`` or ``.tar.xz`` file with images (also in subfolders,
        with a table, as LFW or as Stanford Dogs), IDX files, CIFAR-10 batches or fonts.

    Raises
    ------
    DataError
        If it cannot be unpacked safely, or has nothing that can be opened.
    ExportError
        If the cache cannot be written.
    """
    facts = Facts(name=path.name, title=archive_stem(path), spec=str(path), how=f"unpacked from {path}")
    for item in unpack(path):
        if isinstance(item, Progress):
            yield item
        else:
            yield from scan_unpacked(item, facts, path)


def scan_unpacked(folder: Path, facts: Facts, path: Path) -> Iterator[Progress | Source]:
    """Open a folder that was unpacked from `path`, with the metadata of the archive."""
    if cifar.takes(folder):
        yield from cifar.scan_as(facts, folder)
    elif lfw.takes(folder):
        yield from lfw.scan_as(facts, folder, beside=path.parent)
    elif dogs.takes(folder):
        yield from dogs.scan_as(facts, folder)
    elif (holder := _idx_folder(folder)) is not None:
        yield Progress(0, 0, message("Reading IDX files"))
        yield idx.load_as(facts, holder)
    elif fonts.takes(folder):
        yield from fonts.scan_as(facts, folder)
    else:
        yield from scan_folder(folder, facts=facts)


def _idx_folder(folder: Path) -> Path | None:
    """Return the folder with IDX files, below parents with one folder each."""
    for _ in range(_IDX_DEPTH):
        if idx.takes(folder):
            return folder
        inside = [entry for entry in folder.iterdir() if entry.is_dir()]
        if len(inside) != 1:
            return None
        folder = inside[0]
    return None


KIND = PathKind(message("a zip or tar archive"), is_archive, load, scan)
