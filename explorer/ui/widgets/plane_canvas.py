"""A plane of decoded pictures with axes and a cursor; clicking and dragging moves the cursor."""

from __future__ import annotations

from itertools import count

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.ui.theme import Theme, current_theme

_LEFT, _BOTTOM, _TOP, _RIGHT = 46, 22, 20, 28
_TICKS = 5
KEY_SHARE = 1 / 50


class PlaneCanvas(QWidget):
    """Shows a square mosaic over ``[low, high]²``, the second coordinate upwards.

    Signals
    -------
    cursor_moved(float, float, str)
        Where the cursor was put, in code units, and the gesture it belongs to.
    """

    cursor_moved = Signal(float, float, str)

    def __init__(self, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._empty = empty
        self._image: QImage | None = None
        self._low, self._high = -3.0, 3.0
        self._cursor: tuple[float, float] | None = None
        self._points: np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None = None
        self._names = ("z₀", "z₁")
        self._ticks: list[float] = []
        self._gestures = count(1)
        self._gesture = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(180, 160)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def sizeHint(self) -> QSize:
        """Prefer a good square."""
        return QSize(380, 360)

    def show_plane(self, image: QImage, first: float, last: float, steps: int, names: tuple[str, str]) -> None:
        """Show a mosaic of ``steps × steps`` tiles, top row highest; `names` label the axes.

        The middle of the first tile stands for the code value `first`, that of the last for `last`, both ways.
        """
        half = (last - first) / (steps - 1) / 2
        self._image, self._names = image, names
        self.setAccessibleDescription("")
        self._low, self._high = first - half, last + half
        self._ticks = [float(value) for value in np.linspace(first, last, _TICKS)]
        self.update()

    def show_text(self, text: str) -> None:
        """Show words in place of the plane."""
        self._image, self._empty = None, text
        self.setAccessibleDescription(text)
        self.update()

    def set_cursor(self, cursor: tuple[float, float] | None) -> None:
        """Draw the cursor there, in code units, or nowhere."""
        self._cursor = cursor
        self.update()

    def set_keyframes(self, points: list[tuple[float, float]]) -> None:
        """Draw the morph's way through these points, in code units."""
        self._points = np.array(points, np.float32) if points else None
        self.update()

    @property
    def has_image(self) -> bool:
        """Whether a plane is shown."""
        return self._image is not None

    def plane_rect(self) -> QRectF:
        """Return the square that the plane fills, in widget coordinates."""
        width = self.width() - _LEFT - _RIGHT
        height = self.height() - _TOP - _BOTTOM
        side = max(20, min(width, height))
        return QRectF(_LEFT + (width - side) / 2, _TOP + (height - side) / 2, side, side)

    def to_widget(self, x: float, y: float) -> QPointF:
        """Code units to widget coordinates; y goes up."""
        rect, span = self.plane_rect(), self._high - self._low
        return QPointF(
            rect.left() + (x - self._low) / span * rect.width(), rect.bottom() - (y - self._low) / span * rect.height()
        )

    def to_plane(self, point: QPointF) -> tuple[float, float]:
        """Widget coordinates to code units, kept on the plane."""
        rect, span = self.plane_rect(), self._high - self._low
        across = min(max((point.x() - rect.left()) / rect.width(), 0.0), 1.0)
        up = min(max((rect.bottom() - point.y()) / rect.height(), 0.0), 1.0)
        return self._low + across * span, self._low + up * span

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Put the cursor there."""
        if event.button() == Qt.MouseButton.LeftButton and self._image is not None:
            self._gesture = f"map-{next(self._gestures)}"
            self.cursor_moved.emit(*self.to_plane(event.position()), self._gesture)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the cursor."""
        if event.buttons() & Qt.MouseButton.LeftButton and self._image is not None:
            self.cursor_moved.emit(*self.to_plane(event.position()), self._gesture)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor with the arrow keys, with Shift five times as far."""
        move = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, 1),
            Qt.Key.Key_Down: (0, -1),
        }.get(Qt.Key(event.key()))
        if move is None or self._cursor is None or self._image is None:
            super().keyPressEvent(event)
            return
        step = (self._high - self._low) * KEY_SHARE
        step *= 5 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        x = min(max(self._cursor[0] + move[0] * step, self._low), self._high)
        y = min(max(self._cursor[1] + move[1] * step, self._low), self._high)
        self.cursor_moved.emit(x, y, "~map-keys")

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint plane, axes, the morph's way and the cursor."""
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = self.plane_rect()
        if self._image is None:
            painter.setPen(theme.color("muted"))
            area = QRectF(self.rect()).adjusted(16, 8, -16, -8)
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._empty)
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(rect, self._image)
            self._paint_axes(painter, rect, theme)
            painter.setClipRect(rect.adjusted(-8, -8, 8, 8))
            self._paint_way(painter, theme)
            self._paint_cursor(painter, theme)
        painter.end()

    def _paint_axes(self, painter: QPainter, rect: QRectF, theme: Theme) -> None:
        focused = self.hasFocus()
        painter.setPen(QPen(theme.color("accent" if focused else "border"), 2 if focused else 1))
        painter.drawRect(rect)
        painter.setPen(theme.color("muted"))
        for value in self._ticks:
            text = f"{value:.3g}".replace("-", "−")
            across, up = self.to_widget(value, self._low), self.to_widget(self._low, value)
            below = QRectF(across.x() - 30, rect.bottom() + 4, 60, 16)
            beside = QRectF(rect.left() - 46, up.y() - 8, 40, 16)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, text)
            painter.drawText(beside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        painter.setPen(theme.color("text"))
        x_name, y_name = self._names
        painter.drawText(QRectF(rect.right() + 6, rect.bottom() - 16, 40, 16), Qt.AlignmentFlag.AlignLeft, x_name)
        painter.drawText(QRectF(rect.left(), rect.top() - 18, 40, 16), Qt.AlignmentFlag.AlignLeft, y_name)

    def _paint_way(self, painter: QPainter, theme: Theme) -> None:
        if self._points is None:
            return
        points = [self.to_widget(float(x), float(y)) for x, y in self._points]
        for pen in (QPen(theme.color("base"), 4), QPen(theme.color("warn"), 2)):
            painter.setPen(pen)
            painter.drawPolyline(points)
        painter.setBrush(theme.color("warn"))
        painter.setPen(QPen(theme.color("base"), 1.5))
        for point in points:
            painter.drawEllipse(point, 4.5, 4.5)

    def _paint_cursor(self, painter: QPainter, theme: Theme) -> None:
        if self._cursor is None:
            return
        where = self.to_widget(*self._cursor)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(theme.color("accent_text"), 5), QPen(theme.color("accent"), 2.5)):
            painter.setPen(pen)
            painter.drawEllipse(where, 8, 8)
