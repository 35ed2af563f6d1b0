"""The datasets included with the program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from explorer.data.source import ArraySource
from explorer.data.sources import arrays
from explorer.data.sources.entry import KnownSource, SourceEntry
from explorer.errors import DataError
from explorer.messages import message
from explorer.paths import resources_dir

_EMBEDDED = partial(SourceEntry, status="embedded", how=message("included with the program"))

DIGITS = _EMBEDDED(
    name="digits",
    title="MNIST test",
    count=10_000,
    train=8_000,
    test=2_000,
    image_shape=(28, 28, 1),
    labels=10,
    license="CC BY-SA 3.0",
    attribution="MNIST by Yann LeCun and Corinna Cortes",
)
CLOTHING = _EMBEDDED(
    name="clothing",
    title="Fashion-MNIST test subset",
    count=2_500,
    train=2_000,
    test=500,
    image_shape=(28, 28, 1),
    labels=10,
    license="MIT",
    attribution="Fashion-MNIST by Zalando SE",
)
GLYPHS = _EMBEDDED(
    name="glyphs",
    title="Arabic letters in eight typefaces",
    count=672,
    train=560,
    test=112,
    image_shape=(64, 64, 1),
    labels=28,
    license="SIL OFL 1.1 (the fonts)",
    attribution="Rendered from Noto, Amiri, Lemonada, Alkalami and Reem Kufi",
)
FACES = _EMBEDDED(
    name="faces",
    title="Avatars (cartoon faces)",
    count=1_000,
    train=800,
    test=200,
    image_shape=(64, 64, 3),
    labels=20,
    license="CC BY 4.0",
    attribution="Personas by Draftbit, drawn with DiceBear, reduced to pixels",
)


def _path(name: str) -> Path:
    return resources_dir() / "data" / f"{name}.npz"


def _entry(entry: SourceEntry) -> SourceEntry:
    if _path(entry.name).is_file():
        return entry
    return replace(
        entry, status="missing", how=message("{path} is missing. Reinstall the program.", path=_path(entry.name))
    )


def _places(entry: SourceEntry) -> list[Path]:
    return [_path(entry.name)]


def _scan(entry: SourceEntry) -> Iterator[ArraySource]:
    path = _path(entry.name)
    if not path.is_file():
        raise DataError("Cannot open “{name}”: {file} is missing. Reinstall the program.", name=entry.title, file=path)
    yield arrays.load_as(entry.facts(), path)


SOURCES = tuple(
    KnownSource(
        entry.name,
        partial(_entry, entry),
        partial(_scan, entry),
        partial(_places, entry),
        held_out_of=(entry.name, *training),
    )
    for entry, training in (
        (DIGITS, ("mnist",)),
        (CLOTHING, ("fashion_mnist",)),
        (GLYPHS, ()),
        (FACES, ("faces-224",)),
    )
)
