"""Painting of the track of the timeline."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen, QPolygonF

from explorer.ui.theme import current_theme
from explorer.ui.widgets.ticks import nice_step
from explorer.ui.widgets.track_places import (
    CURVES_HEIGHT,
    CURVES_TOP,
    IMAGES_HEIGHT,
    RULER_HEIGHT,
    SIDE,
    TrackAnimation,
    TrackCurves,
    TrackPlaces,
    TrackStrip,
)

_GAP = 14
"""Least space between two numbers on the ruler, in pixels."""

_FAR = 3.0
"""Top of the axis for the distance from the data, in multiples of the usual distance."""


class TrackPainter:
    """Paints the parts of a track, in the colors of the theme."""

    def __init__(self, painter: QPainter, places: TrackPlaces) -> None:
        self._painter = painter
        self._places = places
        self._theme = current_theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def ruler(self, animation: TrackAnimation) -> None:
        painter, theme = self._painter, self._theme
        longest = painter.fontMetrics().horizontalAdvance(
            f"{animation.frames / animation.fps:.1f} s · f{animation.frames}"
        )
        step = nice_step((longest + _GAP) / max(self._places.axis[2], 1e-6) / animation.fps)
        for number in range(math.floor((animation.frames - 1) / animation.fps / step + 1e-9) + 1):
            frame = number * step * animation.fps
            x = self._places.x_of(frame)
            painter.setPen(theme.color("border"))
            painter.drawLine(QPointF(x, 2), QPointF(x, RULER_HEIGHT - 2))
            painter.setPen(theme.color("muted"))
            text = f"{number * step:g} s · f{round(frame)}"
            if x + 4 + painter.fontMetrics().horizontalAdvance(text) <= self._places.width - 2:
                painter.drawText(QRectF(x + 4, 0, 100, RULER_HEIGHT), Qt.AlignmentFlag.AlignVCenter, text)

    def strip(self, animation: TrackAnimation, strip: TrackStrip | None) -> None:
        """Paint the frames behind the keyframes."""
        painter, theme = self._painter, self._theme
        row = QRectF(SIDE, RULER_HEIGHT + 6, self._places.width - 2 * SIDE, IMAGES_HEIGHT - 12)
        painter.fillRect(row, theme.color("stage"))
        if strip is None or not len(strip.frames):
            return
        painter.setOpacity(0.75)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        image = strip.images[0]
        width = row.height() * image.width() / max(1, image.height())
        cells = max(1, round(row.width() / width))
        width = row.width() / cells
        last = int(strip.frames[-1])
        for cell in range(cells):
            number = int(animation.numbers[self._places.frame_at(row.left() + (cell + 0.5) * width)])
            if number > last + max(1, last // max(1, len(strip.frames) - 1)):
                continue  # not decoded yet
            nearest = int(np.abs(strip.frames - number).argmin())
            painter.drawImage(QRectF(row.left() + cell * width, row.top(), width, row.height()), strip.images[nearest])
        painter.setOpacity(1)
        self._paint_backward(animation, row)

    def _paint_backward(self, animation: TrackAnimation, row: QRectF) -> None:
        """Dim the backward part, which has no keyframes to drag."""
        painter, theme = self._painter, self._theme
        forward = int(np.argmax(animation.numbers)) + animation.hold
        if forward + 1 < animation.frames:
            overlay = theme.color("base")
            overlay.setAlphaF(0.6)
            left = self._places.x_of(forward + 0.5)
            painter.fillRect(QRectF(left, row.top(), row.right() - left, row.height()), overlay)

    def segments(self, animation: TrackAnimation, selected: int | None) -> None:
        painter, theme = self._painter, self._theme
        plain = painter.font()
        small = painter.font()
        small.setPointSizeF(small.pointSizeF() * 0.88)
        painter.setFont(small)
        for number, words in enumerate(animation.segments):
            rect, chosen = self._places.segment_rect(number), number == selected
            painter.setPen(QPen(theme.color("accent" if chosen or animation.own[number] else "border"), 1))
            painter.setBrush(theme.color("accent_soft" if chosen else "panel"))
            painter.drawRoundedRect(rect, 3, 3)
            painter.setPen(theme.color("text" if chosen else "muted"))
            inner = rect.adjusted(6, 0, -6, 0)
            metrics = painter.fontMetrics()
            # The number of frames alone says more than a label that is cut off.
            said = words if metrics.horizontalAdvance(words) <= inner.width() else words.split(" · ")[0]
            elided = metrics.elidedText(said, Qt.TextElideMode.ElideRight, int(inner.width()))
            painter.drawText(inner, Qt.AlignmentFlag.AlignCenter, elided)
        painter.setFont(plain)

    def curves(self, animation: TrackAnimation, curves: TrackCurves, legend: tuple[str, str]) -> None:
        """Paint distance and change, which `legend` names."""
        painter, theme = self._painter, self._theme
        row = QRectF(SIDE, CURVES_TOP, self._places.width - 2 * SIDE, CURVES_HEIGHT - 2)
        if len(curves.frames) < 2:
            return
        places = np.linspace(0, animation.frames - 1, min(animation.frames, 2 * max(2, int(row.width()))))
        numbers = animation.numbers[np.round(places).astype(np.int64)]
        xs = SIDE + places * self._places.axis[2]
        known = curves.frames[len(curves.changes)] if len(curves.changes) else -1
        usual = row.bottom() - row.height() / _FAR
        painter.setPen(QPen(theme.color("border"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(row.left(), usual), QPointF(row.right(), usual))
        shares = np.interp(numbers, curves.frames, np.minimum(curves.distances / _FAR, 1))
        self._paint_curve("warn", row, xs[numbers <= known], shares[numbers <= known])
        if len(curves.changes):
            rates = curves.rates()
            starts = curves.frames[: len(rates)]
            shares = np.interp(numbers, starts, rates) / max(float(rates.max()), 1e-12)
            # Held frames do not change.
            still = np.concatenate([numbers[1:] == numbers[:-1], [False]]) & (animation.frames <= len(places))
            shares[still] = 0
            self._paint_curve("accent", row, xs[numbers < known], shares[numbers < known])
        self._paint_legend(row, legend)

    def _paint_legend(self, row: QRectF, legend: tuple[str, str]) -> None:
        painter, theme = self._painter, self._theme
        plain = painter.font()
        small = painter.font()
        small.setPointSizeF(small.pointSizeF() * 0.8)
        painter.setFont(small)
        metrics = painter.fontMetrics()
        right = row.right()
        for color, words in zip(("warn", "accent"), legend, strict=True):
            width = metrics.horizontalAdvance(words)
            place = QRectF(right - width - 10, row.top() - 2, width + 10, metrics.height())
            ground = theme.color("base")
            ground.setAlphaF(0.9)
            painter.fillRect(place, ground)
            painter.setPen(theme.color(color))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, words)
            right = place.left()
        painter.setFont(plain)

    def _paint_curve(self, color: str, row: QRectF, xs: NDArray[np.float64], shares: NDArray[np.float64]) -> None:
        painter, theme = self._painter, self._theme
        if not len(xs):
            return
        ys = row.bottom() - shares * (row.height() - 2)
        painter.setPen(QPen(theme.color(color), 1.5))
        painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]))

    def keys(self, images: Sequence[QImage], current: int, *, selected: bool) -> None:
        """Paint the keyframes, the current one over the others."""
        painter, theme = self._painter, self._theme
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        for number in sorted(range(self._places.count), key=lambda number: number == current):
            rect, chosen = self._places.key_rect(number), number == current and selected
            painter.fillRect(rect, theme.color("stage"))
            if number < len(images):
                image = images[number]
                fitted = image.size().scaled(rect.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
                place = QRectF(0, 0, fitted.width(), fitted.height())
                place.moveCenter(rect.center())
                painter.drawImage(place, image)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("base"), 4))
            painter.drawRect(rect)
            painter.setPen(QPen(theme.color("accent" if chosen else "warn"), 2.5 if chosen else 2))
            painter.drawRect(rect)

    def playhead(self, frame: int, height: int) -> None:
        painter, theme = self._painter, self._theme
        x = self._places.x_of(frame)
        painter.setPen(QPen(theme.color("text"), 1.5))
        painter.drawLine(QPointF(x, 4), QPointF(x, height - 3))
        painter.setBrush(theme.color("text"))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(QPolygonF([QPointF(x - 5, 1), QPointF(x + 5, 1), QPointF(x, 9)]))
