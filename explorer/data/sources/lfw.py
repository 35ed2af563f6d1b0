"""Labeled Faces in the Wild: a folder for each person, images to crop, 73 measured attributes.

The archives (``lfw.tgz``, ``lfw-funneled.tgz``, ``lfw-deepfunneled.tgz``) unpack to ``First_Last/First_Last_0001.jpg``;
scikit-learn stores them like this in ``lfw_home``, and Kaggle nests the folder in itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Final

from explorer.data.attributes import Attribute, Row, columns_from
from explorer.data.formats import IMAGE_SUFFIXES
from explorer.data.probing import probe_image
from explorer.data.source import Facts, Skipped, Source
from explorer.data.sources import folder as folders
from explorer.data.sources.entry import PathKind, RemoteSet, SourceEntry
from explorer.data.sources.local_datasets import LocalDataset
from explorer.errors import DataError
from explorer.messages import message
from explorer.paths import datasets_dir
from explorer.reading import reason_of
from explorer.types import Progress

CROP: Final = 80
"""Pixels that tutorials crop from each side of 250×250: around the face is background."""

_CROPPED_SIZE: Final = (250, 250)
_INSIDE: Final = ("lfw", "lfw_funneled", "lfw-funneled", "lfw-deepfunneled", "lfw_deepfunneled")
_ARCHIVES: Final = ("lfw-funneled.tgz", "lfw-deepfunneled.tgz", "lfw.tgz")
_ATTRIBUTES: Final = "lfw_attributes.txt"
_MAX_TABLE_BYTES: Final = 256 << 20
_LOOKED_AT: Final = 5
_REMEDY: Final = message(
    "Download it in the window, or run once: python -c "
    '"from sklearn.datasets import fetch_lfw_people; fetch_lfw_people()". Or open your own lfw.tgz, or its unpacked '
    "folder."
)
_ENTRY: Final = SourceEntry(
    name="lfw",
    title="Labeled Faces in the Wild",
    how=_REMEDY,
    count=13_233,
    train=10_586,
    test=2_647,
    image_shape=(250, 250, 3),
    labels=5_749,
    license="for research; the images belong to their owners",
    attribution="Labeled Faces in the Wild by Gary B. Huang, Manu Ramesh, Tamara Berg and Erik Learned-Miller",
    url="http://vis-www.cs.umass.edu/lfw/",
    crop=CROP,
)


def takes(path: Path) -> bool:
    """Return whether `path` has folders and files named like those of LFW."""
    return path.is_dir() and _root(path) is not None


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | Source]:
    """Open a folder with LFW: yields progress, and the source last; see `PathKind.scan_as`.

    Persons are labels. Images of 250×250 pixels are to be cropped (`Facts.crop`). The columns of ``lfw_attributes.txt``
    in the folder, its parent or grandparent, or beside the archive, become attributes. DataError if no image can be
    read.
    """
    root = _root(path)
    if root is None:
        raise DataError(
            "Cannot open {folder} as LFW: no folders of persons (First_Last/First_Last_0001.jpg). {remedy}",
            folder=path,
            remedy=_REMEDY,
        )

    def attributes(_: Path, names: Sequence[str]) -> tuple[dict[str, Attribute], list[Skipped]]:
        return _attributes([root, root.parent, root.parent.parent, path, origin.parent], names)

    facts = replace(facts, crop=CROP if _size(root) == _CROPPED_SIZE else 0)
    yield from folders.scan(root, facts=facts, label_of=_person, attributes=attributes)


def _person(folder_name: str) -> str:
    return folder_name.replace("_", " ")


def _root(path: Path) -> Path | None:
    for inside in ("", *_INSIDE, *(f"{name}/{name}" for name in _INSIDE), "lfw_home/lfw_funneled", "lfw_home/lfw"):
        folder = path / inside
        if any(_is_person(entry) for entry in _few_folders(folder)):
            return folder
    return None


def _few_folders(folder: Path) -> list[Path]:
    """Return the first few subfolders; empty if there are images beside them."""
    found: list[Path] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if Path(entry.name).suffix.lower() in IMAGE_SUFFIXES:
                    return []
                if entry.is_dir() and not entry.name.startswith("."):
                    found.append(Path(entry.path))
                if len(found) == _LOOKED_AT:
                    break
    except OSError:
        return []
    return found


def _is_person(folder: Path) -> bool:
    """Return whether a folder has images named like the folder, with a four-digit number."""
    pattern = re.compile(rf"{re.escape(folder.name)}_\d{{4}}\.(jpe?g|png|ppm|pgm)", re.IGNORECASE)
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, _LOOKED_AT) if not entry.name.startswith(".")]
    except OSError:
        return False
    return bool(names) and all(pattern.fullmatch(name) for name in names)


def _size(root: Path) -> tuple[int, int]:
    """Return height and width of one image; (0, 0) if none of the first few can be read."""
    for folder in _few_folders(root):
        for path in sorted(folder.iterdir())[:_LOOKED_AT]:
            try:
                header = probe_image(path)
            except DataError:
                continue
            return header.height, header.width
    return 0, 0


def _attributes(places: Sequence[Path], names: Sequence[str]) -> tuple[dict[str, Attribute], list[Skipped]]:
    """Return the measured attributes of images by their names.

    Format: two lines that start with ``#``, the second with the column names, then a line for each image: person with
    spaces, number, and 73 real numbers, separated by tabs.
    """
    table = next((place / _ATTRIBUTES for place in places if os.path.isfile(place / _ATTRIBUTES)), None)
    if table is None:
        return {}, []
    positions = {PurePosixPath(name).stem: position for position, name in enumerate(names)}
    wrong: list[int] = []
    try:
        if table.stat().st_size > _MAX_TABLE_BYTES:
            return {}, [Skipped(_ATTRIBUTES, message("Larger than {most:,} MB.", most=_MAX_TABLE_BYTES >> 20))]
        headers = _headers(table)

        def rows() -> Iterator[Row]:
            wrong.clear()
            with table.open(encoding="utf-8", errors="replace") as file:
                for number, line in enumerate(file, 1):
                    values = line.rstrip("\r\n").split("\t")
                    if line.startswith("#") or not line.strip():
                        continue
                    if len(values) != len(headers) or not values[1].strip().isdecimal():
                        wrong.append(number)
                        continue
                    key = f"{values[0].strip().replace(' ', '_')}_{int(values[1]):04d}"
                    if key in positions:
                        yield positions[key], values

        attributes, _ = columns_from(["", "", *headers[2:]], rows, len(names))
    except (OSError, ValueError) as error:
        return {}, [Skipped(_ATTRIBUTES, message("Cannot read the table: {reason}.", reason=reason_of(error)))]
    if not wrong:
        return attributes, []
    note = message("{count:# invalid line|# invalid lines}, first line {first}", count=len(wrong), first=wrong[0])
    return attributes, [Skipped(_ATTRIBUTES, note)]


def _headers(table: Path) -> list[str]:
    with table.open(encoding="utf-8", errors="replace") as file:
        for line in islice(file, _LOOKED_AT):
            names = [name.strip() for name in line.lstrip("#").strip().split("\t")]
            if line.startswith("#") and [name.lower() for name in names[:2]] == ["person", "imagenum"]:
                return names
    raise ValueError("no line with the column names (person, imagenum, …)")


def sklearn_dir() -> Path:
    """Return the folder of LFW in scikit-learn's cache; ``SCIKIT_LEARN_DATA`` overrides it."""
    moved = os.environ.get("SCIKIT_LEARN_DATA")
    home = Path(moved).expanduser() if moved else Path.home() / "scikit_learn_data"
    return home / "lfw_home"


def _places() -> list[Path]:
    """Return the possible locations of LFW: folders before archives, scikit-learn's folder before our own."""
    homes = (sklearn_dir(), datasets_dir(), datasets_dir() / "lfw")
    return [
        *(home / name for home in homes for name in ("lfw_funneled", *_INSIDE)),
        *(home / name for home in homes for name in _ARCHIVES),
    ]


KIND = PathKind(message("Labeled Faces in the Wild"), takes, scan_as)
DATASET = LocalDataset(
    _ENTRY,
    _places,
    takes,
    scan_as,
    RemoteSet.of_file(
        # The checksum is published by scikit-learn.
        "lfw-funneled.tgz",
        "https://ndownloader.figshare.com/files/5976015",
        "b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a",
        243_000_000,
    ),
)
