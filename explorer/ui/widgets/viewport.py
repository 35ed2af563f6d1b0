"""The part of an image that is visible, shared by several images of the same size."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPointF, Signal

STEP = 2.0**0.5
"""Factor of one press of a key."""

_FEWEST = 5.0
"""Image pixels along the longest side that stay visible."""


class Viewport(QObject):
    """`zoom` is 1 for the whole image; `center` is the middle of the visible part, as shares of width and height."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.zoom = 1.0
        self.center = QPointF(0.5, 0.5)
        self._most = 1.0

    @property
    def zoomed(self) -> bool:
        return self.zoom > 1

    def set_image_size(self, longest: int) -> None:
        """Set the longest side of the images, in image pixels; another one is seen as a whole again."""
        most = max(2.0, longest / _FEWEST)
        if most != self._most:
            self._most = most
            self.fit()

    def fit(self) -> None:
        self._set(1.0, QPointF(0.5, 0.5))

    def zoom_by(self, factor: float, anchor: QPointF, center: QPointF) -> None:
        """Zoom so that `anchor`, a position in the image, stays in place; `center` is the middle of what is visible."""
        zoom = min(max(self.zoom * factor, 1.0), self._most)
        self._set(zoom, anchor - (anchor - center) * (self.zoom / zoom))

    def pan(self, center: QPointF) -> None:
        self._set(self.zoom, center)

    def _set(self, zoom: float, center: QPointF) -> None:
        zoom = 1.0 if zoom < 1.001 else zoom
        center = QPointF(min(max(center.x(), 0.0), 1.0), min(max(center.y(), 0.0), 1.0))
        if (zoom, center) != (self.zoom, self.center):
            self.zoom, self.center = zoom, center
            self.changed.emit()
