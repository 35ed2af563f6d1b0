"""The color bar of a feature map."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.ui.color_map import colored
from explorer.ui.images import pixels_to_qimage
from explorer.ui.text import number
from explorer.ui.theme import current_theme

_BAR = 8


class FeatureMapLegend(QWidget):
    """A color bar with its minimum, its maximum, and zero if it is between them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reach: tuple[float, float] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def reach(self) -> tuple[float, float] | None:
        return self._reach

    def sizeHint(self) -> QSize:
        return QSize(120, _BAR + 3 + self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(80, self.sizeHint().height())

    def set_reach(self, reach: tuple[float, float] | None) -> None:
        if reach != self._reach:
            self._reach = reach
            self.setAccessibleDescription("" if reach is None else f"{number(reach[0])} … {number(reach[1])}")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._reach is None:
            return
        theme, (low, high) = current_theme(), self._reach
        painter = QPainter(self)
        bar = QRectF(0.5, 0.5, self.width() - 1, _BAR)
        line = np.linspace(low, high, 256, dtype=np.float32)[None]
        painter.drawImage(bar, pixels_to_qimage(colored(line, self._reach)))
        painter.setPen(theme.color("border"))
        painter.drawRect(bar)
        painter.setPen(theme.color("muted"))
        below = QRectF(0, bar.bottom() + 2, self.width(), self.height() - bar.bottom() - 2)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, number(low))
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, number(high))
        if low < 0:
            painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, "0")
        painter.end()
