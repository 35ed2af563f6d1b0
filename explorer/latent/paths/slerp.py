"""Spherical linear interpolation (Shoemake 1985, section 3.3; for latent codes White 2016).

High-dimensional codes from a normal prior are near a sphere. The straight line passes through its empty interior, where
decoders output averages; the arc does not. The angle changes at constant speed, and the norm is interpolated linearly,
so that codes of any norm can be connected.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.latent.paths.path import Curve, Surroundings, segments_of
from explorer.types import Floats

_NEARLY_OPPOSITE = 1e-6
"""Sine of the angle below which the direction of rotation is not determined in float32."""


def slerp(keys: Floats, surroundings: Surroundings) -> Curve:
    """Return the arcs around the origin between keyframes ``(k, d)``.

    Between opposite codes the plane of rotation is chosen deterministically. If no arc exists (a zero code, or opposite
    one-dimensional codes), the interpolation is linear.
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
    """Return the codes ``(m, d)`` on the arc from `start` to `end` ``(d,)`` at fractions ``(m,)``; ends are exact."""
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
    """Return a unit vector orthogonal to `u` in the plane of `u` and `v`, and the angle between `u` and `v`.

    None if they are parallel, or opposite in one dimension.
    """
    cosine = float(u @ v)
    rest = v - cosine * u
    sine = float(np.linalg.norm(rest))
    if cosine < 0 and sine < _NEARLY_OPPOSITE:
        return _aside(u)
    # arctan2 is accurate at small angles, unlike arccos.
    return (rest / sine, float(np.arctan2(sine, cosine))) if sine > 0 else None


def _aside(u: NDArray[np.float64]) -> tuple[NDArray[np.float64], float] | None:
    """Return a half turn of `u` through the coordinate axis least aligned with it, the same for `u` and −`u`."""
    if len(u) < 2:
        return None
    axis = int(np.argmin(np.abs(u)))
    rest = -u[axis] * u
    rest[axis] += 1
    return rest / np.linalg.norm(rest), np.pi
