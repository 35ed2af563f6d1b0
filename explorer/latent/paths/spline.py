"""A cubic spline through all keyframes, with centripetal Catmull-Rom tangents.

Catmull and Rom 1974; Yuksel, Schaefer and Keyser 2011 for centripetal knots, which avoid overshoot and loops between
unevenly spaced keyframes. A tangent is scaled to the shorter of the two adjacent knot intervals, so that the speed is
continuous, and 0 at repeated keyframes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.latent.paths.path import Curve, Surroundings, segments_of
from explorer.types import Floats


def spline(keys: Floats, surroundings: Surroundings) -> Curve:
    """Return a spline through keyframes ``(k, d)`` with continuous velocity, also at the seam if closed."""
    points = keys.astype(np.float64)
    slopes = tangents(points, surroundings.closed)

    def at(positions: NDArray[np.float64]) -> Floats:
        before, share = segments_of(positions, len(points))
        after = np.minimum(before + 1, len(points) - 1)
        t = share[:, None]
        codes = (
            (1 + 2 * t) * (1 - t) ** 2 * points[before]
            + t * (1 - t) ** 2 * slopes[before]
            + t**2 * (3 - 2 * t) * points[after]
            + t**2 * (t - 1) * slopes[after]
        ).astype(np.float32)
        codes[share == 0], codes[share == 1] = keys[before[share == 0]], keys[after[share == 1]]
        return codes

    return at


def tangents(points: NDArray[np.float64], closed: bool) -> NDArray[np.float64]:
    """Return the velocities ``(k, d)`` at points ``(k, d)``, in code units per segment.

    Each is at most twice the shorter adjacent chord. At the ends of an open curve it is the chord; for a closed curve,
    whose last point is its first, both ends have the same velocity.
    """
    chords = np.diff(points, axis=0)
    slopes = np.zeros_like(points)
    if not len(chords):
        return slopes
    slopes[1:-1] = _inner(chords[:-1], chords[1:])
    if closed:
        slopes[0] = slopes[-1] = _inner(chords[-1:], chords[:1])[0]
    else:
        slopes[0], slopes[-1] = chords[0], chords[-1]
    return slopes


def _inner(before: NDArray[np.float64], behind: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the tangents ``(m, d)`` at points between chords ``(m, d)`` before and behind them."""
    left, right = (np.sqrt(np.linalg.norm(chord, axis=1))[:, None] for chord in (before, behind))
    shorter = np.minimum(left, right)
    # A chord of length 0 has no direction: the velocity is 0.
    safe_left, safe_right = np.where(left > 0, left, 1.0), np.where(right > 0, right, 1.0)
    velocity = (right * before / safe_left + left * behind / safe_right) / (safe_left + safe_right)
    return np.where(shorter > 0, velocity * shorter, 0.0)
