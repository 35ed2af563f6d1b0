"""A correlation matrix as a color map, with a signal for the cell under the mouse."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.types import Floats
from explorer.ui.color_map import colored
from explorer.ui.images import pixels_to_qimage
from explorer.ui.theme import current_theme

_ARROWS = {Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1)}


class CorrelationMap(QWidget):
    """Correlations from −1 (blue) over 0 (the background) to 1 (orange).

    `pointed(int, int)`: row and column of the cell under the mouse or selected with the arrow keys; -1, -1 for none.
    """

    pointed = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._table: Floats = np.zeros((0, 0), np.float32)
        self._cell: tuple[int, int] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(220, 220)

    @property
    def table(self) -> Floats:
        """Correlations, float32 ``(k, k)``."""
        return self._table

    def show_table(self, table: Floats) -> None:
        """Show correlations, ``(k, k)`` in [−1, 1]."""
        self._table = table
        self._point(None)
        self.update()

    def square(self) -> QRectF:
        side = min(self.width(), self.height()) - 4.0
        return QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)

    def cell_rect(self, row: int, column: int) -> QRectF:
        square, count = self.square(), max(1, len(self._table))
        size = square.width() / count
        return QRectF(square.left() + column * size, square.top() + row * size, size, size)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = current_theme(), QPainter(self)
        square = self.square()
        if len(self._table):
            qimage = pixels_to_qimage(np.ascontiguousarray(colored(self._table, (-1.0, 1.0))))
            painter.drawImage(square, qimage)
        painter.setPen(theme.color("accent" if self.hasFocus() else "border"))
        painter.drawRect(square)
        if self._cell is not None:
            painter.setPen(theme.color("text"))
            painter.drawRect(self.cell_rect(*self._cell))
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self._at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self._point(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _ARROWS.get(Qt.Key(event.key()))
        if step is None or not len(self._table):
            super().keyPressEvent(event)
            return
        row, column = self._cell or (0, 0)
        most = len(self._table) - 1
        self._point((min(max(row + step[0], 0), most), min(max(column + step[1], 0), most)))

    def _at(self, where: QPointF) -> tuple[int, int] | None:
        square, count = self.square(), len(self._table)
        if not count or not square.contains(where):
            return None
        column = int((where.x() - square.left()) / square.width() * count)
        row = int((where.y() - square.top()) / square.height() * count)
        return min(row, count - 1), min(column, count - 1)

    def _point(self, cell: tuple[int, int] | None) -> None:
        if cell != self._cell:
            self._cell = cell
            self.pointed.emit(*(cell or (-1, -1)))
            self.update()
