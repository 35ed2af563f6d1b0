"""What is known of each picture beside its label: columns of a table, numbers or categories."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.errors import DataError
from explorer.types import Floats, Indices

UNKNOWN = -1
"""The category of a picture of which it is not known."""

LABEL_COLUMNS: Final = ("label", "class", "labels", "label_name", "class_name", "category", "target")
"""Columns of these names hold labels: categories, also where they are numbers."""

MAX_CATEGORIES: Final = 10_000
"""A column with more different texts (a caption, an address) tells nothing about groups of pictures."""

_MISSING: Final = frozenset({"", "na", "n/a", "nan", "null"})
_MAX_TEXT: Final = 200

Row: TypeAlias = tuple[int, Sequence[str]]
"""The position of a picture, and the texts of its line, one a column."""


@dataclass(frozen=True, eq=False)
class Attribute:
    """One column: a value for each picture of a source, in source order.

    Attributes
    ----------
    values
        Float32 ``(n,)`` for numbers, NaN where not known; int64 ``(n,)`` for categories, -1 where not known.
    names
        Name of each category, or None for numbers.
    """

    values: Floats | Indices
    names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        wanted = np.float32 if self.names is None else np.int64
        if self.values.ndim != 1 or self.values.dtype != wanted:
            raise DataError(f"an attribute as {np.dtype(wanted)} (n,)", f"{self.values.shape} of {self.values.dtype}")
        if (
            self.names is not None
            and len(self.values)
            and not -1 <= self.values.min() <= self.values.max() < len(self.names)
        ):
            raise DataError(f"categories from -1 to {len(self.names) - 1}", f"up to {int(self.values.max())}")

    def __len__(self) -> int:
        return len(self.values)

    def text(self, index: int) -> str:
        """Return the value of one picture for people; empty where it is not known."""
        value = self.values[index]
        if self.names is not None:
            return "" if value == UNKNOWN else self.names[int(value)]
        return "" if np.isnan(value) else f"{value:g}"

    def take(self, indices: Indices) -> Attribute:
        """Return the column of some pictures only, in the order of `indices` ``(m,)``."""
        return Attribute(self.values[indices], self.names)


Attributes: TypeAlias = Mapping[str, Attribute]
"""Columns by name, in the order of the table."""


def column_of(array: NDArray[Any], name: str) -> Attribute:
    """Return a column made of an array of numbers or texts ``(n,)``; an empty text is one that is not known.

    Raises
    ------
    DataError
        If it has another shape, or holds something else.
    """
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.kind not in "biufUS":
        raise DataError(
            f"one number or text a picture in {name}", f"{array.shape} of {array.dtype}", "Save it as an array (n,)."
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
    """Make columns of lines of text.

    Parameters
    ----------
    headers
        The name of each column; one with an empty name is left out.
    rows
        Gives all lines anew at each call: they are read twice, so that no text need be kept.
    count
        Number of pictures.

    Returns
    -------
    tuple
        The columns by name, and the names of those that were left out for too many different texts.
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
    """Return the number that a text is, NaN where it says that it is not known, or None where it is no number."""
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
    """A column while it is read: what its texts are is known after the first reading only."""

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
        """First reading: learn whether these are numbers, and which texts there are."""
        if self.too_many or text.strip().lower() in _MISSING:
            return
        self.seen = True
        self.numeric = self.numeric and number_of(text) is not None

    def begin(self) -> None:
        """Make room for the values."""
        if self.numeric:
            self.numbers = np.full(self.count, np.nan, np.float32)
        else:
            self.categories = np.full(self.count, UNKNOWN, np.int64)

    def put(self, position: int, text: str) -> None:
        """Second reading: keep the value of one picture."""
        if self.numeric:
            value = number_of(text)
            with np.errstate(over="ignore"):
                self.numbers[position] = np.nan if value is None else value
            return
        text = text.strip()[:_MAX_TEXT]
        if self.too_many or text.lower() in _MISSING:
            return
        self.categories[position] = self.codes.setdefault(text, len(self.codes))
        self.too_many = len(self.codes) > MAX_CATEGORIES

    def attribute(self) -> Attribute:
        """Return the finished column, categories sorted by name."""
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
