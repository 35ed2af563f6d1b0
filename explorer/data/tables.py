"""Attributes of images from a table in their folder: CSV, TSV or JSON Lines."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np

from explorer.data.attributes import LABEL_COLUMNS, MAX_CATEGORIES, Attribute, Row, columns_from
from explorer.data.source import Skipped
from explorer.errors import DataError
from explorer.json_limits import RECORD, parse_json
from explorer.messages import Message, message
from explorer.reading import reading
from explorer.types import Indices

MAX_BYTES: Final = 256 << 20
MAX_LINES: Final = 5_000_000
MAX_COLUMNS: Final = 500

_ENDINGS: Final = (".csv", ".tsv", ".jsonl", ".ndjson")
_STEMS: Final = ("attributes", "metadata", "labels", "annotations", "list_attr_celeba")
_FILE_COLUMNS: Final = (
    *("file_name", "filename", "file", "path", "filepath", "file_path", "image", "image_id", "image_name"),
    *("img", "picture", "name", "id"),
)
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+,\d+")
_SAMPLE: Final = 200
_CHUNK: Final = 1 << 20


def read_beside(root: Path, names: Sequence[str]) -> tuple[dict[str, Attribute], list[Skipped]]:
    """Read the attributes of images from a table in their folder.

    The table is ``attributes``, ``metadata``, ``labels``, ``annotations`` or ``list_attr_celeba`` with the extension
    ``.csv``, ``.tsv`` or ``.jsonl``, or else the only file with such an extension. A row belongs to an image if one of
    its columns has the name, with or without folders and extension; `names` have ``/`` between folders.

    Returns the columns by name, each as long as `names`: numeric if all known values are numbers, otherwise
    categorical. A column of labels is always categorical; `take_labels` finds it. And notes on what could not be used.
    Both are empty without a table. Invalid tables raise nothing.
    """
    path = find_table(root)
    if path is None or not names:
        return {}, []
    notes = _Notes(path.name)
    attributes: dict[str, Attribute] = {}
    try:
        with reading(message("a table"), path.name):
            attributes = _read(path, names, notes)
    except DataError as error:
        notes.add(error.message)
    return attributes, notes.listed()


def find_table(root: Path) -> Path | None:
    try:
        tables = sorted(
            entry
            for entry in root.iterdir()
            if entry.suffix.lower() in _ENDINGS and not entry.name.startswith(".") and entry.is_file()
        )
    except OSError:
        return None
    for stem in _STEMS:
        for path in tables:
            if path.stem.lower() == stem:
                return path
    return tables[0] if len(tables) == 1 else None


def take_labels(attributes: dict[str, Attribute]) -> tuple[Indices, tuple[str, ...]] | None:
    """Remove the column of labels, such as ``label`` or ``class``, from the result of `read_beside`, and return it.

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


