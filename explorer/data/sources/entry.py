"""The records of the registry: a source with a known name, and a kind of path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from explorer.data.choices import Choices, join
from explorer.data.source import Facts, Source, Status
from explorer.messages import Message, message
from explorer.types import ImageShape, Progress


@dataclass(frozen=True, kw_only=True)
class SourceEntry:
    """Metadata of a source with a known name, for lists; nothing is decoded.

    Attributes
    ----------
    how
        Its origin, or how to get it.
    count, train, test, labels
        Numbers of images and classes.
    image_shape, one_size
        Native height, width and channels; whether all images have these, else most have.
    url
        Web page of the dataset; empty if included with the program.
    size_mb
        Size of the download in megabytes; 0 if it cannot be downloaded.
    crop
        Pixels that are usually cropped from each side, as in `Facts`.
    """

    name: str
    title: str
    status: Status = "missing"
    how: Message
    count: int
    train: int
    test: int
    image_shape: ImageShape
    labels: int
    license: str
    attribution: str
    url: str = ""
    size_mb: int = 0
    crop: int = 0
    one_size: bool = True

    @property
    def can_fetch(self) -> bool:
        """Whether `explorer.data.download.fetch` can download it."""
        return self.size_mb > 0

    def facts(self) -> Facts:
        return Facts(self.name, self.title, self.name, self.license, self.attribution, self.status, self.how)


@dataclass(frozen=True)
class RemoteFile:
    """One file to download to `place` below the folder of datasets.

    `checksum` is the SHA-256 of its content, hexadecimal; `size` is approximate, in bytes, for the progress, and as a
    limit.
    """

    place: str
    url: str
    checksum: str
    size: int


@dataclass(frozen=True)
class RemoteSet:
    """The files of one dataset, and the file or folder to open."""

    files: tuple[RemoteFile, ...]
    opened: str

    @classmethod
    def of_file(cls, place: str, url: str, checksum: str, size: int) -> RemoteSet:
        return cls((RemoteFile(place, url, checksum, size),), place)

    @property
    def size(self) -> int:
        """Approximate size of all files in bytes."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class KnownSource:
    """A source with a known name.

    `scan` opens it: yields progress, and the source last. `places` returns the files and folders that it may be read
    from. `held_out_of` are names of the training datasets of which its images were held out, its own included. `remote`
    are its files, if it can be downloaded.
    """

    name: str
    entry: Callable[[], SourceEntry]
    scan: Callable[[], Iterator[Progress | Source]]
    places: Callable[[], Sequence[Path]]
    held_out_of: tuple[str, ...] = ()
    remote: RemoteSet | None = None


def last_source(items: Iterator[Progress | Source]) -> Source:
    """Return the source that a scan yields last."""
    source: Source | None = None
    for item in items:
        if not isinstance(item, Progress):
            source = item
    assert source is not None, "a scan ends with a source"
    return source


def path_facts(path: Path, *, title: str = "", how: Message | None = None) -> Facts:
    """Return the metadata of a source at a path; the title is its name by default."""
    name = path.name or str(path)
    return Facts(name, title or name, str(path), how=how or message("read from {path}", path=path))


@dataclass(frozen=True, eq=False)
class PathKind:
    """A kind of file or folder.

    Attributes
    ----------
    title
        With its article, for lists in sentences.
    takes
        Returns whether it opens a path; checks little more than the name.
    scan_as
        ``scan_as(facts, path, origin)`` opens a path with given metadata: yields progress, and the source last. The
        origin is the archive that the folder at `path` was unpacked from, else `path` itself. How to read it is in
        ``facts.choices``.
    label, patterns
        Plural title, and patterns of file names, for filters of file dialogs; empty for kinds of folders.
    companions
        Returns the other files that are read with the given one.
    members
        Regular expression for the names of files that are unpacked from archives, in any case; empty for none.
    """

    title: Message
    takes: Callable[[Path], bool]
    scan_as: Callable[[Facts, Path, Path], Iterator[Progress | Source]]
    label: str = ""
    patterns: tuple[str, ...] = ()
    facts: Callable[[Path], Facts] = path_facts
    companions: Callable[[Path], Sequence[Path]] = lambda path: ()
    members: str = ""

    def scan(self, path: Path, choices: Choices) -> Iterator[Progress | Source]:
        facts = replace(self.facts(path), spec=join(path, choices), choices=choices)
        yield from self.scan_as(facts, path, path)


def suffix_patterns(suffixes: Iterable[str]) -> tuple[str, ...]:
    """Return patterns of file names with these suffixes, for `PathKind.patterns`."""
    return tuple(f"*{suffix}" for suffix in sorted(suffixes))


def suffix_members(suffixes: Iterable[str]) -> str:
    """Return the regular expression of file names with these suffixes, for `PathKind.members`."""
    return rf".*({'|'.join(map(re.escape, sorted(suffixes)))})"
