"""Index of a folder of images, cached on disk so that opening it again reads no image."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from explorer.array_files import ZipLimits, whole_arrays
from explorer.data.choices import MAX_CHANNELS
from explorer.data.deep_pixels import DTYPES
from explorer.data.formats import MAX_PIXELS, Header
from explorer.data.frames import MAX_FRAMES
from explorer.data.probing import probe_image, probe_together
from explorer.data.source import Skipped
from explorer.errors import DataError, ExplorerError
from explorer.json_limits import LARGE, parse_json
from explorer.messages import Message, message
from explorer.paths import cache_dir, replacing_file
from explorer.reading import reading
from explorer.types import Indices

BIG_FOLDER = 2_000
"""From this number of files on, a folder is shown before it is read, and its index and pixels are cached."""

UNKNOWN, GOOD, BAD = 0, 1, 2
"""State of a file: not probed yet, an image, unreadable."""

_NOTES: Final = TypeAdapter(tuple[Skipped, ...])
_REASONS: Final = TypeAdapter(dict[int, Message])
_FORMAT: Final = 6
_LIMITS: Final = ZipLimits(1 << 30)
_SETTLED_NS: Final = 2_000_000_000
"""File systems store times with a resolution of up to two seconds: a folder that changed just before it was listed may
have changed again with the same time."""


@dataclass(frozen=True, eq=False)
class ImageIndex:
    """The image files of a folder, by their extension, in natural order.

    Attributes
    ----------
    names
        Name of each file below `root`, with ``/`` between folders.
    labels, label_folders
        Int64 ``(n,)``: the subfolder that labels the file, -1 for none; and the subfolders' names.
    parts
        Number of files of each part: all, or training, test and validation.
    folders, listed_ns
        Every listed folder, below `root`, and its modification time in ns; and when they were listed.
    notes
        Folders that could not be read, and links that were not followed.
    has_table
        Whether `root` has a file that may be a table of attributes.
    rows
        Int64 ``(n,)``: the file's row in the caches, constant while the file exists.
    states, headers, stamps
        Uint8 ``(n,)``: `UNKNOWN`, `GOOD` or `BAD`. Int32 ``(n, 5)``: height, width, channels, frames and
        the position of the dtype in `DTYPES`. Int64 ``(n, 2)``: size
        and modification time of the file when it was probed. Filled in by `look`.
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
    reasons: dict[int, Message] = field(default_factory=dict)

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
    ) -> ImageIndex:
        """Return an index of files that are not probed yet; `known` are the further attributes."""
        count = len(names)
        return cls(
            root,
            names,
            labels,
            label_folders,
            parts,
            rows=np.arange(count, dtype=np.int64),
            states=np.zeros(count, np.uint8),
            headers=np.zeros((count, 5), np.int32),
            stamps=np.zeros((count, 2), np.int64),
            **known,
        )

    def path(self, position: int) -> Path:
        return self.root / self.names[position]

    def look(self, position: int) -> None:
        path = self.path(position)
        try:
            with reading(message("an image"), path.name, remedy=message("Remove it, or replace it.")):
                found = path.stat()
                self.stamps[position] = found.st_size, found.st_mtime_ns
                self._note(position, probe_image(path))
        except DataError as error:
            self._note(position, error)

    def look_together(self, positions: Sequence[int]) -> None:
        """Look at files that are faster to probe together."""
        stamps = [_stamp(self.path(position)) for position in positions]
        headers = probe_together([self.path(position) for position in positions])
        for position, stamp, header in zip(positions, stamps, headers, strict=True):
            self.stamps[position] = stamp
            self._note(position, header)

    def _note(self, position: int, header: Header | DataError) -> None:
        if isinstance(header, DataError):
            self.states[position] = BAD
            self.reasons[position] = header.message
            return
        self.headers[position] = header.numbers()
        self.states[position] = GOOD

    def skipped(self) -> tuple[Skipped, ...]:
        bad = sorted(self.reasons)
        return (*self.notes, *(Skipped(self.names[position], self.reasons[position]) for position in bad))

    def is_current(self) -> bool:
        """Return whether no file was added, deleted or renamed since the listing."""
        for name, changed_ns in self.folders:
            try:
                now_ns = os.stat(self.root / name).st_mtime_ns
            except (OSError, ValueError):
                return False
            if now_ns != changed_ns or changed_ns > self.listed_ns - _SETTLED_NS:
                return False
        return True

    def with_rows_of(self, old: ImageIndex) -> ImageIndex:
        """Return the index with the rows of an older one; new files get new rows."""
        known = dict(zip(old.names, old.rows.tolist(), strict=True))
        free = 1 + max(known.values(), default=-1)
        if free > 2 * len(self) + BIG_FOLDER:
            return self  # mostly unused rows: start again
        rows = np.array([known.get(name, -1) for name in self.names], np.int64)
        new = rows < 0
        rows[new] = free + np.arange(int(new.sum()))
        return replace(self, rows=rows)

    def take_over(self, position: int, old: ImageIndex, at: int) -> bool:
        """Copy the state of a file from position `at` of an older index, if it has not changed since."""
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
    """Return the time in ns; call it before a folder is listed."""
    return time.time_ns()


