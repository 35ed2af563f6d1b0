"""The straight line from each key to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.types import Floats


def linear(keys: Floats, positions: NDArray[np.float64]) -> Floats:
    """Codes ``(m, d)`` on the straight lines between keys ``(k, d)`` at positions ``(m,)`` in [0, k - 1]."""
    before = np.clip(np.floor(positions).astype(np.int64), 0, max(len(keys) - 2, 0))
    after = np.minimum(before + 1, len(keys) - 1)
    share = (positions - before)[:, None]
    # Weights 1 and 0 at the keys give them bit for bit, which start + share · difference would not.
    return (keys[before] * (1 - share) + keys[after] * share).astype(np.float32)
