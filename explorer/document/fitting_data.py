"""Data that fit a model: offered when a model is opened with other images, or with none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from explorer.data.choices import place_of
from explorer.data.source import Source
from explorer.data.sources import held_out_source, known_sources
from explorer.models.card import Card


@dataclass(frozen=True)
class FittingData:
    """A dataset to open by its `spec`, a known name or a path; `home` is whether the model was trained on it."""

    spec: str
    home: bool

    @property
    def title(self) -> str:
        """``Digits``; the name of a file or folder as it is."""
        return Path(place_of(self.spec)).name if Path(self.spec).is_absolute() else dataset_title(self.spec)


def dataset_title(name: str) -> str:
    """Return a known name as a title: ``fashion_mnist`` becomes ``Fashion mnist``."""
    return name.replace("_", " ").capitalize()


def fits(card: Card, source: Source) -> bool:
    """Return whether a model takes images as they are: it was trained on them, or they have its shape."""
    home = {card.data.name, held_out_source(card.data.name)}
    return source.name in home or source.image_shape == card.image_shape


def fitting_data(card: Card, source: Source | None, opened: tuple[str, ...]) -> FittingData | None:
    """Return the dataset to offer; None if the open one fits, or there is none on this machine.

    `opened` are files and folders that the user has opened before.
    """
    if source is not None and fits(card, source):
        return None
    present = {entry.name: entry for entry in known_sources() if entry.status != "missing"}
    for name in (held_out_source(card.data.name), card.data.name):
        if name in present:
            return FittingData(name, home=True)
    for path in opened:
        place = Path(place_of(path))
        if place.name == card.data.name and place.exists():
            return FittingData(path, home=True)
    for name, entry in present.items():
        if entry.image_shape == card.image_shape and entry.one_size:
            return FittingData(name, home=False)
    return None
