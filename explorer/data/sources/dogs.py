"""Stanford Dogs, in its three common layouts: a folder for each breed, named with its WordNet ID."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from explorer.data.source import Facts, Source
from explorer.data.sources import folder as folders
from explorer.data.sources.entry import PathKind, RemoteSet, SourceEntry
from explorer.data.sources.local_datasets import LocalDataset
from explorer.errors import DataError
from explorer.messages import message
from explorer.paths import datasets_dir
from explorer.types import Progress

_BREED: Final = re.compile(r"n\d{8}-(?P<breed>.+)")
_SPLITS: Final = ("train", "test")
_DEPTH: Final = 4
_LOOKED_AT: Final = 20
_ANNOTATIONS: Final = "annotation"
_ARCHIVES: Final = ("images.tar", "stanford_dogs.tar", "stanford-dogs-dataset.zip", "stanford_dogs.zip")
_REMEDY: Final = message("Download it in the window. Or open your own images.tar, or its unpacked folder.")
_ENTRY: Final = SourceEntry(
    name="stanford_dogs",
    title="Stanford Dogs",
    how=_REMEDY,
    count=20_580,
    train=16_464,
    test=4_116,
    image_shape=(375, 500, 3),
    labels=120,
    license="as ImageNet: for research and teaching; the images belong to their owners",
    attribution="Stanford Dogs by Aditya Khosla, Nityananda Jayadevaprakash, Bangpeng Yao and Li Fei-Fei",
    url="http://vision.stanford.edu/aditya86/ImageNetDogs/",
    one_size=False,
)


def takes(path: Path) -> bool:
    """Return whether `path` has folders named like those of Stanford Dogs."""
    return path.is_dir() and _root(path) is not None


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | Source]:
    """Open a folder with Stanford Dogs: yields progress, and the source last; see `PathKind.scan_as`.

    The folders ``n02085620-Chihuahua`` are in it directly, below ``Images`` or ``images/Images``, or below ``train``
    and ``test``, which become splits. Breeds are labels, without the WordNet ID. DataError if no image can be read.
    """
    root = _root(path)
    if root is None:
        raise DataError(
            "Cannot open {folder} as Stanford Dogs: no breed folders (n02085620-Chihuahua …). {remedy}",
            folder=path,
            remedy=_REMEDY,
        )
    yield from folders.scan(root, facts=facts, label_of=breed_name)


def breed_name(folder_name: str) -> str:
    """Return the name of a breed, without WordNet ID and underscores."""
    match = _BREED.fullmatch(folder_name)
    return (match["breed"] if match else folder_name).replace("_", " ")


def _root(path: Path) -> Path | None:
    """Return the nearest folder that contains the breeds, or the splits with them."""
    level = [path]
    for _ in range(_DEPTH):
        below: list[Path] = []
        for folder in level:
            inside = _few_folders(folder)
            if any(_BREED.fullmatch(entry.name) for entry in inside):
                splits = folder.name.lower() in _SPLITS and folder != path
                return folder.parent if splits else folder
            below += inside
        level = below[:_LOOKED_AT]
    return None


def _few_folders(folder: Path) -> list[Path]:
    """Return the first subfolders, except that of the annotations, whose subfolders have the same names."""
    try:
        with os.scandir(folder) as entries:
            named = (entry for entry in entries if not entry.name.lower().startswith((_ANNOTATIONS, ".", "__macosx")))
            return sorted(Path(entry.path) for entry in islice(named, 10 * _LOOKED_AT) if entry.is_dir())[:_LOOKED_AT]
    except OSError:
        return []


def _places() -> list[Path]:
    homes = (datasets_dir() / "stanford_dogs", datasets_dir())
    return [homes[0], *(home / name for home in homes for name in _ARCHIVES)]


KIND = PathKind(message("Stanford Dogs"), takes, scan_as)
DATASET = LocalDataset(
    _ENTRY,
    _places,
    takes,
    scan_as,
    RemoteSet.of_file(
        # The checksum is published by TensorFlow Datasets.
        "stanford_dogs/images.tar",
        "http://vision.stanford.edu/aditya86/ImageNetDogs/images.tar",
        "a443fc2f9a851aa1a7b8e4fa4af94b8459fce2c9f5a2f4dd4669cf9673a4ec58",
        793_579_520,
    ),
)
