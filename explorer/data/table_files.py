"""Read the files of tables of images: CSV, TSV, JSON Lines, StyleGAN's ``dataset.json``, and CelebA's lists."""

from __future__ import annotations

import codecs
import csv
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from explorer.data.attributes import Row
from explorer.data.formats import IMAGE_SUFFIXES
from explorer.data.source import Skipped
from explorer.errors import DataError
from explorer.json_limits import LARGE, RECORD, parse_json
from explorer.messages import Message, message

MAX_BYTES: Final = 256 << 20
MAX_LINES: Final = 5_000_000
MAX_COLUMNS: Final = 500

STYLEGAN: Final = "dataset.json"
CELEBA_ATTRIBUTES: Final = "list_attr_celeba"
CELEBA_PARTITION: Final = "list_eval_partition"

_JSON_LINES: Final = (".jsonl", ".ndjson")
_CELEBA_LISTS: Final = tuple(f"{stem}.txt" for stem in (CELEBA_ATTRIBUTES, CELEBA_PARTITION))
_ENDINGS: Final = (".csv", ".tsv", *_JSON_LINES)
_CELEBA_VALUES: Final = {"-1": "false", "1": "true"}
_FILE_COLUMNS: Final = (
    *("file_name", "filename", "file", "path", "filepath", "file_path", "image", "image_id", "image_name"),
    *("img", "picture", "name", "id"),
)
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+,\d+")
_NO_IMAGE: Final = message("names none of these images, or several")
_AGAIN: Final = message("names an image that a line above names")
_MOST_NAMED: Final = 12
_SAMPLE: Final = 200
_CHUNK: Final = 1 << 20


def is_table(name: str) -> bool:
    """Return whether a file may be a table of images, by its name."""
    name = name.lower()
    return name.endswith(_ENDINGS) or name == STYLEGAN or name in _CELEBA_LISTS


class Notes:
    """Notes on what could not be used of one table; lines with the same reason are one note."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines: dict[Message, tuple[int, int]] = {}
        self._texts: list[Message] = []

    def add(self, text: Message) -> None:
        self._texts.append(text)

    def line(self, number: int, reason: Message) -> None:
        first, count = self._lines.get(reason, (number, 0))
        self._lines[reason] = first, count + 1

    def listed(self) -> list[Skipped]:
        lines = [
            message("line {first}: {reason}", first=first, reason=reason)
            if count == 1
            else message(
                "{count:# line|# lines}, first line {first}: {reason}", count=count, first=first, reason=reason
            )
            for reason, (first, count) in self._lines.items()
        ]
        return [Skipped(self._name, text) for text in (*self._texts, *lines)]


class Lookup:
    """Finds images by their names, with or without folders and extension."""

    def __init__(self, names: Sequence[str]) -> None:
        self._positions: dict[str, int] = {}
        for position, name in enumerate(names):
            whole = name.casefold()
            last = whole.rpartition("/")[2]
            for key in {whole, last, os.path.splitext(whole)[0], os.path.splitext(last)[0]}:
                # A key that two images share is ambiguous and matches neither.
                self._positions[key] = -1 if key in self._positions else position

    def find(self, text: str) -> int:
        """Return the position of an image; -1 for none, and for a name that several have."""
        key = text.strip().casefold().replace("\\", "/").removeprefix("./")
        position = self._positions.get(key, -1)
        while position < 0 and "/" in key:
            key = key.split("/", 1)[1]
            position = self._positions.get(key, -1)
        return position


@dataclass(frozen=True)
class TableFile:
    """A table in a file: its columns, and a function that reads its rows with line numbers from 1.

    `place` is the column that names the images.
    """

    headers: list[str]
    lines: Callable[[], Iterator[Row]]
    place: int = 0

    def rows(self, lookup: Lookup, notes: Notes | None = None) -> Iterator[Row]:
        """Yield the rows of images, each once, with its position; the other lines are noted."""
        taken: set[int] = set()
        for number, values in self.lines():
            position = lookup.find(values[self.place])
            if position >= 0 and position not in taken:
                taken.add(position)
                yield position, values
            elif notes is not None:
                notes.line(number, _NO_IMAGE if position < 0 else _AGAIN)


def open_table(path: Path, lookup: Lookup, notes: Notes) -> TableFile:
    """Open a table whose rows name images; DataError if it is too large, or names none. Wrong lines are noted."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise DataError(
            "Cannot read {file}: {size:,} MB are more than {most:,} MB. Divide the table.",
            file=path.name,
            size=size >> 20,
            most=MAX_BYTES >> 20,
        )
    if path.name.lower() == STYLEGAN:
        return _stylegan_table(path, notes)
    table = _reader(path)(path, lookup, notes)
    place = _file_column(table, lookup)
    if place is None:
        raise DataError(
            "Cannot use {file}: none of its columns ({columns}) has the file names of the images. Add a column "
            "file_name.",
            file=path.name,
            columns=table.headers[:_MOST_NAMED],
        )
    lines = table.lines
    if path.stem.lower() == CELEBA_ATTRIBUTES:
        lines = _yes_no(lines, place)
    headers = ["" if at == place else name for at, name in enumerate(table.headers)]
    if len(headers) > MAX_COLUMNS:
        notes.add(_only_first(len(headers)))
    return TableFile(headers[:MAX_COLUMNS], lines, place)


def _only_first(count: int) -> Message:
    return message("Only the first {most:,} of {count:# column|# columns} are used", most=MAX_COLUMNS, count=count)


