"""A list of sliders that paints only visible rows, so that it can hold a hundred thousand."""

from __future__ import annotations

from itertools import count

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleValueChangeEvent,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from explorer.types import Floats
from explorer.ui.text import sigmas
from explorer.ui.theme import current_theme
from explorer.ui.widgets.slider_access import describe_sliders
from explorer.ui.widgets.slider_menu import SliderMenu
from explorer.ui.widgets.slider_painter import NOTE_SHARE, RANGE, VALUE_WIDTH, SliderLook, paint_slider, place_on
from explorer.ui.widgets.slider_rows import NO_ROWS, RowOrder, SliderRows, in_order
from explorer.ui.widgets.value_editor import ValueEditor

ROW_HEIGHT = 38
KEY_STEP = 0.1
_NAME_WIDTH = 44
_WIDEST_NAME = 120.0
_FEW = 40
"""Number of sliders measured for the name column; measuring thousands takes too long."""
_SMALLEST_TRACK = 96
_GRIP = 8
"""Distance in pixels from the track within which a slider can be dragged."""

_STEPS = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10}
_TYPED = "0123456789+-−.,"


class SliderList(QAbstractScrollArea):
    """Sliders in σ, one per row: drag to set, double-click to reset, type a value; all by keyboard, too.

    Items keep their numbers when sorted and filtered; signals and values are by item, positions by row.

    `moved(int, float, str)`: item, value in σ, and the gesture. `reset_requested(int, str)`: the item that was
    double-clicked, or on which Delete or Home was pressed, and the gesture.
    """

    moved = Signal(int, float, str)
    reset_requested = Signal(int, str)

    def __init__(self, parent: QWidget | None = None, *, value_name: str = "slider_value") -> None:
        super().__init__(parent)
        describe_sliders(SliderList)
        self._rows = NO_ROWS
        self._order = in_order(0)
        self._words = ""
        self._values = np.zeros(0, np.float32)
        self._marks: Floats | None = None
        self._current = 0
        self._name_width = float(_NAME_WIDTH)
        self._dragging = False
        self._gestures = count(1)
        self._gesture = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.viewport().setMouseTracking(False)
        self.setMinimumWidth(_NAME_WIDTH + VALUE_WIDTH + _SMALLEST_TRACK)
        self._edit = ValueEditor(self.viewport())
        self._edit.setObjectName(value_name)
        self._edit.entered.connect(self.set_current_value)
        self._edit.left.connect(self._on_edit_left)
        SliderMenu(self)

    # -- contents ------------------------------------------------------------------------------------------------

    @property
    def row_count(self) -> int:
        return len(self._order)

    @property
    def values(self) -> Floats:
        """Values in σ of all items, also hidden ones, ``(items,)``."""
        return self._values

    @property
    def current_item(self) -> int:
        return self._order.item(self._current) if self._current < self.row_count else 0

    @property
    def current_value(self) -> float:
        """Value in σ of the current item; 0 if there are none."""
        return float(self._values[self.current_item]) if self.row_count else 0.0

    def set_current_value(self, value: float) -> None:
        """Move the current item to a value in σ, as one undo step."""
        if self.row_count and self.isEnabled():
            self._begin_gesture()
            self._move_to(self._current, value)

    @property
    def order(self) -> RowOrder:
        return self._order

    @property
    def words(self) -> str:
        return "" if self.row_count else self._words

    def set_rows(self, rows: SliderRows) -> None:
        """Show other sliders in their own order, all at 0."""
        self._rows = rows
        self._values = np.zeros(rows.count, np.float32)
        self._marks = None
        self._dragging = False
        self._name_width = self._wanted_name_width()
        self.set_order(in_order(rows.count))

    def renew_rows(self, rows: SliderRows) -> None:
        """Replace histograms and names of the same sliders; values, order and an ongoing drag are kept.

        ValueError if the number of sliders differs.
        """
        if rows.count != self._rows.count:
            raise ValueError(f"{rows.count} sliders in place of {self._rows.count}")
        self._rows = rows
        self.viewport().update()

    def set_order(self, order: RowOrder, words: str = "", *, to_top: bool = True) -> None:
        """Set order and filter, the items from top to bottom; `words` are shown without rows.

        Unless scrolled `to_top`, the current item stays current, and nothing scrolls.
        """
        item = self._order.item(self._current) if self._current < self.row_count else 0
        self._edit.close_quietly()
        self._dragging = False
        self._order, self._words = order, words
        self._update_scroll_bar()
        if to_top:
            self._choose(0)
            self.verticalScrollBar().setValue(0)
        else:
            self._current = order.row(item) or 0
            self._describe()
            self.viewport().update()

    def set_values(self, values: Floats, marks: Floats | None) -> None:
        """Set values and, unless None, original values (`marks`), in σ, ``(items,)``."""
        before, marked = self._values, self._marks
        self._values, self._marks = values, marks
        self._describe()
        if len(before) != len(values) or marks is not marked:
            self.viewport().update()
            return
        # Dragging one of many sliders changes one value.
        for item in np.flatnonzero(before != values).tolist():
            row = self._order.row(item)
            if row is not None:
                self.viewport().update(self.row_rect(row))

    def _describe(self) -> None:
        text = self._words
        if self._current < self.row_count:
            item = self._order.item(self._current)
            named = ", ".join(part for part in (self._rows.name(item), self._rows.note(item)) if part)
            text = f"{named}: {sigmas(float(self._values[item]))}"
        self.setAccessibleDescription(text)
        if QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleValueChangeEvent(self, self.current_value))

    def _wanted_name_width(self) -> float:
        """Return the width of the name column; of many items, only the first and the last (longest) are measured."""
        small = QFont(self.font())
        small.setPointSizeF(max(1.0, small.pointSizeF() * NOTE_SHARE))
        names, notes = QFontMetricsF(self.font()), QFontMetricsF(small)
        count = self._rows.count
        ends = range(count) if count <= _FEW else (0, count - 1)
        widths = [names.horizontalAdvance(self._rows.name(item)) for item in ends]
        widths += [notes.horizontalAdvance(self._rows.note(item)) for item in ends]
        return min(_WIDEST_NAME, max([float(_NAME_WIDTH), *(width + 14 for width in widths)]))

    # -- geometry ------------------------------------------------------------------------------------------------

    def row_rect(self, row: int) -> QRect:
        top = row * ROW_HEIGHT - self.verticalScrollBar().value()
        return QRect(0, top, self.viewport().width(), ROW_HEIGHT)

    def track_rect(self, row: int) -> QRectF:
        rect = self.row_rect(row)
        width = max(20.0, rect.width() - self._name_width - VALUE_WIDTH - 8)
        return QRectF(self._name_width, rect.top() + 4, width, ROW_HEIGHT - 8)

    def handle_position(self, row: int, value: float) -> QPointF:
        return place_on(self.track_rect(row), value)

    def _value_at(self, row: int, x: float) -> float:
        track = self.track_rect(row)
        share = min(max((x - track.left()) / track.width(), 0.0), 1.0)
        return share * 2 * RANGE - RANGE

    def _row_at(self, y: float) -> int | None:
        row = int((y + self.verticalScrollBar().value()) // ROW_HEIGHT)
        return row if 0 <= row < self.row_count else None

    def sizeHint(self) -> QSize:
        return QSize(280, 8 * ROW_HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._update_scroll_bar()
        self._place_edit()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self._place_edit()
        self.viewport().update()

    def _update_scroll_bar(self) -> None:
        bar = self.verticalScrollBar()
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(ROW_HEIGHT)
        bar.setRange(0, max(0, self.row_count * ROW_HEIGHT - self.viewport().height()))

    # -- mouse ---------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self._row_at(event.position().y())
        if event.button() != Qt.MouseButton.LeftButton or row is None:
            return
        self._current = row
        track = self.track_rect(row)
        if track.left() - _GRIP <= event.position().x() <= track.right() + _GRIP:
            self._dragging = True
            self._begin_gesture()
            self._move_to(row, self._value_at(row, event.position().x()))
        self._describe()
        self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragging:
            self._move_to(self._current, self._value_at(self._current, event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragging = False
        self.viewport().update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Reset the slider; on its number, edit it."""
        row = self._row_at(event.position().y())
        if event.button() != Qt.MouseButton.LeftButton or row is None:
            return
        self._dragging = False
        if event.position().x() > self.track_rect(row).right() + _GRIP:
            self._current = row
            self.edit_value()
            return
        if row != self._current:
            self._current = row
            self._begin_gesture()
        # The gesture of the first click, which moved the slider, continues: both are one undo step.
        self.reset_requested.emit(self._order.item(row), self._gesture)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll; with Ctrl, change the slider under the mouse."""
        row = self._row_at(event.position().y())
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and row is not None:
            self._current = row
            self._begin_gesture(f"~wheel-{self._order.item(row)}")
            self._turn(row, KEY_STEP * event.angleDelta().y() / 120)
            event.accept()
        else:
            super().wheelEvent(event)

    # -- keys ----------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down select a slider, left and right change it (with Shift ten times as far), Delete resets it.

        Enter or a digit edits its number.
        """
        if not self.row_count:
            super().keyPressEvent(event)
            return
        key = Qt.Key(event.key())
        step = KEY_STEP * (10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        if key in _STEPS:
            self._choose(self._current + _STEPS[key])
        elif key in {Qt.Key.Key_Left, Qt.Key.Key_Right}:
            self._begin_gesture(f"~keys-{self._order.item(self._current)}")
            self._turn(self._current, step if key == Qt.Key.Key_Right else -step)
        elif key in {Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_Home}:
            self.reset_current()
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.edit_value()
        elif event.text() and event.text() in _TYPED:
            self.edit_value(event.text())
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    @property
    def current_row(self) -> int:
        return self._current

    def choose_at(self, y: int) -> bool:
        """Make the slider at a height in the viewport the current one; return whether there is one."""
        row = self._row_at(y)
        if row is not None:
            self._choose(row)
        return row is not None

    def reset_current(self) -> None:
        """Ask to reset the current slider."""
        self._begin_gesture()
        self.reset_requested.emit(self._order.item(self._current), self._gesture)

    def edit_value(self, typed: str = "") -> None:
        if self.row_count and self.isEnabled():
            self._choose(self._current)
            self._place_edit()
            self._edit.begin(float(self._values[self._order.item(self._current)]), typed)

    def _place_edit(self) -> None:
        rect = self.row_rect(self._current)
        left = round(self.track_rect(self._current).right()) - 12
        self._edit.setGeometry(left, rect.top() + 5, rect.right() - left - 1, ROW_HEIGHT - 10)

    def _on_edit_left(self) -> None:
        self.setFocus()

    def _choose(self, row: int) -> None:
        self._current = min(max(row, 0), max(0, self.row_count - 1))
        rect = self.row_rect(self._current)
        bar = self.verticalScrollBar()
        if rect.top() < 0:
            bar.setValue(bar.value() + rect.top())
        elif rect.bottom() > self.viewport().height():
            bar.setValue(bar.value() + rect.bottom() - self.viewport().height())
        self._describe()
        self.viewport().update()

    def _begin_gesture(self, name: str = "") -> None:
        """Start a gesture per drag; consecutive key presses or wheel steps on one slider are one gesture."""
        self._gesture = name or f"slider-{next(self._gestures)}"

    def _turn(self, row: int, by: float) -> None:
        """Change a slider by a step in σ: not beyond the end of its track, and never in the opposite direction."""
        value = float(self._values[self._order.item(row)])
        target = min(max(value + by, -RANGE), RANGE)
        if (target - value) * by > 0:
            self._move_to(row, target)

    def _move_to(self, row: int, value: float) -> None:
        self.moved.emit(self._order.item(row), value, self._gesture)

    # -- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.row_count and self._words:
            painter.setPen(theme.color("muted"))
            area = QRectF(self.viewport().rect()).adjusted(16, 8, -16, -8)
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._words)
        top = self.verticalScrollBar().value()
        first = (top + event.rect().top()) // ROW_HEIGHT
        last = min(self.row_count, (top + event.rect().bottom()) // ROW_HEIGHT + 1)
        for row in range(first, last):
            paint_slider(painter, self._look(row), theme)
        painter.end()

    def _look(self, row: int) -> SliderLook:
        item, current = self._order.item(row), row == self._current
        return SliderLook(
            rect=QRectF(self.row_rect(row)),
            track=self.track_rect(row),
            name=self._rows.name(item),
            note=self._rows.note(item),
            shape=self._rows.shape(item),
            value=float(self._values[item]),
            mark=None if self._marks is None else float(self._marks[item]),
            current=current,
            focused=self.hasFocus(),
            held=current and self._dragging,
            enabled=self.isEnabled(),
        )
