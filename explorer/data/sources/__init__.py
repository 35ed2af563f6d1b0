"""The registry of sources, and how to open one by a known name or a path.

A new kind is one new file in this folder and one line in `KNOWN` or `SOURCES`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from explorer.data.choices import Choices, refuse_unused, split
from explorer.data.source import Skipped, Source
from explorer.data.sources import (
    archive,
    arrays,
    cifar,
    dicom,
    dogs,
    embedded,
    folder,
    fonts,
    hdf5,
    idx,
    keras_cache,
    lfw,
    matlab,
    parquet,
    pixel_csv,
    single_image,
    tiff,
    tiff_folder,
    zarr_store,
)
from explorer.data.sources.entry import KnownSource, PathKind, SourceEntry, last_source
from explorer.errors import DataError
from explorer.messages import message
from explorer.types import Progress

__all__ = [
    "KNOWN",
    "SOURCES",
    "KnownSource",
    "PathKind",
    "SourceEntry",
    "describe",
    "held_out_source",
    "known_name",
    "known_sources",
    "open_source",
    "opening",
    "places_of",
    "skipped_json",
    "unpacked",
]


def unpacked(name: str) -> bool:
    """Return whether a file in an archive is unpacked, by its name without folders."""
    return _members(SOURCES).fullmatch(name) is not None


@lru_cache(maxsize=1)
def _members(kinds: tuple[PathKind, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{kind.members})" for kind in kinds if kind.members), re.IGNORECASE)


SOURCES: tuple[PathKind, ...] = (
    arrays.KIND,
    tiff.KIND,
    zarr_store.KIND,
    single_image.KIND,
    archive.archive_kind(lambda: SOURCES, unpacked),
    cifar.KIND,
    idx.KIND,
    pixel_csv.KIND,
    lfw.KIND,
    dogs.KIND,
    fonts.KIND,
    hdf5.KIND,
    dicom.KIND,
    matlab.KIND,
    parquet.KIND,
    tiff_folder.KIND,
    folder.KIND,
)
"""The first kind that accepts a path opens it."""

KNOWN: tuple[KnownSource, ...] = (
    *embedded.SOURCES,
    keras_cache.MNIST.known(unpacked),
    keras_cache.FASHION_MNIST.known(unpacked),
    keras_cache.CIFAR10.known(unpacked),
    lfw.DATASET.known(unpacked),
    dogs.DATASET.known(unpacked),
)


def open_source(spec: str | Path) -> Source:
    """Open a known source (``digits``), or the folder, archive, NumPy file, IDX file, font or image at a path.

    A known name takes precedence over a file of this name; ``./digits`` is the file. A path may be followed by choices
    of how to read it (`explorer.data.choices`). DataError if there is no such name
    or path, or it is damaged or not supported.
    """
    return last_source(_scan(spec))


def opening(spec: str | Path) -> Iterator[Progress | Source]:
    """Open a source as `open_source` does: yields progress if it takes long, and the source last."""
    yield Progress(0, 0, message("Opening images"))
    yield from _scan(spec)


def _scan(spec: str | Path) -> Iterator[Progress | Source]:
    found = _find(spec)
    if isinstance(found, KnownSource):
        return found.scan()
    return found[0].scan(*found[1:])


def places_of(spec: str | Path) -> list[Path]:
    """Return the files and folders that a source is read from, by its known name or path, without opening it."""
    try:
        found = _find(spec)
        if isinstance(found, KnownSource):
            return list(found.places())
        kind, path, _ = found
        return [path, *kind.companions(path)]
    except DataError:
        return []


def known_name(spec: str | Path) -> str | None:
    """Return the known name (``Fashion-MNIST`` means ``fashion_mnist``), or None."""
    wanted = spec.strip().lower().replace("-", "_") if isinstance(spec, str) else ""
    return wanted if any(known.name == wanted for known in KNOWN) else None


def _find(spec: str | Path) -> KnownSource | tuple[PathKind, Path, Choices]:
    place, choices = split(spec)
    name = known_name(place) if isinstance(spec, str) else None
    if name is not None:
        refuse_unused(choices, (), name)
        return next(known for known in KNOWN if known.name == name)
    path = Path(place).expanduser()
    if not place.strip() or not _exists(path):
        raise DataError(
            "Cannot open “{spec}”: neither a known dataset ({known}) nor an existing path. Check the spelling.",
            spec=spec,
            known=[known.name for known in KNOWN],
        )
    path = path.resolve()
    for kind in SOURCES:
        if kind.takes(path):
            return kind, path, choices
    raise DataError(
        "Cannot open {file}: unknown type. Supported are {kinds}. Unpack other archives; save other images as PNG.",
        file=path,
        kinds=[kind.title for kind in SOURCES],
    )


def held_out_source(training: str) -> str | None:
    """Return the name of the source with images held out of a training dataset, by its name; None without any."""
    return next((known.name for known in KNOWN if training in known.held_out_of), None)


def known_sources() -> list[SourceEntry]:
    """Return the entries of all known sources, without reading them."""
    return [known.entry() for known in KNOWN]


def describe(source: Source) -> dict[str, Any]:
    """Return the metadata of a source as JSON values.

    ``image_shape`` is None if sizes differ; ``labels`` is the list of names, the number of classes if they have no
    names, or None; ``channels``, ``dtype`` and ``range`` are those of the file, ``range`` None for 8 bits. Omitted if
    empty are ``layout``, ``arrays``, the names of those that may be images, ``attributes``, of further columns, and
    ``alpha``, which is true if the last channel was composited over white.
    """
    labels: list[str] | int | None = None
    found = source.found
    further = {
        "layout": found.layout,
        "arrays": list(found.arrays),
        "attributes": list(source.attributes),
        "alpha": found.alpha and not source.choices.channels,
    }
    if source.labels is not None:
        labels = list(source.label_names) if source.label_names else len(set(source.labels.tolist()) - {-1})
    return {
        "name": source.name,
        "title": source.title,
        "count": source.count,
        "train": len(source.splits.train),
        "test": len(source.splits.test),
        "validation": len(source.splits.validation),
        "splits": source.splits.origin,
        "image_shape": list(source.image_shape) if source.image_shape else None,
        "labels": labels,
        "status": source.status,
        "how": str(source.how),
        "license": source.license,
        "attribution": source.attribution,
        "channels": found.channels,
        "dtype": found.dtype,
        "range": list(found.range) if found.range else None,
        **{key: value for key, value in further.items() if value},
        "skipped": skipped_json(source.skipped),
    }


def skipped_json(skipped: Iterable[Skipped]) -> list[dict[str, str]]:
    return [{"file": one.name, "reason": str(one.reason)} for one in skipped]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long or has a null
        return False
