"""What a path is: keys and their surroundings in, a curve through the keys out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.latent.neighbour_graph import NeighbourGraph
from explorer.types import Floats, Indices

Curve: TypeAlias = Callable[[NDArray[np.float64]], Floats]
"""Positions ``(m,)`` float64 in [0, k - 1] along k keys, to codes ``(m, d)`` float32; a whole position is that key."""


@dataclass(frozen=True)
class Surroundings:
    """What a path may look at besides its keys.

    Attributes
    ----------
    closed
        Whether the last key is the first one again, so that the film goes round; there must be no seam then.
    data
        The neighbourhoods of the data's codes; None where they are not known.
    """

    closed: bool = False
    data: NeighbourGraph | None = None


Path: TypeAlias = Callable[[Floats, Surroundings], Curve]
"""Keys ``(k, d)`` float32, k at least 1, and their surroundings, to the curve through them."""


def segments_of(positions: NDArray[np.float64], keys: int) -> tuple[Indices, NDArray[np.float64]]:
    """Segment ``(m,)`` of each position and the share ``(m,)`` in [0, 1] of it that is walked.

    The last position belongs to the last segment, with share 1. With one key there is one segment that leads nowhere.
    """
    segment = np.clip(np.floor(positions).astype(np.int64), 0, max(keys - 2, 0))
    return segment, np.clip(positions - segment, 0.0, 1.0)
