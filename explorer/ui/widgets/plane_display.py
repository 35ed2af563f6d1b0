"""A plane of decoded images with axes, and what lies over it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.document.map_tiles import MapWindow, Tile
from explorer.latent.tile_grid import TileGrid
from explorer.types import Floats
from explorer.ui.motion import Motion
from explorer.ui.scatter_image import Scatter, scatter_image
from explorer.ui.theme import current_theme
from explorer.ui.widgets.color_bar import BAR_WIDTH, ColorBar
from explorer.ui.widgets.plane_painter import PlanePainter, paint_tiles
from explorer.ui.widgets.plane_view import PlaneView

_LEFT, _BOTTOM, _TOP, _RIGHT = 46, 22, 20, 6
_REST_MS, _FADE_MS, _FADE_STEPS = 1_000, 1_500, 15
"""How long the trail stays after the last move, and how long and in how many steps it fades."""


class PlaneDisplay(QWidget):
    """Shows the visible part of a plane, the second coordinate upwards.

    `window_changed()`: another part is visible. `trail_faded()`: the trail has faded away.
    """

    window_changed = Signal()
    trail_faded = Signal()

    def __init__(self, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._empty = empty
        self._shown = False
        self._view = PlaneView(self.plane_rect)
        self._names = ("z₀", "z₁")
        self._plane: QImage | None = None
        self._tiles: Callable[[], Iterable[Tile]] | None = None
        self._tiles_shown = True
        self._overlay: QImage | None = None
        self._overlay_area: QRectF | None = None
        self._bar: ColorBar | None = None
        self._scatter: Scatter | None = None
        self._scatter_image: QImage | None = None
        self._density_most = 0
        self._thumbnails: list[tuple[float, float, QImage]] = []
        self._outline: list[QPointF] = []
        self._keyframes: Floats | None = None
        self._path: Floats | None = None
        self._cursor: tuple[float, float] | None = None
        self._preview: tuple[QImage, tuple[str, ...]] | None = None
        self._preview_shown = True
        self._mouse = QPointF()
        self._trail: list[tuple[float, float]] = []
        self._trail_opacity = 1.0
        self._fade = QTimer(self)
        self._fade.timeout.connect(self._fade_trail)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(180, 160)

    def sizeHint(self) -> QSize:
        return QSize(380, 360)

    # -- what is shown -------------------------------------------------------------------------------------------------

    def set_home(self, tile_grid: TileGrid, steps: int, names: tuple[str, str], *, keep: bool = False) -> None:
        """Show the range of `steps` tiles from the first one; `names` label the axes.

        `keep` preserves a view that the user has panned or zoomed.
        """
        self._names = names
        self._view.set_home(tile_grid, steps, keep=keep)
        self._on_view_moved()

    def reset_view(self) -> None:
        self._view.reset()
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
            paint_tiles(self._plane, self._view, tiles)
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
        paint_tiles(self._plane, self._view, tiles())
        return self._plane

    def set_tiles_shown(self, shown: bool) -> None:
        """Show the tiles, or a plain background for the points."""
        self._tiles_shown = shown
        self.update()

    def set_overlay(self, qimage: QImage | None, area: QRectF | None = None, bar: ColorBar | None = None) -> None:
        """Draw an image over the tiles, explained by `bar`; `area` is in plane coordinates, its top the larger y."""
        bars = self._bars
        self._overlay, self._overlay_area, self._bar = qimage, area, bar
        if bars != self._bars:
            self._on_view_moved()
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

    def set_outline(self, corners: list[QPointF]) -> None:
        """Show a box or lasso; its corners are positions in the widget."""
        self._outline = corners
        self.update()

    def set_keyframes(self, points: list[tuple[float, float]], path: Floats | None = None) -> None:
        """Set the keyframes and the path through them: `path` ``(n, 2)``, or straight lines."""
        self._keyframes = np.array(points, np.float32) if points else None
        self._path = self._keyframes if path is None else path
        self.update()

    def set_cursor(self, cursor: tuple[float, float] | None) -> None:
        self._cursor = cursor
        self.update()

    def set_trail(self, points: list[tuple[float, float]]) -> None:
        """Show the trail of the current code, which fades when it rests."""
        self._trail = points
        self._trail_opacity = 1.0
        if len(points) > 1:
            self._fade.start(_REST_MS)
        self.update()

    def _fade_trail(self) -> None:
        self._trail_opacity -= 1 if Motion.reduced else 1 / _FADE_STEPS
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

    @property
    def color_bar(self) -> ColorBar | None:
        """The color bar of the overlay."""
        return self._bar

    @property
    def card(self) -> tuple[QImage, tuple[str, ...]] | None:
        """Image and lines of the card beside the mouse."""
        return self._preview

    # -- geometry ------------------------------------------------------------------------------------------------------

    @property
    def scale(self) -> float:
        """Pixels per unit of the plane's coordinates."""
        return self._view.scale

    def map_window(self) -> MapWindow:
        return self._view.window()

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

    def to_widget(self, x: float, y: float) -> QPointF:
        """Map the plane's coordinates to widget coordinates; y points up."""
        return self._view.to_widget(x, y)

    def to_plane(self, point: QPointF) -> tuple[float, float]:
        """Map widget coordinates to the plane's, clipped to the visible part."""
        return self._view.to_plane(point)

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Zoom in (factor above 1) or out around a fixed point of the widget."""
        if self._view.zoom_by(factor, self.plane_rect().center() if around is None else around):
            self._on_view_moved()

    def pan_by(self, across: float, down: float) -> None:
        """Pan by a number of pixels to the right and down."""
        self._view.pan_by(across, down)
        self._on_view_moved()

    def _on_view_moved(self) -> None:
        self._scatter_image = None
        self.window_changed.emit()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._on_view_moved()

    # -- painting ------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._paint(painter, self.plane)
        if self._preview is not None and self._preview_shown:
            PlanePainter(painter, self._view).card(*self._preview, self._mouse, self._bars, self.size())
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
        paint_tiles(plane, self._view, tiles)
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
        rect, paints = self.plane_rect(), PlanePainter(painter, self._view)
        if plane is None:
            painter.setPen(current_theme().color("muted"))
            area = QRectF(self.rect()).adjusted(16, 8, -16, -8)
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._empty)
            return
        if self._tiles_shown:
            painter.drawImage(rect.topLeft(), plane)
        else:
            paints.background()
        if self._overlay is not None and self._overlay_area is not None:
            paints.overlay(self._overlay, self._overlay_area)
        paints.axes(self._names, focused=self.hasFocus())
        painter.setClipRect(rect)
        if self._scatter is not None:
            painter.drawImage(rect.topLeft(), self._drawn_scatter(self._scatter))
        paints.thumbnails(self._thumbnails)
        if len(self._outline) > 1:
            paints.outline(self._outline)
        if len(self._trail) > 1:
            paints.trail(self._trail, self._trail_opacity)
        if self._keyframes is not None and self._path is not None:
            paints.keyframes(self._keyframes, self._path)
        if self._cursor is not None:
            paints.cursor(self._cursor)
        painter.setClipping(False)
        paints.bars(self._color_bars())

    def _color_bars(self) -> Iterator[ColorBar]:
        if self._bar is not None:
            yield self._bar
        if self._scatter is not None and self._scatter.density:
            most = self._density_most
            yield ColorBar(self.tr("points"), ((0.0, "0"), (0.5, f"{most / 4:.3g}"), (1.0, f"{most:,}")))

    def _drawn_scatter(self, scatter: Scatter) -> QImage:
        """Return the points as drawn last, unless they or the view have changed."""
        if self._scatter_image is None:
            rect, device, view = self.plane_rect(), self.devicePixelRatioF(), self._view
            middle = rect.center() - rect.topLeft()
            across = middle.x() + (scatter.points[:, 0] - view.middle.x()) * view.scale
            down = middle.y() - (scatter.points[:, 1] - view.middle.y()) * view.scale
            size = (math.ceil(rect.width() * device), math.ceil(rect.height() * device))
            places = (np.stack([across, down], axis=1) * device).astype(np.float32)
            self._scatter_image, self._density_most = scatter_image(scatter, places, size, device)
        return self._scatter_image
