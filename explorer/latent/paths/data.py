"""The data path: from keyframe to keyframe along codes of real images, smoothed.

A straight line may pass through regions of latent space without data. The shortest path on the nearest-neighbor graph
(as in Isomap: Tenenbaum, de Silva and Langford 2000) stays close to the data.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.paths.path import Curve, Surroundings, segments_of
from explorer.latent.paths.spline import tangents
from explorer.types import Floats

_ROUNDS = 2
_POINTS_A_STEP = 8


def data(keys: Floats, surroundings: Surroundings) -> Curve:
    """Return the data path through keyframes ``(k, d)``, with constant speed within each segment.

    A segment is computed at first use, which imports SciPy. UsageError if there are no codes of the data, or they have
    another length than the keyframes.
    """
    graph = surroundings.data
    if graph is None:
        raise UsageError("A data path needs codes of images. Open a dataset, or choose another path.")
    if graph.latent_dim != keys.shape[1]:
        raise UsageError(
            "The keyframes have {keys} dimensions, but the codes of the data have {data}. "
            "Use codes from the same model.",
            keys=keys.shape[1],
            data=graph.latent_dim,
        )

    @cache
    def way(segment: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return _smooth(graph.way(keys[segment], keys[min(segment + 1, len(keys) - 1)]))

    def at(positions: NDArray[np.float64]) -> Floats:
        before, share = segments_of(positions, len(keys))
        codes = np.empty((len(positions), keys.shape[1]), dtype=np.float32)
        for segment in np.unique(before).tolist():
            mine = before == segment
            codes[mine] = _along(*way(segment), share[mine])
            codes[mine & (share == 0)] = keys[segment]
            codes[mine & (share == 1)] = keys[min(segment + 1, len(keys) - 1)]
        return codes

    return at


def _smooth(way: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smooth a path ``(n, d)``: return a fine polyline ``(m, d)`` with the same ends, and arc lengths ``(m,)``."""
    points = way.astype(np.float64)
    for _ in range(_ROUNDS):
        points[1:-1] = (points[:-2] + 2 * points[1:-1] + points[2:]) / 4
    slopes = tangents(points, closed=False)
    t = (np.arange(_POINTS_A_STEP) / _POINTS_A_STEP)[:, None]
    fine = (
        (1 + 2 * t) * (1 - t) ** 2 * points[:-1, None]
        + t * (1 - t) ** 2 * slopes[:-1, None]
        + t**2 * (3 - 2 * t) * points[1:, None]
        + t**2 * (t - 1) * slopes[1:, None]
    ).reshape(-1, points.shape[1])
    line = np.concatenate([fine, points[-1:]])
    return line, np.concatenate([[0.0], np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum()])


def _along(line: NDArray[np.float64], lengths: NDArray[np.float64], shares: NDArray[np.float64]) -> Floats:
    """Return the codes ``(m, d)`` at fractions ``(m,)`` of the length of a polyline."""
    wanted = shares * lengths[-1]
    before = np.clip(np.searchsorted(lengths, wanted, side="right") - 1, 0, len(line) - 2)
    step = lengths[before + 1] - lengths[before]
    share = np.where(step > 0, (wanted - lengths[before]) / np.where(step > 0, step, 1.0), 0.0)[:, None]
    codes: Floats = (line[before] * (1 - share) + line[before + 1] * share).astype(np.float32)
    return codes
