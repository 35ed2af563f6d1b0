"""A plane of decoded images to pan, zoom and click on, like a map: its mouse and keyboard."""

from __future__ import annotations

from itertools import count
from typing import Literal

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from explorer.ui.widgets.plane_display import PlaneDisplay

KEY_SHARE = 1 / 50
"""Step of an arrow key, as a fraction of the visible width."""

_PAN_SHARE = 1 / 8
_WHEEL_FACTOR = 1.2
_REACH = 9
"""Radius in pixels within which a press grabs a keyframe."""

_ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}


Tool = Literal["cursor", "pan", "box", "lasso"]
"""Function of the left button."""


class PlaneCanvas(PlaneDisplay):
    """A plane on which the current code and the keyframes are moved.

    The left button moves the current code, pans, or draws a box or lasso, as set by `set_tool`; the other buttons pan,
    the wheel zooms. Arrow keys move the current code (with Shift five times as far) and pan with Ctrl; + and − zoom, 0
    shows the whole range; Enter encloses what is visible, in place of a box or lasso.

    Signals have positions in the plane's coordinates.

    Signals
    -------
    cursor_moved(float, float, str), keyframe_moved(int, float, float, str)
        New position of the current code, or of a keyframe, after its number; and the gesture.
    hovered(object)
        The point under the mouse, x and y, or None.
    enclosed(object)
        A box or lasso was drawn: its corners, float32 ``(k, 2)``.
    taken_along(float, float), pointed_at(float, float)
        A position is dragged out with Ctrl; a point was clicked with the box or lasso tool.
    menu_requested(QPoint)
        A position in the widget was clicked with the right button.
    """

    cursor_moved = Signal(float, float, str)
    hovered = Signal(object)
    keyframe_moved = Signal(int, float, float, str)
    enclosed = Signal(object)
    pointed_at = Signal(float, float)
    taken_along = Signal(float, float)
    menu_requested = Signal(QPoint)

    def __init__(self, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(empty, parent)
        self._tool: Tool = "cursor"
        self._drawn: list[QPointF] = []
        self._gestures = count(1)
        self._gesture = ""
        self._keyframe: int | None = None
        self._taken: QPointF | None = None
        self._grip: QPointF | None = None
        self._gripped = QPointF()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        # The right button pans, and opens the menu when it is released where it was pressed.
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)

    def set_tool(self, tool: Tool) -> None:
        self._tool = tool
        self.setCursor(Qt.CursorShape.OpenHandCursor if tool == "pan" else Qt.CursorShape.CrossCursor)

    @property
    def panning(self) -> bool:
        return self._grip is not None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self._shown or not self.plane_rect().adjusted(-_REACH, -_REACH, _REACH, _REACH).contains(
            event.position()
        ):
            return
        if event.button() != Qt.MouseButton.LeftButton or self._tool == "pan":
            self._grip = self._gripped = event.position()
            self._preview_shown = False
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._tool != "cursor":
            self._drawn = [event.position()]
        elif event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._taken = event.position()
        else:
            self._gesture = f"map-{next(self._gestures)}"
            self._keyframe = self._keyframe_at(event.position())
            if self._keyframe is not None:
                return
            self.cursor_moved.emit(*self.to_plane(event.position()), self._gesture)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self._shown:
            return
        where = self._mouse = event.position()
        if self._grip is not None:
            moved, self._grip = where - self._grip, where
            self.pan_by(moved.x(), moved.y())
        elif self._drawn:
            self._drawn = [self._drawn[0], where] if self._tool == "box" else [*self._drawn, where]
            self.set_outline(self._corners())
        elif self._taken is not None:
            if (where - self._taken).manhattanLength() > _REACH:
                taken, self._taken = self._taken, None
                self.taken_along.emit(*self.to_plane(taken))
            return
        elif self._keyframe is not None:
            self.keyframe_moved.emit(self._keyframe, *self.to_plane(where), self._gesture)
        elif event.buttons() & Qt.MouseButton.LeftButton and self._gesture:
            self.cursor_moved.emit(*self.to_plane(where), self._gesture)
        seen = self._tool == "cursor" and self.plane_rect().contains(where)
        self.hovered.emit(self.to_plane(where) if seen else None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._keyframe = self._taken = None
        self._gesture = ""
        if self._grip is not None:
            self._grip = None
            self._preview_shown = True
            self.set_tool(self._tool)
            moved = (event.position() - self._gripped).manhattanLength()
            if event.button() == Qt.MouseButton.RightButton and moved <= _REACH:
                self.menu_requested.emit(event.position().toPoint())
        elif self._drawn and event.button() == Qt.MouseButton.LeftButton:
            corners, self._drawn = self._corners(), []
            self.set_outline([])
            if max((point - corners[0]).manhattanLength() for point in corners) <= _REACH:
                self.pointed_at.emit(*self.to_plane(event.position()))
            else:
                self.enclosed.emit(np.array([self.to_plane(point) for point in corners], np.float32))

    def _corners(self) -> list[QPointF]:
        if self._tool != "box" or len(self._drawn) < 2:
            return self._drawn
        box = QRectF(self._drawn[0], self._drawn[1]).normalized()
        return [box.topLeft(), box.topRight(), box.bottomRight(), box.bottomLeft()]

    def _keyframe_at(self, where: QPointF) -> int | None:
        """Return the number of the keyframe under the mouse; the topmost of several."""
        points = [] if self._keyframes is None else [self.to_widget(x, y) for x, y in self._keyframes.tolist()]
        near = [number for number, point in enumerate(points) if (point - where).manhattanLength() <= _REACH]
        return near[-1] if near else None

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.hovered.emit(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y()
        if self._shown and turned:
            self.zoom_by(_WHEEL_FACTOR ** (turned / 120), event.position())
            event.accept()

    def event(self, event: QEvent) -> bool:
        """Zoom by a pinch on a touchpad."""
        if isinstance(event, QNativeGestureEvent) and self._shown:
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.zoom_by(max(0.1, 1 + event.value()), event.position())
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if not self._shown:
            super().keyPressEvent(event)
        elif key in {Qt.Key.Key_Plus, Qt.Key.Key_Equal}:
            self.zoom_by(2.0**0.5)
        elif key in {Qt.Key.Key_Minus, Qt.Key.Key_Underscore}:
            self.zoom_by(0.5**0.5)
        elif key in {Qt.Key.Key_0, Qt.Key.Key_Home}:
            self.reset_view()
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self._tool in {"box", "lasso"}:
            seen = self.map_window()
            xs, ys = (seen.left, seen.right, seen.right, seen.left), (seen.top, seen.top, seen.bottom, seen.bottom)
            self.enclosed.emit(np.array([xs, ys], np.float32).T)
        elif key in _ARROWS and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            across, up = _ARROWS[key]
            rect = self.plane_rect()
            self.pan_by(-across * rect.width() * _PAN_SHARE, up * rect.height() * _PAN_SHARE)
        elif key in _ARROWS and self._cursor is not None:
            self._step_cursor(*_ARROWS[key], far=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        else:
            super().keyPressEvent(event)

    def _step_cursor(self, across: int, up: int, *, far: bool) -> None:
        assert self._cursor is not None
        seen = self.map_window()
        step = min(seen.right - seen.left, seen.top - seen.bottom) * KEY_SHARE * (5 if far else 1)
        to = self._cursor[0] + across * step, self._cursor[1] + up * step
        self.cursor_moved.emit(*to, "~map-keys")
        # The card is beside the current code, as beside the mouse.
        self._mouse = self.to_widget(*to)
        self.hovered.emit(to)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.hovered.emit(None)