def _reader(path: Path) -> Callable[[Path, Lookup, Notes], TableFile]:
    name = path.name.lower()
    if name in _CELEBA_LISTS:
        return _celeba_table
    return _json_table if name.endswith(_JSON_LINES) else _csv_table


def _file_column(table: TableFile, lookup: Lookup) -> int | None:
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


def _csv_table(path: Path, lookup: Lookup, notes: Notes) -> TableFile:
    encoding = _encoding(path)
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

    return TableFile(headers, lines)


def _with_point(text: str) -> str:
    return text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text.strip()) else text


def _limited(reader: Iterator[list[str]], notes: Notes, *, reported: bool) -> Iterator[list[str]]:
    for number, values in enumerate(reader):
        if number >= MAX_LINES:
            if not reported:
                notes.add(message("Only the first {most:# line|# lines} are read", most=MAX_LINES))
            return
        yield values


def _json_table(path: Path, lookup: Lookup, notes: Notes) -> TableFile:
    encoding = _encoding(path)
    headers: dict[str, int] = {}
    nested: dict[str, int] = {}
    wider = False
    for _, entry in _json_lines(path, encoding, notes):
        for key, value in entry.items():
            known = nested if isinstance(value, list | dict) else headers
            if len(known) < MAX_COLUMNS:
                known.setdefault(key, len(known))
            else:
                wider = wider or key not in known
    if wider:
        notes.add(message("Only the first {most:# column|# columns} are used", most=MAX_COLUMNS))
    if nested:
        notes.add(message("Lists and objects are not read: {names}", names=list(nested)[:_MOST_NAMED]))
    if not headers:
        raise DataError(
            "Cannot read {file}: no line is a JSON object with values. Write one object per image.", file=path.name
        )

    def lines() -> Iterator[Row]:
        for number, entry in _json_lines(path, encoding, None):
            yield number, [_json_text(entry.get(key)) for key in headers]

    return TableFile(list(headers), lines)


def _json_lines(path: Path, encoding: str, notes: Notes | None) -> Iterator[tuple[int, dict[str, object]]]:
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


def _celeba_table(path: Path, lookup: Lookup, notes: Notes) -> TableFile:
    """Open a list of CelebA: the number of its lines and the names of its values, both if any, then a line per image.

    Values are separated by spaces; the first one, the image's name, has no name itself.
    """
    count, headers, begin = 0, list[str](), 0
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            values = line[:_CHUNK].split()
            if values and PurePosixPath(values[0]).suffix.lower() in IMAGE_SUFFIXES:
                break
            begin += 1
            if len(values) == 1 and values[0].isdecimal() and not headers:
                count = int(values[0][:9])
            else:
                headers = headers or values
        else:
            raise DataError("Cannot read {file}: no line begins with an image’s name. Copy it again.", file=path.name)
    width = len(values)
    headers = ["file_name", *headers[-(width - 1) :]] if len(headers) >= width - 1 else []
    headers = headers or ["file_name", *(f"column {place + 1}" for place in range(1, width))]
    reported = False

    def lines() -> Iterator[Row]:
        nonlocal reported
        number = begin
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                values = line.split() if number > begin else []
                if len(values) == width:
                    yield number, values
                elif values and not reported:
                    notes.line(number, message("not {width:# column|# columns}", width=width))
        if count and number - begin < count and not reported:
            found = number - begin
            notes.add(message("{found:# line|# lines}, not {count:,} as its first line says", found=found, count=count))
        reported = True

    return TableFile(headers, lines)


def _yes_no(lines: Callable[[], Iterator[Row]], place: int) -> Callable[[], Iterator[Row]]:
    """Replace CelebA's 1 and -1 by true and false."""

    def replaced() -> Iterator[Row]:
        for number, values in lines():
            texts = [_CELEBA_VALUES.get(text.strip(), text) for text in values]
            texts[place] = values[place]
            yield number, texts

    return replaced


def _stylegan_table(path: Path, notes: Notes) -> TableFile:
    """Open ``{"labels": [["00000/img.png", 3], …]}``; a label may be a vector, or all are null."""
    content = parse_json(path.read_bytes(), LARGE, path.name)
    if not isinstance(content, dict) or not isinstance(content.get("labels", ""), list | None):
        raise DataError(
            "Cannot use {file}: it has no list “labels” of file names and labels. Rename it.", file=path.name
        )
    entries = content["labels"] or []
    named = [entry for entry in entries if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str)]
    if wrong := len(entries) - len(named):
        notes.add(message("{wrong:# entry|# entries} of “labels” without file name and label", wrong=wrong))
    longest = max((len(label) for _, label in named if isinstance(label, list)), default=0)
    width = min(MAX_COLUMNS, longest)
    if longest > width:
        notes.add(_only_first(longest))
    one_hot = width > 0 and all(_one_hot(label) for _, label in named)

    def lines() -> Iterator[Row]:
        for number, (name, label) in enumerate(named, 1):
            if one_hot:
                yield number, [name, str(label.index(1))]
            else:
                yield number, [name, *(_vector(label, width) if width else [_json_text(label)])]

    return TableFile(
        ["", *(["label"] if one_hot or not width else [f"label {place}" for place in range(width)])], lines
    )


def _one_hot(label: Any) -> bool:
    return isinstance(label, list) and label.count(1) == 1 and label.count(0) == len(label) - 1


def _vector(label: Any, width: int) -> list[str]:
    values = [_json_text(value) for value in label[:width]] if isinstance(label, list) else []
    return values + [""] * (width - len(values))


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
