"""Codes of many images, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.latent.checks import check_table
from explorer.latent.components import along_components
from explorer.latent.planes import Plane
from explorer.latent.statistics import CodeStatistics
from explorer.types import Floats, Indices

LONG_CODE = 4_096
"""Longer codes, such as spatial ones, are compared by their principal coordinates, and stored as float16."""

MOST_WHOLE_BYTES = 64 << 20
"""Maximum size of a table that keeps whole long codes."""


@dataclass(frozen=True, eq=False)
class CodeTable:
    """Codes of n images; NaN for an image without one. `statistics` are those of the model.

    `values` is float32 ``(n, d)``, the codes. Codes longer than `LONG_CODE` that would take more than
    `MOST_WHOLE_BYTES` are not `whole`: ``(n, k)``, their coordinates along the principal components, in σ.
    """

    values: Floats
    statistics: CodeStatistics
    whole: bool = True

    @classmethod
    def empty(cls, count: int, statistics: CodeStatistics) -> CodeTable:
        """Return a table of NaN for `count` codes; UsageError if it would not fit into memory."""
        cls.check(count, statistics)
        whole = _fits_whole(count, statistics)
        width = statistics.latent_dim if whole else len(statistics.components)
        return cls(np.full((count, width), np.nan, np.float32), statistics, whole)

    @staticmethod
    def check(count: int, statistics: CodeStatistics) -> None:
        """Check that a table of so many codes fits into memory; UsageError otherwise."""
        if _fits_whole(count, statistics):
            check_table(count, statistics.latent_dim)

    @property
    def known(self) -> Indices:
        """Which images have a code, int64 ``(m,)``."""
        return np.flatnonzero(np.isfinite(self.values).all(axis=1))

    def put(self, rows: Indices, codes: Floats) -> None:
        """Set the codes ``(m, d)`` of some images ``(m,)``."""
        self.values[rows] = codes if self.whole else along_components(codes, self.statistics)

    def components(self, rows: Indices) -> Floats:
        """Return coordinates ``(m, k)`` along the principal components, in σ."""
        values = self.values[rows]
        return along_components(values, self.statistics) if self.whole else values

    def on_plane(self, plane: Plane, components: tuple[int, int] | None) -> Floats | None:
        """Return the coordinates ``(n, 2)`` on a plane, which is that of two `components`, or of another kind.

        None if they are not known: codes that are not whole have coordinates on planes of components only.
        """
        if self.whole:
            return plane.coordinates(self.values)
        return None if components is None else self.values[:, list(components)]


def _fits_whole(count: int, statistics: CodeStatistics) -> bool:
    length = statistics.latent_dim
    return length <= LONG_CODE or not len(statistics.components) or 4 * count * length <= MOST_WHOLE_BYTES
