"""The decoded code under the mouse on the map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.document.document import Document
from explorer.document.views.kind import Priority, ViewKind
from explorer.latent.data_distance import CodeDistance
from explorer.models.codes import CodeSample
from explorer.types import Codec, Floats


@dataclass(frozen=True, eq=False)
class HoverView:
    """The decoded code under the mouse on the map.

    `point` is x and y on the plane, `image` float32 ``(h, w, c)``. `label` is that of the nearest test image, None if
    they have none; `ratio` the distance to its code, relative to the usual one (see `CodeDistance.ratio`).
    """

    point: tuple[float, float]
    image: Floats
    label: int | None
    ratio: float


def decode_hover(
    codec: Codec, code: Floats, point: tuple[float, float], sample: CodeSample, distance: CodeDistance
) -> Iterator[HoverView]:
    """Decode the code ``(latent_dim,)`` at a point."""
    label = None
    if sample.labels is not None:
        label = int(sample.labels[np.square(sample.codes - code).sum(axis=1).argmin()])
    yield HoverView(point, codec.decode(code[None])[0], label, float(distance.ratio(code[None])[0]))


def _build(document: Document, point: tuple[float, float] | None) -> Iterator[HoverView] | None:
    model, plane = document.state.model, document.plane
    if point is None or model is None or plane is None:
        return None
    code = plane.codes(np.array([point], np.float32))[0]
    return decode_hover(model.codec, code, point, model.sample, document.analysis.distance_of(model.sample))


HOVER = ViewKind[HoverView](
    name="hover",
    build=_build,
    priority=Priority.POINTER,
    signals=lambda document: (document.map.hovered,),
    stale_on={"model"},
)
