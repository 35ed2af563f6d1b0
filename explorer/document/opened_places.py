"""Files and folders of images that the user opened: the library lists them, also after a restart. Main thread only."""

from __future__ import annotations

import os

from psygnal import Signal

from explorer.data.choices import place_of
from explorer.data.source import Source
from explorer.document.preferences import MOST_PLACES, PreferencesFile, storable


class OpenedPlaces:
    """The list, the latest first; those that are gone stay until they are removed."""

    changed = Signal()

    def __init__(self) -> None:
        self._preferences = PreferencesFile()

    @property
    def paths(self) -> tuple[str, ...]:
        return self._preferences.values.datasets

    def begin(self, preferences: PreferencesFile) -> None:
        """Keep the list in these preferences."""
        self._preferences = preferences
        self.changed.emit()

    def add(self, source: Source | None) -> None:
        """List a file or folder, with its latest choices, unless it is listed already; the oldest one makes way."""
        self._preferences.refresh()
        if source is None or source.spec in self.paths or not storable(source.spec):
            return
        # Known names, such as ``digits``, are no paths.
        if os.path.isabs(source.spec) and os.path.exists(place_of(source.spec)):
            others = (path for path in self.paths if place_of(path) != place_of(source.spec))
            self._put((source.spec, *others)[:MOST_PLACES])

    def remove(self, path: str) -> None:
        self._preferences.refresh()
        self._put(tuple(other for other in self.paths if other != path))

    def _put(self, paths: tuple[str, ...]) -> None:
        if paths != self.paths:
            self._preferences.put(datasets=paths)
            self.changed.emit()
