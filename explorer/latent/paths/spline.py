"""A smooth curve through all keys: cubic, with the tangents of a centripetal Catmull-Rom spline.

Catmull and Rom 1974; Yuksel, Schaefer and Keyser 2011 for the centripetal knots, which keep a curve through unevenly
spaced keys from overshooting and from tying knots. A key's tangent is taken over the shorter of the two knot intervals
beside it: then the speed is the same before and behind the key, and a repeated key is a halt and no explosion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.latent.paths.path import Curve, Surroundings, segments_of
from explorer.types import Floats


def spline(keys: Floats, surroundings: Surroundings) -> Curve:
    """Curve through keys ``(k, d)``, with continuous velocity; where it is closed also from its end to its start."""
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
    """Velocities ``(k, d)`` at points ``(k, d)``, in code units a segment.

    Each is at most twice the shorter of the two chords beside its point. At the ends of an open curve it is the chord;
    of a closed one, whose last point is its first, both ends have the same.
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
    """Tangents ``(m, d)`` between chords ``(m, d)`` before and behind each point."""
    left, right = (np.sqrt(np.linalg.norm(chord, axis=1))[:, None] for chord in (before, behind))
    shorter = np.minimum(left, right)
    # Where a chord has no length there is no direction to take from it: the curve halts.
    safe_left, safe_right = np.where(left > 0, left, 1.0), np.where(right > 0, right, 1.0)
    velocity = (right * before / safe_left + left * behind / safe_right) / (safe_left + safe_right)
    return np.where(shorter > 0, velocity * shorter, 0.0)
