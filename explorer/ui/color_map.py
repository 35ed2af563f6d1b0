"""Numbers to colours of the theme: blue below zero, orange above it, the background at zero itself."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PySide6.QtGui import QColor

from explorer.types import Floats, Pixels
from explorer.ui.theme import Theme, current_theme

_STEPS = 256

_HEAT = np.array([[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]], np.float32)
"""Five points of a perceptually ordered black–red–yellow ramp."""


def colored(values: Floats, reach: tuple[float, float]) -> Pixels:
    """Return the colours of values, uint8 ``(..., 3)``.

    Parameters
    ----------
    values
        Any shape.
    reach
        What the ends of the ramp stand for, as `ramp_reach` gives them; what lies outside has the colour of the end.
    """
    low, high = reach
    share = np.nan_to_num(np.clip((values - low) / (high - low), 0, 1))
    ramp = _ramp(current_theme(), low < 0)
    return np.asarray(ramp[(share * (_STEPS - 1) + 0.5).astype(np.int64)])


def ramp_reach(low: float, high: float) -> tuple[float, float]:
    """Return the ends of a ramp that holds all from low to high: even about zero where there are negative values."""
    reach = max(abs(low), abs(high)) or 1.0
    return (-reach, reach) if low < 0 else (0.0, reach)


@lru_cache(maxsize=8)
def _ramp(theme: Theme, both_ways: bool) -> Pixels:
    """256 colours, ``(256, 3)``; both ways the middle is the background."""
    zero, above, below = (_rgb(theme.color(name)) for name in ("base", "warn", "accent"))
    points = np.array([below, zero, above] if both_ways else [zero, above])
    place = np.linspace(0, len(points) - 1, _STEPS)
    columns = [np.interp(place, np.arange(len(points)), points[:, channel]) for channel in range(3)]
    return np.stack(columns, axis=1).round().astype(np.uint8)


def _rgb(color: QColor) -> tuple[int, int, int]:
    return color.red(), color.green(), color.blue()


def overlay_colors(values: Floats, highest: float) -> Pixels:
    """Return see-through colours of values, uint8 ``(..., 4)`` RGBA: the higher, the brighter and the less see-through.

    Parameters
    ----------
    values
        From 0 on; what is not finite is not seen at all.
    highest
        What the end of the ramp stands for, above 0.
    """
    known = np.isfinite(values)
    share = np.clip(np.where(known, values, 0) / highest, 0, 1)
    ramp = heat(np.atleast_2d(share / 2)).reshape(*values.shape, 3)
    opacity = np.where(known, 90 + 140 * share, 0).astype(np.uint8)
    return np.concatenate([ramp, opacity[..., None]], axis=-1)


def heat(difference: Floats) -> Pixels:
    """Return a picture ``(h, w, 3)`` of an error ``(h, w)`` in [0, 1]: black none, yellow one half, above, and NaN."""
    position = np.nan_to_num(np.clip(difference * 2, 0, 1), nan=1.0) * (len(_HEAT) - 1)
    low = np.minimum(position.astype(np.int64), len(_HEAT) - 2)
    share = (position - low)[..., None]
    return np.asarray(_HEAT[low] * (1 - share) + _HEAT[low + 1] * share, np.uint8)
