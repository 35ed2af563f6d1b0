"""How fast a film moves within one segment: functions of time from [0, 1] onto [0, 1].

Every one is smooth, never falls, and maps 0 to 0 and 1 to 1. A new one is one function and one line in `EASINGS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.latent.registry import named

Easing: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Times in [0, 1], any shape, to progress in [0, 1], the same shape."""


def linear(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Even speed."""
    return t


def ease(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slow at both ends."""
    return t * t * (3 - 2 * t)


def ease_in(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slow at the start."""
    return t**3


def ease_out(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slow at the end."""
    return 1 - (1 - t) ** 3


EASINGS: dict[str, Easing] = {
    "linear": linear,
    "ease": ease,
    "ease_in": ease_in,
    "ease_out": ease_out,
}


def easing_named(name: str) -> Easing:
    """Return the easing of that name.

    Raises
    ------
    UsageError
        If there is none; the message lists the known ones.
    """
    return named(EASINGS, name, "easing")
