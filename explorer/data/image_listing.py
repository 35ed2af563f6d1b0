"""List the image files of a folder recursively, by their extension, in natural order."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from explorer.data.formats import IMAGE_SUFFIXES
from explorer.data.image_index import ImageIndex, now_ns
from explorer.data.source import Skipped
from explorer.errors import DataError
from explorer.messages import Message, message
from explorer.reading import reason_of
from explorer.types import Progress

_TRAIN_NAMES: Final = ("train", "training")
_TEST_NAMES: Final = ("test", "testing")
_VALIDATION_NAMES: Final = ("val", "valid", "validation", "dev")
_CELEBA_IMAGES: Final = "img"
_CELEBA_TABLES: Final = frozenset({"anno", "eval"})
"""Folders of tables beside the images, in CelebA as its authors share it."""

_IGNORED_FOLDERS: Final = ("__macosx",)
_ENDINGS: Final = tuple(sorted(IMAGE_SUFFIXES))
DICOM_SUFFIXES: Final = (".dcm", ".dicom")
"""Extensions of images that are not read together with others, in lower case."""

_UNREAD: Final = frozenset(
    {".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".raf", ".rw2"}  # of cameras
    | {".dds", ".eps", ".exr", ".hdr", ".ico", ".jxr", ".psd", ".svg", ".xcf"}
    | {".czi", ".lif", ".mha", ".nd2", ".nii", ".svs"}  # of microscopes and scanners
    | {".avi", ".mkv", ".mov", ".mp4", ".webm"}
)
"""Extensions of images and videos of formats that are not read, in lower case."""

_APART: Final = frozenset({".npy", ".npz", ".h5", ".hdf5", ".mat", ".parquet"})
"""Extensions of files that may have images, and are opened alone."""

_DICOM_START: Final = 128
_DICOM_MARK: Final = b"DICM"
_DICOM_INDEX: Final = "dicomdir"
_EXTENSION: Final = re.compile(r".*\.[A-Za-z]\w*")
"""Names with an extension; not that of a DICOM file that is named by its identifier, ``1.2.840.113619``."""

_DIGITS: Final = re.compile("([0-9]+)")
_LOOKING: Final = message("Looking for images")
_LISTED_AT_ONCE: Final = 1_000
"""Files of a folder between two reports of progress; those without an extension are opened."""

_LOOP: Final = message("A link to a folder that contains it")
_LISTED: Final = message("A link to a folder that is listed already")
_OUTSIDE: Final = message("A link that leads out of the folder; only those of classes may")
_BROKEN: Final = message("A link to nothing, or to itself")


Taken: TypeAlias = Callable[[str | Path, str], bool]
"""Whether a file in a folder is one of those to list, by the folder and its name."""


def is_image(folder: str | Path, name: str) -> bool:
    """Return whether a file is an image that is read together with others, by its extension."""
    return name.lower().endswith(_ENDINGS)


def is_dicom(folder: str | Path, name: str) -> bool:
    """Return whether a file is a DICOM image by its extension or, without one, by its content."""
    lower = name.lower()
    if lower.endswith(DICOM_SUFFIXES):
        return True
    place = os.path.join(folder, name)
    if _EXTENSION.fullmatch(name) or lower == _DICOM_INDEX or not os.path.isfile(place):
        return False
    try:
        # A buffer costs as much as the file, and there may be 100,000.
        with open(place, "rb", buffering=0) as file:
            file.seek(_DICOM_START)
            return file.read(len(_DICOM_MARK)) == _DICOM_MARK
    except OSError:
        return False


def is_image_or_dicom(folder: str | Path, name: str) -> bool:
    return is_image(folder, name) or is_dicom(folder, name)


def natural_key(text: str) -> list[int | str]:
    """Return a case-insensitive sort key by which ``2.png`` precedes ``10.png``."""
    parts: list[int | str] = _DIGITS.split(text.casefold())
    parts[1::2] = map(int, parts[1::2])
    return parts


def descend(path: Path, takes: Taken = is_image) -> tuple[Path, list[Path]]:
    """Descend through folders that contain one folder and no image, such as ``images/Images``; see `list_folder`.

    Returns the last folder, and its passed parents, the nearest first. DataError if one cannot be read.
    """
    root, passed = path, list[Path]()
    while (only := _only_folder(root, takes)) is not None and not _contains(only, root):
        # This also passes a folder with a single label, which would say nothing.
        passed.insert(0, root)
        root = only
    return root, passed


def list_folder(root: Path, takes: Taken = is_image) -> Generator[Progress, None, ImageIndex]:
    """List a folder recursively: yields progress, and returns an index of files that are not probed yet.

    Folders ``train``, ``test`` and ``val`` make three parts, in this order. A folder that is a link is followed once.
    """
    begun = now_ns()
    lister = _Lister(root, takes)
    parts = _parts(root)
    if parts != [[""]]:
        lister.note_folder("")
        lister.has_others = True  # not looked at
        lister.parts = tuple(folder for part in parts for folder in part)
    sizes = []
    for part in parts:
        before = len(lister.names)
        for prefix in part:
            yield Progress(0, 0, _LOOKING)
            if not os.path.islink(root / prefix.rstrip("/")) or lister.follows(prefix.rstrip("/"), -1):
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
    takes: Taken
    names: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    label_folders: dict[str, int] = field(default_factory=dict)
    folders: list[tuple[str, int]] = field(default_factory=list)
    notes: list[Skipped] = field(default_factory=list)
    has_others: bool = False
    parts: tuple[str, ...] = ("",)
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def walk(self, start: str) -> Iterator[Progress]:
        """List one folder (a path below the root that ends in ``/``, or empty) recursively.

        Yields between folders and between many files, so that it can be canceled: there may be many without an image.
        """
        stack = [(start, -1, iter((yield from self._entries(start, -1))))]
        while stack:
            prefix, label, entries = stack[-1]
            for name, is_folder in entries:
                if is_folder:
                    yield Progress(0, 0, _LOOKING)
                    inner = label if label >= 0 else self.label_folders.setdefault(name, len(self.label_folders))
                    below = f"{prefix}{name}/"
                    stack.append((below, inner, iter((yield from self._entries(below, inner)))))
                    break
                self.names.append(prefix + name)
                self.labels.append(label)
            else:
                stack.pop()

    def _entries(self, prefix: str, label: int) -> Generator[Progress, None, list[tuple[str, bool]]]:
        """Return sorted images and subfolders, with whether each is a folder."""
        place = os.path.join(self.root, prefix)
        folders: set[str] = set()
        names: list[str] = []
        separate = 0
        left_out: list[str] = []
        try:
            # Before listing: a file that is added meanwhile makes the folder look changed.
            if not self.note_folder(prefix):
                self.notes.append(Skipped(prefix.rstrip("/"), _LISTED))
                return []
            with os.scandir(place) as entries:
                for number, entry in enumerate(entries, 1):
                    if number % _LISTED_AT_ONCE == 0:
                        yield Progress(0, 0, _LOOKING)
                    name = entry.name
                    if is_folder(entry):
                        if not _ignored(name) and (not entry.is_symlink() or self.follows(prefix + name, label)):
                            folders.add(name)
                            names.append(name)
                    elif name[0] != "." and self.takes(place, name):
                        names.append(name)
                    elif name[0] != "." and is_dicom(place, name):
                        separate += 1
                    elif name[0] != "." and entry.is_symlink() and not os.path.exists(entry.path):
                        self.notes.append(Skipped(prefix + name, _BROKEN))
                    else:
                        if name[0] != ".":
                            left_out.append(os.path.splitext(name)[1].lower())
                        self.has_others = self.has_others or not prefix
        except OSError as error:
            self.notes.append(Skipped(place, message("Cannot read the folder: {reason}", reason=reason_of(error))))
        here = prefix.rstrip("/") or "."
        if separate:
            self.notes.append(Skipped(here, _separate(separate)))
        if unread := [ending for ending in left_out if ending in _UNREAD]:
            self.notes.append(Skipped(here, _unread(unread)))
        if apart := [ending for ending in left_out if ending in _APART]:
            self.notes.append(Skipped(here, _apart(apart)))
        names.sort()
        names.sort(key=natural_key)
        return [(name, name in folders) for name in names]

    def follows(self, name: str, label: int) -> bool:
        """Return whether to list the folder that a link leads to; if not, note why.

        The link of a class may lead anywhere, but neither up, which would never end, nor to a folder that is listed
        without it. Further links in it may not lead out: nobody meant to open what is there.
        """
        path = self.root / name
        reason = _LOOP if _contains(path, path.parent) else None
        below = _below(path, self.root)
        if reason is None and below is None and label >= 0:
            reason = _OUTSIDE
        listed = below is not None and f"{below}/".startswith(self.parts)
        if reason is None and listed and not any(map(_ignored, str(below).split("/"))):
            reason = _LISTED
        if reason is not None:
            self.notes.append(Skipped(name, reason))
        return reason is None

    def note_folder(self, prefix: str) -> bool:
        """Note the time of a folder; return whether it was not listed before, under another name."""
        status = os.stat(os.path.join(self.root, prefix))
        identity = status.st_dev, status.st_ino
        if identity in self._seen:
            return False
        self._seen.add(identity)
        self.folders.append((prefix, status.st_mtime_ns))
        return True


def _separate(count: int) -> Message:
    return message(
        "{count:# DICOM file is|# DICOM files are} not read together with other images. Open a folder with only these",
        count=count,
    )


def _unread(endings: list[str]) -> Message:
    return message(
        "{count:# file of a format that is not read|# files of formats that are not read}: {types}. Save images as PNG",
        count=len(endings),
        types=sorted(set(endings)),
    )


def _apart(endings: list[str]) -> Message:
    return message(
        "{count:# file is|# files are} not read together with images: {types}. Open such a file alone",
        count=len(endings),
        types=sorted(set(endings)),
    )


def _contains(path: Path, folder: Path) -> bool:
    """Return whether the folder at `path` is `folder` or above it, when links are followed."""
    return Path(os.path.realpath(path)) in _with_parents(folder)


def _with_parents(folder: Path) -> tuple[Path, ...]:
    real = Path(os.path.realpath(folder))
    return real, *real.parents


def _below(path: Path, root: Path) -> str | None:
    """Return where in `root` the folder at `path` really is, with ``/`` between folders; None if it is not there."""
    real, home = Path(os.path.realpath(path)), Path(os.path.realpath(root))
    return real.relative_to(home).as_posix() if real.is_relative_to(home) else None


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder or a link to one; a broken or circular link is not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _only_folder(root: Path, takes: Taken) -> Path | None:
    """Return the only folder in `root`, None if there are more or images; stops as soon as it is known.

    Of CelebA's folders it is that of the images.
    """
    found: dict[str, str] = {}
    try:
        with os.scandir(root) as entries:
            for entry in entries:
                if _ignored(entry.name):
                    continue
                if is_folder(entry):
                    found[entry.name.lower()] = entry.name
                    if len(found.keys() - _CELEBA_TABLES) > 1 or len(found) > len(_CELEBA_TABLES) + 1:
                        return None
                elif takes(root, entry.name):
                    return None
    except OSError as error:
        raise DataError(
            "Cannot read the folder {folder}: {reason}. Check its permissions.", folder=root, reason=reason_of(error)
        ) from error
    if len(found) == 1:
        return root / next(iter(found.values()))
    return root / found[_CELEBA_IMAGES] if _CELEBA_IMAGES in found else None


def _parts(root: Path) -> list[list[str]]:
    """Return the folders of the training, the test and the validation part, or one part of all."""
    with os.scandir(root) as entries:
        found = [entry.name for entry in entries if not _ignored(entry.name) and is_folder(entry)]
    found.sort()
    found.sort(key=natural_key)
    parts = [
        [f"{name}/" for name in found if name.lower() in names]
        for names in (_TRAIN_NAMES, _TEST_NAMES, _VALIDATION_NAMES)
    ]
    return parts if parts[0] and (parts[1] or parts[2]) else [[""]]


def _ignored(name: str) -> bool:
    """Return whether a name is hidden, or created by an operating system."""
    return name.startswith(".") or name.lower() in _IGNORED_FOLDERS
