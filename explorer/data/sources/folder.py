"""A folder of images.

``train``, ``test`` and ``val`` folders become splits, other subfolders are labels, and all is sorted naturally by name.
Only headers are read when a folder is opened. A large folder is shown as soon as its names are known, and its index is
cached, so that it opens at once the next time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.data import image_index
from explorer.data.attributes import Attribute
from explorer.data.choices import refuse_unused
from explorer.data.formats import IMAGE_SUFFIXES
from explorer.data.image_index import BAD, GOOD, ImageIndex, load_index, save_index
from explorer.data.image_listing import descend, list_folder, natural_key
from explorer.data.probing import probes_together
from explorer.data.source import UNLABELED, Facts, Skipped
from explorer.data.sources.entry import PathKind, path_facts
from explorer.data.sources.files import FileSource, FileTable
from explorer.data.sources.frames_of_files import CHOICES, FramesOfFiles, found_in
from explorer.data.splits import Splits, given_splits, grouped_splits, random_splits
from explorer.data.tables import Beside, Tables, find_tables, read_tables, take_labels
from explorer.errors import DataError
from explorer.messages import message
from explorer.types import Indices, Progress

_SAMPLE: Final = 32
"""Files of a large folder that are probed before it is shown, to know the shape of the images."""

_AT_ONCE, _TOGETHER = 50, 250
"""Files between two reports of progress; more where the start of the reader process takes longest."""

_SLOW_SECONDS: Final = 0.002
"""Probing a file that takes longer waits for the disk; then several threads are faster."""

_THREADS: Final = 8


Columns: TypeAlias = Callable[[Path, Sequence[str]], tuple[dict[str, Attribute], list[Skipped]]]


def takes(path: Path) -> bool:
    return path.is_dir()


def scan(
    path: Path,
    *,
    facts: Facts | None = None,
    label_of: Callable[[str], str] | None = None,
    attributes: Columns | None = None,
) -> Iterator[Progress | FileSource]:
    """Open a folder of images: yields progress while it reads headers, and the source last.

    For a large folder, a provisional source is yielded as soon as the names are known; the last one continues it.
    DataError if the folder has no readable image.

    Parameters
    ----------
    path
        The folder. Subfolders ``train``, ``test`` and ``val`` are splits; other subfolders are labels, including all
        folders below them; a folder with nothing but one folder is skipped. Tables in the folder give attributes,
        splits, and labels if no subfolder does; see `explorer.data.tables`.
    label_of
        Returns the label of a subfolder's name; by default the name.
    attributes
        Returns further columns, and notes on them, for the folder of the images and their names in it
        (``folder/file.png``), in source order, as in `explorer.data.tables.Beside`.
    """
    facts = facts or path_facts(path)
    refuse_unused(facts.choices, CHOICES, facts.name)
    root, passed = descend(path)
    kept = load_index(root)
    if kept is not None and kept.is_current():
        index = kept
    else:
        index = yield from list_folder(root)
        index = index.with_rows_of(kept) if kept else index
    if not len(index):
        raise _nothing(path, index.notes)
    opening = _Opening(index, facts, passed, label_of, attributes)
    looker = _Looker(index, None if index is kept else kept)
    if len(index) >= image_index.BIG_FOLDER and (looker.is_long() or opening.has_table()):
        looker.look_at_some()
        yield opening.provisional()
    yield from looker.look_at_all()
    if not (index.states == GOOD).any():
        raise _nothing(path, index.skipped())
    yield Progress(len(index), len(index), message("Reading the attributes"))
    yield opening.whole()


@dataclass(eq=False)
class _Opening:
    """Creates the sources of an index."""

    index: ImageIndex
    facts: Facts
    passed: list[Path]
    label_of: Callable[[str], str] | None
    attributes: Columns | None

    def has_table(self) -> bool:
        """Return whether there are columns to read, which may take a while."""
        return self.attributes is not None or bool(self._tables.paths)

    def provisional(self) -> FileSource:
        """Return a source of all files not known to be unreadable."""
        return self._source(self.index.states != BAD, Beside(), provisional=True)

    def whole(self) -> FileSource:
        """Return the source of all images, with their attributes."""
        keep = self.index.states == GOOD
        names = self._names(keep)
        beside = read_tables(self._tables, names)
        if self.attributes:
            columns, notes = self.attributes(self.index.root, names)
            beside = replace(beside, columns=beside.columns | columns, notes=beside.notes + notes)
        return self._source(keep, beside, provisional=False)

    @cached_property
    def _tables(self) -> Tables:
        """The tables in the nearest folder with any, from that of the images up to the opened one."""
        index = self.index
        return find_tables([index.root, *self.passed] if index.has_table else self.passed, index.root)

    def _names(self, keep: NDArray[np.bool_]) -> tuple[str, ...]:
        names = self.index.names
        return names if keep.all() else tuple(names[position] for position in np.flatnonzero(keep))

    def _source(self, keep: NDArray[np.bool_], beside: Beside, *, provisional: bool) -> FileSource:
        index, names = self.index, self._names(keep)
        # Of a complete index nothing changes any more, and it lives as long as the source: not copied then.
        headers = index.headers[keep] if provisional or not keep.all() else index.headers
        shown = FramesOfFiles.of(names, headers, self.facts.choices.frames)
        rows = shown.rows(index.rows[keep]) if len(index) >= image_index.BIG_FOLDER else None
        paths, titles = shown.paths(names), shown.names(names)
        table = FileTable(index.root, paths, titles, shown.of_images(headers), rows, shown.frames)
        labels, label_names = None, None
        if not beside.replaces_folders:
            labels, label_names = labels_of(index, shown.of_images(index.labels[keep]), self.label_of)
        left = shown.columns(beside.columns)
        if labels is None and (found := take_labels(left)):
            labels, label_names = found
        if beside.parts is not None:
            beside = replace(beside, parts=shown.of_images(beside.parts))
        splits = (beside.splits() if len(index.parts) == 1 else None) or splits_of(
            index, shown.of_images(np.flatnonzero(keep)), several=shown.frames is not None
        )
        skipped = (*index.skipped(), *shown.skipped, *beside.notes)
        facts = found_in(self.facts, index.root, names, headers)
        source = FileSource(facts, table, splits, labels, label_names, skipped, left)
        source.belongs_to(self, provisional=provisional)
        return source


class _Looker:
    """Probes the files of an index, or copies their state from an older index."""

    def __init__(self, index: ImageIndex, old: ImageIndex | None) -> None:
        self._index = index
        self._old = old
        self._places = {name: position for position, name in enumerate(old.names)} if old else {}
        # Unreadable files may be readable now (permissions), without a new modification time.
        self._waiting = np.flatnonzero(index.states != GOOD)
        self._seconds = 0.0

    def is_long(self) -> bool:
        """Return whether many files are left to probe."""
        return len(self._waiting) > _SAMPLE * 10

    def look_at_some(self) -> None:
        """Probe a few files spread over the folder, and measure the time."""
        some = self._waiting[np.linspace(0, len(self._waiting) - 1, min(_SAMPLE, len(self._waiting))).astype(np.int64)]
        begun = time.perf_counter()
        for position in self._look_together(some.tolist()):
            self._look(position)
        self._seconds = (time.perf_counter() - begun) / max(1, len(some))

    def look_at_all(self) -> Iterator[Progress]:
        """Probe the rest. The index is cached, also after cancellation."""
        waiting = self._waiting.tolist()
        slow = self._seconds > _SLOW_SECONDS
        try:
            with ThreadPoolExecutor(_THREADS, "look") if slow else nullcontext() as pool:
                together = any(probes_together(self._index.names[at]) for at in waiting[:_SAMPLE])
                at_once = _TOGETHER if together else _AT_ONCE
                for start in range(0, len(waiting), at_once):
                    yield Progress(start, len(waiting), message("Reading image headers"))
                    part = self._look_together(waiting[start : start + at_once])
                    for _ in pool.map(self._look, part) if pool else map(self._look, part):
                        pass
        finally:
            fresh = self._old is not None or len(waiting)
            if fresh and len(self._index) >= image_index.BIG_FOLDER:
                save_index(self._index)

    def _look_together(self, positions: list[int]) -> list[int]:
        """Look at the files that are faster to probe together; return the others."""
        together = [at for at in positions if probes_together(self._index.names[at])]
        fresh = [at for at in together if not self._is_known(at)]
        if fresh:
            self._index.look_together(fresh)
        return [at for at in positions if at not in set(together)] if together else positions

    def _look(self, position: int) -> None:
        if not self._is_known(position):
            self._index.look(position)

    def _is_known(self, position: int) -> bool:
        """Return whether a file was looked at, by copying its state from the older index if it has not changed."""
        index = self._index
        if index.states[position] == GOOD:
            return True
        at = self._places.get(index.names[position])
        return self._old is not None and at is not None and index.take_over(position, self._old, at)


def labels_of(
    index: ImageIndex, folders: Indices, label_of: Callable[[str], str] | None = None
) -> tuple[Indices | None, tuple[str, ...] | None]:
    """Return the labels of images in some of the index's ``label_folders``, -1 for none, and their names."""
    texts = [label_of(name) if label_of else name for name in index.label_folders]
    known = sorted({texts[folder] for folder in np.unique(folders) if folder >= 0} - {""}, key=natural_key)
    if not known:
        return None, None
    positions = {name: position for position, name in enumerate(known)}
    # Index -1, of files without a subfolder, reads the last.
    lookup = np.array([*(positions.get(text, UNLABELED) for text in texts), UNLABELED], np.int64)
    return lookup[folders], tuple(known)


def splits_of(index: ImageIndex, positions: Indices, *, several: bool) -> Splits:
    """Return the splits of images, by the positions of their files in the index, in its order.

    With `several` images in a file, all are in the same split.
    """
    ends = np.cumsum(index.parts)
    sizes = np.bincount(np.searchsorted(ends, positions, "right"), minlength=len(ends)).tolist()
    if len(sizes) > 1 and sizes[0] and any(sizes[1:]):
        return given_splits(*sizes)
    return grouped_splits(positions) if several else random_splits(len(positions))


def _nothing(path: Path, skipped: tuple[Skipped, ...]) -> DataError:
    if skipped:
        return DataError(
            "Cannot open {folder}: {count:its only image is unreadable|none of its # images is readable}. First "
            "“{name}”: {reason}",
            folder=path,
            count=len(skipped),
            name=skipped[0].name,
            reason=skipped[0].reason,
        )
    return DataError(
        "Cannot open {folder}: no images ({types}) or IDX files. Choose the folder that contains them.",
        folder=path,
        types=sorted(IMAGE_SUFFIXES),
    )


KIND = PathKind(message("a folder of images"), takes, lambda facts, path, origin: scan(path, facts=facts))
