"""Which part of a plane is visible on a canvas, and where each of its points is."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF

from explorer.document.map_tiles import MapWindow
from explorer.latent.tile_grid import DEEPEST, TileGrid

_COARSEST = -6


class PlaneView:
    """Center and zoom of a plane that is shown in the rectangle that `place` returns; its y points up."""

    def __init__(self, place: Callable[[], QRectF]) -> None:
        self._place = place
        self._tile_grid = TileGrid(-3.0, 6 / 14)
        self._steps = 15
        self.middle = QPointF(0, 0)
        self._zoom = 1.0

    @property
    def rect(self) -> QRectF:
        return self._place()

    def set_home(self, tile_grid: TileGrid, steps: int, *, keep: bool) -> None:
        """Show the range of `steps` tiles from the first one; `keep` preserves a view that was moved."""
        away, scale = self.middle != self._home or self._zoom != 1, self.scale
        self._tile_grid, self._steps = tile_grid, steps
        if keep and away:
            self._zoom *= scale / self.scale
        else:
            self.reset()

    @property
    def _home(self) -> QPointF:
        middle = self._tile_grid.low + self._tile_grid.spacing * (self._steps - 1) / 2
        return QPointF(middle, middle)

    def reset(self) -> None:
        self.middle, self._zoom = self._home, 1.0

    @property
    def scale(self) -> float:
        """Pixels per unit of the plane's coordinates."""
        rect = self.rect
        return min(rect.width(), rect.height()) / (self._tile_grid.spacing * self._steps) * self._zoom

    def window(self) -> MapWindow:
        rect, scale = self.rect, self.scale
        across, up = rect.width() / 2 / scale, rect.height() / 2 / scale
        # Tiles are as large as at the initial zoom, up to twice as large.
        level = min(max(math.floor(math.log2(self._zoom) + 1e-9), _COARSEST), DEEPEST)
        x, y = self.middle.x(), self.middle.y()
        return MapWindow(self._tile_grid, level, x - across, x + across, y - up, y + up)

    def to_widget(self, x: float, y: float) -> QPointF:
        """Map the plane's coordinates to widget coordinates; y points up."""
        middle, scale = self.rect.center(), self.scale
        return QPointF(middle.x() + (x - self.middle.x()) * scale, middle.y() - (y - self.middle.y()) * scale)

    def to_plane(self, point: QPointF) -> tuple[float, float]:
        """Map widget coordinates to the plane's, clipped to the visible part."""
        rect, scale = self.rect, self.scale
        x = min(max(point.x(), rect.left()), rect.right())
        y = min(max(point.y(), rect.top()), rect.bottom())
        middle = rect.center()
        return self.middle.x() + (x - middle.x()) / scale, self.middle.y() + (middle.y() - y) / scale

    def zoom_by(self, factor: float, around: QPointF) -> bool:
        """Zoom in (factor above 1) or out around a fixed point of the widget; return whether that was possible."""
        before = self.to_plane(around)
        zoom = min(max(self._zoom * factor, 2.0**_COARSEST), 2.0**DEEPEST)
        if zoom == self._zoom:
            return False
        self._zoom = zoom
        after = self.to_plane(around)
        self.middle += QPointF(before[0] - after[0], before[1] - after[1])
        return True

    def pan_by(self, across: float, down: float) -> None:
        """Pan by a number of pixels to the right and down."""
        self.middle += QPointF(-across, down) / self.scale
