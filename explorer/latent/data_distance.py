"""Distance of a code to the data: whether it is in distribution for the decoder."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.checks import as_codes
from explorer.types import Floats, Indices

MOST_CODES = 1_000
"""Maximum number of data codes, evenly sampled: few enough for interactive use."""

USUAL_QUANTILE = 0.95
_ASKED = 200
"""Number of codes whose nearest-neighbor distances determine the unit."""

_AT_ONCE = 2_000_000
"""Maximum number of distances in memory at once."""


class CodeDistance:
    """Euclidean distance to the nearest of codes ``(n, d)`` of test images, relative to their own nearest neighbors.

    At most `MOST_CODES` are used; UsageError if there are none.
    """

    def __init__(self, codes: Floats) -> None:
        codes = as_codes(codes)
        if not len(codes):
            raise UsageError(
                "The model was saved without codes of its images, so distances to the data are unknown. "
                "Choose another model."
            )
        chosen = np.linspace(0, len(codes) - 1, min(len(codes), MOST_CODES)).astype(np.int64)
        self._codes = codes[chosen].astype(np.float32)
        self._squares = np.einsum("nd,nd->n", self._codes, self._codes).astype(np.float64)

    @cached_property
    def usual(self) -> float:
        """The 95th percentile of the nearest-neighbor distances of the data; above 0."""
        if len(self._codes) < 2:
            return 1.0
        some = np.linspace(0, len(self._codes) - 1, min(len(self._codes), _ASKED)).astype(np.int64)
        nearest = self._nearest(self._codes[some], same=some)
        return float(max(np.quantile(nearest, USUAL_QUANTILE), 1e-9))

    def ratio(self, codes: Floats) -> NDArray[np.float64]:
        """Return the distance of codes ``(m, d)`` to the nearest code of the data over `usual`, float64 ``(m,)``.

        A code with a ratio up to 1 is in distribution.
        """
        return self._nearest(np.asarray(codes, np.float32)) / self.usual

    def _nearest(self, codes: Floats, same: Indices | None = None) -> NDArray[np.float64]:
        found = np.empty(len(codes))
        step = max(1, _AT_ONCE // len(self._codes))
        for start in range(0, len(codes), step):
            part = codes[start : start + step]
            # Not a matrix product, which would wake the threads of BLAS and be slow during a training.
            along = np.einsum("md,nd->mn", part, self._codes)
            squares = np.einsum("md,md->m", part, part).astype(np.float64)
            table = squares[:, None] - 2 * along + self._squares
            if same is not None:
                table[np.arange(len(part)), same[start : start + step]] = np.inf
            found[start : start + len(part)] = np.sqrt(np.maximum(table.min(axis=1), 0))
        return found
