"""A vertical color bar with numbers, painted beside a plot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from explorer.ui.color_map import heat
from explorer.ui.images import pixels_to_qimage
from explorer.ui.theme import Theme

BAR_WIDTH = 64
"""Width with numbers, in pixels."""

_THICK = 14
_LINE = 16


@dataclass(frozen=True)
class ColorBar:
    """What the colors from dark to bright mean: a title, and numbers at shares of the height, 0 at the bottom."""

    title: str
    ticks: tuple[tuple[float, str], ...]


def linear_bar(title: str, highest: float) -> ColorBar:
    """Return a bar from 0 to `highest`; larger values have its last color."""
    return ColorBar(title, ((0.0, "0"), (0.5, f"{highest / 2:.2g}"), (1.0, f"≥ {highest:.2g}")))


def paint_color_bar(painter: QPainter, bar: ColorBar, area: QRectF, theme: Theme) -> None:
    """Paint a bar into an area `BAR_WIDTH` wide, its title below."""
    place = QRectF(area.left() + 8, area.top(), _THICK, area.height())
    ramp = heat(np.linspace(0.5, 0, 256, dtype=np.float32)[:, None])
    painter.drawImage(place, pixels_to_qimage(ramp))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.color("border"), 1))
    painter.drawRect(place)
    painter.setPen(theme.color("text"))
    for share, text in bar.ticks:
        middle = place.bottom() - share * place.height()
        top = min(max(middle - _LINE / 2, area.top()), area.bottom() - _LINE)
        painter.drawText(
            QRectF(place.right() + 4, top, BAR_WIDTH, _LINE),
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
            text,
        )
    below = QRectF(area.left(), area.bottom() + 4, BAR_WIDTH, _LINE)
    painter.drawText(below, Qt.AlignmentFlag.AlignCenter, bar.title)
