"""Attributes, labels and splits of images from tables in their folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from explorer.data.attributes import LABEL_COLUMNS, MAX_CATEGORIES, UNKNOWN, Attribute, Row, columns_from
from explorer.data.source import Skipped
from explorer.data.splits import Splits, part_named
from explorer.data.table_files import (
    CELEBA_ATTRIBUTES,
    CELEBA_PARTITION,
    STYLEGAN,
    Lookup,
    Notes,
    TableFile,
    is_table,
    open_table,
)
from explorer.errors import DataError
from explorer.messages import Message, message
from explorer.reading import reading
from explorer.types import Indices

_STEMS: Final = ("attributes", "metadata", "labels", "annotations", CELEBA_ATTRIBUTES, CELEBA_PARTITION)
_NO_TABLE: Final = re.compile(r"sample[-_ ]?submission", re.IGNORECASE)
_CELEBA_FOLDERS: Final = ("", "Anno", "Eval")
_CELEBA_PARTS: Final = {"0": 0, "1": 2, "2": 1}
_MOST_TABLES: Final = 8


@dataclass(frozen=True)
class Beside:
    """What tables say about images.

    Attributes
    ----------
    columns
        By name, each as long as the images: numeric if all known values are numbers, otherwise categorical. A column of
        labels is always categorical; `take_labels` finds it.
    parts
        Int64 ``(n,)``: 0 for training, 1 for test, 2 for validation, -1 if unknown; or None.
    notes
        What could not be used.
    replaces_folders
        Whether the tables have the labels instead of subfolders, which only divide the files.
    """

    columns: dict[str, Attribute] = field(default_factory=dict)
    parts: Indices | None = None
    notes: list[Skipped] = field(default_factory=list)
    replaces_folders: bool = False

    def splits(self) -> Splits | None:
        """Return the splits of the images; None unless there are some for training, and some others.

        Images of no part are for training.
        """
        if self.parts is None:
            return None
        known = np.maximum(self.parts, 0)
        train, test, validation = (np.flatnonzero(known == part).astype(np.int64) for part in range(3))
        if not len(test):
            test, validation = validation, test
        return Splits(train, test, "given", validation) if len(train) and len(test) else None


@dataclass(frozen=True)
class Tables:
    """Tables of the images in a folder, and notes on those that are not read."""

    paths: list[Path]
    notes: list[Skipped]


def find_tables(folders: Sequence[Path], images: Path) -> Tables:
    """Find the tables of the images in a folder; `folders` are searched first, and the first with tables has all.

    They are files named ``attributes``, ``metadata``, ``labels``, ``annotations``, or after a split (``train.csv``),
    with the extension ``.csv``, ``.tsv`` or ``.jsonl``, or else all of such files; StyleGAN's ``dataset.json``; and
    those of CelebA, also above the folder of the images.
    """
    celeba = _celeba_tables([*folders, images.parent, images.parent.parent])
    used, others = list[Path](), list[Path]()
    for folder in folders:
        found, left = _tables_in(folder)
        used, others = (used, [*others, *found, *left]) if used else (found, [*others, *left])
    used += [path for path in celeba if path not in used]
    notes = _notes_on([path for path in others if path not in used], used)
    lists = [path for place in dict.fromkeys(path.parent for path in celeba) for path in _celeba_lists(place)]
    reason = message("Of the lists of CelebA, only those of attributes and splits are read")
    return Tables(used, notes + [Skipped(path.name, reason) for path in lists if path not in used])


def read_tables(found: Tables, names: Sequence[str]) -> Beside:
    """Read what tables say about images.

    A row belongs to an image if one of its columns has the name, with or without folders and extension; `names` have
    ``/`` between folders. Where several tables have a value, the first one counts. Invalid tables raise nothing.
    """
    if not names or not found.paths:
        return Beside(notes=found.notes)
    lookup, count = Lookup(names), len(names)
    notes: list[Notes] = []
    tables: list[_Open] = []
    parts: Indices | None = None
    for path in found.paths:
        noted = Notes(path.name)
        notes.append(noted)
        try:
            with reading(message("a table"), path.name):
                table = open_table(path, lookup, noted)
                if path.stem.lower() == CELEBA_PARTITION:
                    parts = _celeba_parts(table, lookup, count, noted)
                else:
                    tables.append(_Open(path, table, noted))
        except DataError as error:
            noted.add(error.message)
    columns, named = _columns(tables, lookup, count, [])
    listed = [*found.notes, *(note for noted in notes for note in noted.listed())]
    return Beside(columns, named if parts is None else parts, listed, any(table.is_stylegan for table in tables))


def take_labels(attributes: dict[str, Attribute]) -> tuple[Indices, tuple[str, ...]] | None:
    """Remove the column of labels, such as ``label`` or ``class``, from columns by name, and return it.

    Labels are int64 ``(n,)``, -1 where unknown, with their names; None without such a column.
    """
    by_name = {name.lower(): name for name in attributes}
    for wanted in LABEL_COLUMNS:
        name = by_name.get(wanted)
        if name is None:
            continue
        column = attributes[name]
        if column.names:
            del attributes[name]
            return column.values.astype(np.int64), column.names
    return None


def _tables_in(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the tables in a folder, and those that are left out."""
    try:
        # A path only for each table: there may be 100,000 other files.
        found = (folder / name for name in os.listdir(folder) if is_table(name) and not name.startswith("."))
        tables = sorted(path for path in found if path.is_file())
    except OSError:
        return [], []
    likely = [path for path in tables if not _NO_TABLE.search(path.stem)]
    known = [path for stem in _STEMS for path in likely if path.stem.lower() == stem]
    known += [path for path in likely if path.name.lower() == STYLEGAN]
    known += [path for path in likely if path not in known and part_named(path.stem) is not None]
    used = (known or likely if len(likely) <= _MOST_TABLES else known)[:_MOST_TABLES]
    return used, [path for path in tables if path not in used]


