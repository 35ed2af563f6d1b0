"""A zip or tar archive, unpacked once into the cache and opened as the kind of folder that it contains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from explorer.data.archives import SUFFIXES, archive_stem, is_archive, unpack
from explorer.data.source import Facts, Source
from explorer.data.sources.entry import PathKind, path_facts, suffix_patterns
from explorer.messages import message
from explorer.types import Progress


def archive_kind(kinds: Callable[[], Sequence[PathKind]], unpacked: Callable[[str], bool]) -> PathKind:
    """Return the kind of archives; the first of the `kinds` of folders that takes the unpacked folder opens it.

    `unpacked` returns whether to unpack a file, by its name without folders.
    """

    def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | Source]:
        folder = yield from unpack(path, unpacked)
        kind = next(kind for kind in kinds() if kind.takes(folder))
        yield from kind.scan_as(facts, folder, path)

    return PathKind(
        message("a zip or tar archive"),
        is_archive,
        scan_as,
        label="Archives",
        patterns=suffix_patterns(SUFFIXES),
        facts=lambda path: path_facts(path, title=archive_stem(path), how=message("unpacked from {path}", path=path)),
    )
