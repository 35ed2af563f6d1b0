"""A spatial code (h, w, c) as c feature maps: statistics of each channel, and the cells under a brush."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.statistics import CodeStatistics
from explorer.types import Floats, LatentShape

_SMALLEST_SHARE = 1e-3


@dataclass(frozen=True, eq=False)
class MapStatistics:
    """Statistics of each channel over all cells and codes; every array float32 ``(c,)``, in code units.

    For a constant channel σ is that of the others, so that it is never 0.
    """

    mean: Floats
    sigma: Floats
    low: Floats
    high: Floats


def map_statistics(stats: CodeStatistics, shape: LatentShape) -> MapStatistics:
    """Aggregate by channel, for a code of shape ``(h, w, c)``; UsageError if it is of another shape."""
    if len(shape) != 3 or prod(shape) != stats.latent_dim:
        raise UsageError(
            "The shape {shape} is not that of a spatial code with {count:# value|# values}. Use (h, w, c).",
            shape=str(shape),
            count=stats.latent_dim,
        )
    mean, sigma = (part.astype(np.float64).reshape(-1, shape[2]) for part in (stats.mean, stats.sigma))
    center = mean.mean(axis=0)
    spread = np.sqrt((sigma**2 + (mean - center) ** 2).mean(axis=0))
    usual = float(np.sqrt((spread**2).mean())) or 1.0
    spread = np.where(spread > usual * _SMALLEST_SHARE, spread, usual)
    return MapStatistics(
        mean=center.astype(np.float32),
        sigma=spread.astype(np.float32),
        low=stats.quantiles[0].reshape(-1, shape[2]).min(axis=0),
        high=stats.quantiles[-1].reshape(-1, shape[2]).max(axis=0),
    )


def brushed_cells(
    shape: tuple[int, int], start: tuple[float, float], end: tuple[float, float], size: float
) -> NDArray[np.bool_]:
    """Return the cells that a round brush touches on a straight line, bool of `shape`, rows and columns.

    Cell (r, c) extends from (r, c) to (r + 1, c + 1). The ends, (row, column), may be outside of the map; their cells
    are always included. `size` is the diameter of the brush in cells.
    """
    rows, columns = np.indices(shape) + 0.5
    way = np.subtract(end, start)
    length = float(way @ way)
    along = (rows - start[0]) * way[0] + (columns - start[1]) * way[1]
    share = np.clip(along / length, 0, 1) if length else np.zeros(shape)
    distance = np.hypot(rows - start[0] - share * way[0], columns - start[1] - share * way[1])
    cells: NDArray[np.bool_] = distance <= size / 2
    for row, column in (start, end):
        if 0 <= row < shape[0] and 0 <= column < shape[1]:
            cells[int(row), int(column)] = True
    return cells
