"""CSV files of pixels, a line for each image, as Kaggle serves MNIST, Fashion-MNIST, sign language and FER2013.

Either each pixel has a column, gray or interleaved RGB, or all are numbers with spaces between in a column ``pixels``.
A column of labels is optional. The header may be missing: then the label, if any, is the first column.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import IO, Final

import numpy as np

from explorer.data.attributes import LABEL_COLUMNS, MAX_CATEGORIES, Attribute, Row, columns_from
from explorer.data.choices import refuse_unused
from explorer.data.formats import IMAGE_SUFFIXES
from explorer.data.ranges import found_range
from explorer.data.source import UNLABELED, ArraySource, Facts, Found, Skipped
from explorer.data.sources.array_limits import MAX_BYTES
from explorer.data.sources.entry import PathKind, path_facts
from explorer.data.splits import Splits, given_splits, part_named, random_splits
from explorer.data.values import scaled
from explorer.errors import DataError
from explorer.messages import Message, message
from explorer.reading import reading
from explorer.types import Indices, Progress

_SUFFIX: Final = ".csv"
_LONGEST_LINE: Final = 4 << 20
_LEAST_SIDE: Final = 8
_REPORTED_LINES: Final = 500
_MOST_NOTES: Final = 20
_FEW_FILES: Final = 40
_PIXELS: Final = "pixels"
_EMOTION: Final = "emotion"
_EMOTIONS: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_LABELS: Final = (_EMOTION, *LABEL_COLUMNS)
_PIXEL_COLUMN: Final = re.compile(r"(pixel|px|p|x|v)?[ _-]?\d+(x\d+)?(\.\d+)?", re.IGNORECASE)
_USAGE: Final = "usage"
_USAGES: Final = {"training": 0, "train": 0, "privatetest": 1, "test": 1, "publictest": 2, "validation": 2, "val": 2}


@dataclass(frozen=True)
class _Layout:
    """The columns of a file.

    Attributes
    ----------
    headers
        Names of the columns; empty without a header.
    width
        Number of columns.
    delimiter
        Between the columns.
    pixels
        The columns of the pixels, or the only one.
    label
        The column of the labels, or None.
    shape
        Height, width and channels; None if the first image tells.
    """

    headers: tuple[str, ...]
    width: int
    delimiter: bytes
    pixels: slice
    label: int | None
    shape: tuple[int, int, int] | None

    @cached_property
    def usage(self) -> int | None:
        return next((at for at, name in enumerate(self.headers) if name.lower() == _USAGE), None)

    @property
    def others(self) -> dict[int, str]:
        """Further columns, which become attributes, by their place."""
        used = {*range(self.width)[self.pixels], self.label, self.usage}
        return {at: name for at, name in enumerate(self.headers) if at not in used and name}


@dataclass
class _Images:
    """What was read so far: bytes of pixels, texts of labels and of the further columns, and lines left out."""

    shape: tuple[int, int, int] | None = None
    values: bytearray = field(default_factory=bytearray)
    labels: list[str] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    others: list[dict[str, str]] = field(default_factory=list)
    left_out: list[Skipped] = field(default_factory=list)
    wrong: int = 0

    def leave_out(self, path: Path, number: int, reason: Message) -> None:
        self.wrong += 1
        if len(self.left_out) < _MOST_NOTES:
            self.left_out.append(Skipped(path.name, message("line {first}: {reason}", first=number, reason=reason)))

    def skipped(self, name: str) -> tuple[Skipped, ...]:
        more = self.wrong - len(self.left_out)
        rest = [Skipped(name, message("{more:# more line|# more lines} left out", more=more))] if more else []
        return (*self.left_out, *rest)


def takes(path: Path) -> bool:
    """Return whether a file is a CSV of pixels, by its first lines; or a folder has one, or one for each split."""
    if path.suffix.lower() == _SUFFIX and path.is_file():
        return _layout(path) is not None
    return path.is_dir() and bool(_files(path))


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | ArraySource]:
    """Open a CSV of pixels: yields progress while lines are read, and last the source; see `PathKind.scan_as`.

    A folder has the files of its splits. A column ``Usage`` divides one file. Lines of another length, or with other
    values than whole numbers from 0 to 255, are left out. DataError if nothing remains.
    """
    refuse_unused(facts.choices, ("range",), facts.name)
    files = _files(path) if path.is_dir() else [path]
    images, counts = _Images(), [0, 0, 0]
    header: tuple[str, ...] = ()
    total = sum(file.stat().st_size for file in files)
    # Each value takes at least two bytes of text.
    if total > 2 * MAX_BYTES:
        raise DataError(
            "Cannot open {file}: {size:,} MB of text are too large. Divide it, or save it as a NumPy file.",
            file=path,
            size=total >> 20,
        )
    done = 0
    for file in files:
        before = len(images.labels)
        layout = _layout(file)
        if layout is None:
            raise DataError("Cannot open {file}: it has changed. Open it again.", file=file)
        header = header or layout.headers
        with reading(message("a CSV of pixels"), str(file)), file.open("rb") as opened:
            yield from _read(opened, layout, images, file, done, total)
        done += file.stat().st_size
        counts[part_named(file.stem) or 0] += len(images.labels) - before
    if images.shape is None or not images.labels:
        reason = images.left_out[0].reason if images.left_out else message("no lines after the first")
        raise DataError(
            "Cannot open {file}: none of its lines is an image. First: {reason}. Save whole numbers from 0 to 255.",
            file=path,
            reason=reason,
        )
    yield _source(facts, images, counts, emotion=_EMOTION in map(str.lower, header))


def _read(opened: IO[bytes], layout: _Layout, images: _Images, path: Path, done: int, total: int) -> Iterator[Progress]:
    if layout.headers:
        opened.readline(_LONGEST_LINE)
    number = int(bool(layout.headers))
    while line := opened.readline(_LONGEST_LINE):
        number += 1
        if number % _REPORTED_LINES == 1:
            yield Progress(done + opened.tell(), total, message("Reading images"))
        if line.strip():
            _add(line, number, layout, images, path)


def _add(line: bytes, number: int, layout: _Layout, images: _Images, path: Path) -> None:
    """Add the image of one line, or note why not."""
    values = _cells(line, layout.delimiter)
    if len(values) != layout.width:
        images.leave_out(path, number, message("not {width:# column|# columns}", width=layout.width))
        return
    cells = values[layout.pixels]
    try:
        pixels = bytes(map(int, cells if layout.shape else cells[0].split()))
    except ValueError:
        images.leave_out(path, number, message("values other than whole numbers from 0 to 255"))
        return
    images.shape = images.shape or layout.shape or _shape(len(pixels))
    if images.shape is None or len(pixels) != math.prod(images.shape):
        size = "" if images.shape is None else "×".join(map(str, images.shape))
        wrong = message("{count:# pixel|# pixels}, not {size}", count=len(pixels), size=size or message("a square"))
        images.leave_out(path, number, wrong)
        return
    images.values += pixels
    images.labels.append("" if layout.label is None else _text(values[layout.label]))
    if layout.usage is not None:
        images.parts.append(_USAGES.get(_text(values[layout.usage]).lower().replace(" ", ""), 0))
    images.others.append({name: _text(values[at]) for at, name in layout.others.items()})


def _source(facts: Facts, images: _Images, counts: Sequence[int], *, emotion: bool) -> ArraySource:
    assert images.shape is not None
    pixels = np.frombuffer(images.values, np.uint8).reshape(-1, *images.shape)
    limits = facts.choices.range or found_range(np.array([0, pixels.max()]), facts.name)
    found = Found(range=None if limits == (0.0, 255.0) else limits, channels=images.shape[2])
    labels, names = _labels(images.labels)
    if emotion and names is not None and set(names) <= set(map(str, range(len(_EMOTIONS)))):
        names = tuple(_EMOTIONS[int(name)] for name in names)
    attributes, notes = _attributes(images, facts.name)
    splits = _splits(images.parts, counts) or random_splits(len(pixels))
    return ArraySource(
        replace(facts, found=found),
        scaled(pixels, limits),
        splits,
        labels,
        names,
        attributes,
        (*images.skipped(facts.name), *notes),
    )


def _splits(parts: Sequence[int], counts: Sequence[int]) -> Splits | None:
    """Return the splits of a column, or of files; None if there are no two."""
    if not parts:
        return given_splits(*counts) if counts[0] and any(counts[1:]) else None
    train, test, validation = (np.flatnonzero(np.array(parts) == part).astype(np.int64) for part in range(3))
    if not len(test):
        test, validation = validation, test
    return Splits(train, test, "given", validation) if len(train) and len(test) else None


def _labels(texts: Sequence[str]) -> tuple[Indices | None, tuple[str, ...] | None]:
    """Return the labels, and their names; those that are numbers from 0 are these numbers."""
    known = sorted({*texts} - {""})
    if not known:
        return None, None
    with suppress(ValueError):
        numbers = np.array([int(text) if text else UNLABELED for text in texts], np.int64)
        if numbers.min() >= UNLABELED and numbers.max() < MAX_CATEGORIES:
            return numbers, tuple(str(number) for number in range(int(numbers.max()) + 1))
    places = {name: place for place, name in enumerate(known)}
    return np.array([places.get(text, UNLABELED) for text in texts], np.int64), tuple(known)


def _attributes(images: _Images, name: str) -> tuple[dict[str, Attribute], list[Skipped]]:
    headers = list(dict.fromkeys(column for row in images.others for column in row))

    def rows() -> Iterator[Row]:
        for position, row in enumerate(images.others):
            yield position, [row.get(column, "") for column in headers]

    columns, left_out = columns_from(headers, rows, len(images.labels))
    return columns, [
        Skipped(
            name, message("“{name}” is ignored: more than {most:,} distinct texts", name=column, most=MAX_CATEGORIES)
        )
        for column in left_out
    ]


def _layout(path: Path) -> _Layout | None:
    """Return the columns of a file by its first two lines; None if it is no CSV of pixels."""
    try:
        with path.open("rb") as file:
            lines = [file.readline(_LONGEST_LINE).removeprefix(b"\xef\xbb\xbf") for _ in range(2)]
    except OSError:
        return None
    delimiter = max(b",", b";", b"\t", key=lines[0].count)
    first, second = (_cells(line, delimiter) for line in lines)
    if not lines[1].strip():
        second = first  # a single image without a header
    if len(first) != len(second):
        return None
    headers = tuple(_text(cell) for cell in first) if _is_header(first) else ()
    lower = [name.lower() for name in headers]
    label = next((lower.index(name) for name in _LABELS if name in lower), None)
    width = len(first)
    if _PIXELS in lower:
        at = lower.index(_PIXELS)
        count = len(second[at].split())
        return _Layout(headers, width, delimiter, slice(at, at + 1), label, None) if _shape(count) else None
    pixels = [at for at, name in enumerate(headers) if at != label and _PIXEL_COLUMN.fullmatch(name)]
    if not headers or _shape(len(pixels)) is None:
        # The label comes first, and its column may be named like that of a pixel.
        label = label if label is not None else 0 if _shape(width) is None or _gray(width - 1) else None
        pixels = [at for at in range(width) if at != label]
    shape = _shape(len(pixels))
    if shape is None or pixels[-1] - pixels[0] + 1 != len(pixels) or not all(_is_pixel(second[at]) for at in pixels):
        return None
    return _Layout(headers, width, delimiter, slice(pixels[0], pixels[-1] + 1), label, shape)


def _is_header(cells: Sequence[bytes]) -> bool:
    """Return whether cells are not an image, perhaps after its label."""
    if not all(map(_is_pixel, cells[1:] or cells)) or _text(cells[0]).lower() in _LABELS:
        return True
    return [*map(_text, cells)] == [*map(str, range(len(cells)))]


def _cells(line: bytes, delimiter: bytes) -> list[bytes]:
    return [cell.strip() for cell in line.replace(b'"', b"").split(delimiter)]


def _text(cell: bytes) -> str:
    return cell.decode("utf-8", "replace")


def _is_pixel(cell: bytes) -> bool:
    return cell.isdigit() and int(cell[:4]) <= 255


def _gray(count: int) -> bool:
    return count >= _LEAST_SIDE**2 and math.isqrt(count) ** 2 == count


def _shape(count: int) -> tuple[int, int, int] | None:
    """Return height, width and channels of a square image of this many values, gray or RGB; None if it is none."""
    channels = 1 if _gray(count) else 3
    side = math.isqrt(count // channels)
    return (side, side, channels) if side >= _LEAST_SIDE and channels * side * side == count else None


def _files(folder: Path) -> list[Path]:
    """Return the only CSV of pixels in a folder, or those of its splits, training first; empty if it has much else."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, _FEW_FILES + 1)]
    except OSError:
        return []
    named = [folder / name for name in sorted(names) if name.lower().endswith(_SUFFIX)]
    if len(names) > _FEW_FILES or not named or any(Path(name).suffix.lower() in IMAGE_SUFFIXES for name in names):
        return []
    files = [file for file in named if file.is_file() and _layout(file) is not None]
    if len(files) < 2:
        return files
    parts = [part for file in files if (part := part_named(file.stem)) is not None]
    return sorted(files, key=lambda file: part_named(file.stem) or 0) if len({*parts}) == len(files) else []


KIND = PathKind(
    message("a CSV file of pixels"),
    takes,
    scan_as,
    label="CSV files of pixels",
    patterns=(f"*{_SUFFIX}",),
    facts=lambda path: path_facts(path, title=path.stem),
    companions=lambda path: _files(path) if path.is_dir() else (),
    members=rf".*{re.escape(_SUFFIX)}",
)
