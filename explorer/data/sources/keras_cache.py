"""Datasets in the cache of Keras, read without Keras.

Keras deletes a cached file with another checksum and then needs the network; this only reads. Our own downloads have
the same names, in our own folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from explorer.data.source import Facts, Source
from explorer.data.sources import arrays, cifar, idx
from explorer.data.sources.entry import SourceEntry
from explorer.data.sources.local_datasets import LocalDataset
from explorer.messages import message
from explorer.paths import datasets_dir
from explorer.types import Progress

DIGIT_NAMES: Final = tuple("0123456789")
CLOTHING_NAMES: Final = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


def _remedy(name: str, files: str) -> str:
    return (
        "Download it in the window, or run once: python -c "
        f'"import keras; keras.datasets.{name}.load_data()". Or open your own {files}.'
    )


MNIST = SourceEntry(
    name="mnist",
    title="MNIST",
    status="missing",
    how=_remedy("mnist", "mnist.npz or IDX files"),
    count=70_000,
    train=60_000,
    test=10_000,
    image_shape=(28, 28, 1),
    labels=10,
    license="CC BY-SA 3.0",
    attribution="MNIST by Yann LeCun and Corinna Cortes",
    url="http://yann.lecun.com/exdb/mnist/",
    size_mb=11,
)
FASHION_MNIST = SourceEntry(
    name="fashion_mnist",
    title="Fashion-MNIST",
    status="missing",
    how=_remedy("fashion_mnist", "IDX files"),
    count=70_000,
    train=60_000,
    test=10_000,
    image_shape=(28, 28, 1),
    labels=10,
    license="MIT",
    attribution="Fashion-MNIST by Zalando SE",
    url="https://github.com/zalandoresearch/fashion-mnist",
    size_mb=30,
)
CIFAR10 = SourceEntry(
    name="cifar10",
    title="CIFAR-10",
    status="missing",
    how=_remedy("cifar10", "cifar-10-python.tar.gz"),
    count=60_000,
    train=50_000,
    test=10_000,
    image_shape=(32, 32, 3),
    labels=10,
    license="no license stated; free to use with citation",
    attribution="CIFAR-10 by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton",
    url="https://www.cs.toronto.edu/~kriz/cifar.html",
    size_mb=171,
)


def cache_dir() -> Path:
    """Return the dataset cache of Keras; ``KERAS_HOME`` overrides it."""
    moved = os.environ.get("KERAS_HOME")
    home = Path(moved).expanduser() if moved else Path.home() / ".keras"
    return home / "datasets"


def _places(*names: str) -> Callable[[], list[Path]]:
    """Return a function that returns the paths of these names, first in Keras' cache, then in our folder."""
    return lambda: [home / name for home in (cache_dir(), datasets_dir()) for name in names]


def _scan_arrays(facts: Facts, path: Path, _: Path) -> Iterator[Progress | Source]:
    yield Progress(0, 0, message("Reading images"))
    yield arrays.load_as(facts, path, DIGIT_NAMES)


def _scan_idx(facts: Facts, path: Path, _: Path) -> Iterator[Progress | Source]:
    yield Progress(0, 0, message("Reading images"))
    yield idx.load_as(facts, path, CLOTHING_NAMES)


def _scan_cifar(facts: Facts, path: Path, _: Path) -> Iterator[Progress | Source]:
    yield from cifar.scan_as(facts, path)


_CIFAR_NAMES: Final = (
    *("cifar-10-batches-py-target", "cifar-10-batches-py"),
    *("cifar-10-python.tar.gz", "cifar-10-batches-py.tar.gz"),
)
SOURCES = (
    LocalDataset(MNIST, _places("mnist.npz"), Path.is_file, _scan_arrays).known(),
    LocalDataset(FASHION_MNIST, _places("fashion-mnist"), idx.holds_both_splits, _scan_idx).known(),
    LocalDataset(CIFAR10, _places(*_CIFAR_NAMES), cifar.takes, _scan_cifar).known(),
)
