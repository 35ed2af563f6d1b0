"""Labels in arrays: one class per image, several yes/no attributes, or columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from explorer.data.attributes import UNKNOWN, Attribute, column_of
from explorer.data.ranges import AnyArray
from explorer.messages import Message, message
from explorer.types import Indices

_MAX_COLUMNS: Final = 1_000
_MOST_WHOLE: Final = 2**53
_YES_NO: Final = ("false", "true")


@dataclass(frozen=True, eq=False)
class ArrayLabels:
    """What an array of labels says about images.

    `values` are int64 ``(n,)``, or None where these are no classes; `names` are texts in the array; `refused` is why it
    cannot be used.
    """

    values: Indices | None = None
    names: tuple[str, ...] | None = None
    attributes: dict[str, Attribute] = field(default_factory=dict)
    refused: Message | None = None

    def spread(self, places: Indices, count: int) -> ArrayLabels:
        """Return the labels of `count` images, of which only those at `places` ``(n,)`` have some."""
        positions = np.full(count, len(places))
        positions[places] = np.arange(len(places))
        values = None if self.values is None else np.append(self.values, UNKNOWN)[positions]
        unknown = {name: _with_unknown(one).take(positions) for name, one in self.attributes.items()}
        return ArrayLabels(values, self.names, unknown, self.refused)


def labels_of(array: AnyArray, key: str, names: Sequence[str] | None = None) -> ArrayLabels:
    """Return the labels in an array.

    ``(n,)`` and ``(n, 1)``, whole numbers or texts, and one-hot ``(n, k)`` are classes; other 0/1 ``(n, k)`` are k
    yes/no attributes; other numbers are numeric attributes. Attributes are named after `names`, or ``key 0`` ….
    """
    array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if array.ndim not in (1, 2) or array.dtype.kind not in ("biuf" if array.ndim == 2 else "biufUS"):
        reason = message(
            "not used: its dtype is {dtype}, its shape {shape}. Save one label per image, (n,).",
            dtype=array.dtype,
            shape=str(array.shape),
        )
        return ArrayLabels(refused=reason)
    if array.ndim == 1:
        return _classes(array, key)
    if array.shape[1] > _MAX_COLUMNS:
        return ArrayLabels(refused=message("not used: {count:,} columns are too many.", count=array.shape[1]))
    if _is_binary(array) and np.all(np.count_nonzero(array, axis=1) == 1):
        return ArrayLabels(array.argmax(axis=1).astype(np.int64))
    return ArrayLabels(attributes=columns_of(array, key, names))


def columns_of(array: AnyArray, key: str, names: Sequence[str] | None = None) -> dict[str, Attribute]:
    """Return the columns of numbers ``(n, k)`` as attributes; 0/1 are yes or no."""
    count = array.shape[1]
    titles = names if names is not None and len(set(names)) == count else [f"{key} {place}" for place in range(count)]
    if _is_binary(array):
        return {title: Attribute(array[:, place].astype(np.int64), _YES_NO) for place, title in enumerate(titles)}
    return {title: column_of(array[:, place], title) for place, title in enumerate(titles)}


def _classes(array: AnyArray, key: str) -> ArrayLabels:
    if array.dtype.kind in "US":
        texts = np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array
        names, positions = np.unique(texts, return_inverse=True)
        return ArrayLabels(positions.astype(np.int64), tuple(str(text) for text in names))
    if array.dtype.kind == "f" and not np.all((np.abs(array) < _MOST_WHOLE) & (array == np.rint(array))):
        return ArrayLabels(attributes={key: column_of(array, key)})
    return ArrayLabels(array.astype(np.int64))


def _is_binary(array: AnyArray) -> bool:
    return bool(np.all((array == 0) | (array == 1)))


def _with_unknown(attribute: Attribute) -> Attribute:
    """Return a column with one more value: unknown."""
    if attribute.names is None:
        return Attribute(np.append(attribute.values, np.float32(np.nan)).astype(np.float32))
    return Attribute(np.append(attribute.values, UNKNOWN).astype(np.int64), attribute.names)
