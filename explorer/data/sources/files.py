"""Images decoded from their files on demand, with a cache of decoded images for large folders."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.data.attributes import Attributes
from explorer.data.decoding import open_here, open_image, open_together
from explorer.data.deep_pixels import Deep
from explorer.data.formats import NeedsReader, Request
from explorer.data.pixel_cache import PixelCache, Stamps, stamp_of
from explorer.data.preprocessing import Preprocessing
from explorer.data.source import Facts, Found, PixelRows, Skipped, Source
from explorer.data.splits import Splits
from explorer.data.values import deep_pixels, depth_of_files
from explorer.errors import DataError
from explorer.messages import message
from explorer.reading import reason_of
from explorer.types import ImageShape, Indices, Pixels, Progress

_POOLED_PIXELS: Final = 128 * 128
"""From this size on, decoding on several threads is faster (measured)."""

_THREADS: Final = min(4, os.cpu_count() or 1)
_FILLED_AT_ONCE: Final = 128
_OPEN_CACHES: Final = 4


@dataclass(frozen=True, eq=False)
class FileTable:
    """Many files, without an object for each.

    Attributes
    ----------
    paths, names
        Path relative to `folder`, and name inside the source.
    headers
        Int32 ``(n, 3 …)``: height, width, channels; zeros if not probed yet.
    rows
        Int64 ``(n,)``: the row of each in a cache; None without a cache.
    frames
        Int64 ``(n,)``: the number of each frame in its file, negative for files with one; None if all files have one.
    """

    folder: Path
    paths: Sequence[str]
    names: Sequence[str]
    headers: NDArray[np.int32]
    rows: Indices | None = None
    frames: Indices | None = None

    def __len__(self) -> int:
        return len(self.names)

    def path(self, position: int) -> str:
        return os.path.join(self.folder, self.paths[position])

    def frame(self, position: int) -> int:
        return 0 if self.frames is None else max(0, int(self.frames[position]))

    def shares_file(self, position: int) -> bool:
        """Return whether an image is one of several in its file."""
        return self.frames is not None and bool(self.frames[position] >= 0)

    def common_shape(self) -> ImageShape | None:
        """Return height, width and channels of the probed files, or None if sizes differ."""
        known = self.headers[self.headers[:, 2] > 0]
        if not len(known) or (known[:, :2] != known[0, :2]).any():
            return None
        return int(known[0, 0]), int(known[0, 1]), self.channels()

    def channels(self) -> int:
        """Return the largest number of channels of the probed files; 0 if none is probed."""
        return int(self.headers[:, 2].max(initial=0))

    def are_large(self) -> bool:
        """Return whether several threads decode faster than one."""
        known = self.headers[self.headers[:, 2] > 0].astype(np.int64)
        return bool(len(known)) and float((known[:, 0] * known[:, 1]).mean()) >= _POOLED_PIXELS


class FileSource(Source):
    """Images in files, at least one, decoded on demand; those of a large folder once for each preprocessing."""

    def __init__(
        self,
        facts: Facts,
        files: FileTable,
        splits: Splits,
        labels: Indices | None = None,
        label_names: tuple[str, ...] | None = None,
        skipped: tuple[Skipped, ...] = (),
        attributes: Attributes | None = None,
    ) -> None:
        found = facts.found or Found()
        super().__init__(
            replace(facts, found=replace(found, channels=found.channels or files.channels())),
            count=len(files),
            image_shape=files.common_shape(),
            splits=splits,
            labels=labels,
            label_names=label_names,
            skipped=skipped,
            attributes=attributes,
        )
        self.depth = depth_of_files(self.found)
        self._opening: object = self
        self._files = files
        self._large = files.are_large()
        self._caches: dict[str, PixelCache] = {}
        self._lock = threading.Lock()
        self._gone: set[int] = set()

    def file_name(self, index: int) -> str:
        return self._files.names[int(self.positions([index])[0])]

    def belongs_to(self, opening: object, *, provisional: bool) -> None:
        """Set which opening of a folder the source is from, and whether a more complete one follows.

        A provisional source may contain images that turn out to be unreadable.
        """
        self._opening = opening
        self.provisional = provisional

    def continues(self, other: Source | None) -> bool:
        """Return whether this is `other`, or from the same opening of a folder."""
        return isinstance(other, FileSource) and other._opening is self._opening

    def position_in(self, other: Source, index: int) -> int | None:
        if not isinstance(other, FileSource) or other._files.names is self._files.names:
            return index
        name = self._files.names[index]
        if other._files.frames is not None:
            # A provisional source has the first frames only.
            return next((at for at, found in enumerate(other._files.names) if found in (name, f"{name}#0")), None)
        # Its position can only decrease.
        return next((at for at in range(min(index, other.count - 1), -1, -1) if other._files.names[at] == name), None)

    def pil_image(self, index: int) -> Image.Image:
        request = self._request(int(self.positions([index])[0]))
        return open_image(request.path_or_bytes, request.name, request.frame, self.found.range)

    def _request(self, position: int) -> Request:
        files = self._files
        return Request(Path(files.path(position)), files.names[position], files.frame(position))

    def read(self, indices: Sequence[int] | Indices, preprocessing: Preprocessing) -> Pixels:
        cache = self._cache(preprocessing) if self._files.rows is not None else None
        return _all_of(*self._read(self.positions(indices), preprocessing, cache))

    def read_uncached(self, indices: Sequence[int] | Indices, preprocessing: Preprocessing) -> Pixels:
        return _all_of(*self._read(self.positions(indices), preprocessing, None))

    def read_available(self, indices: Sequence[int] | Indices, preprocessing: Preprocessing) -> tuple[Pixels, Indices]:
        positions = self.positions(indices)
        cache = self._cache(preprocessing) if self._files.rows is not None else None
        pixels, errors = self._read(positions, preprocessing, cache)
        if not errors:
            return pixels, positions
        self._note_unreadable({int(positions[place]): error for place, error in errors.items()})
        kept = np.setdiff1d(np.arange(len(positions)), [*errors])
        return pixels[kept], positions[kept]

    def _note_unreadable(self, errors: dict[int, DataError]) -> None:
        names = self._files.names
        self._unreadable |= {position: Skipped(names[position], error.message) for position, error in errors.items()}

    def streaming(self, indices: Indices, preprocessing: Preprocessing, room: int) -> Iterator[Progress | PixelRows]:
        """Decode images into memory or, if they are larger than `room`, into the cache; see `Source`."""
        positions = self.positions(indices)
        rows = PixelRows(self, positions, preprocessing)
        cached = rows.nbytes > room
        cache = self._cache(preprocessing) if cached or self._files.rows is not None else None
        if cached and cache:
            self._check_room(cache, rows.nbytes)
        held = None if cached else np.empty(rows.shape, rows.dtype)
        left_out: dict[int, DataError] = {}
        for start in range(0, len(rows), _FILLED_AT_ONCE):
            yield Progress(start, len(rows), message("Decoding images"))
            part = positions[start : start + _FILLED_AT_ONCE]
            pixels, errors = self._read(part, preprocessing, cache, must_keep=cached)
            left_out |= {start + place: error for place, error in errors.items()}
            if held is not None:
                held[start : start + len(part)] = pixels
            if len(left_out) == start + len(part) >= min(len(rows), _FILLED_AT_ONCE):
                raise next(iter(left_out.values()))  # nothing can be read: do not try the rest
        yield self._rows_without(left_out, rows, held, cache)

    def _rows_without(
        self, left_out: dict[int, DataError], rows: PixelRows, held: Pixels | None, cache: PixelCache | None
    ) -> PixelRows:
        self._note_gone(rows.indices[[*left_out]])
        self._note_unreadable({int(rows.indices[at]): error for at, error in left_out.items()})
        names = self._files.names
        skipped = tuple(Skipped(names[rows.indices[at]], error.message) for at, error in left_out.items())
        kept = np.setdiff1d(np.arange(len(rows)), [*left_out]) if left_out else slice(None)
        indices = rows.indices[kept]
        if held is None and cache is not None:
            return _CachedRows(self, indices, rows.preprocessing, skipped, cache, self._stamps(indices))
        return PixelRows(self, indices, rows.preprocessing, skipped, None if held is None else held[kept])

    def _check_room(self, cache: PixelCache, needed: int) -> None:
        if not cache.ready():
            raise DataError(
                "Cannot cache decoded images in {folder}: it is not writable, or the disk is full. Free disk space, "
                "set LATENT_EXPLORER_HOME to another folder, or use fewer or smaller images.",
                folder=cache.folder.parent,
            )
        # Cached rows count as free: to know which are valid, they would have to be read.
        free = cache.free_bytes() + cache.used_bytes()
        if free < needed:
            raise DataError(
                "Cannot cache decoded images in {folder}: {needed:.1f} GB are needed, but {free:.1f} GB are free. Free "
                "disk space, set LATENT_EXPLORER_HOME to another folder, or use fewer or smaller images.",
                folder=cache.folder.parent,
                needed=needed / 1e9,
                free=free / 1e9,
            )

    def _cache(self, preprocessing: Preprocessing) -> PixelCache:
        key = preprocessing.model_dump_json()
        with self._lock:
            highest = self.count - 1 if self._files.rows is None else int(self._files.rows.max())
            # The range of deep images is found from the files, so it may be another one later.
            name = self.spec if self.found.range is None else f"{self.spec}\0{self.found.range}"
            cache = self._caches.pop(key, None) or PixelCache(name, preprocessing, highest + 1)
            self._caches[key] = cache
            while len(self._caches) > _OPEN_CACHES:
                self._caches.pop(next(iter(self._caches)))
            return cache

    def rows_of(self, positions: Indices) -> Indices:
        return positions if self._files.rows is None else self._files.rows[positions]

    def _stamps(self, positions: Indices) -> Stamps:
        files = self._files
        return np.array([stamp_of(files.path(at), files.frame(at)) for at in positions.tolist()], np.uint64)

    def _read(
        self, positions: Indices, preprocessing: Preprocessing, cache: PixelCache | None, *, must_keep: bool = False
    ) -> tuple[Pixels, dict[int, DataError]]:
        """Return images, and the errors of unreadable ones by their place in `positions`."""
        pixels = np.empty((len(positions), *preprocessing.image_shape), preprocessing.dtype)
        if cache is None:
            return pixels, self._decode(positions, preprocessing, np.arange(len(positions)), pixels)
        rows, stamps = self.rows_of(positions), self._stamps(positions)
        missing = np.flatnonzero(~cache.load(rows, stamps, pixels))
        errors = self._decode(positions, preprocessing, missing, pixels)
        decoded = np.array([place for place in missing.tolist() if place not in errors and stamps[place]], np.int64)
        if len(decoded):
            try:
                cache.store(rows[decoded], stamps[decoded], pixels[decoded])
            except OSError as error:
                # Without a cache reading is only slower, unless the caller depends on it.
                if must_keep:
                    raise DataError(
                        "Cannot cache decoded images in {folder}: {reason}. Free disk space, and try again.",
                        folder=cache.folder.parent,
                        reason=reason_of(error),
                    ) from error
        return pixels, errors

    def _decode(
        self, positions: Indices, preprocessing: Preprocessing, places: Indices, pixels: Pixels
    ) -> dict[int, DataError]:
        """Decode the images at some places of `positions` into `pixels`; return the errors by place."""
        deep = self._is_deep(preprocessing)

        def decode(place: int) -> DataError | NeedsReader | None:
            request = self._request(int(positions[place]))
            try:
                pixels[place] = self._pixels(open_here(request, self.found.range, deep=deep), preprocessing)
            except NeedsReader as needs:
                return needs
            except DataError as error:
                return _named(error, str(request.name))
            return None

        together = [place for place in places.tolist() if self._files.shares_file(int(positions[place]))]
        wanted = np.setdiff1d(places, together).tolist() if together else places.tolist()
        if self._large and len(wanted) > 1 and _THREADS > 1:
            with ThreadPoolExecutor(min(_THREADS, len(wanted)), "decode") as pool:
                found = list(pool.map(decode, wanted))
        else:
            found = [decode(place) for place in wanted]
        outcomes = dict(zip(wanted, found, strict=True))
        together += [place for place, outcome in outcomes.items() if isinstance(outcome, NeedsReader)]
        errors = self._decode_together(positions, preprocessing, together, pixels) if together else {}
        return errors | {place: outcome for place, outcome in outcomes.items() if isinstance(outcome, DataError)}

    def _decode_together(
        self, positions: Indices, preprocessing: Preprocessing, places: list[int], pixels: Pixels
    ) -> dict[int, DataError]:
        """Do as `_decode` for frames of the same files, and files that another process decodes."""
        errors = {}
        requests = [self._request(int(positions[place])) for place in places]
        for number, found in open_together(requests, self.found.range, deep=self._is_deep(preprocessing)):
            try:
                if isinstance(found, DataError):
                    raise found
                pixels[places[number]] = self._pixels(found, preprocessing)
            except DataError as error:
                errors[places[number]] = _named(error, str(requests[number].name))
        return errors

    def _pixels(self, found: Image.Image | Deep, preprocessing: Preprocessing) -> Pixels:
        if isinstance(found, Deep):  # else an image of 8 bits, perhaps among others
            return deep_pixels(found, self.found.range, preprocessing)
        return preprocessing.pixels(found)

    def _is_deep(self, preprocessing: Preprocessing) -> bool:
        """Return whether more than 8 bits are in the files, and wanted."""
        return self.depth != 8 and preprocessing.dtype != np.uint8

    def _note_gone(self, positions: Indices) -> None:
        self._gone |= {position for position in positions.tolist() if not os.path.exists(self._files.path(position))}

    def _hash_content(self) -> str:
        """Return the hash of all files, except those that were missing in `streaming`."""
        digest = hashlib.sha256()
        path, content = "", ""
        for position, name in enumerate(self._files.names):
            if position in self._gone:
                continue
            try:
                if path != self._files.path(position):  # else another frame
                    path = self._files.path(position)
                    with open(path, "rb") as file:
                        content = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise DataError(
                    "Cannot read {file}: {reason}. Open the folder again.", file=name, reason=reason_of(error)
                ) from error
            digest.update(f"{name}\0{content}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


def _all_of(pixels: Pixels, errors: dict[int, DataError]) -> Pixels:
    """Return the pixels of images, or raise the error of the first that cannot be read."""
    for error in errors.values():
        raise error
    return pixels


def _named(error: DataError, name: str) -> DataError:
    """Return an error that names the image."""
    return error if name in str(error) else DataError("{file}: {error}", file=name, error=error.message)


class _CachedRows(PixelRows):
    """Rows of a cache. Later changes of the files have no effect, except on rows that the cache lost."""

    def __init__(
        self,
        source: FileSource,
        indices: Indices,
        preprocessing: Preprocessing,
        left_out: tuple[Skipped, ...],
        cache: PixelCache,
        stamps: Stamps,
    ) -> None:
        super().__init__(source, indices, preprocessing, left_out)
        self._files = source
        self._cache = cache
        self._stamps = stamps

    def __getitem__(self, chosen: Indices | slice) -> Pixels:
        indices, stamps = self.indices[chosen], self._stamps[chosen]
        pixels = np.empty((len(indices), *self.shape[1:]), self.dtype)
        missing = np.flatnonzero(~self._cache.load(self._files.rows_of(indices), stamps, pixels))
        if len(missing):
            pixels[missing] = self.source.read(indices[missing], self.preprocessing)
        return pixels

    def first(self, count: int) -> PixelRows:
        indices, stamps = self.indices[:count], self._stamps[:count]
        return _CachedRows(self._files, indices, self.preprocessing, self.left_out, self._cache, stamps)
