"""Closed models and sources of the history: what it takes to open them again, and to identify them."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np

from explorer.data.source import Source
from explorer.document.state import OpenModel

_NAMES = 64
"""Number of file names, spread over a source, that identify it."""


@dataclass(frozen=True)
class ClosedModel:
    """A closed model, identified by its folder and checksums.

    `files` are names and SHA-256 of the bundle's files, empty if the training was never finished. `alive` returns the
    model while it is still in memory.
    """

    name: str
    path: Path
    run: Path | None
    files: tuple[tuple[str, str], ...]
    alive: weakref.ref[OpenModel] = field(compare=False, repr=False)

    @classmethod
    def of(cls, model: OpenModel) -> ClosedModel:
        return cls(model.name, model.path, model.run, _files(model), weakref.ref(model))

    def fits(self, model: OpenModel) -> bool:
        return _files(model) == self.files

    def is_of(self, model: OpenModel | None) -> bool:
        """Return whether this is the model, at another time of its training or opened again."""
        if model is None or model is self.alive():
            return model is not None
        if self.run is not None and self.run == model.run:
            return True
        return bool(self.files) and self.path == model.path and self.fits(model)


@dataclass(frozen=True)
class ClosedSource:
    """A closed source, identified by its spec and content: the names of some of its files.

    `alive` returns the source while it is still in memory.
    """

    name: str
    spec: str
    count: int
    files: tuple[str, ...]
    alive: weakref.ref[Source] = field(compare=False, repr=False)

    @classmethod
    def of(cls, source: Source) -> ClosedSource:
        return cls(source.title, source.spec, source.count, _some_files(source), weakref.ref(source))

    def fits(self, source: Source) -> bool:
        """Return whether an opened source has the same images in the same order."""
        return source.count == self.count and _some_files(source) == self.files

    def is_of(self, source: Source | None) -> bool:
        """Return whether this is the source, its more complete successor or opened again."""
        alive = self.alive()
        if source is None or source is alive or (alive is not None and source.continues(alive)):
            return source is not None
        return self.spec == source.spec and self.fits(source)


Closed: TypeAlias = ClosedModel | ClosedSource


@dataclass(frozen=True)
class Reopening:
    """Models and sources to open before a step of the history can be restored, as of a `version` of it."""

    place: int
    version: int
    missing: tuple[Closed, ...]

    @property
    def title(self) -> str:
        return ", ".join(closed.name for closed in self.missing)


def is_deleted(model: OpenModel) -> bool:
    """Return whether a saved model has no folder any more."""
    return bool(model.card.files) and not model.path.exists()


def _files(model: OpenModel) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(model.card.files.items()))


def _some_files(source: Source) -> tuple[str, ...]:
    places = np.unique(np.linspace(0, source.count - 1, min(source.count, _NAMES)).astype(np.int64))
    return tuple(source.file_name(int(place)) for place in places)
