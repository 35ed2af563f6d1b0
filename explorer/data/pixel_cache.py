"""Cache of decoded images on disk, read through a memory map.

A source with one preprocessing has one folder, with a row for each image in the file ``pixels`` and a record in the
file ``records``. Several processes may share it without a lock. A row is valid only if its record has the stamp of the
file and the checksum of the pixels; so a partly written row is decoded again and never shown. Files are written
directly, not through the map: a full disk then raises an error instead of killing the process.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import math
import mmap
import os
import shutil
import tempfile
import threading
import uuid
import weakref
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.data.preprocessing import Preprocessing
from explorer.paths import cache_dir
from explorer.types import Indices, Pixels

Stamps = NDArray[np.uint64]
"""A number for each image that changes with its file; 0 for a missing file."""

_IMAGES: Final = "images"
_PARTS: Final = (_IMAGES, "index", "pictures")
"""Folders of the cache; the last one is of earlier versions, and only counted and deleted."""

_PIXELS: Final = "pixels"
_RECORDS: Final = "records"
_RECORD: Final = np.dtype([("stamp", "<u8"), ("checksum", "<u4"), ("ready", "<u4")])
_FORMAT: Final = 2
_KEPT_BYTES: Final = 32 << 20
_AROUND_BYTES: Final = 64 << 10
"""Bytes that the system maps around each one that is read."""

_MAPPED_CACHES: Final = 4
"""Most caches whose two files are open at the same time."""

_open_caches: weakref.WeakSet[PixelCache] = weakref.WeakSet()
_open_lock = threading.Lock()
_uses = itertools.count()


def cache_size() -> int:
    """Return the bytes on disk of decoded images, indexes and unpacked archives; holes in files do not count."""
    return sum(_size_on_disk(path) for part in (*_PARTS, "unpacked") for path in _files_below(cache_dir() / part))


def clear_cache() -> int:
    """Delete all decoded images and indexes; return the bytes that are left.

    Other windows decode again what they need. On Windows, files in use cannot be deleted and remain.
    """
    for cache in _known_caches():
        cache.release()
    for part in _PARTS:
        folder = cache_dir() / part
        # Renamed first, so that nobody starts to use what is being deleted.
        retired = folder.with_name(f".{part}.{uuid.uuid4().hex[:8]}.old")
        with contextlib.suppress(OSError):
            os.rename(folder, retired)
        for old in (folder, *folder.parent.glob(f".{part}.*.old")):
            shutil.rmtree(old, ignore_errors=True)
    return cache_size()


@dataclass(frozen=True, eq=False)
class _Map:
    """The two files of a cache as arrays, with their identity."""

    pixels: Pixels
    records: NDArray[Any]
    memory: mmap.mmap
    identity: tuple[int, int]


class PixelCache:
    """The decoded images of one source with one preprocessing; safe for several threads and processes.

    `source` identifies the source, such as its absolute path. A cache of fewer than `rows` rows grows.
    """

    def __init__(self, source: str, preprocessing: Preprocessing, rows: int) -> None:
        key = f"{_FORMAT}\0{source}\0{preprocessing.model_dump_json()}"
        name = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        self.folder = cache_dir() / _IMAGES / name
        self.image_shape = preprocessing.image_shape
        self.dtype = preprocessing.dtype
        self.row_bytes = preprocessing.row_bytes
        self._rows = rows
        self._lock = threading.Lock()
        self._map: _Map | None = None
        self._touched = 0
        self.used = 0
        with _open_lock:
            _open_caches.add(self)

    def load(self, rows: Indices, stamps: Stamps, out: Pixels) -> NDArray[np.bool_]:
        """Read the valid ones of rows int64 ``(n,)`` with stamps uint64 ``(n,)``; return which are, bool ``(n,)``.

        `out` is ``(n, h, w, c)`` of the cache's dtype, contiguous; missing rows are left undefined.
        """
        mapped = self._mapped()
        if mapped is None:
            return np.zeros(len(rows), np.bool_)
        records = mapped.records[rows]
        found: NDArray[np.bool_] = (records["ready"] == 1) & (records["stamp"] == stamps) & (stamps != 0)
        for place in np.flatnonzero(found):
            out[place] = mapped.pixels[rows[place]]
            found[place] = zlib.crc32(out[place].data) == int(records["checksum"][place])
        self._forget_pages(mapped, len(rows))
        return found

    def store(self, rows: Indices, stamps: Stamps, pixels: Pixels) -> None:
        """Store images: int64 and uint64 ``(n,)``, and ``(n, h, w, c)`` of the cache's dtype.

        Raises OSError if the disk is full, or the cache was cleared; each row is then valid or missing, never wrong.
        """
        if self._mapped() is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.folder))
        records = np.zeros(len(rows), _RECORD)
        records["stamp"], records["ready"] = stamps, 1
        records["checksum"] = [zlib.crc32(np.ascontiguousarray(image).data) for image in pixels]
        for name, values in ((_PIXELS, pixels), (_RECORDS, records)):
            with (self.folder / name).open("r+b", buffering=0) as file:
                for run in _runs(rows):
                    content = values[run].tobytes()
                    file.seek(int(rows[run.start]) * (len(content) // (run.stop - run.start)))
                    if file.write(content) != len(content):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder))

    def release(self) -> None:
        """Close the files until they are needed again."""
        with self._lock:
            self._map = None

    @property
    def is_mapped(self) -> bool:
        return self._map is not None

    def ready(self) -> bool:
        """Return whether the cache can be used; create it if it is missing."""
        return self._mapped() is not None

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.folder).free

    def used_bytes(self) -> int:
        return _size_on_disk(self.folder / _PIXELS)

    def _mapped(self) -> _Map | None:
        """Return the map of the current files; None if they cannot be opened or created."""
        before, self.used = self._map, next(_uses)
        mapped = self._current()
        if mapped is not before:
            _release_unused()
        return mapped

    def _current(self) -> _Map | None:
        with self._lock:
            try:
                if self._map is None or _identity(self.folder / _PIXELS) != self._map.identity:
                    self._map = None
                    self._map = self._open()
            except (OSError, ValueError):
                # Cleared at this moment, or not writable: the next call tries again.
                with contextlib.suppress(OSError, ValueError):
                    self._map = self._open()
            return self._map

    def _open(self) -> _Map:
        if not self.folder.is_dir():
            self._create()
        for name, size in self._sizes():
            _grow(self.folder / name, size)
        pixels = _map_file(self.folder / _PIXELS)
        records = _map_file(self.folder / _RECORDS)
        rows = min(len(pixels) // self.row_bytes, len(records) // _RECORD.itemsize)
        return _Map(
            np.frombuffer(pixels, self.dtype, rows * math.prod(self.image_shape)).reshape(rows, *self.image_shape),
            np.frombuffer(records, _RECORD, rows),
            pixels,
            _identity(self.folder / _PIXELS),
        )

    def _create(self) -> None:
        """Create the folder under a temporary name and rename it; if another process was first, use its folder."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".", suffix=".part", dir=self.folder.parent))
        try:
            for name, size in self._sizes():
                (temporary / name).touch()
                _grow(temporary / name, size)
            with contextlib.suppress(OSError):
                os.rename(temporary, self.folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _sizes(self) -> tuple[tuple[str, int], ...]:
        return (_PIXELS, self._rows * self.row_bytes), (_RECORDS, self._rows * _RECORD.itemsize)

    def _forget_pages(self, mapped: _Map, count: int) -> None:
        """Return read pages to the system, since they count as memory of this process."""
        self._touched += count * (self.row_bytes + _AROUND_BYTES)
        if self._touched > _KEPT_BYTES:
            self._touched = 0
            if hasattr(mapped.memory, "madvise") and hasattr(mmap, "MADV_DONTNEED"):
                mapped.memory.madvise(mmap.MADV_DONTNEED)


def _known_caches() -> list[PixelCache]:
    with _open_lock:
        return list(_open_caches)


def _release_unused() -> None:
    """Close the files of all but the most recently used caches."""
    mapped = sorted((cache for cache in _known_caches() if cache.is_mapped), key=lambda cache: cache.used)
    for cache in mapped[:-_MAPPED_CACHES]:
        cache.release()


def stamp_of(path: str, frame: int = 0) -> int:
    """Return the stamp of a frame of a file, from path, size and modification time; 0 if the file is missing."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return 0
    text = f"{path}\0{found.st_size}\0{found.st_mtime_ns}" + (f"\0{frame}" if frame else "")
    content = text.encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little") or 1


def _runs(rows: Indices) -> Iterator[slice]:
    """Yield slices of consecutive rows, which can be written at once."""
    edges = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
    yield from (slice(start, end) for start, end in itertools.pairwise(edges) if end > start)


def _grow(path: Path, size: int) -> None:
    """Extend a file to at least this size with a hole; never truncate it, even if another process extends it too."""
    if path.stat().st_size < size:
        with path.open("r+b", buffering=0) as file:
            file.seek(size - 1)
            file.write(b"\0")


def _map_file(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _files_below(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)


def _size_on_disk(path: Path) -> int:
    try:
        found = path.stat()
    except OSError:
        return 0
    blocks: int | None = getattr(found, "st_blocks", None)  # not on Windows
    return found.st_size if blocks is None else blocks * 512
