"""A line of a plot, and what colours lines have; free of the plotting library, which takes a moment to import."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QColor

from explorer.ui.theme import current_theme

_HUES = (0.61, 0.07, 0.40, 0.90, 0.13, 0.52, 0.75, 0.29)
"""Blue, orange, green, pink, amber, teal, violet, lime: told apart side by side, in light and in dark."""


@dataclass(frozen=True)
class Curve:
    """One line of the plot.

    Attributes
    ----------
    name
        What the legend and the values under the mouse call it.
    xs, values
        Its points, as many of one as of the other, from left to right.
    color
        Number of its colour; below 0 for a quiet one.
    dashed
        Whether the line is dashed, as held-out pictures' is.
    told
        Whether the legend names it.
    """

    name: str
    xs: tuple[float, ...]
    values: tuple[float, ...]
    color: int = 0
    dashed: bool = False
    told: bool = True


def curve_color(number: int) -> QColor:
    """Return the colour of a curve by its number; colours repeat after eight, lighter or darker."""
    if number < 0:
        return current_theme().color("muted")
    dark = QColor(current_theme().base).lightnessF() < 0.5
    shade = 0.68 if dark else 0.42
    return QColor.fromHslF(_HUES[number % len(_HUES)], 0.75, shade + (0.1 if number >= len(_HUES) else 0.0))
