"""Painting of a plane: its tiles, and what lies over them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter, QPen

from explorer.document.map_tiles import Tile
from explorer.types import Floats
from explorer.ui.images import pixels_to_qimage
from explorer.ui.theme import current_theme
from explorer.ui.widgets.color_bar import BAR_WIDTH, ColorBar, paint_color_bar
from explorer.ui.widgets.plane_view import PlaneView
from explorer.ui.widgets.ticks import nice_step, tick_text, ticks

_TICK_PIXELS = 60
_SHADES = 6
_THUMBNAIL = 34.0
_CARD, _SMALLEST_CARD = 128.0, 96.0
"""Sides of the image on the hover card, in pixels: at most, and at least where pixels stay whole."""

_CARD_MARGIN = 8.0
_BESIDE = 14.0


class PlanePainter:
    """Paints in the coordinates of a plane, in the colors of the theme."""

    def __init__(self, painter: QPainter, view: PlaneView) -> None:
        self._painter = painter
        self._view = view
        self._rect = view.rect
        self._theme = current_theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def background(self) -> None:
        self._painter.fillRect(self._rect, self._theme.color("base"))

    def overlay(self, qimage: QImage, area: QRectF) -> None:
        """Paint an image that covers an area of the plane, its top the larger y."""
        painter, view = self._painter, self._view
        first, last = view.to_widget(area.left(), area.top()), view.to_widget(area.right(), area.bottom())
        painter.save()
        painter.setClipRect(self._rect)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(first, last), qimage)
        painter.restore()

    def axes(self, names: tuple[str, str], *, focused: bool) -> None:
        """Paint the frame, the numbers and the names of both axes."""
        painter, theme, view, rect = self._painter, self._theme, self._view, self._rect
        painter.setPen(QPen(theme.color("accent" if focused else "border"), 2 if focused else 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(rect)
        painter.setPen(theme.color("muted"))
        seen, align = view.window(), Qt.AlignmentFlag
        step = nice_step(_TICK_PIXELS / view.scale)
        for value in ticks(seen.left, seen.right, step):
            below = QRectF(view.to_widget(value, 0).x() - 40, rect.bottom() + 4, 80, 16)
            painter.drawText(below, align.AlignCenter, tick_text(value, step))
        for value in ticks(seen.bottom, seen.top, step):
            beside = QRectF(0, view.to_widget(0, value).y() - 8, rect.left() - 6, 16)
            painter.drawText(beside, align.AlignRight | align.AlignVCenter, tick_text(value, step))
        painter.setPen(theme.color("text"))
        x_name, y_name = names
        above = QRectF(rect.left(), rect.top() - 18, rect.width(), 16)
        painter.drawText(above, align.AlignRight, f"{x_name} →")
        painter.drawText(above, align.AlignLeft, f"↑ {y_name}")

    def bars(self, bars: Iterable[ColorBar]) -> None:
        """Paint color bars beside the plane."""
        rect = self._rect
        for number, bar in enumerate(bars):
            place = QRectF(rect.right() + number * BAR_WIDTH, rect.top(), BAR_WIDTH, rect.height())
            paint_color_bar(self._painter, bar, place, self._theme)

    def thumbnails(self, thumbnails: Iterable[tuple[float, float, QImage]]) -> None:
        painter = self._painter
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(QPen(self._theme.color("border"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for x, y, image in thumbnails:
            place = QRectF(0, 0, _THUMBNAIL, _THUMBNAIL)
            place.moveCenter(self._view.to_widget(x, y))
            painter.drawImage(place, image)
            painter.drawRect(place)

    def outline(self, corners: list[QPointF]) -> None:
        """Paint a box or lasso; its corners are positions in the widget."""
        fill = self._theme.color("accent")
        fill.setAlphaF(0.15)
        self._painter.setBrush(fill)
        self._painter.setPen(QPen(self._theme.color("accent"), 1.5))
        self._painter.drawPolygon(corners)

    def trail(self, trail: list[tuple[float, float]], opacity: float) -> None:
        """Paint where the current code was, fainter the longer ago."""
        color, scale, middle = self._theme.color("accent"), self._view.scale, self._rect.center()
        places = np.array(trail) - (self._view.middle.x(), self._view.middle.y())
        points = [QPointF(x, y) for x, y in (places * (scale, -scale) + (middle.x(), middle.y())).tolist()]
        # One polyline per shade, not one per step.
        step = math.ceil((len(points) - 1) / _SHADES)
        for first in range(0, len(points) - 1, step):
            share = min(first + step, len(points) - 1) / (len(points) - 1)
            color.setAlphaF(0.8 * share * max(0.0, opacity))
            self._painter.setPen(QPen(color, 1.5))
            self._painter.drawPolyline(points[first : first + step + 1])

    def keyframes(self, keyframes: Floats, path: Floats) -> None:
        """Paint keyframes ``(k, 2)`` and the path through them ``(n, 2)``."""
        painter, theme = self._painter, self._theme
        points, line = ([self._view.to_widget(x, y) for x, y in places.tolist()] for places in (keyframes, path))
        for pen in (QPen(theme.color("base"), 4), QPen(theme.color("warn"), 2)):
            painter.setPen(pen)
            painter.drawPolyline(line)
        painter.setBrush(theme.color("warn"))
        painter.setPen(QPen(theme.color("base"), 1.5))
        for point in points:
            painter.drawEllipse(point, 4.5, 4.5)

    def cursor(self, cursor: tuple[float, float]) -> None:
        where = self._view.to_widget(*cursor)
        self._painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(self._theme.color("accent_text"), 5), QPen(self._theme.color("accent"), 2.5)):
            self._painter.setPen(pen)
            self._painter.drawEllipse(where, 8, 8)

    def card(self, qimage: QImage, lines: Sequence[str], mouse: QPointF, bars: int, room: QSize) -> None:
        """Paint an image above lines of text beside the plane, or where there is no room, beside the mouse."""
        painter, theme = self._painter, self._theme
        fitted = card_size(qimage)
        metrics = painter.fontMetrics()
        wide = max([fitted.width(), *(metrics.horizontalAdvance(line) for line in lines)])
        size = QSizeF(wide + 2 * _CARD_MARGIN, fitted.height() + len(lines) * metrics.height() + 2 * _CARD_MARGIN)
        card = self._card_place(size, mouse, bars, room)
        painter.setPen(QPen(theme.color("accent"), 1.5))
        painter.setBrush(theme.color("panel"))
        painter.drawRoundedRect(card, 6, 6)
        place = QRectF(QPointF(card.center().x() - fitted.width() / 2, card.top() + _CARD_MARGIN), fitted)
        whole = fitted.width() % qimage.width() == 0
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not whole)
        painter.drawImage(place.toRect() if whole else place, qimage)
        painter.setPen(theme.color("text"))
        for number, line in enumerate(lines):
            below = QRectF(card.left(), place.bottom() + number * metrics.height() + 2, card.width(), metrics.height())
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, line)

    def _card_place(self, size: QSizeF, mouse: QPointF, bars: int, room: QSize) -> QRectF:
        card = QRectF(mouse + QPointF(_BESIDE, _BESIDE), size)
        beside = self._rect.right() + bars * BAR_WIDTH + _BESIDE
        if beside + size.width() < room.width():
            card.moveTopLeft(QPointF(beside, mouse.y() - size.height() / 2))
        elif card.right() > room.width():
            card.moveRight(mouse.x() - _BESIDE)
        card.moveTop(max(0.0, min(card.top(), room.height() - 1 - size.height())))
        card.moveLeft(max(0.0, card.left()))
        return card


def paint_tiles(plane: QImage, view: PlaneView, tiles: Iterable[Tile]) -> None:
    """Paint tiles on an image of the visible part; later ones over earlier ones."""
    rect, scale = view.rect, view.scale
    left = rect.width() / 2 - view.middle.x() * scale
    top = rect.height() / 2 + view.middle.y() * scale
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


def card_size(image: QImage) -> QSizeF:
    """Return the size of an image on the card: whole pixels, unless they would leave it small."""
    whole = int(_CARD // max(image.width(), image.height()))
    if whole * max(image.width(), image.height()) >= _SMALLEST_CARD:
        return QSizeF(image.size() * whole)
    return QSizeF(image.size()).scaled(_CARD, _CARD, Qt.AspectRatioMode.KeepAspectRatio)


def _whole(edge: float) -> int:
    """Round an edge to a whole pixel; two tiles compute their common edge slightly differently."""
    return math.floor(round(edge, 3) + 0.5)