def _notes_on(left_out: list[Path], used: list[Path]) -> list[Skipped]:
    """Return notes on tables that are not read: on each, or, if they are many, one on the rest."""
    template = message("Not read, since it is a template for submissions")
    each = left_out if len(left_out) <= _MOST_TABLES else left_out[: _MOST_TABLES - 1]
    notes = [Skipped(path.name, template if _NO_TABLE.search(path.stem) else _reason(path, used)) for path in each]
    if rest := left_out[len(each) :]:
        more = message(
            "It and {count:# other table|# other tables}: {reason}", count=len(rest) - 1, reason=_reason(rest[0], used)
        )
        notes.append(Skipped(rest[0].name, more))
    return notes


def _reason(path: Path, used: list[Path]) -> Message:
    if not used:
        return message("Not read, since there are more than {most} tables. Name one metadata.csv", most=_MOST_TABLES)
    taken = {one.stem.lower() for one in used}
    free = next((stem for stem in _STEMS if stem not in taken), None)
    if free is None or len(used) >= _MOST_TABLES or path.parent != used[0].parent:
        return message("Not read, since {file} is", file=used[0].name)
    name = f"{free}{path.suffix}"
    return message("Not read, since {file} is. Rename it {name} to use both", file=used[0].name, name=name)


def _celeba_tables(folders: Sequence[Path]) -> list[Path]:
    places = [folder / inside for folder in folders for inside in _CELEBA_FOLDERS]
    found = []
    for stem in (CELEBA_ATTRIBUTES, CELEBA_PARTITION):
        files = (place / f"{stem}{ending}" for place in places for ending in (".txt", ".csv"))
        found += list(islice((path for path in files if path.is_file()), 1))
    return found


def _celeba_lists(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.txt") if "celeba" in path.name.lower())


@dataclass(frozen=True)
class _Open:
    """A table that names images."""

    path: Path
    table: TableFile
    notes: Notes

    @property
    def is_stylegan(self) -> bool:
        return self.path.name.lower() == STYLEGAN


def _columns(
    tables: Sequence[_Open], lookup: Lookup, count: int, read: list[_Open]
) -> tuple[dict[str, Attribute], Indices | None]:
    """Return the columns of all tables together, those of one name as one; and the part of each image by the tables.

    `read` collects the tables in the order in which they are read.
    """
    headers = list(dict.fromkeys(name for one in tables for name in one.table.headers))

    def rows() -> Iterator[Row]:
        for one in tables:
            first = not any(known is one for known in read)
            read.append(one)
            places = [headers.index(name) for name in one.table.headers]
            for position, values in one.table.rows(lookup, one.notes if first else None):
                if len(tables) == 1:
                    yield position, values
                    continue
                texts = [""] * len(headers)
                for place, text in zip(places, values, strict=False):
                    texts[place] = text
                yield position, texts

    try:
        with reading(message("a table"), tables[0].path.name if tables else ""):
            columns, left_out = columns_from(headers, rows, count)
            parts = _parts_by_name(tables, lookup, count)
    except DataError as error:
        read[-1].notes.add(error.message)
        return _columns([one for one in tables if one is not read[-1]], lookup, count, read)
    for name in left_out:
        notes = next(one.notes for one in tables if name in one.table.headers)
        notes.add(message("“{name}” is ignored: more than {most:,} distinct texts", name=name, most=MAX_CATEGORIES))
    return columns, parts


def _parts_by_name(tables: Sequence[_Open], lookup: Lookup, count: int) -> Indices | None:
    """Return the part of each image by the table that names it; None unless there are tables of two parts."""
    named = [(part, one.table) for one in tables if (part := part_named(one.path.stem)) is not None]
    if len({part for part, _ in named}) < 2:
        return None
    parts = np.full(count, UNKNOWN, np.int64)
    for part, table in named:
        for position, _ in table.rows(lookup):
            if parts[position] == UNKNOWN:
                parts[position] = part
    return parts


def _celeba_parts(table: TableFile, lookup: Lookup, count: int, notes: Notes) -> Indices:
    parts = np.full(count, UNKNOWN, np.int64)
    for position, values in table.rows(lookup, notes):
        parts[position] = _CELEBA_PARTS.get(values[-1].strip(), UNKNOWN)
    return parts
