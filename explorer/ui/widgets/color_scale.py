"""The scale of a color map beside an image."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetrics, QImage, QPainter

from explorer.ui.theme import current_theme

_BAR = 12
_GAP = 8


@dataclass(frozen=True)
class ColorScale:
    """`colors` is one column of an image, from the highest value to the lowest; `ticks` are values as text from top."""

    colors: QImage
    ticks: tuple[str, ...]

    def width(self, font: QFont) -> int:
        metrics = QFontMetrics(font)
        return 2 * _GAP + _BAR + 4 + max(metrics.horizontalAdvance(tick) for tick in self.ticks)

    def paint(self, painter: QPainter, image: QRectF) -> None:
        """Paint it on the right of an image."""
        theme, height = current_theme(), painter.fontMetrics().height()
        bar = QRectF(image.right() + _GAP, image.top(), _BAR, image.height())
        painter.drawImage(bar, self.colors)
        painter.setPen(theme.color("border"))
        painter.drawRect(bar.adjusted(0, 0, -1, -1))
        painter.setPen(theme.color("muted"))
        for number, tick in enumerate(self.ticks):
            y = bar.top() + (bar.height() - height) * number / (len(self.ticks) - 1)
            place = QRectF(QPointF(bar.right() + 4, y), image.bottomRight() + QPointF(200, height))
            painter.drawText(place, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop), tick)
