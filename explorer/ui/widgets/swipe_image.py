"""Two images in one place: one of them, or both with a divider between them."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSlider, QWidget

from explorer.types import Floats
from explorer.ui.theme import current_theme
from explorer.ui.widgets.stage_image import StageImage
from explorer.ui.widgets.viewport import Viewport

_WIDTH = 24
_GRIP = 9.0
_ARROW = 3.0
"""Sizes of the divider in pixels."""


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


class SwipeDivider(QSlider):
    """A line over an image, from 0 at its left edge to 100 at its right one; moved with the mouse or the arrow keys."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(0, 100)
        self.setSingleStep(2)
        self.setPageStep(10)
        self.setValue(50)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self._image = QRectF()
        self._offset = 0.0

    def place(self, image: QRectF) -> None:
        """Move to the position on an image that is painted in this place of the parent."""
        self._image = image
        x = image.left() + self.value() / 100 * image.width()
        self.setGeometry(QRect(round(x) - _WIDTH // 2, round(image.top()), _WIDTH, round(image.height())))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._offset = event.position().x() - self.width() / 2
            self.setSliderDown(True)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown() and self._image.width() > 0:
            x = self.mapToParent(event.position()).x() - self._offset
            self.setValue(round(100 * (x - self._image.left()) / self._image.width()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the image below zooms

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QRectF(self.rect()).center()
        for color, width in (("window", 3.0), ("accent" if self.hasFocus() else "text", 1.0)):
            painter.setPen(QPen(theme.color(color), width))
            painter.drawLine(QPointF(middle.x(), 0), QPointF(middle.x(), self.height()))
        painter.setPen(QPen(theme.color("accent" if self.hasFocus() else "text"), 2 if self.hasFocus() else 1))
        painter.setBrush(theme.color("window"))
        painter.drawEllipse(middle, _GRIP, _GRIP)
        for side in (-1, 1):
            tip = middle + QPointF(side * 2 * _ARROW, 0)
            back = QPointF(side * _ARROW, 0)
            painter.drawPolyline([tip - back + QPointF(0, -_ARROW), tip, tip - back + QPointF(0, _ARROW)])
        painter.end()
