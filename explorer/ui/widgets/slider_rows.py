"""What a list of sliders shows: which sliders there are, and which of them stand in which row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from explorer.types import Floats, Indices
from explorer.ui.widgets.slider_painter import RANGE

_BINS = 33
_REMEMBERED = 4096
"""Histograms that are kept; all of a spatial code would be a hundred thousand."""


@dataclass(frozen=True, eq=False)
class SliderRows:
    """The sliders; what belongs to one of them alone is asked for when it comes into view.

    Attributes
    ----------
    count
        How many there are.
    name, note
        What each is called, and a word under that, or an empty one.
    codes
        Where the data stand on each, in σ, ``(n,)``: the histogram behind its track. May be empty.
    """

    count: int
    name: Callable[[int], str]
    note: Callable[[int], str]
    codes: Callable[[int], Floats]
    _shapes: dict[int, Floats] = field(default_factory=dict, repr=False)

    def shape(self, item: int) -> Floats:
        """Return the histogram of a slider, ``(33,)``, highest bin 1; empty without data."""
        if item not in self._shapes:
            if len(self._shapes) >= _REMEMBERED:
                self._shapes.clear()
            self._shapes[item] = _shape(self.codes(item))
        return self._shapes[item]


NO_ROWS = SliderRows(0, str, str, lambda item: np.zeros(0, np.float32))


def _shape(codes: Floats) -> Floats:
    if not len(codes):
        return np.zeros(0, np.float32)
    # Of all rows in view it is computed anew each time a model that learns has learnt: NumPy's own takes far longer.
    bins = ((np.clip(codes, -RANGE, RANGE) + RANGE) * (_BINS / (2 * RANGE))).astype(np.int64)
    counts = np.bincount(np.minimum(bins, _BINS - 1), minlength=_BINS)
    return np.asarray(counts / max(1, counts.max()), np.float32)


class RowOrder:
    """Which slider (*item*) stands in which row, after sorting and filtering; the one place that knows.

    Parameters
    ----------
    items
        The sliders from top to bottom, ``(rows,)``, each at most once.
    count
        How many sliders there are, shown or not.
    """

    def __init__(self, items: Indices, count: int) -> None:
        self._items = items
        self._rows = np.full(count, -1, np.int64)
        self._rows[items] = np.arange(len(items))

    def __len__(self) -> int:
        return len(self._items)

    def item(self, row: int) -> int:
        """Return the slider of a row."""
        return int(self._items[row])

    def row(self, item: int) -> int | None:
        """Return the row of a slider, or None where it is not shown."""
        row = int(self._rows[item]) if 0 <= item < len(self._rows) else -1
        return row if row >= 0 else None


def in_order(count: int) -> RowOrder:
    """Return the order of nature, with nothing left out."""
    return RowOrder(np.arange(count, dtype=np.int64), count)
