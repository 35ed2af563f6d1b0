"""Image files that are packed into another file, decoded on demand from a temporary copy of their bytes."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
import weakref
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from explorer.data.attributes import Attributes
from explorer.data.formats import Request
from explorer.data.pixel_cache import Stamps, stamp_of
from explorer.data.source import Facts, Found, Skipped
from explorer.data.sources.files import FileSource, FileTable
from explorer.data.sources.frames_of_files import sampled, sampled_range
from explorer.data.splits import Splits
from explorer.errors import DataError
from explorer.paths import cache_dir
from explorer.reading import reason_of
from explorer.types import Bytes, ImageShape, Indices

_SPARE: Final = 256 << 20
"""Bytes on the disk that stay free."""


class PackedFiles:
    """The bytes of image files, one after another, in a temporary file that is deleted with this object."""

    def __init__(self, path: Path, expected: int) -> None:
        """Begin without images; DataError if the disk has no room for `expected` bytes from the file at `path`."""
        self.path = path
        self.names: list[str] = []
        self._ends: list[int] = [0]
        self._shapes: list[ImageShape] = []
        self._lock = threading.Lock()
        folder = cache_dir()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(folder).free
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # open as long as this object
            weakref.finalize(self, self._file.close)
        except OSError as error:
            raise self._failed(error) from error
        if free < expected + _SPARE:
            raise DataError(
                "Cannot open {file}: its images need {needed:.1f} GB in {folder}, but {free:.1f} GB are free. Free "
                "disk space, or set LATENT_EXPLORER_HOME to another folder.",
                file=path.name,
                folder=folder,
                needed=expected / 1e9,
                free=free / 1e9,
            )

    def __len__(self) -> int:
        return len(self.names)

    def add(self, content: Bytes, name: str, shape: ImageShape) -> None:
        """Append one image file with the shape of its image, zeros if unknown; DataError if the disk is full."""
        try:
            self._file.seek(self._ends[-1])
            self._file.write(content.data)
        except OSError as error:
            raise self._failed(error) from error
        self.names.append(name)
        self._ends.append(self._ends[-1] + len(content))
        self._shapes.append(shape)

    def shape(self, position: int) -> ImageShape:
        return self._shapes[position]

    def content(self, position: int) -> bytes:
        start, end = self._ends[position : position + 2]
        try:
            with self._lock:
                self._file.seek(start)
                return self._file.read(end - start)
        except OSError as error:
            raise self._failed(error) from error

    def table(self) -> FileTable:
        return FileTable(Path(), self.names, self.names, np.array(self._shapes, np.int32).reshape(-1, 3))

    def _failed(self, error: OSError) -> DataError:
        return DataError(
            "Cannot copy the images of {file} to {folder}: {reason}. Free disk space, and open it again.",
            file=self.path.name,
            folder=cache_dir(),
            reason=reason_of(error),
        )


class PackedSource(FileSource):
    """Images in a container file, at least one."""

    def __init__(
        self,
        facts: Facts,
        files: PackedFiles,
        splits: Splits,
        labels: Indices | None = None,
        label_names: tuple[str, ...] | None = None,
        skipped: Sequence[Skipped] = (),
        attributes: Attributes | None = None,
    ) -> None:
        found = _found_in(files, facts)
        super().__init__(
            replace(facts, found=found), files.table(), splits, labels, label_names, tuple(skipped), attributes
        )
        self._packed = files
        self._stamp = stamp_of(str(files.path))

    def _request(self, position: int) -> Request:
        return Request(self._packed.content(position), self._files.names[position])

    def _stamps(self, positions: Indices) -> Stamps:
        return np.full(len(positions), self._stamp, np.uint64)

    def _note_gone(self, positions: Indices) -> None:
        """Nothing is missing: all images were copied."""

    def _hash_content(self) -> str:
        digest = hashlib.sha256()
        for position in range(self.count):
            digest.update(hashlib.sha256(self._packed.content(position)).digest())
        return digest.hexdigest()


def _found_in(files: PackedFiles, facts: Facts) -> Found | None:
    """Return the dtype and the range of images of more than 8 bits, by a sample; None if it has none."""
    some = [
        Request(files.content(place), files.names[place]) for place in sampled(len(files)) if any(files.shape(place))
    ]
    limits, dtype = sampled_range(some)
    return Found(dtype, facts.choices.range or limits) if dtype else None
