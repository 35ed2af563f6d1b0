"""Whether the latent cursor is in distribution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.document.document import Document
from explorer.document.views.kind import Priority, ViewKind
from explorer.latent.data_distance import CodeDistance
from explorer.types import Floats


@dataclass(frozen=True, eq=False)
class MeterView:
    """Distance of the latent cursor from the data, relative to the 95th percentile of neighbor distances there."""

    ratio: float


def measure_cursor(code: Floats, distance: CodeDistance) -> Iterator[MeterView]:
    """Measure the distance of a code ``(latent_dim,)`` from the data."""
    yield MeterView(float(distance.ratio(code[None])[0]))


def _build(document: Document) -> Iterator[MeterView] | None:
    state = document.state
    if state.model is None or state.code is None:
        return None
    return measure_cursor(state.code, document.analysis.distance_of(state.model.sample))


METER = ViewKind[MeterView](
    name="meter",
    build=_build,
    priority=Priority.POINTER,
    depends_on={"model", "code"},
    stale_on={"model"},
)
