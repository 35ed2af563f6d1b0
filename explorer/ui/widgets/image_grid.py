"""A table of images from which one can be selected with mouse or keyboard."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QScrollArea, QWidget

from explorer.types import Shown
from explorer.ui.theme import current_theme
from explorer.ui.widgets.image_table import ImageTable

_STEPS = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}


class ImageGrid(ImageTable):
    """A table of images to select from: arrow keys move, Enter or Space selects.

    `chosen(int, int)`: row and column of the selected image.
    """

    chosen = Signal(int, int)

    def __init__(self, parent: QWidget | None = None, *, wrap: Literal["", "images", "rows"] = "images") -> None:
        super().__init__(parent, first_gap=0, whole=False, wrap=wrap)
        self._marked: tuple[int, int] = (0, 0)
        self._hovered: tuple[int, int] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)

    def show_pixels(self, pixels: Shown) -> None:
        """Show images, uint8 ``(rows, columns, h, w, c)``; the keyboard cursor is kept if possible."""
        super().show_pixels(pixels)
        rows, columns = pixels.shape[:2]
        self._marked = min(self._marked[0], rows - 1), min(self._marked[1], columns - 1)

    def at(self, point: QPoint) -> tuple[int, int] | None:
        """Return row and column of the image at a position."""
        places = ((row, column) for row, line in enumerate(self.rows) for column in range(len(line)))
        return next((place for place in places if self.cell(*place).contains(point)), None)

    def target(self, where: QPoint | None) -> tuple[int, int] | None:
        """Return row and column of the image at a position; for None, of the one that the keyboard is on."""
        if where is not None:
            return self.at(where)
        return self._marked if self.rows else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.at(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)

    def _hover(self, place: tuple[int, int] | None) -> None:
        if place != self._hovered:
            self._hovered = place
            self.setCursor(Qt.CursorShape.ArrowCursor if place is None else Qt.CursorShape.PointingHandCursor)
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self.at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and place is not None:
            self._marked = place
            self.update()
            self.chosen.emit(*place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if self.rows and key in _STEPS:
            fit = self._fit()
            line, place = (now + step for now, step in zip(self._line(fit, *self._marked), _STEPS[key], strict=True))
            self._marked = self._found(fit, min(max(line, 0), fit.lines - 1), min(max(place, 0), fit.across - 1))
            self._bring_into_sight()
            self.update()
        elif self.rows and key in {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space}:
            self.chosen.emit(*self._marked)
        else:
            super().keyPressEvent(event)

    def _bring_into_sight(self) -> None:
        parent = self.parentWidget()
        area = parent.parentWidget() if parent is not None else None
        if isinstance(area, QScrollArea):
            cell = self.cell(*self._marked)
            area.ensureVisible(cell.center().x(), cell.center().y(), cell.width(), cell.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.hasFocus():
            self._paint_focus()
        place = self._hovered if self._hovered is not None else self._marked if self.hasFocus() else None
        if place is None or not self.rows or place[0] >= len(self.rows) or place[1] >= len(self.rows[0]):
            return
        painter = QPainter(self)
        painter.setPen(QPen(current_theme().color("accent"), 2))
        painter.drawRect(self.cell(*place).adjusted(-1, -1, 1, 1))
        painter.end()

    def _paint_focus(self) -> None:
        """Draw the focus frame around the visible part, also when empty or scrolled."""
        painter = QPainter(self)
        painter.setPen(QPen(current_theme().color("accent"), 1))
        painter.drawRect(self.visibleRegion().boundingRect().adjusted(0, 0, -1, -1))
        painter.end()
