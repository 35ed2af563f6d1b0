"""How far a code lies from those of the data: whether a decoder can be expected to know what to make of it."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.checks import as_codes
from explorer.types import Floats, Indices

MOST_CODES = 1_000
"""Codes that are compared with, spread evenly: enough to know the data by, few enough for every step of a drag."""

USUAL_QUANTILE = 0.95
_ASKED = 200
"""Codes whose nearest others tell what is usual."""

_AT_ONCE = 2_000_000
"""Numbers of the table of distances that are in memory at once."""


class CodeDistance:
    """Distances to the codes of held-out pictures, Euclidean, in units of what is usual among these.

    Parameters
    ----------
    codes
        ``(n, d)``, n > 0. At most `MOST_CODES` of them are used.

    Raises
    ------
    UsageError
        If there are none.
    """

    def __init__(self, codes: Floats) -> None:
        codes = as_codes(codes)
        if not len(codes):
            raise UsageError("codes to compare with", "none", "Choose another model.")
        chosen = np.linspace(0, len(codes) - 1, min(len(codes), MOST_CODES)).astype(np.int64)
        self._codes = codes[chosen].astype(np.float32)
        self._squares = np.einsum("nd,nd->n", self._codes, self._codes).astype(np.float64)

    @cached_property
    def usual(self) -> float:
        """The distance within which 95 % of the data's codes have their nearest other; above 0."""
        if len(self._codes) < 2:
            return 1.0
        some = np.linspace(0, len(self._codes) - 1, min(len(self._codes), _ASKED)).astype(np.int64)
        nearest = self._nearest(self._codes[some], same=some)
        return float(max(np.quantile(nearest, USUAL_QUANTILE), 1e-9))

    def ratio(self, codes: Floats) -> NDArray[np.float64]:
        """Return the distance of codes ``(m, d)`` to the nearest of the data's, in the usual ones; float64 ``(m,)``.

        Up to 1 a code lies among those of the data.
        """
        return self._nearest(np.asarray(codes, np.float32)) / self.usual

    def _nearest(self, codes: Floats, same: Indices | None = None) -> NDArray[np.float64]:
        found = np.empty(len(codes))
        step = max(1, _AT_ONCE // len(self._codes))
        for start in range(0, len(codes), step):
            part = codes[start : start + step]
            # A matrix product would wake the threads of BLAS and, while a training has the processor, wait for them.
            along = np.einsum("md,nd->mn", part, self._codes)
            squares = np.einsum("md,md->m", part, part).astype(np.float64)
            table = squares[:, None] - 2 * along + self._squares
            if same is not None:
                table[np.arange(len(part)), same[start : start + step]] = np.inf
            found[start : start + len(part)] = np.sqrt(np.maximum(table.min(axis=1), 0))
        return found
