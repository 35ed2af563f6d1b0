"""A small plot of an easing curve: progress over time."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from explorer.latent.easing import easing_named
from explorer.ui.theme import current_theme

_POINTS = 32


class EasingPreview(QWidget):
    """Plot of progress (0 to 1, upward) over the time of a segment."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._easing = "linear"
        self.setFixedSize(self.sizeHint())

    def sizeHint(self) -> QSize:
        return QSize(34, 26)

    def show_easing(self, name: str) -> None:
        self._easing = name
        self.setAccessibleDescription(name)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(theme.color("border"), 1))
        painter.setBrush(theme.color("base"))
        painter.drawRoundedRect(rect, 3, 3)
        times = np.linspace(0, 1, _POINTS)
        inner = rect.adjusted(4, 4, -4, -4)
        painter.setPen(QPen(theme.color("accent"), 1.5))
        painter.drawPolyline(
            QPolygonF(
                [
                    QPointF(inner.left() + time * inner.width(), inner.bottom() - progress * inner.height())
                    for time, progress in zip(times.tolist(), easing_named(self._easing)(times).tolist(), strict=True)
                ]
            )
        )
        painter.end()
