"""The kinds of sources, and how to open one by a known name or a path.

A new kind is one new file in this folder and one line in `KNOWN` or `KINDS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from explorer.data.source import Skipped, Source
from explorer.data.sources import archive, arrays, cifar, dogs, embedded, folder, fonts, idx, keras_cache, lfw, picture
from explorer.data.sources.entry import KnownSource, PathKind, SourceEntry
from explorer.errors import DataError
from explorer.types import Progress

__all__ = [
    "KINDS",
    "KNOWN",
    "KnownSource",
    "PathKind",
    "SourceEntry",
    "describe",
    "known_name",
    "known_sources",
    "open_source",
    "opening",
    "places_of",
    "skipped_json",
]

KNOWN: tuple[KnownSource, ...] = (
    *embedded.SOURCES,
    *keras_cache.SOURCES,
    *lfw.SOURCES,
    *dogs.SOURCES,
)
KINDS: tuple[PathKind, ...] = (
    arrays.KIND,
    picture.KIND,
    archive.KIND,
    cifar.KIND,
    idx.KIND,
    lfw.KIND,
    dogs.KIND,
    fonts.KIND,
    folder.KIND,
)
"""The first kind that takes a path opens it."""


def open_source(spec: str | Path) -> Source:
    """Open a source of pictures.

    Parameters
    ----------
    spec
        A known name (``digits``), or the path of a folder, an archive, a NumPy file, an IDX file, a font or a picture.
        A known name wins over a file of that name; ``./digits`` is the file.

    Raises
    ------
    DataError
        If there is no such name or path, it is of no kind that can be opened, or it is broken.
    """
    found = _find(spec)
    if isinstance(found, KnownSource):
        return found.load()
    kind, path = found
    return kind.load(path)


def opening(spec: str | Path) -> Iterator[Progress | Source]:
    """Open a source as `open_source` does: yields progress where it takes long, and the source last."""
    yield Progress(0, 0, "opening pictures")
    found = _find(spec)
    if isinstance(found, KnownSource):
        if found.scan is None:
            yield found.load()
        else:
            yield from found.scan()
        return
    kind, path = found
    if kind.scan is None:
        yield kind.load(path)
    else:
        yield from kind.scan(path)


def places_of(spec: str | Path) -> list[Path]:
    """Return the files and folders that a source is read from, by its known name or path; nothing is opened."""
    try:
        found = _find(spec)
        if isinstance(found, KnownSource):
            return list(found.places())
        kind, path = found
        return [path, *kind.companions(path)]
    except DataError:
        return []


def known_name(spec: str | Path) -> str | None:
    """Return the known name that is meant (``Fashion-MNIST`` means ``fashion_mnist``), or None."""
    wanted = spec.strip().lower().replace("-", "_") if isinstance(spec, str) else ""
    return wanted if any(known.name == wanted for known in KNOWN) else None


def _find(spec: str | Path) -> KnownSource | tuple[PathKind, Path]:
    name = known_name(spec)
    if name is not None:
        return next(known for known in KNOWN if known.name == name)
    path = Path(spec).expanduser()
    if not str(spec).strip() or not _exists(path):
        raise DataError(
            f"data as a known name ({', '.join(known.name for known in KNOWN)}) or a path",
            f"“{spec}”, which is neither",
            "Check the spelling.",
        )
    path = path.resolve()
    for kind in KINDS:
        if kind.takes(path):
            return kind, path
    raise DataError(
        f"{', '.join(kind.title for kind in KINDS[:-1])} or {KINDS[-1].title}",
        str(path),
        "Unpack an archive of another kind first; save anything else as PNG files.",
    )


def known_sources() -> list[SourceEntry]:
    """Return what is known of the sources that have a name, without reading them."""
    return [known.entry() for known in KNOWN]


def describe(source: Source) -> dict[str, Any]:
    """Return a source's facts as plain values that JSON can hold.

    ``image_shape`` is None where the pictures' sizes differ; ``labels`` is the list of names, the number of classes
    where they have no names, or None; ``attributes``, the names of further columns, is there where there are some.
    """
    labels: list[str] | int | None = None
    if source.labels is not None:
        labels = list(source.label_names) if source.label_names else len(set(source.labels.tolist()) - {-1})
    return {
        "name": source.name,
        "title": source.title,
        "count": source.count,
        "train": len(source.splits.train),
        "test": len(source.splits.test),
        "splits": source.splits.origin,
        "image_shape": list(source.image_shape) if source.image_shape else None,
        "labels": labels,
        "status": source.status,
        "how": source.how,
        "licence": source.licence,
        "attribution": source.attribution,
        **({"attributes": list(source.attributes)} if source.attributes else {}),
        "skipped": skipped_json(source.skipped),
    }


def skipped_json(skipped: Iterable[Skipped]) -> list[dict[str, str]]:
    """Return pictures that were left out as plain values."""
    return [{"file": one.name, "reason": one.reason} for one in skipped]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or holds a null
        return False
