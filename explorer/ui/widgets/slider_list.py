"""A list of sliders that paints only what is visible, so that a hundred thousand are no problem."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from explorer.latent.statistics import histogram
from explorer.types import Floats
from explorer.ui.text import sigmas
from explorer.ui.theme import Theme, current_theme

ROW_HEIGHT = 38
RANGE = 4.0
"""The track runs from −4 σ to +4 σ."""

KEY_STEP = 0.1
_NAME_WIDTH = 44
_SMALL = 0.82
_VALUE_WIDTH = 62
_SMALLEST_TRACK = 96
_BINS = 33


@dataclass(frozen=True, eq=False)
class SliderRows:
    """What the list shows.

    Attributes
    ----------
    names
        One for each row.
    codes
        Codes of the data in σ, ``(n, rows)``; their histograms stand behind the tracks. May be empty.
    notes
        A word under the name of each row, or empty strings.
    """

    names: tuple[str, ...]
    codes: Floats
    notes: tuple[str, ...]


class SliderList(QAbstractScrollArea):
    """Sliders in σ, one a row: drag to set, double-click to set back; arrow keys do both.

    Signals
    -------
    moved(int, float, str)
        Row, value in σ, and the gesture it belongs to.
    reset_requested(int)
        The row was double-clicked, or Delete or Home was pressed on it.
    """

    moved = Signal(int, float, str)
    reset_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = SliderRows((), np.zeros((0, 0), np.float32), ())
        self._values = np.zeros(0, np.float32)
        self._marks: Floats | None = None
        self._current = 0
        self._dragging = False
        self._gestures = count(1)
        self._gesture = ""
        self._shapes: dict[int, Floats] = {}
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.viewport().setMouseTracking(False)
        self.setMinimumWidth(_NAME_WIDTH + _VALUE_WIDTH + _SMALLEST_TRACK)

    # -- contents ------------------------------------------------------------------------------------------------

    @property
    def row_count(self) -> int:
        """Number of sliders."""
        return len(self._rows.names)

    @property
    def values(self) -> Floats:
        """Values in σ, ``(rows,)``."""
        return self._values

    @property
    def current_row(self) -> int:
        """The row that the keyboard moves."""
        return self._current

    def set_rows(self, rows: SliderRows) -> None:
        """Show other sliders, all at 0."""
        self._rows = rows
        self._values = np.zeros(len(rows.names), np.float32)
        self._marks = None
        self._shapes.clear()
        self._current = 0
        self._update_scroll_bar()
        self.verticalScrollBar().setValue(0)
        self.viewport().update()

    def set_values(self, values: Floats, marks: Floats | None) -> None:
        """Move the handles.

        Parameters
        ----------
        values
            In σ, ``(rows,)``.
        marks
            Where each slider came from, in σ, ``(rows,)``, or None.
        """
        self._values = values
        self._marks = marks
        self._describe()
        self.viewport().update()

    def _describe(self) -> None:
        if self._current < self.row_count:
            text = f"{self._rows.names[self._current]}: {sigmas(float(self._values[self._current]))}"
            self.setAccessibleDescription(text)

    # -- geometry ------------------------------------------------------------------------------------------------

    def row_rect(self, row: int) -> QRect:
        """Return where a row stands in the viewport; it may lie outside."""
        top = row * ROW_HEIGHT - self.verticalScrollBar().value()
        return QRect(0, top, self.viewport().width(), ROW_HEIGHT)

    def track_rect(self, row: int) -> QRectF:
        """Return the track of a row, in viewport coordinates."""
        rect = self.row_rect(row)
        width = max(20, rect.width() - _NAME_WIDTH - _VALUE_WIDTH - 8)
        return QRectF(_NAME_WIDTH, rect.top() + 4, width, ROW_HEIGHT - 8)

    def handle_position(self, row: int, value: float) -> QPointF:
        """Return where the handle of a row stands at a value in σ."""
        track = self.track_rect(row)
        share = (min(max(value, -RANGE), RANGE) + RANGE) / (2 * RANGE)
        return QPointF(track.left() + share * track.width(), track.center().y())

    def _value_at(self, row: int, x: float) -> float:
        track = self.track_rect(row)
        share = min(max((x - track.left()) / track.width(), 0.0), 1.0)
        return share * 2 * RANGE - RANGE

    def _row_at(self, y: float) -> int | None:
        row = int((y + self.verticalScrollBar().value()) // ROW_HEIGHT)
        return row if 0 <= row < self.row_count else None

    def sizeHint(self) -> QSize:
        """Prefer room for a few rows."""
        return QSize(280, 8 * ROW_HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the scroll bar's range."""
        super().resizeEvent(event)
        self._update_scroll_bar()

    def _update_scroll_bar(self) -> None:
        bar = self.verticalScrollBar()
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(ROW_HEIGHT)
        bar.setRange(0, max(0, self.row_count * ROW_HEIGHT - self.viewport().height()))

    # -- hands ---------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of a slider."""
        row = self._row_at(event.position().y())
        if event.button() != Qt.MouseButton.LeftButton or row is None:
            return
        self._current = row
        if event.position().x() >= _NAME_WIDTH - 6:
            self._dragging = True
            self._begin_gesture()
            self._move_to(row, self._value_at(row, event.position().x()))
        self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the slider that was taken."""
        if self._dragging:
            self._move_to(self._current, self._value_at(self._current, event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._dragging = False

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Set the slider back."""
        row = self._row_at(event.position().y())
        if row is not None:
            self._dragging = False
            self.reset_requested.emit(row)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll; with Ctrl held, turn the slider under the mouse."""
        row = self._row_at(event.position().y())
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and row is not None:
            self._current = row
            self._begin_gesture(f"~wheel-{row}")
            self._turn(row, KEY_STEP * event.angleDelta().y() / 120)
            event.accept()
        else:
            super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down choose a slider, left and right turn it (with Shift ten times as far), Delete sets it back."""
        if not self.row_count:
            super().keyPressEvent(event)
            return
        key = event.key()
        step = KEY_STEP * (10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        if key in {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}:
            by = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10}[Qt.Key(key)]
            self._choose(self._current + by)
        elif key in {Qt.Key.Key_Left, Qt.Key.Key_Right}:
            self._begin_gesture(f"~keys-{self._current}")
            self._turn(self._current, step if key == Qt.Key.Key_Right else -step)
        elif key in {Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_Home}:
            self.reset_requested.emit(self._current)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show which row the keyboard moves."""
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide which row the keyboard moves."""
        super().focusOutEvent(event)
        self.viewport().update()

    def _choose(self, row: int) -> None:
        self._current = min(max(row, 0), self.row_count - 1)
        rect = self.row_rect(self._current)
        bar = self.verticalScrollBar()
        if rect.top() < 0:
            bar.setValue(bar.value() + rect.top())
        elif rect.bottom() > self.viewport().height():
            bar.setValue(bar.value() + rect.bottom() - self.viewport().height())
        self._describe()
        self.viewport().update()

    def _begin_gesture(self, name: str = "") -> None:
        """A drag is a gesture of its own; key presses and wheel clicks on one slider, one after another, are one."""
        self._gesture = name or f"drag-{next(self._gestures)}"

    def _turn(self, row: int, by: float) -> None:
        """Turn a slider by so many σ: to the end of its track at most, and never against the direction."""
        value = float(self._values[row])
        target = min(max(value + by, -RANGE), RANGE)
        if (target - value) * by > 0:
            self._move_to(row, target)

    def _move_to(self, row: int, value: float) -> None:
        self.moved.emit(row, value, self._gesture)

    # -- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows that are visible."""
        theme = current_theme()
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        first = self.verticalScrollBar().value() // ROW_HEIGHT
        last = min(self.row_count, first + self.viewport().height() // ROW_HEIGHT + 2)
        for row in range(first, last):
            self._paint_row(painter, row, theme)
        painter.end()

    def _paint_row(self, painter: QPainter, row: int, theme: Theme) -> None:
        rect, track = QRectF(self.row_rect(row)), self.track_rect(row)
        if row == self._current and self.hasFocus():
            painter.setPen(theme.color("accent"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(1.5, 1.5, -1.5, -1.5), 6, 6)
        painter.setPen(theme.color("text"))
        name = QRectF(8, rect.top(), _NAME_WIDTH - 10, rect.height())
        note = self._rows.notes[row]
        if note:
            name.setHeight(rect.height() / 2 + 2)
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter, self._rows.names[row])
        if note:
            font = painter.font()
            font.setPointSizeF(font.pointSizeF() * _SMALL)
            painter.setFont(font)
            painter.setPen(theme.color("muted"))
            below = QRectF(8, name.bottom() - 2, _NAME_WIDTH, rect.height() / 2 - 4)
            painter.drawText(below, Qt.AlignmentFlag.AlignVCenter, note)
            painter.setFont(self.font())
        self._paint_histogram(painter, row, track, theme)
        middle = track.center().y()
        painter.setPen(theme.color("border"))
        painter.drawLine(QPointF(track.left(), middle), QPointF(track.right(), middle))
        zero = self.handle_position(row, 0).x()
        painter.drawLine(QPointF(zero, middle - 5), QPointF(zero, middle + 5))
        if self._marks is not None:
            mark = self.handle_position(row, float(self._marks[row]))
            painter.setPen(theme.color("muted"))
            painter.drawLine(mark + QPointF(0, -9), mark + QPointF(0, 9))
        if not self.isEnabled():
            return
        self._paint_handle(painter, row, theme)
        painter.setPen(theme.color("text" if abs(self._values[row]) <= RANGE else "warn"))
        value = QRectF(track.right() + 6, rect.top(), _VALUE_WIDTH - 4, rect.height())
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(value, flags, sigmas(float(self._values[row])))

    def _paint_histogram(self, painter: QPainter, row: int, track: QRectF, theme: Theme) -> None:
        shape = self._shape(row)
        if not len(shape):
            return
        points = [QPointF(track.left(), track.bottom())]
        step = track.width() / len(shape)
        for index, height in enumerate(shape):
            y = track.bottom() - float(height) * track.height()
            points.append(QPointF(track.left() + (index + 0.5) * step, y))
        points.append(QPointF(track.right(), track.bottom()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent_soft"))
        painter.drawPolygon(QPolygonF(points))

    def _shape(self, row: int) -> Floats:
        """Return the histogram of a row, highest bin 1; computed when it is first seen."""
        if row not in self._shapes:
            codes = self._rows.codes
            if not len(codes):
                return np.zeros(0, np.float32)
            clipped = np.concatenate([codes[:, row : row + 1], [[-RANGE], [RANGE]]]).clip(-RANGE, RANGE)
            counts, _ = histogram(clipped.astype(np.float32), 0, _BINS)
            self._shapes[row] = (counts / max(1, counts.max())).astype(np.float32)
        return self._shapes[row]

    def _paint_handle(self, painter: QPainter, row: int, theme: Theme) -> None:
        centre = self.handle_position(row, float(self._values[row]))
        held = row == self._current and self._dragging
        painter.setPen(theme.color("accent"))
        painter.setBrush(theme.color("accent") if held or row == self._current else theme.color("base"))
        painter.drawEllipse(centre, 6.5, 6.5)
