"""The two types of registry entries: a source with a known name, and a kind of path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.data.source import Source, Status
from explorer.messages import Message
from explorer.types import ImageShape, Progress


@dataclass(frozen=True)
class SourceEntry:
    """Metadata of a source with a known name, for lists; nothing is decoded.

    Attributes
    ----------
    name, title
        Argument of `open_source`, and display name.
    status
        ``embedded``, ``present`` or ``missing``.
    how
        Its origin, or how to get it.
    count, train, test
        Numbers of images.
    image_shape
        Native height, width and channels.
    labels
        Number of classes.
    license, attribution
        Of the images.
    url
        Web page of the dataset; empty if included with the program.
    size_mb
        Size of the download in megabytes; 0 if it cannot be downloaded.
    crop
        Pixels that are usually cropped from each side, as in `Facts`.
    one_size
        Whether all images have `image_shape`; else most have.
    """

    name: str
    title: str
    status: Status
    how: str
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


@dataclass(frozen=True)
class KnownSource:
    """A source with a known name: `entry` returns its metadata, `load` opens it.

    If opening can take long, `scan` opens it with progress, and yields the source last. `places` returns the files and
    folders that it may be read from.
    """

    name: str
    entry: Callable[[], SourceEntry]
    load: Callable[[], Source]
    places: Callable[[], Sequence[Path]]
    scan: Callable[[], Iterator[Progress | Source]] | None = None


def last_source(items: Iterator[Progress | Source]) -> Source:
    """Return the source that a scan yields last."""
    source: Source | None = None
    for item in items:
        if not isinstance(item, Progress):
            source = item
    assert source is not None, "a scan ends with a source"
    return source


@dataclass(frozen=True)
class PathKind:
    """A kind of file or folder: `takes` checks little more than its name, `load` opens it.

    If opening can take long, `scan` opens it with progress, and yields the source last. `companions` returns the other
    files that are read with the given one.
    """

    title: Message
    takes: Callable[[Path], bool]
    load: Callable[[Path], Source]
    scan: Callable[[Path], Iterator[Progress | Source]] | None = None
    companions: Callable[[Path], Sequence[Path]] = lambda path: ()
