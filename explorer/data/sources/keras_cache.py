"""Data sets that Keras keeps on this machine, read without Keras.

Keras itself deletes a cached file whose checksum differs and then needs the network; this only reads.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from explorer.data.source import ArraySource, Facts
from explorer.data.sources import arrays, idx
from explorer.data.sources.entry import KnownSource, SourceEntry
from explorer.errors import DataError

MNIST = SourceEntry(
    name="mnist",
    title="MNIST handwritten digits",
    status="missing",
    how="",
    count=70_000,
    train=60_000,
    test=10_000,
    image_shape=(28, 28, 1),
    labels=10,
    licence="CC BY-SA 3.0",
    attribution="MNIST by Yann LeCun and Corinna Cortes",
)
FASHION_MNIST = SourceEntry(
    name="fashion_mnist",
    title="Fashion-MNIST clothing",
    status="missing",
    how="",
    count=70_000,
    train=60_000,
    test=10_000,
    image_shape=(28, 28, 1),
    labels=10,
    licence="MIT",
    attribution="Fashion-MNIST by Zalando SE",
)
_DIGIT_NAMES = tuple("0123456789")
_CLOTHING_NAMES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


@dataclass(frozen=True)
class _Cached:
    """A data set, its place below the cache, and the reader for it."""

    entry: SourceEntry
    place: str
    label_names: tuple[str, ...]
    load_as: Callable[[Facts, Path, tuple[str, ...]], ArraySource]

    def path(self) -> Path:
        """Where Keras puts it."""
        return cache_dir() / self.place

    def present(self) -> bool:
        """Whether it lies there whole, as far as names tell."""
        path = self.path()
        return path.is_file() or (path.is_dir() and idx.holds_both_splits(path))

    def known(self) -> SourceEntry:
        """What a list shows."""
        if self.present():
            return replace(self.entry, status="present", how=f"read from {self.path()}")
        return replace(self.entry, how=self._remedy())

    def load(self) -> ArraySource:
        """Open it.

        Raises
        ------
        DataError
            If it is not there, or broken.
        """
        path, entry = self.path(), self.entry
        if not self.present():
            raise DataError(f"{entry.title} at {path}", "nothing there", self._remedy())
        facts = Facts(
            entry.name, entry.title, entry.name, entry.licence, entry.attribution, "present", f"read from {path}"
        )
        return self.load_as(facts, path, self.label_names)

    def _remedy(self) -> str:
        return (
            f'Run python -c "import keras; keras.datasets.{self.entry.name}.load_data()" once, which downloads it, or '
            "open a folder that holds its IDX files."
        )


def cache_dir() -> Path:
    """Return the folder where Keras caches data sets; ``KERAS_HOME`` moves it."""
    moved = os.environ.get("KERAS_HOME")
    home = Path(moved).expanduser() if moved else Path.home() / ".keras"
    return home / "datasets"


_CACHED = (
    _Cached(MNIST, "mnist.npz", _DIGIT_NAMES, arrays.load_as),
    _Cached(FASHION_MNIST, "fashion-mnist", _CLOTHING_NAMES, idx.load_as),
)
SOURCES = tuple(KnownSource(cached.entry.name, cached.known, cached.load) for cached in _CACHED)
