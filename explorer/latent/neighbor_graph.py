"""The nearest-neighbor graph of the codes of the data, and shortest paths on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.checks import DATA_CODES, as_code, as_codes
from explorer.latent.neighbors import Found, NeighborIndex
from explorer.types import Floats, Indices

NEIGHBORS = 10
MAX_CODES = 5_000
"""More codes are subsampled evenly, so that the graph is built in a second, and a path found in milliseconds."""

_BYTES_AT_ONCE = 32 << 20

_NO_LENGTH = 1e-12
"""Minimum edge length: sparse matrices drop edges of length 0, which equal codes would have."""


@dataclass(frozen=True, eq=False)
class _Edges:
    """Edges of a graph: from, to and length, each ``(m,)``."""

    starts: Indices
    ends: Indices
    lengths: NDArray[np.float64]


class NeighborGraph:
    """Graph from each code of the data ``(n, d)`` to its nearest `neighbors`; built at first use, deterministic.

    Unconnected components are joined by their nearest pairs, so that the graph is connected. UsageError if the codes
    are not finite, or `neighbors` is below 1.
    """

    def __init__(self, codes: Floats, neighbors: int = NEIGHBORS) -> None:
        table = as_codes(codes, DATA_CODES)
        if len(table) > MAX_CODES:
            table = table[np.linspace(0, len(table) - 1, MAX_CODES).round().astype(np.int64)]
        if not np.isfinite(table).all():
            raise UsageError("Some codes of the data contain NaN or infinity. Check the model.")
        if neighbors < 1:
            raise UsageError(
                "A graph with {count} neighbors is impossible. Choose at least 1, for example 10.", count=neighbors
            )
        self.codes = table
        self.neighbors = neighbors

    @property
    def latent_dim(self) -> int:
        return int(self.codes.shape[1])

    def way(self, start: Floats, end: Floats) -> Floats:
        """Return the shortest path on the graph between two codes ``(d,)``: ``(m, d)``, m ≥ 2, with both ends.

        Each end is connected to its nearest codes, and to the other end if that is at most as far. Imports SciPy.
        UsageError if the codes have another length than the graph's.
        """
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import dijkstra

        ends = np.stack([as_code(start), as_code(end)])
        if ends.shape[1] != self.latent_dim:
            raise UsageError(
                "The codes have {codes} dimensions, but those of the data have {data}. Use codes of the same model.",
                codes=ends.shape[1],
                data=self.latent_dim,
            )
        count = len(self.codes)
        edges = _joined([self._edges, *(self._links(ends, which) for which in (0, 1))])
        graph = csr_array((edges.lengths, (edges.starts, edges.ends)), shape=(count + 2, count + 2))
        _, before = dijkstra(graph, directed=False, indices=np.array([count]), return_predecessors=True)
        nodes = [count + 1]
        while nodes[-1] != count:
            nodes.append(int(before[0, nodes[-1]]))
        return np.concatenate([self.codes, ends])[nodes[::-1]]

    def _links(self, ends: Floats, which: int) -> _Edges:
        """Return edges from one end to its nearest codes, and to the other end if it is not farther than those."""
        lengths = np.linalg.norm(self.codes.astype(np.float64) - ends[which], axis=1)
        nearest = np.argsort(lengths, kind="stable")[: self.neighbors]
        across = float(np.linalg.norm(ends[0].astype(np.float64) - ends[1]))
        count = len(self.codes)
        if across <= lengths[nearest[-1]]:
            nearest, lengths = np.append(nearest, count + 1 - which), np.append(lengths, [across, across])
        return _Edges(np.full(len(nearest), count + which), nearest, np.maximum(lengths[nearest], _NO_LENGTH))

    @cached_property
    def _edges(self) -> _Edges:
        count = len(self.codes)
        if count == 1:
            return _Edges(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        wanted = min(self.neighbors, count - 1)
        found = _nearest(self.codes, self.codes, wanted + 1)
        # Each code is among its own neighbors, but not always first: equal codes have the same distance.
        others = found.indices != np.arange(count)[:, None]
        others[others.all(axis=1), -1] = False
        shape = (count, wanted)
        ends, lengths = found.indices[others].reshape(shape), found.distances[others].reshape(shape)
        starts = np.repeat(np.arange(count), wanted)
        near = _Edges(starts, ends.ravel(), np.maximum(lengths.ravel().astype(np.float64), _NO_LENGTH))
        return _joined([near, *self._bridges(near)])

    def _bridges(self, edges: _Edges) -> list[_Edges]:
        """Return edges that connect the graph: from each component but the largest to the nearest code outside it."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        count = len(self.codes)
        bridges: list[_Edges] = []
        while True:
            known = _joined([edges, *bridges])
            graph = csr_array((known.lengths, (known.starts, known.ends)), shape=(count, count))
            parts, part = connected_components(graph, directed=False)
            if parts == 1:
                return bridges
            sizes = np.bincount(part)
            for number in np.flatnonzero(np.arange(parts) != np.argmax(sizes)):
                inside, outside = np.flatnonzero(part == number), np.flatnonzero(part != number)
                nearest = _nearest(self.codes[outside], self.codes[inside], 1)
                best = int(np.argmin(nearest.distances[:, 0]))
                length = max(float(nearest.distances[best, 0]), _NO_LENGTH)
                bridges.append(_Edges(inside[[best]], outside[nearest.indices[best]], np.array([length])))


def _nearest(codes: Floats, queries: Floats, count: int) -> Found:
    """Return the `count` nearest codes of each query; in batches, since each query copies its codes."""
    index = NeighborIndex(codes, "exact")
    step = max(1, _BYTES_AT_ONCE // (count * codes[0].nbytes))
    parts = [index.search(queries[start : start + step], count) for start in range(0, len(queries), step)]
    return Found(np.concatenate([part.indices for part in parts]), np.concatenate([part.distances for part in parts]))


def _joined(parts: list[_Edges]) -> _Edges:
    """Return the edges of several graphs without duplicates, whose lengths a sparse matrix would sum up."""
    starts, ends, lengths = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("starts", "ends", "lengths")
    )
    low, high = np.minimum(starts, ends), np.maximum(starts, ends)
    _, first = np.unique(low * (high.max(initial=0) + 1) + high, return_index=True)
    return _Edges(low[first], high[first], lengths[first])
