"""A code of shape (h, w, c) as c feature maps: what is usual in each, and which cells a brush touches."""

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
    """What is usual in each channel, over all its cells and all codes; every array float32 ``(c,)``, code units.

    Attributes
    ----------
    mean, sigma
        Mean and standard deviation; σ is never 0: a channel that never varies has that of the others.
    low, high
        Smallest and largest value.
    """

    mean: Floats
    sigma: Floats
    low: Floats
    high: Floats


def map_statistics(stats: CodeStatistics, shape: LatentShape) -> MapStatistics:
    """Put the statistics of a spatial code's dimensions together, channel by channel.

    Parameters
    ----------
    stats
        Of the flat code.
    shape
        ``(h, w, c)``.

    Raises
    ------
    UsageError
        If the shape is none of feature maps, or not the code's.
    """
    if len(shape) != 3 or prod(shape) != stats.latent_dim:
        raise UsageError(f"a shape (h, w, c) of {stats.latent_dim} values", str(shape))
    mean, sigma = (part.astype(np.float64).reshape(-1, shape[2]) for part in (stats.mean, stats.sigma))
    centre = mean.mean(axis=0)
    spread = np.sqrt((sigma**2 + (mean - centre) ** 2).mean(axis=0))
    usual = float(np.sqrt((spread**2).mean())) or 1.0
    spread = np.where(spread > usual * _SMALLEST_SHARE, spread, usual)
    return MapStatistics(
        mean=centre.astype(np.float32),
        sigma=spread.astype(np.float32),
        low=stats.quantiles[0].reshape(-1, shape[2]).min(axis=0),
        high=stats.quantiles[-1].reshape(-1, shape[2]).max(axis=0),
    )


def brushed_cells(
    shape: tuple[int, int], start: tuple[float, float], end: tuple[float, float], size: float
) -> NDArray[np.bool_]:
    """Tell which cells a round brush touches on its straight way from one place to another.

    Parameters
    ----------
    shape
        Rows and columns of the map; cell (r, c) reaches from (r, c) to (r + 1, c + 1).
    start, end
        Places as (row, column), anywhere.
    size
        Diameter of the brush in cells. The cells under both ends are touched however small it is.

    Returns
    -------
    NDArray
        Bool, of `shape`.
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
