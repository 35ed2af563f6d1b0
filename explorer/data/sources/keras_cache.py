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
from explorer.data.sources.entry import RemoteFile, RemoteSet, SourceEntry
from explorer.data.sources.local_datasets import LocalDataset
from explorer.messages import Message, message
from explorer.paths import datasets_dir
from explorer.types import Progress

_FASHION_URL: Final = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
DIGIT_NAMES: Final = tuple("0123456789")
CLOTHING_NAMES: Final = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


def _remedy(name: str, files: str) -> Message:
    return message(
        "Download it in the window, or run once: python -c "
        '"import keras; keras.datasets.{name}.load_data()". Or open your own {files}.',
        name=name,
        files=files,
    )


_MNIST = SourceEntry(
    name="mnist",
    title="MNIST",
    how=_remedy("mnist", "mnist.npz or IDX files"),
    count=70_000,
    train=60_000,
    test=10_000,
    image_shape=(28, 28, 1),
    labels=10,
    license="CC BY-SA 3.0",
    attribution="MNIST by Yann LeCun and Corinna Cortes",
    url="http://yann.lecun.com/exdb/mnist/",
)
_FASHION_MNIST = SourceEntry(
    name="fashion_mnist",
    title="Fashion-MNIST",
    how=_remedy("fashion_mnist", "IDX files"),
    count=70_000,
    train=60_000,
    test=10_000,
    image_shape=(28, 28, 1),
    labels=10,
    license="MIT",
    attribution="Fashion-MNIST by Zalando SE",
    url="https://github.com/zalandoresearch/fashion-mnist",
)
_CIFAR10 = SourceEntry(
    name="cifar10",
    title="CIFAR-10",
    how=_remedy("cifar10", "cifar-10-python.tar.gz"),
    count=60_000,
    train=50_000,
    test=10_000,
    image_shape=(32, 32, 3),
    labels=10,
    license="no license stated; free to use with citation",
    attribution="CIFAR-10 by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton",
    url="https://www.cs.toronto.edu/~kriz/cifar.html",
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


_CIFAR_NAMES: Final = (
    *("cifar-10-batches-py-target", "cifar-10-batches-py"),
    *("cifar-10-python.tar.gz", "cifar-10-batches-py.tar.gz"),
)
_FASHION_FILES: Final = (
    # Labels come first: images alone would look like a complete dataset.
    ("train-labels-idx1-ubyte.gz", "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
    ("t10k-labels-idx1-ubyte.gz", "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
    ("t10k-images-idx3-ubyte.gz", "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
    ("train-images-idx3-ubyte.gz", "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26_421_880),
)
# The checksums are those that Keras (mnist, cifar10) and TensorFlow Datasets (fashion_mnist) publish in their sources.
MNIST = LocalDataset(
    _MNIST,
    _places("mnist.npz"),
    Path.is_file,
    _scan_arrays,
    RemoteSet.of_file(
        "mnist.npz",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
        "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        11_490_434,
    ),
)
FASHION_MNIST = LocalDataset(
    _FASHION_MNIST,
    _places("fashion-mnist"),
    idx.holds_both_splits,
    _scan_idx,
    RemoteSet(
        tuple(
            RemoteFile(f"fashion-mnist/{name}", f"{_FASHION_URL}/{name}", checksum, size)
            for name, checksum, size in _FASHION_FILES
        ),
        "fashion-mnist",
    ),
)
CIFAR10 = LocalDataset(
    _CIFAR10,
    _places(*_CIFAR_NAMES),
    cifar.takes,
    cifar.scan_as,
    RemoteSet.of_file(
        "cifar-10-python.tar.gz",
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        170_498_071,
    ),
)
