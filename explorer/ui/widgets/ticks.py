"""Round numbers for the ticks of an axis."""

from __future__ import annotations

import math


def nice_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is at least `least` (above 0)."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))


def ticks(low: float, high: float, step: float) -> list[float]:
    """Return the multiples of a step from `low` to `high`."""
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def tick_text(value: float, step: float) -> str:
    """Return a number with the decimals that ticks at this step need."""
    places = max(0, -math.floor(math.log10(step)))
    return f"{value:.{places}f}".replace("-", "−")
