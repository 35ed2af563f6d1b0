"""Color maps: diverging (blue below zero, orange above, background at zero) and sequential."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PySide6.QtGui import QColor

from explorer.types import Floats, Shown
from explorer.ui.theme import Theme, current_theme

_STEPS = 256
_OVERLAY_OPACITY = 200

HEAT_REACH = 0.5
"""Error from which on `heat` is brightest."""

_HEAT = np.array([[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]], np.float32)
"""Five points of a perceptually ordered black–red–yellow color map."""


def colored(values: Floats, reach: tuple[float, float]) -> Shown:
    """Return the colors of values, uint8 ``(..., 3)``; values outside of `ramp_reach` get the end colors."""
    low, high = reach
    share = np.nan_to_num(np.clip((values - low) / (high - low), 0, 1))
    ramp = _ramp(current_theme(), low < 0)
    return np.asarray(ramp[(share * (_STEPS - 1) + 0.5).astype(np.int64)])


def ramp_reach(low: float, high: float) -> tuple[float, float]:
    """Return the ends of a color map for values from low to high: symmetric about zero if any are negative."""
    reach = max(abs(low), abs(high)) or 1.0
    return (-reach, reach) if low < 0 else (0.0, reach)


@lru_cache(maxsize=8)
def _ramp(theme: Theme, both_ways: bool) -> Shown:
    """Return 256 colors, ``(256, 3)``, with the background in the middle."""
    zero, above, below = (_rgb(theme.color(name)) for name in ("base", "warn", "accent"))
    points = np.array([below, zero, above] if both_ways else [zero, above])
    place = np.linspace(0, len(points) - 1, _STEPS)
    columns = [np.interp(place, np.arange(len(points)), points[:, channel]) for channel in range(3)]
    return np.stack(columns, axis=1).round().astype(np.uint8)


def _rgb(color: QColor) -> tuple[int, int, int]:
    return color.red(), color.green(), color.blue()


def overlay_colors(values: Floats, highest: float) -> Shown:
    """Return translucent colors, uint8 ``(..., 4)`` RGBA: higher is brighter.

    Values are not negative; those that are not finite are transparent. `highest` is the upper end, above 0.
    """
    known = np.isfinite(values)
    share = np.clip(np.where(known, values, 0) / highest, 0, 1)
    ramp = heat(np.atleast_2d(share / 2)).reshape(*values.shape, 3)
    opacity = np.where(known, _OVERLAY_OPACITY, 0).astype(np.uint8)
    return np.concatenate([ramp, opacity[..., None]], axis=-1)


def heat(difference: Floats) -> Shown:
    """Return an image ``(h, w, 3)`` of an error ``(h, w)`` in [0, 1]: black 0, yellow 0.5 and above, and NaN."""
    position = np.nan_to_num(np.clip(difference / HEAT_REACH, 0, 1), nan=1.0) * (len(_HEAT) - 1)
    low = np.minimum(position.astype(np.int64), len(_HEAT) - 2)
    share = (position - low)[..., None]
    return np.asarray(_HEAT[low] * (1 - share) + _HEAT[low + 1] * share, np.uint8)
