"""The overlay of the map: a quantity of each code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.document.document import Document
from explorer.document.map_tiles import MapWindow, Overlay
from explorer.document.view_store import PLANE
from explorer.document.views.kind import Priority, ViewKind
from explorer.latent.data_distance import CodeDistance
from explorer.latent.planes import Plane
from explorer.types import Codec, Floats

OVERLAY_COLUMNS = 40


@dataclass(frozen=True, eq=False)
class OverlayView:
    """The overlay of a part of the map, as far as it is computed.

    `values` are float32 ``(rows, columns)``, the top row first; NaN if not computed yet.
    """

    codec: Codec
    plane: Plane
    window: MapWindow
    kind: Overlay
    values: Floats

    @property
    def done(self) -> bool:
        return not bool(np.isnan(self.values[-1]).any())

    def shows(self, codec: Codec, plane: Plane, window: MapWindow, kind: Overlay) -> bool:
        same_plane = self.codec is codec and self.plane.key == plane.key
        return same_plane and (self.window, self.kind) == (window, kind)


def measure_plane(
    codec: Codec, plane: Plane, window: MapWindow, kind: Overlay, distance: CodeDistance
) -> Iterator[OverlayView]:
    width, height = window.right - window.left, window.top - window.bottom
    rows = int(np.clip(round(OVERLAY_COLUMNS * height / width), 4, 2 * OVERLAY_COLUMNS))
    xs = window.left + (np.arange(OVERLAY_COLUMNS) + 0.5) * width / OVERLAY_COLUMNS
    ys = window.top - (np.arange(rows) + 0.5) * height / rows
    values = np.full((rows, OVERLAY_COLUMNS), np.nan, np.float32)
    for row, y in enumerate(ys):
        points = np.stack([xs, np.full_like(xs, y)], axis=1).astype(np.float32)
        codes = plane.codes(points)
        if kind == "distance":
            values[row] = distance.ratio(codes)
        elif kind == "round_trip":
            values[row] = np.linalg.norm(codec.encode(codec.decode(codes)) - codes, axis=1)
        else:
            values[row] = _stretch(codec, plane, points, width / OVERLAY_COLUMNS / 4)
        yield OverlayView(codec, plane, window, kind, values.copy())


def _stretch(codec: Codec, plane: Plane, points: Floats, step: float) -> Floats:
    """Return the RMS change of the image per unit of the plane, from differences over `step`."""
    right, up = (points + np.array(move, np.float32) * np.float32(step) for move in ((1, 0), (0, 1)))
    here, across, above = np.split(codec.decode(plane.codes(np.concatenate([points, right, up]))), 3)
    squares = ((across - here) ** 2 + (above - here) ** 2).mean(axis=(1, 2, 3))
    return np.asarray(np.sqrt(squares) / step, np.float32)


def _build(document: Document) -> Iterator[OverlayView] | None:
    model, plane = document.state.model, document.plane
    window, kind = document.map.window, document.map.overlay
    if model is None or plane is None or window is None or kind is None:
        return None
    view = document.views[OVERLAY]
    if isinstance(view, OverlayView) and view.done and view.shows(model.codec, plane, window, kind):
        return None
    return measure_plane(model.codec, plane, window, kind, document.analysis.distance_of(model.sample))


OVERLAY = ViewKind[OverlayView](
    name="overlay",
    build=_build,
    priority=Priority.BACKGROUND,
    depends_on={PLANE},
    signals=lambda document: (document.map.window_changed, document.map.overlay_changed),
    stale_on={"model"},
    one_at_a_time=True,
)
