"""What is known of the files of a folder of pictures, kept on disk so that a second opening reads none of them."""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.array_files import ZipLimits, whole_arrays
from explorer.data.formats import Header, probe_picture
from explorer.data.source import Skipped
from explorer.errors import DataError, ExplorerError
from explorer.json_limits import LARGE, parse_json
from explorer.paths import cache_dir, replacing_file
from explorer.reading import reading
from explorer.types import Indices

BIG_FOLDER = 2_000
"""From so many files on, a folder is shown before it is read, its index is kept, and its pictures are cached."""

UNKNOWN, GOOD, BAD = 0, 1, 2
"""What a file is: not looked at yet, a picture, unreadable."""

_FORMAT: Final = 2
_LIMITS: Final = ZipLimits(1 << 30)
_SETTLED_NS: Final = 2_000_000_000
"""File systems tell times in steps of up to two seconds: a folder that changed just before it was listed may have
changed again since, at the same time."""


@dataclass(frozen=True, eq=False)
class PictureIndex:
    """The files of a folder that may be pictures, in natural order.

    Attributes
    ----------
    root
        The folder.
    names
        Name of each file below `root`, with ``/`` between folders.
    labels, label_folders
        Int64 ``(n,)``: the sub-folder that labels the file, -1 for none; and the sub-folders' names.
    parts
        Number of files of each part: all, or training and held out.
    folders
        Every folder that was listed, below `root`, and its time of change in ns.
    listed_ns
        When they were listed.
    notes
        Folders that could not be read.
    has_table
        Whether `root` holds a file that may be a table of attributes.
    rows
        Int64 ``(n,)``: the file's row in the caches, the same for as long as it exists.
    states, headers, stamps
        Uint8 ``(n,)``: `UNKNOWN`, `GOOD` or `BAD`. Int32 ``(n, 3)``: height, width, channels. Int64 ``(n, 2)``: size
        and time of change of the file when it was looked at. Filled in by `look`.
    reasons
        Why a file is unreadable, by its position.
    """

    root: Path
    names: tuple[str, ...]
    labels: Indices
    label_folders: tuple[str, ...]
    parts: tuple[int, ...]
    folders: tuple[tuple[str, int], ...]
    listed_ns: int
    notes: tuple[Skipped, ...]
    has_table: bool
    rows: Indices
    states: NDArray[np.uint8]
    headers: NDArray[np.int32]
    stamps: NDArray[np.int64]
    reasons: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def listed(
        cls,
        root: Path,
        names: tuple[str, ...],
        labels: Indices,
        label_folders: tuple[str, ...],
        parts: tuple[int, ...],
        **known: Any,
    ) -> PictureIndex:
        """Return an index of files of which nothing but the name is known; `known` are the further attributes."""
        count = len(names)
        return cls(
            root,
            names,
            labels,
            label_folders,
            parts,
            rows=np.arange(count, dtype=np.int64),
            states=np.zeros(count, np.uint8),
            headers=np.zeros((count, 3), np.int32),
            stamps=np.zeros((count, 2), np.int64),
            **known,
        )

    def path(self, position: int) -> Path:
        """Return the path of one file."""
        return self.root / self.names[position]

    def look(self, position: int) -> None:
        """Look at one file's header, and note what it is."""
        path = self.path(position)
        try:
            with reading("an image", path.name, remedy="Remove it, or replace it."):
                found = path.stat()
                self.stamps[position] = found.st_size, found.st_mtime_ns
                header = probe_picture(path)
        except DataError as error:
            self.states[position] = BAD
            self.reasons[position] = str(error)
            return
        self.headers[position] = header.height, header.width, header.channels
        self.states[position] = GOOD

    def header(self, position: int) -> Header:
        """Return what is known of one picture; zeros where nothing is."""
        height, width, channels = self.headers[position].tolist()
        return Header(height, width, channels)

    def skipped(self) -> tuple[Skipped, ...]:
        """Return what was left out, in order, and why."""
        bad = sorted(self.reasons)
        return (*self.notes, *(Skipped(self.names[position], self.reasons[position]) for position in bad))

    def is_current(self) -> bool:
        """Tell whether no file came, went or was renamed since the index was made."""
        for name, changed_ns in self.folders:
            try:
                now_ns = os.stat(self.root / name).st_mtime_ns
            except (OSError, ValueError):
                return False
            if now_ns != changed_ns or changed_ns > self.listed_ns - _SETTLED_NS:
                return False
        return True

    def with_rows_of(self, old: PictureIndex) -> PictureIndex:
        """Return the index with the rows that files have in an older one; new files get new rows."""
        known = dict(zip(old.names, old.rows.tolist(), strict=True))
        free = 1 + max(known.values(), default=-1)
        if free > 2 * len(self) + BIG_FOLDER:
            return self  # mostly holes: begin anew
        rows = np.array([known.get(name, -1) for name in self.names], np.int64)
        new = rows < 0
        rows[new] = free + np.arange(int(new.sum()))
        return replace(self, rows=rows)

    def take_over(self, position: int, old: PictureIndex, at: int) -> bool:
        """Take what an older index knows of a file, at position `at` there, if the file has not changed since."""
        if old.states[at] == UNKNOWN:
            return False
        try:
            found = os.stat(self.path(position))
        except (OSError, ValueError):
            return False
        if (found.st_size, found.st_mtime_ns) != tuple(old.stamps[at].tolist()):
            return False
        self.states[position], self.headers[position] = old.states[at], old.headers[at]
        self.stamps[position] = old.stamps[at]
        if at in old.reasons:
            self.reasons[position] = old.reasons[at]
        return True


