"""Positions of a map's tiles: a grid on a plane whose spacing is halved with every zoom level."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from explorer.errors import UsageError
from explorer.types import Floats, Indices

DEEPEST = 24
"""Maximum zoom level; beyond it, adjacent float32 codes would be equal."""


@dataclass(frozen=True)
class TileGrid:
    """Tile (i, j) of level k has its center at ``low + i · spacing / 2^k`` along x, and the same with j along y.

    So every tile is also one of the next finer level. UsageError if the spacing is not above 0, or a value not finite.
    """

    low: float
    spacing: float

    def __post_init__(self) -> None:
        if not (self.spacing > 0 and math.isfinite(self.spacing) and math.isfinite(self.low)):
            raise UsageError(
                "Cannot draw a grid from {low:g} with a spacing of {spacing:g}. Choose another range.",
                low=self.low,
                spacing=self.spacing,
            )

    def step(self, level: int) -> float:
        """Return the distance of tiles at a level; negative levels are coarser than level 0."""
        return math.ldexp(self.spacing, -level)

    def middles(self, level: int, tiles: Indices) -> Floats:
        """Return the centers of tiles ``(n, 2)``, float32 ``(n, 2)``."""
        return (self.low + tiles.astype(np.float64) * self.step(level)).astype(np.float32)

    def visible(self, level: int, left: float, right: float, bottom: float, top: float) -> Indices:
        """Return the tiles that a rectangle touches, int64 ``(n, 2)``, those nearest to its center first."""
        step = self.step(level)
        first, last = (math.floor((edge - self.low) / step + 0.5) for edge in (left, right))
        lowest, highest = (math.floor((edge - self.low) / step + 0.5) for edge in (bottom, top))
        across, up = np.arange(first, last + 1), np.arange(lowest, highest + 1)
        tiles = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2).astype(np.int64)
        middle = np.array([(left + right) / 2 - self.low, (bottom + top) / 2 - self.low]) / step
        return tiles[np.argsort(((tiles - middle) ** 2).sum(axis=1), kind="stable")]
