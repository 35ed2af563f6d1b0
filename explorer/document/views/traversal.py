"""Decoded latent traversals around the current code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.data.mixer import DEFAULT_MIXER, Mixer, shown
from explorer.document.document import Document
from explorer.document.state import Traversal
from explorer.document.views.kind import Priority, ViewKind
from explorer.errors import UsageError
from explorer.latent.statistics import CodeStatistics
from explorer.latent.traversal import mean_to_max, ranked_dimensions, traverse_component, traverse_dimension
from explorer.models.conditions import Condition
from explorer.types import Codec, Floats, Indices, Shown

TRAVERSAL_COLUMNS = 9
TRAVERSAL_ROWS = 48
"""Most dimensions or principal components that are traversed: those with the largest variance."""


@dataclass(frozen=True, eq=False)
class TraversalView:
    """Decoded latent traversals.

    `rows` are dimensions or principal components, int64 ``(r,)``; `values` float32 ``(columns,)``, in σ. Where each
    image is of another dimension, `values` is empty, and `rows` are those of the images. `codes` are float32
    ``(r, columns, latent_dim)``, `pixels` ``(r, columns, h, w, c)`` as shown.
    """

    rows: Indices
    values: Floats
    codes: Floats
    pixels: Shown
    components: bool = False


def decode_traversal(
    codec: Codec,
    code: Floats,
    statistics: CodeStatistics,
    traversal: Traversal,
    mixer: Mixer = DEFAULT_MIXER,
    condition: Condition | None = None,
) -> Iterator[TraversalView]:
    """Decode latent traversals of a code ``(latent_dim,)``, one row per dimension or principal component.

    Those of the mean code are under `condition`, which the current code has itself.
    """
    stats, by, reach = statistics, traversal.by, traversal.reach
    values = np.linspace(-reach, reach, TRAVERSAL_COLUMNS, dtype=np.float32)
    if by == "components":
        rows = np.arange(min(len(stats.components), TRAVERSAL_ROWS), dtype=np.int64)
        codes = [traverse_component(code, stats, int(axis), values) for axis in rows]
    elif by == "dimensions":
        rows = ranked_dimensions(stats, TRAVERSAL_ROWS)
        codes = [traverse_dimension(code, int(dim), stats.mean[dim] + values * stats.sigma[dim]) for dim in rows]
    else:
        rows = ranked_dimensions(stats, TRAVERSAL_ROWS)
        rows = rows[rows < condition.inputs.start] if condition is not None else rows
        # The last row is filled up with the mean code.
        filled = -(-len(rows) // TRAVERSAL_COLUMNS) * TRAVERSAL_COLUMNS
        table = np.tile(stats.mean, (filled, 1))
        table[: len(rows)] = mean_to_max(stats, rows)
        table = condition.applied(table) if condition is not None else table
        codes, values = list(table.reshape(-1, TRAVERSAL_COLUMNS, len(stats.mean))), values[:0]
    if not codes:
        raise UsageError("No principal components: the model has codes of one image only. Traverse dimensions instead.")
    stacked = np.stack(codes)
    pixels = shown(codec.decode(stacked.reshape(-1, stacked.shape[2])), mixer)
    shaped = pixels.reshape(*stacked.shape[:2], *pixels.shape[1:])
    yield TraversalView(rows, values, stacked, shaped, by == "components")


def _build(document: Document) -> Iterator[TraversalView] | None:
    state = document.state
    if state.model is None or state.code is None:
        return None
    model = state.model
    statistics, condition = model.sample.statistics, document.condition.current
    return decode_traversal(model.codec, state.code, statistics, state.traversal, state.mixer, condition)


TRAVERSAL = ViewKind[TraversalView](
    name="traversal",
    build=_build,
    priority=Priority.TAB,
    depends_on={"model", "code", "traversal", "mixer"},
    stale_on={"model"},
    only_watched=True,
)