def now_ns() -> int:
    """Return the time, to be taken before a folder is listed."""
    return time.time_ns()


def load_index(root: Path) -> PictureIndex | None:
    """Return the index that was kept of a folder; None where there is none that can be read."""
    try:
        with _place(root).open("rb") as opened:
            file = whole_arrays(opened, _LIMITS, str(root))
        texts = parse_json(file["texts"].tobytes(), LARGE, str(root))
        if texts["format"] != _FORMAT or texts["root"] != str(root):
            return None
        index = PictureIndex(
            root,
            tuple(_split(file["names"])),
            file["labels"],
            tuple(texts["label_folders"]),
            tuple(texts["parts"]),
            tuple(zip(_split(file["folders"]), file["folder_times"].tolist(), strict=True)),
            int(texts["listed_ns"]),
            tuple(Skipped(*note) for note in texts["notes"]),
            bool(texts["has_table"]),
            file["rows"],
            file["states"],
            file["headers"],
            file["stamps"],
            {int(position): str(reason) for position, reason in texts["reasons"]},
        )
        return index if _fits(index) else None
    except Exception:  # whatever is wrong with it: it is made anew
        return None


def save_index(index: PictureIndex) -> None:
    """Keep an index. Where it cannot be written, the next opening takes longer, and that is all."""
    texts = {
        "format": _FORMAT,
        "root": str(index.root),
        "label_folders": index.label_folders,
        "parts": index.parts,
        "listed_ns": index.listed_ns,
        "notes": [(note.name, note.reason) for note in index.notes],
        "has_table": index.has_table,
        "reasons": sorted(index.reasons.items()),
    }
    place = _place(index.root)
    with suppress(ExplorerError, OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        with replacing_file(place) as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                texts=np.frombuffer(json.dumps(texts).encode("utf-8", "surrogatepass"), np.uint8),
                names=_joined([*index.names]),
                folders=_joined([name for name, _ in index.folders]),
                folder_times=np.array([changed for _, changed in index.folders], np.int64),
                labels=index.labels,
                rows=index.rows,
                states=index.states,
                headers=index.headers,
                stamps=index.stamps,
            )


def _place(root: Path) -> Path:
    key = hashlib.sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return cache_dir() / "index" / f"{key}.npz"


def _joined(names: list[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\0".join(names).encode("utf-8", "surrogateescape"), np.uint8)


def _split(blob: NDArray[np.uint8]) -> list[str]:
    return blob.tobytes().decode("utf-8", "surrogateescape").split("\0")


def _fits(index: PictureIndex) -> bool:
    """Tell whether all parts belong together and hold what they must."""
    count = len(index)
    shapes = [index.labels.shape, index.rows.shape, index.states.shape, index.headers.shape, index.stamps.shape]
    kinds = [index.labels.dtype, index.rows.dtype, index.states.dtype, index.headers.dtype, index.stamps.dtype]
    return (
        shapes == [(count,), (count,), (count,), (count, 3), (count, 2)]
        and kinds == [np.int64, np.int64, np.uint8, np.int32, np.int64]
        and sum(index.parts) == count > 0
        and index.labels.min() >= -1
        and index.labels.max() < len(index.label_folders)
        and bool((index.rows >= 0).all())
        and len(np.unique(index.rows)) == count
        and int(index.rows.max()) <= 4 * (count + BIG_FOLDER)
        and int(index.states.max()) <= BAD
        and index.reasons.keys() == set(np.flatnonzero(index.states == BAD).tolist())
        and all(name and not os.path.isabs(name) and ".." not in name.split("/") for name in index.names)
    )
