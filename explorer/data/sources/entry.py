"""The two things that can be registered: a source with a known name, and a kind of path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.data.source import Source, Status
from explorer.types import ImageShape, Progress


@dataclass(frozen=True)
class SourceEntry:
    """A source with a known name, as a list shows it: nothing is decoded for it.

    Attributes
    ----------
    name, title
        What to open it by, and what people call it.
    status
        ``embedded``, ``present`` or ``missing``.
    how
        Where it comes from, or how to get it.
    count, train, test
        Numbers of pictures.
    image_shape
        Native height, width and channels.
    labels
        Number of classes.
    licence, attribution
        Of the pictures.
    url
        Where the pictures come from, for people; empty where they ship with the program.
    size_mb
        What “Get it” downloads, in megabytes; 0 where it cannot: see `can_fetch`.
    crop
        Pixels that are usually cut off each side, as in `Facts`.
    one_size
        Whether all pictures have `image_shape`; else it is that of most.
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
    licence: str
    attribution: str
    url: str = ""
    size_mb: int = 0
    crop: int = 0
    one_size: bool = True

    @property
    def can_fetch(self) -> bool:
        """Whether `explorer.data.download.fetch` knows where to get it."""
        return self.size_mb > 0


@dataclass(frozen=True)
class KnownSource:
    """A source with a known name: `entry` says what is known of it, `load` opens it.

    Where that can take long, `scan` does the same with progress, and yields the source last. `places` gives the files
    and folders that it may be read from.
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
    """A kind of file or folder: `takes` looks at little more than its name, `load` opens it.

    Where that can take long, `scan` does the same with progress, and yields the source last. `companions` gives the
    files that are read beside the one that was named.
    """

    title: str
    takes: Callable[[Path], bool]
    load: Callable[[Path], Source]
    scan: Callable[[Path], Iterator[Progress | Source]] | None = None
    companions: Callable[[Path], Sequence[Path]] = lambda path: ()
