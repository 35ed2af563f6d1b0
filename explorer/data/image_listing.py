"""List the image files of a folder recursively, by their extension, in natural order."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from explorer.data.formats import IMAGE_SUFFIXES
from explorer.data.image_index import ImageIndex, now_ns
from explorer.data.source import Skipped
from explorer.errors import DataError
from explorer.messages import message
from explorer.reading import reason_of
from explorer.types import Progress

_TRAIN_NAMES: Final = ("train", "training")
_TEST_NAMES: Final = ("test", "testing")
_VALIDATION_NAMES: Final = ("val", "valid", "validation")
_IGNORED_FOLDERS: Final = ("__macosx",)
_ENDINGS: Final = tuple(sorted(IMAGE_SUFFIXES))
_DIGITS: Final = re.compile("([0-9]+)")
_LOOKING: Final = message("Looking for images")


def natural_key(text: str) -> list[int | str]:
    """Return a case-insensitive sort key by which ``2.png`` precedes ``10.png``."""
    parts: list[int | str] = _DIGITS.split(text.casefold())
    parts[1::2] = map(int, parts[1::2])
    return parts


def descend(path: Path) -> tuple[Path, list[Path]]:
    """Descend through folders that contain one folder and no image, such as ``images/Images``.

    Returns the last folder, and its passed parents, the nearest first. DataError if one cannot be read.
    """
    root, passed = path, list[Path]()
    while (only := _only_folder(root)) is not None:
        # This also passes a folder with a single label, which would say nothing.
        passed.insert(0, root)
        root = only
    return root, passed


def list_folder(root: Path) -> Generator[Progress, None, ImageIndex]:
    """List a folder recursively: yields progress, and returns an index of files that are not probed yet.

    Folders ``train`` and ``test`` make two parts. ``val`` replaces a missing ``test``, and is training data otherwise.
    """
    begun = now_ns()
    lister = _Lister(root)
    parts = _parts(root)
    if parts != [[""]]:
        lister.note_folder("")
        lister.has_others = True  # not looked at
    sizes = []
    for part in parts:
        before = len(lister.names)
        for prefix in part:
            yield Progress(0, 0, _LOOKING)
            yield from lister.walk(prefix)
        sizes.append(len(lister.names) - before)
    return ImageIndex.listed(
        root,
        tuple(lister.names),
        np.array(lister.labels, np.int64),
        tuple(lister.label_folders),
        tuple(sizes),
        folders=tuple(lister.folders),
        listed_ns=begun,
        notes=tuple(lister.notes),
        has_table=lister.has_others,
    )


@dataclass(eq=False)
class _Lister:
    """Collects image files of folders, each folder's entries in natural order."""

    root: Path
    names: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    label_folders: dict[str, int] = field(default_factory=dict)
    folders: list[tuple[str, int]] = field(default_factory=list)
    notes: list[Skipped] = field(default_factory=list)
    has_others: bool = False

    def walk(self, start: str) -> Iterator[Progress]:
        """List one folder (a path below the root that ends in ``/``, or empty) recursively.

        Yields between folders, so that it can be canceled: there may be many without an image.
        """
        stack = [(start, -1, iter(self._entries(start)))]
        while stack:
            prefix, label, entries = stack[-1]
            for name, is_folder in entries:
                if is_folder:
                    yield Progress(0, 0, _LOOKING)
                    inner = label if label >= 0 else self.label_folders.setdefault(name, len(self.label_folders))
                    stack.append((f"{prefix}{name}/", inner, iter(self._entries(f"{prefix}{name}/"))))
                    break
                self.names.append(prefix + name)
                self.labels.append(label)
            else:
                stack.pop()

    def _entries(self, prefix: str) -> list[tuple[str, bool]]:
        """Sorted images and subfolders, with whether each is a folder."""
        place = os.path.join(self.root, prefix)
        folders: set[str] = set()
        names: list[str] = []
        try:
            # Before listing: a file that is added meanwhile makes the folder look changed.
            self.note_folder(prefix)
            with os.scandir(place) as entries:
                for entry in entries:
                    name = entry.name
                    if is_folder(entry):
                        if not (_ignored(name) or entry.is_symlink()):
                            folders.add(name)
                            names.append(name)
                    elif name.lower().endswith(_ENDINGS):
                        if name[0] != ".":
                            names.append(name)
                    elif not prefix:
                        self.has_others = True
        except OSError as error:
            self.notes.append(Skipped(place, message("Cannot read the folder: {reason}", reason=reason_of(error))))
        names.sort()
        names.sort(key=natural_key)
        return [(name, name in folders) for name in names]

    def note_folder(self, prefix: str) -> None:
        self.folders.append((prefix, os.stat(os.path.join(self.root, prefix)).st_mtime_ns))


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder or a link to one; a broken or circular link is not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _only_folder(root: Path) -> Path | None:
    """Return the only folder in `root`, None if there are more or images; stops at the first of these."""
    only: str | None = None
    try:
        with os.scandir(root) as entries:
            for entry in entries:
                if _ignored(entry.name):
                    continue
                if is_folder(entry):
                    if entry.is_symlink():
                        continue
                    if only is not None:
                        return None
                    only = entry.name
                elif entry.name.lower().endswith(_ENDINGS):
                    return None
    except OSError as error:
        raise DataError(
            "Cannot read the folder {folder}: {reason}. Check its permissions.", folder=root, reason=reason_of(error)
        ) from error
    return None if only is None else root / only


def _parts(root: Path) -> list[list[str]]:
    """Return the folders of the training and the test part, or one part of all."""
    with os.scandir(root) as entries:
        found = [entry.name for entry in entries if not _ignored(entry.name) and is_folder(entry)]
    found.sort()
    found.sort(key=natural_key)
    train = [f"{name}/" for name in found if name.lower() in _TRAIN_NAMES]
    test = [f"{name}/" for name in found if name.lower() in _TEST_NAMES]
    validation = [f"{name}/" for name in found if name.lower() in _VALIDATION_NAMES]
    if not train or not (test or validation):
        return [[""]]
    return [train + (validation if test else []), test or validation]


def _ignored(name: str) -> bool:
    """Return whether a name is hidden, or created by an operating system."""
    return name.startswith(".") or name.lower() in _IGNORED_FOLDERS
