"""Contents of a slider list, and the mapping of rows to sliders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from explorer.types import Floats, Indices
from explorer.ui.widgets.slider_painter import RANGE

_BINS = 33
_REMEMBERED = 4096
"""Maximum number of cached histograms; a spatial code may need a hundred thousand."""


@dataclass(frozen=True, eq=False)
class SliderRows:
    """The sliders, `count` of them; names, notes and histograms are requested when visible.

    `note` is below the name; it may be empty. `codes` are the dataset's values on each, in σ, ``(n,)``: for the
    histogram; may be empty.
    """

    count: int
    name: Callable[[int], str]
    note: Callable[[int], str]
    codes: Callable[[int], Floats]
    _shapes: dict[int, Floats] = field(default_factory=dict, repr=False)

    def shape(self, item: int) -> Floats:
        """Return the histogram of a slider, ``(33,)``, with a maximum of 1; empty without data."""
        if item not in self._shapes:
            if len(self._shapes) >= _REMEMBERED:
                self._shapes.clear()
            self._shapes[item] = _shape(self.codes(item))
        return self._shapes[item]


NO_ROWS = SliderRows(0, str, str, lambda item: np.zeros(0, np.float32))


def _shape(codes: Floats) -> Floats:
    if not len(codes):
        return np.zeros(0, np.float32)
    # Computed for all visible rows at each update of a model in training: `np.histogram` is far slower.
    bins = ((np.clip(codes, -RANGE, RANGE) + RANGE) * (_BINS / (2 * RANGE))).astype(np.int64)
    counts = np.bincount(np.minimum(bins, _BINS - 1), minlength=_BINS)
    return np.asarray(counts / max(1, counts.max()), np.float32)


class RowOrder:
    """The only mapping between rows and sliders (*items*), after sorting and filtering.

    `items` are the sliders from top to bottom, ``(rows,)``, each at most once; `count` includes hidden ones.
    """

    def __init__(self, items: Indices, count: int) -> None:
        self._items = items
        self._rows = np.full(count, -1, np.int64)
        self._rows[items] = np.arange(len(items))

    def __len__(self) -> int:
        return len(self._items)

    def item(self, row: int) -> int:
        return int(self._items[row])

    def row(self, item: int) -> int | None:
        row = int(self._rows[item]) if 0 <= item < len(self._rows) else -1
        return row if row >= 0 else None


def in_order(count: int) -> RowOrder:
    return RowOrder(np.arange(count, dtype=np.int64), count)
