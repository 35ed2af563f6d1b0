"""Painting of one slider of the list."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPolygonF

from explorer.types import Floats
from explorer.ui.text import sigmas
from explorer.ui.theme import Theme

RANGE = 4.0
"""The track runs from −4 σ to +4 σ."""

VALUE_WIDTH = 62
"""Width of the number column, right of the tracks."""

NOTE_SHARE = 0.82
"""Font size of the note, relative to the name."""

_LEFT = 8


@dataclass(frozen=True, eq=False)
class SliderLook:
    """The state of one slider.

    `rect` and `track` are those of the row and its track, in viewport coordinates. `note` is below the name; it may be
    empty. `shape` has the heights in [0, 1] of the histogram behind the track, ``(bins,)``, or none. `value` and `mark`
    are value and original value in σ; the latter may be None. `held` is while it is dragged.
    """

    rect: QRectF
    track: QRectF
    name: str
    note: str
    shape: Floats
    value: float
    mark: float | None
    current: bool
    focused: bool
    held: bool
    enabled: bool


def place_on(track: QRectF, value: float) -> QPointF:
    """Return the position of a value in σ on a track, clipped to its ends."""
    share = (min(max(value, -RANGE), RANGE) + RANGE) / (2 * RANGE)
    return QPointF(track.left() + share * track.width(), track.center().y())


def paint_slider(painter: QPainter, look: SliderLook, theme: Theme) -> None:
    """Paint frame, name, histogram, track, mark, handle and number."""
    if look.current and look.focused:
        painter.setPen(theme.color("accent"))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(look.rect.adjusted(1.5, 1.5, -1.5, -1.5), 6, 6)
    _paint_name(painter, look, theme)
    _paint_histogram(painter, look, theme)
    _paint_track(painter, look, theme)
    if look.enabled:
        painter.setPen(theme.color("accent"))
        painter.setBrush(theme.color("accent" if look.held or look.current else "base"))
        painter.drawEllipse(place_on(look.track, look.value), 6.5, 6.5)
        painter.setPen(theme.color("text" if abs(look.value) <= RANGE else "warn"))
        number = QRectF(look.track.right() + 6, look.rect.top(), VALUE_WIDTH - 4, look.rect.height())
        painter.drawText(number, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, sigmas(look.value))


def _paint_name(painter: QPainter, look: SliderLook, theme: Theme) -> None:
    painter.setPen(theme.color("text"))
    name = QRectF(_LEFT, look.rect.top(), look.track.left() - _LEFT, look.rect.height())
    if not look.note:
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter, look.name)
        return
    name.setHeight(look.rect.height() / 2 + 2)
    painter.drawText(name, Qt.AlignmentFlag.AlignVCenter, look.name)
    plain = painter.font()
    small = painter.font()
    small.setPointSizeF(small.pointSizeF() * NOTE_SHARE)
    painter.setFont(small)
    painter.setPen(theme.color("muted"))
    below = QRectF(_LEFT, name.bottom() - 2, name.width(), look.rect.height() / 2 - 4)
    painter.drawText(below, Qt.AlignmentFlag.AlignVCenter, look.note)
    painter.setFont(plain)


def _paint_track(painter: QPainter, look: SliderLook, theme: Theme) -> None:
    track, middle = look.track, look.track.center().y()
    painter.setPen(theme.color("border"))
    painter.drawLine(QPointF(track.left(), middle), QPointF(track.right(), middle))
    zero = place_on(track, 0).x()
    painter.drawLine(QPointF(zero, middle - 5), QPointF(zero, middle + 5))
    if look.mark is not None:
        mark = place_on(track, look.mark)
        painter.setPen(theme.color("muted"))
        painter.drawLine(mark + QPointF(0, -9), mark + QPointF(0, 9))


def _paint_histogram(painter: QPainter, look: SliderLook, theme: Theme) -> None:
    track = look.track
    if not len(look.shape):
        return
    points = [QPointF(track.left(), track.bottom())]
    step = track.width() / len(look.shape)
    for index, height in enumerate(look.shape):
        points.append(QPointF(track.left() + (index + 0.5) * step, track.bottom() - float(height) * track.height()))
    points.append(QPointF(track.right(), track.bottom()))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("accent_soft"))
    painter.drawPolygon(QPolygonF(points))
