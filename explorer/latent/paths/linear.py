"""The linear path."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.latent.paths.path import Curve, Surroundings, segments_of
from explorer.types import Floats


def linear(keys: Floats, surroundings: Surroundings) -> Curve:
    def at(positions: NDArray[np.float64]) -> Floats:
        before, share = segments_of(positions, len(keys))
        after = np.minimum(before + 1, len(keys) - 1)
        walked = share[:, None]
        # Weights 1 and 0 reproduce the keyframes exactly, unlike start + share · difference.
        return (keys[before] * (1 - walked) + keys[after] * walked).astype(np.float32)

    return at
