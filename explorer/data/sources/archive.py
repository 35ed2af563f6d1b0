"""A zip or tar archive, unpacked once into the cache and opened as the kind of folder that it contains."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from explorer.data.archives import SUFFIXES, TABLE_SUFFIXES, archive_stem, is_archive, unpack
from explorer.data.source import Facts, Source
from explorer.data.sources import single_image
from explorer.data.sources.entry import PathKind, path_facts, suffix_patterns
from explorer.messages import message
from explorer.types import Progress


def archive_kind(kinds: Callable[[], Sequence[PathKind]], unpacked: Callable[[str], bool]) -> PathKind:
    """Return the kind of archives; the first of the `kinds` of folders that takes the unpacked folder opens it.

    A single container file, such as HDF5, is opened itself where only the last of the kinds, any folder, takes the
    folder. An image is not: its folder may be its label.

    `unpacked` returns whether to unpack a file, by its name without folders.
    """

    def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | Source]:
        folder = yield from unpack(path, unpacked)
        kind = next(kind for kind in kinds() if kind.takes(folder))
        lone = _only_file(folder) if kind is kinds()[-1] else None
        of_file = next((one for one in kinds() if lone is not None and one.takes(lone)), None)
        if lone is not None and of_file is not None and of_file is not single_image.KIND:
            yield from of_file.scan_as(facts, lone, path)
        else:
            yield from kind.scan_as(facts, folder, path)

    return PathKind(
        message("a zip or tar archive"),
        is_archive,
        scan_as,
        label="Archives",
        patterns=suffix_patterns(SUFFIXES),
        facts=lambda path: path_facts(path, title=archive_stem(path), how=message("unpacked from {path}", path=path)),
    )


def _only_file(folder: Path) -> Path | None:
    """Return the only file in a folder and those in it, other than tables; None if there are several."""
    files = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
    found = list(islice((file for file in files if file.suffix.lower() not in TABLE_SUFFIXES), 2))
    return found[0] if len(found) == 1 else None