def load_index(root: Path) -> ImageIndex | None:
    """Return the cached index of a folder; None if it is missing or invalid."""
    try:
        with _place(root).open("rb") as opened:
            file = whole_arrays(opened, _LIMITS, str(root))
        texts = parse_json(file["texts"].tobytes(), LARGE, str(root))
        if texts["format"] != _FORMAT or texts["root"] != str(root):
            return None
        index = ImageIndex(
            root,
            tuple(_split(file["names"])),
            file["labels"],
            tuple(texts["label_folders"]),
            tuple(texts["parts"]),
            tuple(zip(_split(file["folders"]), file["folder_times"].tolist(), strict=True)),
            int(texts["listed_ns"]),
            _NOTES.validate_python(texts["notes"]),
            bool(texts["has_table"]),
            file["rows"],
            file["states"],
            file["headers"],
            file["stamps"],
            _REASONS.validate_python(texts["reasons"]),
        )
        return index if _fits(index) else None
    except Exception:  # a damaged index is built again
        return None


def save_index(index: ImageIndex) -> None:
    """Cache an index. Write errors are ignored: the folder only opens more slowly next time."""
    texts = {
        "format": _FORMAT,
        "root": str(index.root),
        "label_folders": index.label_folders,
        "parts": index.parts,
        "listed_ns": index.listed_ns,
        "notes": _NOTES.dump_python(index.notes, mode="json"),
        "has_table": index.has_table,
        "reasons": _REASONS.dump_python(index.reasons, mode="json"),
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


def _stamp(path: Path) -> tuple[int, int]:
    """Return size and modification time of a file; zeros if it is missing."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _place(root: Path) -> Path:
    key = hashlib.sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return cache_dir() / "index" / f"{key}.npz"


def _joined(names: list[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\0".join(names).encode("utf-8", "surrogateescape"), np.uint8)


def _split(blob: NDArray[np.uint8]) -> list[str]:
    return blob.tobytes().decode("utf-8", "surrogateescape").split("\0")


def _plausible(headers: NDArray[np.int32]) -> bool:
    height, width, channels = headers[:, 0], headers[:, 1], headers[:, 2]
    sides = (height >= 1) & (width >= 1) & (height <= MAX_PIXELS) & (width <= MAX_PIXELS // np.maximum(height, 1))
    return bool((sides & (channels >= 1) & (channels <= MAX_CHANNELS)).all())


def _fits(index: ImageIndex) -> bool:
    count = len(index)
    shapes = [index.labels.shape, index.rows.shape, index.states.shape, index.headers.shape, index.stamps.shape]
    kinds = [index.labels.dtype, index.rows.dtype, index.states.dtype, index.headers.dtype, index.stamps.dtype]
    return (
        shapes == [(count,), (count,), (count,), (count, 5), (count, 2)]
        and kinds == [np.int64, np.int64, np.uint8, np.int32, np.int64]
        and sum(index.parts) == count > 0
        and index.labels.min() >= -1
        and index.labels.max() < len(index.label_folders)
        and 0 <= int(index.rows.min()) <= int(index.rows.max()) <= 4 * (count + BIG_FOLDER)
        and int(np.bincount(index.rows).max()) == 1
        and int(index.states.max()) <= BAD
        and _plausible(index.headers[index.states == GOOD])
        and 0 <= int(index.headers[:, 3].min()) <= int(index.headers[:, 3].max()) <= MAX_FRAMES + 1
        and 0 <= int(index.headers[:, 4].min()) <= int(index.headers[:, 4].max()) < len(DTYPES)
        and index.reasons.keys() == set(np.flatnonzero(index.states == BAD).tolist())
        and all(index.names)
        and not any(map(os.path.isabs, index.names))
        and not any(".." in name and ".." in name.split("/") for name in index.names)
    )
