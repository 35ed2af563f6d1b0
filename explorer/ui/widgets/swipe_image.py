"""Two images in one place: one of them, or both with a divider between them."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter, QResizeEvent
from PySide6.QtWidgets import QWidget

from explorer.types import Floats
from explorer.ui.widgets.stage_image import StageImage
from explorer.ui.widgets.swipe_divider import SwipeDivider
from explorer.ui.widgets.viewport import Viewport


class SwipeImage(StageImage):
    """An image, and another of the same size that is shown in place of it or left of a divider."""

    def __init__(self, title: str, empty: str, viewport: Viewport, parent: QWidget | None = None) -> None:
        super().__init__(title, empty, viewport, parent)
        self._before: QImage | None = None
        self._values_before: Floats | None = None
        self._split = 0.0
        self.divider = SwipeDivider(self)
        self.divider.valueChanged.connect(lambda value: self._set_split(value / 100))
        self.divider.hide()

    def show_before(self, qimage: QImage | None, values: Floats | None = None) -> None:
        """Set the other image, and what its colors stand for, as in `show_values`."""
        self._before, self._values_before = qimage, values
        self.update()

    def flip(self, flipped: bool) -> None:
        """Show the other image in place of this one."""
        self.divider.hide()
        self._set_split(float(flipped))

    def swipe(self) -> None:
        """Show the divider, with the other image on its left."""
        self.divider.show()
        self._set_split(self.divider.value() / 100)

    def _set_split(self, split: float) -> None:
        self._split = split
        self._on_view_changed()

    def _on_view_changed(self) -> None:
        super()._on_view_changed()
        self.divider.place(self.image_rect() if self._image is not None else QRectF())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._on_view_changed()

    def _edge(self) -> float:
        rect = self.image_rect()
        return rect.left() + self._split * rect.width()

    def _is_before(self, place: QPointF) -> bool:
        return self._before is not None and place.x() < self._edge()

    def _image_at(self, place: QPointF) -> QImage | None:
        return self._before if self._is_before(place) else self._image

    def _values_at(self, place: QPointF) -> Floats | None:
        return self._values_before if self._is_before(place) else self._values

    def _draw_image(self, painter: QPainter) -> None:
        rect, before = self.image_rect(), self._before
        if before is None or self._split < 1:
            super()._draw_image(painter)
        if before is not None and self._split > 0:
            painter.save()
            painter.setClipRect(QRectF(rect.topLeft(), QPointF(self._edge(), rect.bottom())))
            self._draw(painter, before, place=1)
            painter.restore()
