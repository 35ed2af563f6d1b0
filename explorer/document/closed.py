"""Models and sources that the history does not hold open: what it takes to open them again, and to know them."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np

from explorer.data.source import Source
from explorer.document.state import OpenModel

_NAMES = 64
"""File names, spread over a source, by which it is known again."""


@dataclass(frozen=True)
class ClosedModel:
    """A model by its folder and its checksums.

    Attributes
    ----------
    name, path, run
        As of the `OpenModel`.
    files
        Names and SHA-256 of the bundle's files; empty where there is no bundle, since it was never finished.
    alive
        Gives the model itself while somebody still holds it.
    """

    name: str
    path: Path
    run: Path | None
    files: tuple[tuple[str, str], ...]
    alive: weakref.ref[OpenModel] = field(compare=False, repr=False)

    @classmethod
    def of(cls, model: OpenModel) -> ClosedModel:
        """Return what there is to know of a model."""
        return cls(model.name, model.path, model.run, _files(model), weakref.ref(model))

    def fits(self, model: OpenModel) -> bool:
        """Say whether a model that was opened in its place is the same."""
        return _files(model) == self.files


@dataclass(frozen=True)
class ClosedSource:
    """A source by what opens it, and by what it held.

    Attributes
    ----------
    name, spec, count
        As of the `Source`.
    files
        Names of some of its files.
    alive
        Gives the source itself while somebody still holds it.
    """

    name: str
    spec: str
    count: int
    files: tuple[str, ...]
    alive: weakref.ref[Source] = field(compare=False, repr=False)

    @classmethod
    def of(cls, source: Source) -> ClosedSource:
        """Return what there is to know of a source."""
        return cls(source.title, source.spec, source.count, _some_files(source), weakref.ref(source))

    def fits(self, source: Source) -> bool:
        """Say whether a source that was opened in its place has the same images in the same order."""
        return source.count == self.count and _some_files(source) == self.files


Closed: TypeAlias = ClosedModel | ClosedSource


@dataclass(frozen=True)
class Reopening:
    """What is to be opened before a step of the history can be gone to.

    Attributes
    ----------
    place, version
        The step, and the history's `version` when it was asked for.
    missing
        What to open.
    """

    place: int
    version: int
    missing: tuple[Closed, ...]

    @property
    def title(self) -> str:
        """What to call it."""
        return " and ".join(closed.name for closed in self.missing)


def _files(model: OpenModel) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(model.card.files.items()))


def _some_files(source: Source) -> tuple[str, ...]:
    places = np.unique(np.linspace(0, source.count - 1, min(source.count, _NAMES)).astype(np.int64))
    return tuple(source.file_name(int(place)) for place in places)
