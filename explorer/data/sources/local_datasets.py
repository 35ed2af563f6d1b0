"""Known datasets on this machine, downloaded by Keras, scikit-learn, this program, or the user."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from explorer.data.archives import is_archive, unpack
from explorer.data.source import Facts, Source
from explorer.data.sources.entry import KnownSource, RemoteSet, SourceEntry
from explorer.errors import DataError
from explorer.messages import message
from explorer.types import Progress


@dataclass(frozen=True)
class LocalDataset:
    """A known dataset and its possible locations.

    Attributes
    ----------
    entry
        Its entry while it is missing; ``how`` says how to get it.
    places
        Returns the folders, files and archives to check, in order. Called each time.
    holds
        Returns whether a folder or file contains the whole dataset, by names; not called for archives.
    scan_as
        Opens a folder or file with given metadata; the last argument is the path of the folder, file or archive.
    """

    entry: SourceEntry
    places: Callable[[], Sequence[Path]]
    holds: Callable[[Path], bool]
    scan_as: Callable[[Facts, Path, Path], Iterator[Progress | Source]]
    remote: RemoteSet

    def known(self, unpacked: Callable[[str], bool]) -> KnownSource:
        """Return its registry entry; `unpacked` says by the name of a file whether to unpack it from an archive."""
        scan = partial(self._scan, unpacked)
        return KnownSource(self.entry.name, self._entry, scan, self.places, remote=self.remote)

    def _place(self) -> Path | None:
        return next(
            (path for path in self.places() if is_archive(path) or (os.path.exists(path) and self.holds(path))), None
        )

    def _entry(self) -> SourceEntry:
        place = self._place()
        entry = replace(self.entry, size_mb=round(self.remote.size / 1e6))
        return entry if place is None else replace(entry, status="present", how=message("read from {path}", path=place))

    def _scan(self, unpacked: Callable[[str], bool]) -> Iterator[Progress | Source]:
        place = self._place()
        entry = self._entry()
        if place is None:
            first = next(iter(self.places()))
            raise DataError(
                "Cannot open {title}: it is neither in {folder} nor in another known folder. {remedy}",
                title=entry.title,
                folder=first,
                remedy=entry.how,
            )
        opened = place
        if is_archive(place):
            opened = yield from unpack(place, unpacked)
        yield from self.scan_as(entry.facts(), opened, place)
