"""A slider with two handles for a range; spin boxes beside it do the same by keyboard."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QLinearGradient, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.ui.theme import current_theme

_RADIUS = 6.0
_GROOVE = 6.0


class RangeSlider(QWidget):
    """Shows a range within 0 … 1 over the colors that its values get; the nearer handle follows the mouse.

    `moved(float, float, int)`: the new range, and the number of the drag.
    """

    moved = Signal(float, float, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._low, self._high = 0.0, 1.0
        self._color = QColor("white")
        self._drags = 0
        self._moves_high: bool | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(140, round(2 * _RADIUS) + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, round(2 * _RADIUS) + 4)

    def set_range(self, low: float, high: float, color: str) -> None:
        """Show a range and the color of its upper end; values outside 0 … 1 are shown at the ends."""
        self._low, self._high, self._color = min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0), QColor(color)
        self.update()

    def handles(self) -> tuple[QPointF, QPointF]:
        """Return the middles of the lower and the upper handle."""
        return self._middle(self._low), self._middle(self._high)

    def _middle(self, value: float) -> QPointF:
        return QPointF(_RADIUS + value * (self.width() - 2 * _RADIUS), self.height() / 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            low, high = (abs(middle.x() - event.position().x()) for middle in self.handles())
            # Where both are at one place, the side of the mouse decides.
            self._moves_high = high < low or (high == low and event.position().x() >= self.handles()[1].x())
            self._drags += 1
            self._move(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._moves_high is not None:
            self._move(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._moves_high = None

    def _move(self, x: float) -> None:
        value = min(max((x - _RADIUS) / max(1.0, self.width() - 2 * _RADIUS), 0.0), 1.0)
        low, high = (self._low, max(value, self._low)) if self._moves_high else (min(value, self._high), self._high)
        self.moved.emit(low, high, self._drags)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = current_theme(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        low, high = self.handles()
        groove = QRectF(_RADIUS, self.height() / 2 - _GROOVE / 2, self.width() - 2 * _RADIUS, _GROOVE)
        ramp = QLinearGradient(low, high if high.x() > low.x() else low + QPointF(1, 0))
        ramp.setColorAt(0, QColor("black"))
        ramp.setColorAt(1, self._color)
        painter.setPen(QPen(theme.color("border"), 1))
        painter.setBrush(ramp if self.isEnabled() else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(groove, _GROOVE / 2, _GROOVE / 2)
        painter.setPen(QPen(theme.color("accent" if self.isEnabled() else "border"), 1.5))
        painter.setBrush(theme.color("panel"))
        for middle in (low, high):
            painter.drawEllipse(middle, _RADIUS - 1, _RADIUS - 1)
        painter.end()
