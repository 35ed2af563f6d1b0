"""Easing functions: time within a segment in [0, 1] to progress in [0, 1].

Each is smooth, monotonic, and maps 0 to 0 and 1 to 1. To add one, add a function and a line in `EASINGS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.latent.registry import named
from explorer.messages import message

Easing: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Times in [0, 1] of any shape to progress in [0, 1] of the same shape."""


def linear(t: NDArray[np.float64]) -> NDArray[np.float64]:
    return t


def ease(t: NDArray[np.float64]) -> NDArray[np.float64]:
    return t * t * (3 - 2 * t)


def ease_in(t: NDArray[np.float64]) -> NDArray[np.float64]:
    return t**3


def ease_out(t: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 - (1 - t) ** 3


EASINGS: dict[str, Easing] = {
    "linear": linear,
    "ease": ease,
    "ease_in": ease_in,
    "ease_out": ease_out,
}


def easing_named(name: str) -> Easing:
    """Return an easing by name; UsageError, with the known ones, if there is none."""
    return named(EASINGS, name, message("easing"))
