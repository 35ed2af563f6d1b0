"""The decoded code under the mouse on the map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.document.document import Document
from explorer.document.views.kind import Priority, ViewKind
from explorer.types import Codec, Floats


@dataclass(frozen=True, eq=False)
class HoverView:
    """The decoded code under the mouse on the map: `point` x and y on the plane, `image` float32 ``(h, w, c)``."""

    point: tuple[float, float]
    image: Floats


def decode_hover(codec: Codec, code: Floats, point: tuple[float, float]) -> Iterator[HoverView]:
    """Decode the code ``(latent_dim,)`` at a point."""
    yield HoverView(point, codec.decode(code[None])[0])


def _build(document: Document, point: tuple[float, float] | None) -> Iterator[HoverView] | None:
    model, plane = document.state.model, document.plane
    if point is None or model is None or plane is None:
        return None
    return decode_hover(model.codec, plane.codes(np.array([point], np.float32))[0], point)


HOVER = ViewKind[HoverView](
    name="hover",
    build=_build,
    priority=Priority.POINTER,
    signals=lambda document: (document.map.hovered,),
    stale_on={"model"},
)
