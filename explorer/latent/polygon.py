"""Lasso selection: the points inside a polygon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.types import Floats


def inside(points: Floats, polygon: Floats) -> NDArray[np.bool_]:
    """Return which points ``(n, 2)`` are inside a polygon ``(k, 2)``, bool ``(n,)``, by the even-odd rule.

    The polygon is closed automatically; with fewer than three corners it is empty.
    """
    found = np.zeros(len(points), np.bool_)
    if len(polygon) < 3:
        return found
    x, y = points[:, 0].astype(np.float64), points[:, 1].astype(np.float64)
    corners = polygon.astype(np.float64)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crosses = (y0 > y) != (y1 > y)
        if crosses.any():
            at = x0 + (y[crosses] - y0) * (x1 - x0) / (y1 - y0)
            found[crosses] ^= x[crosses] < at
    return found
