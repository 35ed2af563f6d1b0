"""Attributes of images beside their labels: numeric or categorical columns of a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.errors import DataError
from explorer.messages import Value
from explorer.types import Floats, Indices

UNKNOWN = -1
"""The category of an image whose value is unknown."""

LABEL_COLUMNS: Final = ("label", "class", "labels", "label_name", "class_name", "category", "target")
"""Columns of these names are categorical labels, even if their values are numbers."""

MAX_CATEGORIES: Final = 10_000
"""A column with more distinct texts (a caption, an address) does not group images."""

_MISSING: Final = frozenset({"", "na", "n/a", "nan", "null"})
MAX_TEXT: Final = 200
"""Longer texts of categories are cut."""


Row: TypeAlias = tuple[int, Sequence[str]]
"""The position of an image, and the texts of its row, one per column."""


@dataclass(frozen=True, eq=False)
class Attribute:
    """One column: a value for each image of a source, in source order.

    Numbers are float32 ``(n,)``, NaN where unknown, and `names` is None. Categories are int64 ``(n,)``, -1 where
    unknown.
    """

    values: Floats | Indices
    names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        wanted = np.float32 if self.names is None else np.int64
        if self.values.ndim != 1 or self.values.dtype != wanted:
            raise DataError(
                "The values of an attribute must be {wanted} of shape (n,), not {dtype} of shape {shape}.",
                wanted=np.dtype(wanted),
                dtype=self.values.dtype,
                shape=str(self.values.shape),
            )
        if (
            self.names is not None
            and len(self.values)
            and not -1 <= self.values.min() <= self.values.max() < len(self.names)
        ):
            raise DataError(
                "The categories of an attribute must be from -1 to {most}, not from {low} to {high}.",
                most=len(self.names) - 1,
                low=int(self.values.min()),
                high=int(self.values.max()),
            )

    def __len__(self) -> int:
        return len(self.values)

    def text(self, index: int) -> str:
        """Return the value of one image as text; empty where it is unknown."""
        value = self.values[index]
        if self.names is not None:
            return "" if value == UNKNOWN else self.names[int(value)]
        return "" if np.isnan(value) else f"{value:g}"

    def take(self, indices: Indices) -> Attribute:
        """Return the column of some images only, in the order of `indices` ``(m,)``."""
        return Attribute(self.values[indices], self.names)


Attributes: TypeAlias = Mapping[str, Attribute]
"""Columns by name, in the order of the table."""


def column_of(array: NDArray[Any], name: Value) -> Attribute:
    """Return a column of numbers or texts ``(n,)``; an empty text is unknown.

    Raises DataError if it has another shape or dtype.
    """
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.kind not in "biufUS":
        raise DataError(
            "{name} must have one number or text per image, not {dtype} of shape {shape}. Save it as an array (n,).",
            name=name,
            dtype=array.dtype,
            shape=str(array.shape),
        )
    if array.dtype.kind in "iuf":
        with np.errstate(over="ignore", invalid="ignore"):
            numbers = array.astype(np.float32)
        return Attribute(np.where(np.isfinite(numbers), numbers, np.float32(np.nan)))
    texts = np.array(["false", "true"])[array.astype(np.int64)] if array.dtype.kind == "b" else array
    if texts.dtype.kind == "S":
        texts = np.char.decode(texts, "utf-8", "replace")
    names, positions = np.unique(texts, return_inverse=True)
    empty = int(len(names) > 0 and names[0] == "")
    return Attribute(positions.astype(np.int64) - empty, tuple(str(text) for text in names[empty:]))


def columns_from(
    headers: Sequence[str], rows: Callable[[], Iterator[Row]], count: int
) -> tuple[dict[str, Attribute], list[str]]:
    """Convert rows of text to columns by name; return them, and the names of those with too many distinct texts.

    A column whose header is empty is ignored. Where an image has several rows, its first known value counts. `rows`
    returns all rows at each call; they are read twice, so that no text is in memory. `count` is the number of images.
    """
    places = {name: place for place, name in reversed(list(enumerate(headers))) if name}
    columns = [_Column(name, place, count) for name, place in sorted(places.items(), key=lambda item: item[1])]
    for _, values in rows():
        for column in columns:
            column.look_at(values[column.place])
    for column in columns:
        column.begin()
    for position, values in rows():
        for column in columns:
            column.put(position, values[column.place])
    kept = [column for column in columns if column.seen and not column.too_many]
    return {column.name: column.attribute() for column in kept}, [column.name for column in columns if column.too_many]


def number_of(text: str) -> float | None:
    """Return a text as a number, NaN where it means unknown, None where it is not a number."""
    text = text.strip()
    if text.lower() in _MISSING:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else math.nan


@dataclass
class _Column:
    """A column while it is read; whether it is numeric is known after the first pass."""

    name: str
    place: int
    count: int
    numeric: bool = True
    seen: bool = False
    too_many: bool = False
    codes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.numeric = self.name.lower() not in LABEL_COLUMNS

    def look_at(self, text: str) -> None:
        if self.too_many or text.strip().lower() in _MISSING:
            return
        self.seen = True
        self.numeric = self.numeric and number_of(text) is not None

    def begin(self) -> None:
        if self.numeric:
            self.numbers = np.full(self.count, np.nan, np.float32)
        else:
            self.categories = np.full(self.count, UNKNOWN, np.int64)

    def put(self, position: int, text: str) -> None:
        if self.numeric:
            value = number_of(text)
            if value is not None and np.isnan(self.numbers[position]):
                with np.errstate(over="ignore"):
                    self.numbers[position] = value
            return
        text = text.strip()[:MAX_TEXT]
        if self.too_many or text.lower() in _MISSING or self.categories[position] != UNKNOWN:
            return
        self.categories[position] = self.codes.setdefault(text, len(self.codes))
        self.too_many = len(self.codes) > MAX_CATEGORIES

    def attribute(self) -> Attribute:
        if self.numeric:
            self.numbers[~np.isfinite(self.numbers)] = np.nan
            return Attribute(self.numbers)
        order = sorted(self.codes, key=_category_key)
        new = np.full(len(order) + 1, UNKNOWN, np.int64)  # the last one is reached by -1
        for rank, text in enumerate(order):
            new[self.codes[text]] = rank
        return Attribute(new[self.categories], tuple(order))


def _category_key(text: str) -> tuple[float, str, str]:
    value = number_of(text)
    return (math.inf if value is None or math.isnan(value) else value, text.casefold(), text)
