"""Types of paths and curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.latent.neighbor_graph import NeighborGraph
from explorer.types import Floats, Indices

Curve: TypeAlias = Callable[[NDArray[np.float64]], Floats]
"""Positions ``(m,)`` float64 in [0, k - 1] along k keyframes to codes ``(m, d)`` float32."""


@dataclass(frozen=True)
class Surroundings:
    """Further arguments of a path.

    If `closed`, the last keyframe equals the first and the animation loops, so that the curve must be seamless. `data`
    is the neighbor graph of the codes of the data, or None.
    """

    closed: bool = False
    data: NeighborGraph | None = None


Path: TypeAlias = Callable[[Floats, Surroundings], Curve]
"""Keyframes ``(k, d)`` float32, k ≥ 1, and further arguments to the curve through them."""


def segments_of(positions: NDArray[np.float64], keys: int) -> tuple[Indices, NDArray[np.float64]]:
    """Return the segment ``(m,)`` of each position, and the fraction ``(m,)`` in [0, 1] within it.

    The last position belongs to the last segment. With one keyframe there is one segment of length 0.
    """
    segment = np.clip(np.floor(positions).astype(np.int64), 0, max(keys - 2, 0))
    return segment, np.clip(positions - segment, 0.0, 1.0)
