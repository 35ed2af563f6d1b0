"""Along the arc between two codes instead of the chord (Shoemake 1985, section 3.3; for codes White 2016).

Codes of many dimensions drawn from a normal prior lie near a sphere. The chord cuts through its empty middle, where
decoders give averages; the arc stays outside. The direction turns at even speed and the length goes evenly from the one
to the other, so that codes of any length can be joined.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.latent.paths.path import Curve, Surroundings, segments_of
from explorer.types import Floats

_NEARLY_OPPOSITE = 1e-6
"""Sine of the angle below which float32 codes do not say on which side to go round."""


def slerp(keys: Floats, surroundings: Surroundings) -> Curve:
    """Curve of the arcs about the origin between keys ``(k, d)``.

    Between opposite codes the arc leaves at a right angle, in a direction that depends on the codes alone. Where no arc
    is defined (a code of zeros, or opposite codes of one dimension) it is the straight line.
    """

    def at(positions: NDArray[np.float64]) -> Floats:
        before, share = segments_of(positions, len(keys))
        codes = np.empty((len(positions), keys.shape[1]), dtype=np.float32)
        for segment in np.unique(before):
            mine = before == segment
            start, end = keys[segment], keys[min(segment + 1, len(keys) - 1)]
            codes[mine] = between(start, end, share[mine])
        return codes

    return at


def between(start: Floats, end: Floats, shares: NDArray[np.float64]) -> Floats:
    """Codes ``(m, d)`` on the arc from `start` to `end` ``(d,)`` at shares ``(m,)`` in [0, 1]; ends bit for bit."""
    a, b = start.astype(np.float64), end.astype(np.float64)
    length_a, length_b = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    t = shares[:, None]
    turn = _turn(a / length_a, b / length_b) if length_a > 0 and length_b > 0 else None
    if turn is None:
        codes = (a * (1 - t) + b * t).astype(np.float32)
    else:
        aside, angle = turn
        direction = np.cos(t * angle) * (a / length_a) + np.sin(t * angle) * aside
        codes = ((length_a * (1 - t) + length_b * t) * direction).astype(np.float32)
    codes[shares == 0], codes[shares == 1] = start, end
    return codes


def _turn(u: NDArray[np.float64], v: NDArray[np.float64]) -> tuple[NDArray[np.float64], float] | None:
    """Unit vector at a right angle to unit `u` in the plane of `u` and `v`, and the angle between them.

    None where they are parallel, so that there is nothing to turn, and where one dimension leaves no room for it.
    """
    cosine = float(u @ v)
    rest = v - cosine * u
    sine = float(np.linalg.norm(rest))
    if cosine < 0 and sine < _NEARLY_OPPOSITE:
        return _aside(u)
    # The arc tangent is exact at small angles too, where the arc cosine is not.
    return (rest / sine, float(np.arctan2(sine, cosine))) if sine > 0 else None


def _aside(u: NDArray[np.float64]) -> tuple[NDArray[np.float64], float] | None:
    """Half a turn about `u`, by way of the axis that `u` is least along: the same one for `u` and for its opposite."""
    if len(u) < 2:
        return None
    axis = int(np.argmin(np.abs(u)))
    rest = -u[axis] * u
    rest[axis] += 1
    return rest / np.linalg.norm(rest), np.pi