class _Notes:
    """Notes on what could not be used of one table; lines with the same reason are one note."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines: dict[str, tuple[Message, list[int]]] = {}
        self._texts: list[Message] = []

    def add(self, text: Message) -> None:
        self._texts.append(text)

    def line(self, number: int, reason: Message) -> None:
        self._lines.setdefault(str(reason), (reason, []))[1].append(number)

    def listed(self) -> list[Skipped]:
        lines = [
            message("line {first}: {reason}", first=numbers[0], reason=reason)
            if len(numbers) == 1
            else message(
                "{count:# line|# lines}, first line {first}: {reason}",
                count=len(numbers),
                first=numbers[0],
                reason=reason,
            )
            for reason, numbers in self._lines.values()
        ]
        return [Skipped(self._name, text) for text in (*self._texts, *lines)]


class _Lookup:
    def __init__(self, names: Sequence[str]) -> None:
        self._positions: dict[str, int] = {}
        for position, name in enumerate(names):
            path = PurePosixPath(name.casefold())
            whole = path.as_posix()
            for key in {whole, path.name, whole.removesuffix(path.suffix), path.stem}:
                # A key that two images share is ambiguous and matches neither.
                self._positions[key] = -1 if key in self._positions else position

    def find(self, text: str) -> int:
        key = text.strip().casefold().replace("\\", "/").removeprefix("./")
        position = self._positions.get(key, -1)
        while position < 0 and "/" in key:
            key = key.split("/", 1)[1]
            position = self._positions.get(key, -1)
        return position


@dataclass(frozen=True)
class _Table:
    """A table in a file: its columns, and a function that reads its rows with line numbers from 1."""

    headers: list[str]
    lines: Callable[[], Iterator[Row]]


def _read(path: Path, names: Sequence[str], notes: _Notes) -> dict[str, Attribute]:
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise DataError(
            "Cannot read {file}: {size:,} MB are more than {most:,} MB. Divide the table.",
            file=path.name,
            size=size >> 20,
            most=MAX_BYTES >> 20,
        )
    encoding = _encoding(path)
    lookup = _Lookup(names)
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        table = _json_table(path, encoding, notes)
    else:
        table = _csv_table(path, encoding, lookup, notes)
    place = _file_column(table, lookup)
    if place is None:
        raise DataError(
            "Cannot use {file}: none of its columns ({columns}) has the file names of the images. Add a column "
            "file_name.",
            file=path.name,
            columns=table.headers[:12],
        )

    def rows() -> Iterator[Row]:
        taken: set[int] = set()
        for _, values in table.lines():
            position = lookup.find(values[place])
            if position >= 0 and position not in taken:
                taken.add(position)
                yield position, values

    headers = ["" if at == place else name for at, name in enumerate(table.headers)]
    if len(headers) > MAX_COLUMNS:
        notes.add(
            message(
                "Only the first {most:,} of {count:# column|# columns} are used", most=MAX_COLUMNS, count=len(headers)
            )
        )
        headers = headers[:MAX_COLUMNS]
    attributes, left_out = columns_from(headers, rows, len(names))
    for name in left_out:
        notes.add(message("“{name}” is ignored: more than {most:,} distinct texts", name=name, most=MAX_CATEGORIES))
    return attributes


def _file_column(table: _Table, lookup: _Lookup) -> int | None:
    """Return the column that names most images, in the first rows, or further down if these name none."""
    rank = {name: place for place, name in enumerate(_FILE_COLUMNS)}
    hits = [0] * len(table.headers)
    for number, (_, values) in enumerate(table.lines()):
        if number >= _SAMPLE and any(hits):
            break
        for place, text in enumerate(values):
            hits[place] += lookup.find(text) >= 0
    best = max(range(len(hits)), key=lambda at: (hits[at], -rank.get(table.headers[at].lower(), len(rank))))
    return best if hits[best] else None


def _csv_table(path: Path, encoding: str, lookup: _Lookup, notes: _Notes) -> _Table:
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        first = file.readline(_CHUNK)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max("\t;,", key=first.count)
    headers = [text.strip() for text in next(csv.reader([first], delimiter=delimiter), [])]
    if not any(headers):
        raise DataError("Cannot read {file}: its first line is empty. Put the column names there.", file=path.name)
    headless = any(lookup.find(text) >= 0 for text in headers)
    width = len(headers)
    if headless:
        headers = [f"column {place + 1}" for place in range(width)] if width != 2 else ["file_name", "label"]
    # With semicolons as delimiters, a comma is a decimal point.
    commas = delimiter == ";"
    reported = False

    def lines() -> Iterator[Row]:
        nonlocal reported
        with path.open(encoding=encoding, errors="replace", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter)
            if not headless:
                next(reader)
            for values in _limited(reader, notes, reported=reported):
                if len(values) == width:
                    yield reader.line_num, [_with_point(text) for text in values] if commas else values
                elif any(values) and not reported:
                    notes.line(reader.line_num, message("not {width:# column|# columns}", width=width))
        reported = True

    return _Table(headers, lines)


def _with_point(text: str) -> str:
    return text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text.strip()) else text


def _limited(reader: Iterator[list[str]], notes: _Notes, *, reported: bool) -> Iterator[list[str]]:
    for number, values in enumerate(reader):
        if number >= MAX_LINES:
            if not reported:
                notes.add(message("Only the first {most:# line|# lines} are read", most=MAX_LINES))
            return
        yield values


def _json_table(path: Path, encoding: str, notes: _Notes) -> _Table:
    headers: dict[str, int] = {}
    for _, entry in _json_lines(path, encoding, notes):
        for key, value in entry.items():
            if not isinstance(value, list | dict) and len(headers) < MAX_COLUMNS:
                headers.setdefault(key, len(headers))
    if not headers:
        raise DataError(
            "Cannot read {file}: no line is a JSON object with values. Write one object per image.", file=path.name
        )

    def lines() -> Iterator[Row]:
        for number, entry in _json_lines(path, encoding, None):
            yield number, [_json_text(entry.get(key)) for key in headers]

    return _Table(list(headers), lines)


def _json_lines(path: Path, encoding: str, notes: _Notes | None) -> Iterator[tuple[int, dict[str, object]]]:
    with path.open(encoding=encoding, errors="replace") as file:
        for number, line in enumerate(file, 1):
            if number > MAX_LINES:
                return
            if not line.strip():
                continue
            try:
                entry = parse_json(line.encode("utf-8", "replace"), RECORD, path.name)
            except DataError:
                entry = None
            if isinstance(entry, dict):
                yield number, entry
            elif notes is not None:
                notes.line(number, message("not a JSON object"))


def _json_text(value: object) -> str:
    if value is None or isinstance(value, list | dict):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _encoding(path: Path) -> str:
    """Return UTF-8 or the encoding of the byte order mark, or else cp1252, which old spreadsheets write."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        start = file.read(_CHUNK)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        try:
            while start:
                decoder.decode(start)
                start = file.read(_CHUNK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"
