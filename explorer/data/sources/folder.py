"""A folder of pictures, as users have them.

``train`` and ``test`` folders are kept as splits, further sub-folders are labels, and everything is sorted naturally by
name. Only headers are read when a folder is opened.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

from explorer.data.formats import PICTURE_SUFFIXES, probe_picture
from explorer.data.source import UNLABELLED, Facts, Skipped
from explorer.data.sources.entry import PathKind
from explorer.data.sources.files import FileSource, PictureFile
from explorer.data.splits import Splits, given_splits, random_splits
from explorer.errors import DataError
from explorer.types import Indices, Progress

_TRAIN_NAMES = ("train", "training")
_TEST_NAMES = ("test", "testing")
_VALIDATION_NAMES = ("val", "valid", "validation")
_TOLD_EVERY = 50
_IGNORED_FOLDERS = ("__macosx",)


@dataclass(frozen=True)
class _Found:
    """A file with a picture's ending, and the label that its sub-folder gives it."""

    path: Path
    name: str
    label: str


def takes(path: Path) -> bool:
    """Tell whether `path` is a folder."""
    return path.is_dir()


def load(path: Path) -> FileSource:
    """Open a folder of pictures; see `scan`."""
    source: FileSource | None = None
    for item in scan(path):
        if isinstance(item, FileSource):
            source = item
    assert source is not None
    return source


def scan(path: Path) -> Iterator[Progress | FileSource]:
    """Open a folder of pictures: yields progress while it reads headers, and the source last.

    Parameters
    ----------
    path
        The folder. Sub-folders ``train`` and ``test`` (``val`` stands in for a missing ``test``, and counts as training
        otherwise) are splits; other sub-folders are labels, whatever lies below them; a folder that holds nothing but
        one folder is passed through.

    Raises
    ------
    DataError
        If it holds no picture that can be read.
    """
    root = _descend(path)
    parts, given = _parts(root)
    skipped: list[Skipped] = []
    kept: list[tuple[_Found, PictureFile]] = []
    sizes = []
    for part in parts:
        before = len(kept)
        for found in _walk(part, root, skipped):
            if isinstance(found, Progress):
                yield found
                continue
            if len(kept) % _TOLD_EVERY == 0:
                yield Progress(len(kept), 0, "reading the pictures' headers")
            try:
                kept.append((found, PictureFile(found.path, found.name, probe_picture(found.path))))
            except DataError as error:
                skipped.append(Skipped(found.name, str(error)))
        sizes.append(len(kept) - before)
    if not kept:
        raise _nothing(path, skipped)
    labels, label_names = _labels([found.label for found, _ in kept])
    facts = Facts(name=path.name or str(path), title=path.name or str(path), spec=str(path), how=f"read from {path}")
    files = [file for _, file in kept]
    yield FileSource(facts, files, _splits(sizes, given=given), labels, label_names, tuple(skipped))


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key by which ``2.png`` comes before ``10.png``, and case does not matter."""
    parts = re.split(r"([0-9]+)", text.casefold())
    return tuple((0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts if part)


def _path_key(name: str) -> tuple[object, ...]:
    return (*(natural_key(part) for part in PurePath(name).parts), name)


def _descend(path: Path) -> Path:
    """Pass through folders that hold one folder and no picture, such as ``images/Images``."""
    root = path
    while True:
        try:
            inside = [entry for entry in root.iterdir() if not _ignored(entry.name)]
        except OSError as error:
            raise DataError(f"a folder that can be read at {root}", f"“{error.strerror or error}”") from error
        folders = [entry for entry in inside if entry.is_dir() and not entry.is_symlink()]
        if len(folders) != 1 or any(_is_picture(entry) for entry in inside):
            return root
        # A folder of labels that happens to hold one label is still passed through: one label says nothing.
        root = folders[0]


def _parts(root: Path) -> tuple[list[list[Path]], bool]:
    """Return the folders that make the training part and the held-out part, or all in one part."""
    folders = sorted(
        (entry for entry in root.iterdir() if entry.is_dir() and not _ignored(entry.name)),
        key=lambda entry: _path_key(entry.name),
    )
    train = [folder for folder in folders if folder.name.lower() in _TRAIN_NAMES]
    test = [folder for folder in folders if folder.name.lower() in _TEST_NAMES]
    validation = [folder for folder in folders if folder.name.lower() in _VALIDATION_NAMES]
    if not train or not (test or validation):
        return [[root]], False
    return [train + (validation if test else []), test or validation], True


def _walk(folders: list[Path], root: Path, skipped: list[Skipped]) -> Iterator[Progress | _Found]:
    for folder in folders:
        found: list[_Found] = []
        for item in _files(folder, root, skipped):
            if isinstance(item, Progress):
                yield item
            else:
                found.append(item)
        yield from sorted(found, key=lambda file: _path_key(file.name))


def _files(folder: Path, root: Path, skipped: list[Skipped]) -> Iterator[Progress | _Found]:
    """Yield the files, and between two folders a place to be cancelled: there may be many without a picture."""

    def unreadable(error: OSError) -> None:
        skipped.append(Skipped(str(error.filename), f"a folder that cannot be read: {error.strerror or error}"))

    for place, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not _ignored(name)]
        inside = Path(place).relative_to(folder).parts
        yield Progress(0, 0, "looking for pictures")
        for name in names:
            path = Path(place, name)
            if not _ignored(name) and path.suffix.lower() in PICTURE_SUFFIXES:
                yield _Found(path, path.relative_to(root).as_posix(), inside[0] if inside else "")


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()


def _ignored(name: str) -> bool:
    """Tell whether a name is hidden, or made by an operating system beside the real ones."""
    return name.startswith(".") or name.lower() in _IGNORED_FOLDERS


def _labels(names: list[str]) -> tuple[Indices | None, tuple[str, ...] | None]:
    known = sorted(set(names) - {""}, key=natural_key)
    if not known:
        return None, None
    positions = {name: position for position, name in enumerate(known)} | {"": UNLABELLED}
    return np.array([positions[name] for name in names], np.int64), tuple(known)


def _splits(sizes: list[int], *, given: bool) -> Splits:
    if given and all(sizes):
        return given_splits(sizes[0], sizes[1])
    return random_splits(sum(sizes))


def _nothing(path: Path, skipped: list[Skipped]) -> DataError:
    if skipped:
        return DataError(
            f"at least one picture that can be read in {path}",
            f"{len(skipped)} that cannot, first {skipped[0].name} ({skipped[0].reason})",
            "Check that the files are whole.",
        )
    return DataError(
        f"a folder with pictures ({', '.join(sorted(PICTURE_SUFFIXES))}) or IDX files at {path}",
        "one without",
        "Choose the folder that holds them.",
    )


KIND = PathKind("a folder of pictures", takes, load, scan)
