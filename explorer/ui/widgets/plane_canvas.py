"""A plane of decoded images to pan, zoom and click on, like a map."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import count
from typing import Literal

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.document.map_tiles import MapWindow, Tile
from explorer.latent.tile_grid import DEEPEST, TileGrid
from explorer.types import Floats
from explorer.ui.images import pixels_to_qimage
from explorer.ui.scatter_image import Scatter, scatter_image
from explorer.ui.theme import Theme, current_theme
from explorer.ui.widgets.color_bar import BAR_WIDTH, ColorBar, paint_color_bar

_LEFT, _BOTTOM, _TOP, _RIGHT = 46, 22, 20, 6
_TICK_PIXELS = 60
_COARSEST = -6
KEY_SHARE = 1 / 50
"""Step of an arrow key, as a fraction of the visible width."""

_PAN_SHARE = 1 / 8
_WHEEL_FACTOR = 1.2
_SHADES = 6
_THUMBNAIL = 34.0
_CARD, _SMALLEST_CARD = 128.0, 96.0
"""Sides of the image on the hover card, in pixels: at most, and at least where pixels stay whole."""

_CARD_MARGIN = 8.0
_BESIDE = 14.0
_REST_MS, _FADE_MS, _FADE_STEPS = 1_000, 1_500, 15
"""How long the trail stays after the last move, and how long and in how many steps it fades."""

_REACH = 9
"""Radius in pixels within which a press grabs a keyframe."""

_ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}


Tool = Literal["cursor", "pan", "box", "lasso"]
"""Function of the left button."""


class PlaneCanvas(QWidget):
    """Shows tiles of a plane, the second coordinate upwards.

    The left button moves the current code, pans, or draws a box or lasso, as set by `set_tool`; the other buttons pan,
    the wheel zooms. Arrow keys move the current code (with Shift five times as far) and pan with Ctrl; + and − zoom, 0
    shows the whole range.

    Signals have positions in the plane's coordinates.

    Signals
    -------
    cursor_moved(float, float, str), keyframe_moved(int, float, float, str)
        New position of the current code, or of a keyframe, after its number; and the gesture.
    window_changed()
        The visible part changed.
    hovered(object)
        The point under the mouse, x and y, or None.
    enclosed(object)
        A box or lasso was drawn: its corners, float32 ``(k, 2)``.
    taken_along(float, float), pointed_at(float, float)
        A position is dragged out with Ctrl; a point was clicked with the box or lasso tool.
    menu_requested(QPoint)
        A position in the widget was clicked with the right button.
    trail_faded()
        The trail has faded away.
    """

    cursor_moved = Signal(float, float, str)
    window_changed = Signal()
    hovered = Signal(object)
    keyframe_moved = Signal(int, float, float, str)
    enclosed = Signal(object)
    pointed_at = Signal(float, float)
    taken_along = Signal(float, float)
    menu_requested = Signal(QPoint)
    trail_faded = Signal()

    def __init__(self, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._empty = empty
        self._shown = False
        self._taken: QPointF | None = None
        self._way: Floats | None = None
        self._tile_grid = TileGrid(-3.0, 6 / 14)
        self._steps = 15
        self._middle = QPointF(0, 0)
        self._zoom = 1.0
        self._plane: QImage | None = None
        self._tiles: Callable[[], Iterable[Tile]] | None = None
        self._cursor: tuple[float, float] | None = None
        self._points: np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None = None
        self._names = ("z₀", "z₁")
        self._gestures = count(1)
        self._gesture = ""
        self._trail: list[tuple[float, float]] = []
        self._keyframe: int | None = None
        self._preview: tuple[QImage, tuple[str, ...]] | None = None
        self._mouse = QPointF()
        self._tool: Tool = "cursor"
        self._outline: list[QPointF] = []
        self._scatter: Scatter | None = None
        self._scatter_image: QImage | None = None
        self._density_most = 0
        self._tiles_shown = True
        self._thumbnails: list[tuple[float, float, QImage]] = []
        self._overlay: QImage | None = None
        self._overlay_area: QRectF | None = None
        self._bar: ColorBar | None = None
        self._grip: QPointF | None = None
        self._gripped = QPointF()
        self._trail_opacity = 1.0
        self._fade = QTimer(self)
        self._fade.timeout.connect(self._fade_trail)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(180, 160)
        self.setCursor(Qt.CursorShape.CrossCursor)
        # The right button pans, and opens the menu when it is released where it was pressed.
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)

    def sizeHint(self) -> QSize:
        return QSize(380, 360)

    # -- what is shown -------------------------------------------------------------------------------------------------

    def set_home(self, tile_grid: TileGrid, steps: int, names: tuple[str, str], *, keep: bool = False) -> None:
        """Show the range of `steps` tiles from the first one; `names` label the axes.

        `keep` preserves a view that the user has panned or zoomed.
        """
        away, scale = self._middle != self._home or self._zoom != 1, self.scale
        self._tile_grid, self._steps, self._names = tile_grid, steps, names
        if not (keep and away):
            self.reset_view()
            return
        self._zoom *= scale / self.scale
        self._on_view_moved()

    @property
    def _home(self) -> QPointF:
        middle = self._tile_grid.low + self._tile_grid.spacing * (self._steps - 1) / 2
        return QPointF(middle, middle)

    def reset_view(self) -> None:
        self._middle, self._zoom = self._home, 1.0
        self._on_view_moved()

    def show_text(self, text: str) -> None:
        self._shown, self._plane, self._tiles, self._empty = False, None, None, text
        self.setAccessibleDescription(self._empty)
        self.update()

    def show_tiles(self, tiles: Callable[[], Iterable[Tile]]) -> None:
        """Repaint the plane when it is visible; later tiles are drawn over earlier ones."""
        self._tiles, self._shown = tiles, True
        self.setAccessibleDescription("")
        self.update()

    def add_tiles(self, tiles: Iterable[Tile]) -> None:
        # A pending repaint includes all tiles that exist by then.
        if self._plane is not None and self._tiles is None:
            self._paint_tiles(self._plane, tiles)
            self.update()

    def _composed(self) -> QImage | None:
        if self._tiles is None:
            return self._plane
        device = self.devicePixelRatioF()
        rect = self.plane_rect()
        size = QSize(math.ceil(rect.width() * device), math.ceil(rect.height() * device))
        if self._plane is None or self._plane.size() != size:
            self._plane = QImage(size, QImage.Format.Format_RGB32)
            self._plane.setDevicePixelRatio(device)
        self._plane.fill(current_theme().color("stage"))
        tiles, self._tiles = self._tiles, None
        self._paint_tiles(self._plane, tiles())
        return self._plane

    def _paint_tiles(self, plane: QImage, tiles: Iterable[Tile]) -> None:
        rect, scale = self.plane_rect(), self.scale
        left = rect.width() / 2 - self._middle.x() * scale
        top = rect.height() / 2 + self._middle.y() * scale
        device = plane.devicePixelRatio()
        painter = QPainter(plane)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for tile in tiles:
            half = tile.step / 2
            # Round edges to whole device pixels, so that neighbors leave no seam.
            first, last, high, low = (
                _whole(edge * device) / device
                for edge in (
                    left + (tile.x - half) * scale,
                    left + (tile.x + half) * scale,
                    top - (tile.y + half) * scale,
                    top - (tile.y - half) * scale,
                )
            )
            painter.drawImage(QRectF(first, high, last - first, low - high), pixels_to_qimage(tile.pixels))
        painter.end()

    def set_cursor(self, cursor: tuple[float, float] | None) -> None:
        self._cursor = cursor
        self.update()

    def set_keyframes(self, points: list[tuple[float, float]], way: Floats | None = None) -> None:
        """Set the keyframes and the path through them: `way` ``(n, 2)``, or straight lines."""
        self._points = np.array(points, np.float32) if points else None
        self._way = self._points if way is None else way
        self.update()

    def set_trail(self, points: list[tuple[float, float]]) -> None:
        """Show the trail of the current code, which fades when it rests."""
        self._trail = points
        self._trail_opacity = 1.0
        if len(points) > 1:
            self._fade.start(_REST_MS)
        self.update()

    def _fade_trail(self) -> None:
        self._trail_opacity -= 1 / _FADE_STEPS
        if self._trail_opacity > 0:
            self._fade.start(_FADE_MS // _FADE_STEPS)
        else:
            self._fade.stop()
            self._trail = []
            self.trail_faded.emit()
        self.update()

    def set_preview(self, qimage: QImage | None, lines: tuple[str, ...] = ()) -> None:
        """Show a card beside the mouse: an image above lines of text."""
        self._preview = None if qimage is None else (qimage, lines)
        self.update()

    def set_scatter(self, scatter: Scatter | None) -> None:
        bars = self._bars
        self._scatter, self._scatter_image = scatter, None
        if bars != self._bars:
            self._on_view_moved()
        self.update()

    def set_thumbnails(self, thumbnails: list[tuple[float, float, QImage]]) -> None:
        """Draw thumbnails centered at x, y."""
        self._thumbnails = thumbnails
        self.update()

    def set_overlay(self, qimage: QImage | None, area: QRectF | None = None, bar: ColorBar | None = None) -> None:
        """Draw an image over the tiles, explained by `bar`; `area` is in plane coordinates, its top the larger y."""
        bars = self._bars
        self._overlay, self._overlay_area, self._bar = qimage, area, bar
        if bars != self._bars:
            self._on_view_moved()
        self.update()

    def set_tiles_shown(self, shown: bool) -> None:
        """Show the tiles, or a plain background for the points."""
        self._tiles_shown = shown
        self.update()

    def set_tool(self, tool: Tool) -> None:
        self._tool = tool
        self.setCursor(Qt.CursorShape.OpenHandCursor if tool == "pan" else Qt.CursorShape.CrossCursor)

    @property
    def names(self) -> tuple[str, str]:
        """Labels of the axes."""
        return self._names

    @property
    def has_image(self) -> bool:
        return self._shown

    @property
    def plane(self) -> QImage | None:
        """The plane as painted, without axes and markers, in device pixels."""
        return self._composed() if self._shown else None

    # -- geometry ------------------------------------------------------------------------------------------------------

    @property
    def scale(self) -> float:
        """Pixels per unit of the plane's coordinates."""
        rect = self.plane_rect()
        return min(rect.width(), rect.height()) / (self._tile_grid.spacing * self._steps) * self._zoom

    def map_window(self) -> MapWindow:
        rect, scale = self.plane_rect(), self.scale
        across, up = rect.width() / 2 / scale, rect.height() / 2 / scale
        # Tiles are as large as at the initial zoom, up to twice as large.
        level = min(max(math.floor(math.log2(self._zoom) + 1e-9), _COARSEST), DEEPEST)
        x, y = self._middle.x(), self._middle.y()
        return MapWindow(self._tile_grid, level, x - across, x + across, y - up, y + up)

    def plane_rect(self) -> QRectF:
        """Return the place of the plane: a square, in the middle of what axes and color bars leave."""
        width = self.width() - _LEFT - _RIGHT - self._bars * BAR_WIDTH
        height = self.height() - _TOP - _BOTTOM
        side = max(20, min(width, height))
        return QRectF(_LEFT + max(0, width - side) // 2, _TOP + max(0, height - side) // 2, side, side)

    @property
    def _bars(self) -> int:
        """Number of color bars."""
        return (self.color_bar is not None) + (self._scatter is not None and self._scatter.density)

    @property
    def color_bar(self) -> ColorBar | None:
        """The color bar of the overlay."""
        return self._bar

    @property
    def card(self) -> tuple[QImage, tuple[str, ...]] | None:
        """Image and lines of the card beside the mouse."""
        return self._preview

    @property
    def panning(self) -> bool:
        return self._grip is not None

    def to_widget(self, x: float, y: float) -> QPointF:
        """Map the plane's coordinates to widget coordinates; y points up."""
        middle, scale = self.plane_rect().center(), self.scale
        return QPointF(middle.x() + (x - self._middle.x()) * scale, middle.y() - (y - self._middle.y()) * scale)

    def to_plane(self, point: QPointF) -> tuple[float, float]:
        """Map widget coordinates to the plane's, clipped to the visible part."""
        rect, scale = self.plane_rect(), self.scale
        x = min(max(point.x(), rect.left()), rect.right())
        y = min(max(point.y(), rect.top()), rect.bottom())
        middle = rect.center()
        return self._middle.x() + (x - middle.x()) / scale, self._middle.y() + (middle.y() - y) / scale

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Zoom in (factor above 1) or out around a fixed point of the widget."""
        around = self.plane_rect().center() if around is None else around
        before = self.to_plane(around)
        zoom = min(max(self._zoom * factor, 2.0**_COARSEST), 2.0**DEEPEST)
        if zoom == self._zoom:
            return
        self._zoom = zoom
        after = self.to_plane(around)
        self._middle += QPointF(before[0] - after[0], before[1] - after[1])
        self._on_view_moved()

    def pan_by(self, across: float, down: float) -> None:
        """Pan by a number of pixels to the right and down."""
        self._middle += QPointF(-across, down) / self.scale
        self._on_view_moved()

    def _on_view_moved(self) -> None:
        self._scatter_image = None
        self.window_changed.emit()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._on_view_moved()

    # -- hands ---------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self._shown or not self.plane_rect().adjusted(-_REACH, -_REACH, _REACH, _REACH).contains(
            event.position()
        ):
            return
        if event.button() != Qt.MouseButton.LeftButton or self._tool == "pan":
            self._grip = self._gripped = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._tool != "cursor":
            self._outline = [event.position()]
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
        elif self._outline:
            self._outline = [self._outline[0], where] if self._tool == "box" else [*self._outline, where]
            self.update()
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
            self.set_tool(self._tool)
            moved = (event.position() - self._gripped).manhattanLength()
            if event.button() == Qt.MouseButton.RightButton and moved <= _REACH:
                self.menu_requested.emit(event.position().toPoint())
        elif self._outline and event.button() == Qt.MouseButton.LeftButton:
            corners, self._outline = self._corners(), []
            if max((point - corners[0]).manhattanLength() for point in corners) <= _REACH:
                self.pointed_at.emit(*self.to_plane(event.position()))
            else:
                self.enclosed.emit(np.array([self.to_plane(point) for point in corners], np.float32))
            self.update()

    def _corners(self) -> list[QPointF]:
        if self._tool != "box" or len(self._outline) < 2:
            return self._outline
        box = QRectF(self._outline[0], self._outline[1]).normalized()
        return [box.topLeft(), box.topRight(), box.bottomRight(), box.bottomLeft()]

    def _keyframe_at(self, where: QPointF) -> int | None:
        """Return the number of the keyframe under the mouse; the topmost of several."""
        points = [] if self._points is None else [self.to_widget(float(x), float(y)) for x, y in self._points]
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

    # -- painting ------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._paint(painter, self.plane)
        self._paint_preview(painter, current_theme())
        painter.end()

    def image(self, tiles: Iterable[Tile], side: int, *, axes: bool) -> QImage:
        """Return the plane, or with `axes` all of the map; its longest side has exactly `side` pixels."""
        rect = self.plane_rect()
        area = rect.adjusted(-_LEFT, -_TOP, _RIGHT + self._bars * BAR_WIDTH, _BOTTOM) if axes else rect
        scale = side / max(area.width(), area.height())
        made = QImage((area.size() * scale).toSize(), QImage.Format.Format_RGB32)
        made.fill(current_theme().color("window"))
        plane = QImage((rect.size() * scale).toSize(), QImage.Format.Format_RGB32)
        plane.setDevicePixelRatio(scale)
        plane.fill(current_theme().color("stage"))
        self._paint_tiles(plane, tiles)
        painter = QPainter(made)
        painter.scale(scale, scale)
        painter.translate(-area.topLeft())
        if axes:
            painter.setFont(self.font())
            self._paint(painter, plane)
        else:
            painter.drawImage(rect.topLeft(), plane)
        painter.end()
        return made

    def _paint(self, painter: QPainter, plane: QImage | None) -> None:
        theme = current_theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = self.plane_rect()
        if plane is None:
            painter.setPen(theme.color("muted"))
            area = QRectF(self.rect()).adjusted(16, 8, -16, -8)
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._empty)
        else:
            if self._tiles_shown:
                painter.drawImage(rect.topLeft(), plane)
            else:
                painter.fillRect(rect, theme.color("base"))
            self._paint_overlay(painter, rect)
            self._paint_axes(painter, rect, theme)
            painter.setClipRect(rect)
            self._paint_scatter(painter, rect)
            self._paint_thumbnails(painter, theme)
            self._paint_outline(painter, theme)
            self._paint_trail(painter, theme)
            self._paint_way(painter, theme)
            self._paint_cursor(painter, theme)
            painter.setClipping(False)
            self._paint_bars(painter, rect, theme)

    def _paint_axes(self, painter: QPainter, rect: QRectF, theme: Theme) -> None:
        focused = self.hasFocus()
        painter.setPen(QPen(theme.color("accent" if focused else "border"), 2 if focused else 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(rect)
        painter.setPen(theme.color("muted"))
        seen, align = self.map_window(), Qt.AlignmentFlag
        step = nice_step(_TICK_PIXELS / self.scale)
        for value in _ticks(seen.left, seen.right, step):
            below = QRectF(self.to_widget(value, 0).x() - 40, rect.bottom() + 4, 80, 16)
            painter.drawText(below, align.AlignCenter, _number(value, step))
        for value in _ticks(seen.bottom, seen.top, step):
            beside = QRectF(0, self.to_widget(0, value).y() - 8, rect.left() - 6, 16)
            painter.drawText(beside, align.AlignRight | align.AlignVCenter, _number(value, step))
        painter.setPen(theme.color("text"))
        x_name, y_name = self._names
        above = QRectF(rect.left(), rect.top() - 18, rect.width(), 16)
        painter.drawText(above, align.AlignRight, f"{x_name} →")
        painter.drawText(above, align.AlignLeft, f"↑ {y_name}")

    def _paint_bars(self, painter: QPainter, rect: QRectF, theme: Theme) -> None:
        bars = [] if self._bar is None else [self._bar]
        if self._scatter is not None and self._scatter.density:
            most = self._density_most
            ticks = ((0.0, "0"), (0.5, f"{most / 4:.3g}"), (1.0, f"{most:,}"))
            bars.append(ColorBar(self.tr("points"), ticks))
        for number, bar in enumerate(bars):
            left = rect.right() + number * BAR_WIDTH
            paint_color_bar(painter, bar, QRectF(left, rect.top(), BAR_WIDTH, rect.height()), theme)

    def _paint_overlay(self, painter: QPainter, rect: QRectF) -> None:
        if self._overlay is None or self._overlay_area is None:
            return
        area = self._overlay_area
        first, last = self.to_widget(area.left(), area.top()), self.to_widget(area.right(), area.bottom())
        painter.save()
        painter.setClipRect(rect)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(first, last), self._overlay)
        painter.restore()

    def _paint_scatter(self, painter: QPainter, rect: QRectF) -> None:
        if self._scatter is None:
            return
        if self._scatter_image is None:
            device, scale, middle = self.devicePixelRatioF(), self.scale, rect.center() - rect.topLeft()
            across = middle.x() + (self._scatter.points[:, 0] - self._middle.x()) * scale
            down = middle.y() - (self._scatter.points[:, 1] - self._middle.y()) * scale
            size = (math.ceil(rect.width() * device), math.ceil(rect.height() * device))
            places = (np.stack([across, down], axis=1) * device).astype(np.float32)
            self._scatter_image, self._density_most = scatter_image(self._scatter, places, size, device)
        painter.drawImage(rect.topLeft(), self._scatter_image)

    def _paint_thumbnails(self, painter: QPainter, theme: Theme) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(QPen(theme.color("border"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for x, y, image in self._thumbnails:
            place = QRectF(0, 0, _THUMBNAIL, _THUMBNAIL)
            place.moveCenter(self.to_widget(x, y))
            painter.drawImage(place, image)
            painter.drawRect(place)

    def _paint_outline(self, painter: QPainter, theme: Theme) -> None:
        if len(self._outline) < 2:
            return
        fill = theme.color("accent")
        fill.setAlphaF(0.15)
        painter.setBrush(fill)
        painter.setPen(QPen(theme.color("accent"), 1.5))
        painter.drawPolygon(self._corners())

    def _paint_trail(self, painter: QPainter, theme: Theme) -> None:
        if len(self._trail) < 2:
            return
        color, scale, middle = theme.color("accent"), self.scale, self.plane_rect().center()
        places = np.array(self._trail) - (self._middle.x(), self._middle.y())
        points = [QPointF(x, y) for x, y in (places * (scale, -scale) + (middle.x(), middle.y())).tolist()]
        # One polyline per shade, not one per step.
        step = math.ceil((len(points) - 1) / _SHADES)
        for first in range(0, len(points) - 1, step):
            share = min(first + step, len(points) - 1) / (len(points) - 1)
            color.setAlphaF(0.8 * share * max(0.0, self._trail_opacity))
            painter.setPen(QPen(color, 1.5))
            painter.drawPolyline(points[first : first + step + 1])

    def _paint_way(self, painter: QPainter, theme: Theme) -> None:
        if self._points is None or self._way is None:
            return
        points = [self.to_widget(float(x), float(y)) for x, y in self._points]
        way = [self.to_widget(float(x), float(y)) for x, y in self._way]
        for pen in (QPen(theme.color("base"), 4), QPen(theme.color("warn"), 2)):
            painter.setPen(pen)
            painter.drawPolyline(way)
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

    def _paint_preview(self, painter: QPainter, theme: Theme) -> None:
        """Draw the card beside the plane, or where there is no room, beside the mouse."""
        if self._preview is None or self._grip is not None:
            return
        image, lines = self._preview
        fitted = card_size(image)
        height = painter.fontMetrics().height()
        wide = max([fitted.width(), *(painter.fontMetrics().horizontalAdvance(line) for line in lines)])
        size = QSizeF(wide + 2 * _CARD_MARGIN, fitted.height() + len(lines) * height + 2 * _CARD_MARGIN)
        card = QRectF(self._mouse + QPointF(_BESIDE, _BESIDE), size)
        beside = self.plane_rect().right() + self._bars * BAR_WIDTH + _BESIDE
        if beside + size.width() < self.width():
            card.moveTopLeft(QPointF(beside, self._mouse.y() - size.height() / 2))
        elif card.right() > self.width():
            card.moveRight(self._mouse.x() - _BESIDE)
        card.moveTop(max(0.0, min(card.top(), self.height() - 1 - size.height())))
        card.moveLeft(max(0.0, card.left()))
        painter.setPen(QPen(theme.color("accent"), 1.5))
        painter.setBrush(theme.color("panel"))
        painter.drawRoundedRect(card, 6, 6)
        place = QRectF(QPointF(card.center().x() - fitted.width() / 2, card.top() + _CARD_MARGIN), fitted)
        whole = fitted.width() % image.width() == 0
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not whole)
        painter.drawImage(place.toRect() if whole else place, image)
        painter.setPen(theme.color("text"))
        for number, line in enumerate(lines):
            below = QRectF(card.left(), place.bottom() + number * height + 2, card.width(), height)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, line)


def card_size(image: QImage) -> QSizeF:
    """Return the size of an image on the card: whole pixels, unless they would leave it small."""
    whole = int(_CARD // max(image.width(), image.height()))
    if whole * max(image.width(), image.height()) >= _SMALLEST_CARD:
        return QSizeF(image.size() * whole)
    return QSizeF(image.size()).scaled(_CARD, _CARD, Qt.AspectRatioMode.KeepAspectRatio)


def _whole(edge: float) -> int:
    """Round an edge to a whole pixel; two tiles compute their common edge slightly differently."""
    return math.floor(round(edge, 3) + 0.5)


def nice_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is at least `least` (above 0)."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))


def _ticks(low: float, high: float, step: float) -> list[float]:
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _number(value: float, step: float) -> str:
    places = max(0, -math.floor(math.log10(step)))
    return f"{value:.{places}f}".replace("-", "−")
