"""The divider between two images in one place."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSlider, QWidget

from explorer.ui.theme import current_theme

_WIDTH = 24
_GRIP = 9.0
_ARROW = 3.0


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
