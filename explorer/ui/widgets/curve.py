"""A line of a plot and its color; independent of the plotting library, which is slow to import."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QColor

from explorer.ui.theme import current_theme

_HUES = (0.61, 0.07, 0.40, 0.90, 0.13, 0.52, 0.75, 0.29)
"""Blue, orange, green, pink, amber, teal, violet, lime: distinct in light and dark themes."""


@dataclass(frozen=True)
class Curve:
    """One line of the plot, from left to right.

    `name` is in the legend and in the values under the mouse. `color` is a number; below 0 for a muted one. Lines are
    `dashed` for validation.
    """

    name: str
    xs: tuple[float, ...]
    values: tuple[float, ...]
    color: int = 0
    dashed: bool = False
    in_legend: bool = True


def curve_color(number: int) -> QColor:
    """Return the color of a curve; hues repeat after eight, but lighter."""
    if number < 0:
        return current_theme().color("muted")
    dark = QColor(current_theme().base).lightnessF() < 0.5
    shade = 0.68 if dark else 0.42
    return QColor.fromHslF(_HUES[number % len(_HUES)], 0.75, shade + (0.1 if number >= len(_HUES) else 0.0))
