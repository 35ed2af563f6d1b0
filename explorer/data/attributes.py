"""What is known of each picture beside its label: columns of a table, numbers or categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from explorer.errors import DataError
from explorer.types import Floats, Indices

UNKNOWN = -1
"""The category of a picture of which it is not known."""


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
