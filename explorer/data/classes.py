"""Classes of images by a label or an attribute, which color a scatter plot."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from explorer.data.attributes import Attribute
from explorer.data.source import Source
from explorer.messages import NO_MESSAGE, Message, message
from explorer.types import Indices

MOST_CLASSES = 24
"""More colors are hard to distinguish; the rarest classes are merged into one."""

_BANDS = 5
"""Number of quantile bins of a numeric attribute."""


@dataclass(frozen=True, eq=False)
class Classes:
    """A class for each image, int64 ``(n,)``: a position in `names`; −1 where it is unknown."""

    of: Indices
    names: tuple[Message, ...]

    @property
    def counts(self) -> Indices:
        return np.bincount(self.of[self.of >= 0], minlength=len(self.names)).astype(np.int64)


def classes_of(source: Source, by: str | None = None) -> Classes:
    """Return the classes of a source by an attribute, or by its labels where `by` is None.

    Numbers are divided into five quantile bins. Of more than `MOST_CLASSES` categories the rarest are merged.
    """
    if by is None:
        if source.labels is None:
            return Classes(np.zeros(source.count, np.int64), (NO_MESSAGE,))
        names = source.label_names or tuple(str(value) for value in range(int(source.labels.max(initial=0)) + 1))
        return _joined(source.labels, tuple(names))
    attribute = source.attributes[by]
    return _joined(attribute.values.astype(np.int64), attribute.names) if attribute.names else _banded(attribute)


def _joined(values: Indices, names: tuple[str, ...]) -> Classes:
    """Drop classes without images, and merge the rarest of too many."""
    counts = np.bincount(values[values >= 0], minlength=len(names))
    order = np.argsort(-counts, kind="stable")
    kept = np.sort(order[: MOST_CLASSES if len(names) <= MOST_CLASSES else MOST_CLASSES - 1])
    kept = kept[counts[kept] > 0]
    rest = (counts > 0).sum() > len(kept)
    place = np.full(len(names) + 1, len(kept) if rest else -1, np.int64)
    place[kept] = np.arange(len(kept))
    place[-1] = -1  # index −1, unknown, reads this
    named = tuple(message("{name}", name=names[index]) for index in kept)
    return Classes(place[values], (*named, message("others")) if rest else named)


def _banded(attribute: Attribute) -> Classes:
    values = attribute.values.astype(np.float64)
    known = np.isfinite(values)
    if not known.any():
        return Classes(np.full(len(values), -1, np.int64), (NO_MESSAGE,))
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, _BANDS + 1)))
    if len(edges) < 2:
        return Classes(np.where(known, 0, -1).astype(np.int64), (message("{value:.3g}", value=edges[0]),))
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    names = tuple(message("{low:.3g} to {high:.3g}", low=low, high=high) for low, high in pairwise(edges))
    return Classes(np.where(known, place, -1).astype(np.int64), names)
