"""Which codes are nearest to a code: exactly, or by an index that looks at a part of them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from explorer.errors import ExplorerError, UsageError
from explorer.latent.axes import to_axes
from explorer.latent.checks import as_codes
from explorer.latent.statistics import CodeStatistics
from explorer.paths import replacing_file
from explorer.types import Floats, Indices

Kind: TypeAlias = Literal["exact", "hnsw", "lsh"]
Metric: TypeAlias = Literal["l2", "cosine"]
KINDS: tuple[Kind, ...] = ("exact", "hnsw", "lsh")
METRICS: tuple[Metric, ...] = ("l2", "cosine")

EXACT_VALUES = 16_000_000
"""Up to so many numbers (500,000 codes of 32) every code is looked at: a scan takes less than 10 ms."""

LONG_CODE = 4_096
"""Longer codes, those of feature maps, are searched through their principal axes."""

LINKS, BUILD_EFFORT, SEARCH_EFFORT = 32, 100, 128
"""Of HNSW: links a code, candidates while it is built and while it is searched (Malkov and Yashunin 2018)."""

BITS_PER_VALUE, MOST_BITS, CANDIDATES = 16, 1_024, 8
"""Of LSH: random half-spaces for each value of a code, and in all; codes that are measured for each that is wanted."""

_CHECKSUM = 32
"""Bytes of SHA-256 before an index that is kept."""

_ADDED_AT_ONCE = 10_000
"""Codes that are put into an index between two moments at which its building can be left."""

_ROUNDING = 1e-4
"""Codes whose values differ by less of the largest, or in a smaller share of their bits, are the same ones."""

_ROUGHLY, _EXTREMES = 0.01, 64
"""Dimensions with a smaller share of the widest range are not looked at, nor more than so many: to name an index."""

_DIRECT = 16
"""Queries that faiss compares one number with the other; with more it multiplies matrices, which rounds."""


@dataclass(frozen=True, eq=False)
class CodeSpace:
    """The coordinates in which codes are compared.

    Attributes
    ----------
    statistics
        Of the model's codes.
    whitened
        Whether every principal axis counts the same: distances are in σ of the data (Mahalanobis).
    """

    statistics: CodeStatistics
    whitened: bool = False

    def coordinates(self, codes: Floats) -> Floats:
        """Return what is compared of codes ``(n, d)``, float32 ``(n, k)``; short codes themselves."""
        if self.whitened:
            return to_axes(codes, self.statistics)
        if codes.shape[1] > LONG_CODE:
            return np.asarray(to_axes(codes, self.statistics) * self.statistics.axis_sigma, np.float32)
        return np.ascontiguousarray(codes, np.float32)


@dataclass(frozen=True, eq=False)
class Found:
    """The nearest of some queries, nearest first.

    Attributes
    ----------
    indices
        Int64 ``(m, k)``, positions among the codes; -1 where an index found fewer.
    distances
        Float32 ``(m, k)``: Euclidean, or 1 − cosine; infinite where there is none.
    """

    indices: Indices
    distances: Floats


class NeighbourIndex:
    """An index over codes; may be searched from several threads.

    Parameters
    ----------
    codes
        ``(n, d)``, n > 0, finite.
    kind
        ``exact``: every code is looked at. ``hnsw``: a graph of near ones. ``lsh``: random half-spaces, the reference's
        choice. None for the first up to `EXACT_VALUES` numbers, and the second above.
    metric
        ``l2`` or ``cosine``.
    folder
        Where an index that takes long to build is kept, and found again for the same codes, last bits aside; None to
        keep none.

    Raises
    ------
    UsageError
        If there are no codes, or they are no finite table.
    """

    def __init__(
        self, codes: Floats, kind: Kind | None = None, metric: Metric = "l2", folder: Path | None = None
    ) -> None:
        for _ in self._build(codes, kind, metric, folder):
            pass

    @classmethod
    def in_parts(
        cls, codes: Floats, kind: Kind | None = None, metric: Metric = "l2", folder: Path | None = None
    ) -> Iterator[int | NeighbourIndex]:
        """Build an index as the constructor does; yield how many codes are in it now and then, and last the index.

        So that a large one, which takes minutes, can be left half-way.

        Raises
        ------
        UsageError
            As the constructor does.
        """
        made = cls.__new__(cls)
        yield from made._build(codes, kind, metric, folder)
        yield made

    def _build(self, codes: Floats, kind: Kind | None, metric: Metric, folder: Path | None) -> Iterator[int]:
        codes = as_codes(codes).astype(np.float32, copy=False)
        if not len(codes):
            raise UsageError("codes to search among", "none", "Open pictures first.")
        self.metric = metric
        self._codes = np.ascontiguousarray(_unit(codes) if metric == "cosine" else codes)
        self.kind: Kind = kind or ("exact" if codes.size <= EXACT_VALUES else "hnsw")
        self._index: Any = None
        if self.kind == "exact":
            return  # an index would be no more than another copy of them
        path = None
        if folder is not None:
            path = folder / f"{self.kind}-{self.metric}-{_fingerprint(self._codes)}.index"
        index = None if path is None else self._kept(path)
        if index is None:
            index = self._empty()
            for start in range(0, len(self._codes), _ADDED_AT_ONCE):
                index.add(self._codes[start : start + _ADDED_AT_ONCE])
                yield min(start + _ADDED_AT_ONCE, len(self._codes))
            if path is not None:
                _keep(index, path)
        if self.kind == "hnsw":
            index.hnsw.efSearch = SEARCH_EFFORT
        self._index = index

    def __len__(self) -> int:
        return len(self._codes)

    def search(self, queries: Floats, k: int, leave_out: int | None = None) -> Found:
        """Return the `k` nearest of each query.

        Parameters
        ----------
        queries
            ``(m, d)``.
        k
            At least 1; all codes where there are fewer.
        leave_out
            A position that is no answer: the query itself.

        Raises
        ------
        UsageError
            If the queries are of another length, or k is below 1.
        """
        queries = as_codes(queries).astype(np.float32)
        if queries.shape[1] != self._codes.shape[1] or k < 1:
            raise UsageError(
                f"queries of {self._codes.shape[1]} numbers and at least 1 neighbour", f"{queries.shape[1]} and {k}"
            )
        queries = np.ascontiguousarray(_unit(queries) if self.metric == "cosine" else queries)
        wanted = min(k + (leave_out is not None), len(self._codes))
        # What differs in few bits is near, but in no certain order: more are taken than wanted, and the nearest kept.
        taken = min(CANDIDATES * wanted, len(self._codes)) if self.kind == "lsh" else wanted
        parts = [self._nearest(queries[at : at + _DIRECT], taken) for at in range(0, len(queries), _DIRECT)]
        indices = np.concatenate([part[1] for part in parts]).astype(np.int64)
        found = self._measured(queries, indices)
        found = Found(found.indices[:, :wanted], found.distances[:, :wanted])
        if leave_out is None:
            return found
        return _without(found, leave_out, min(k, len(self._codes) - (0 <= leave_out < len(self._codes))))

    def _nearest(self, queries: Floats, count: int) -> Any:
        if self._index is not None:
            return self._index.search(queries, count)
        import faiss

        return faiss.knn(queries, self._codes, count, metric=self._metric_type())

    def _metric_type(self) -> Any:
        import faiss

        return faiss.METRIC_INNER_PRODUCT if self.metric == "cosine" else faiss.METRIC_L2

    def _measured(self, queries: Floats, indices: Indices) -> Found:
        """Put true distances to what was found, and order by them; LSH itself counts differing bits."""
        chosen = self._codes[np.maximum(indices, 0)]
        if self.metric == "cosine":
            distances = 1 - np.einsum("md,mkd->mk", queries, chosen)
        else:
            distances = np.sqrt(np.square(chosen - queries[:, None]).sum(axis=2))
        distances = np.where(indices < 0, np.inf, distances).astype(np.float32)
        order = np.argsort(distances, axis=1, kind="stable")
        return Found(np.take_along_axis(indices, order, 1), np.take_along_axis(distances, order, 1))

    def _empty(self) -> Any:
        import faiss

        length = self._codes.shape[1]
        index: Any
        if self.kind == "hnsw":
            index = faiss.IndexHNSWFlat(length, LINKS, self._metric_type())
            index.hnsw.efConstruction = BUILD_EFFORT
        else:
            index = faiss.IndexLSH(length, min(MOST_BITS, max(64, BITS_PER_VALUE * length)))
        return index

    def _kept(self, path: Path) -> Any:
        """Return the index of these codes that was kept, or None."""
        import faiss

        try:
            content = path.read_bytes()
            # faiss follows what stands in an index without looking: only what we have written is given to it.
            if hashlib.sha256(content[_CHECKSUM:]).digest() != content[:_CHECKSUM]:
                return None
            index = faiss.deserialize_index(np.frombuffer(content, np.uint8, offset=_CHECKSUM))
        except Exception:  # not there, or of another version of faiss: it is built again
            return None
        fits = index.ntotal == len(self._codes) and index.d == self._codes.shape[1]
        return index if fits and self._is_of_these(index) else None

    def _is_of_these(self, index: Any) -> bool:
        """Tell whether an index holds these codes, but for rounding."""
        import faiss

        scale = float(np.abs(self._codes).max()) or 1.0
        bits = faiss.vector_to_array(index.codes).reshape(len(self._codes), -1) if self.kind == "lsh" else None
        for start in range(0, len(self._codes), _ADDED_AT_ONCE):
            part = self._codes[start : start + _ADDED_AT_ONCE]
            if bits is None:
                near = np.allclose(index.reconstruct_n(start, len(part)), part, rtol=0, atol=_ROUNDING * scale)
            else:
                other = bits[start : start + len(part)] ^ index.sa_encode(part)
                near = float(np.unpackbits(other).mean()) < _ROUNDING
            if not near:
                return False
        return True


def recall(index: NeighbourIndex, exact: NeighbourIndex, queries: Floats, k: int = 10) -> tuple[float, float]:
    """Return the share of the true `k` nearest that an index finds, and its seconds a query.

    Parameters
    ----------
    index, exact
        Over the same codes.
    queries
        ``(m, d)``, m > 0; asked one by one, as a hand asks.
    """
    true = exact.search(queries, k).indices
    started = time.perf_counter()
    found = [index.search(query[None], k).indices[0] for query in queries]
    seconds = (time.perf_counter() - started) / len(queries)
    hits = [len(np.intersect1d(one, other)) for one, other in zip(found, true, strict=True)]
    return float(np.mean(hits)) / true.shape[1], seconds


def agreement(labels: Indices, found: Indices, label: int) -> float:
    """Return the share of neighbours that have a label; NaN where there are none.

    Parameters
    ----------
    labels
        Int64 ``(n,)`` of all codes.
    found
        Positions of the neighbours, ``(k,)``.
    label
        The query's.
    """
    return float((labels[found] == label).mean()) if len(found) else float("nan")


def _without(found: Found, position: int, k: int) -> Found:
    keep = found.indices != position
    # Rows that do not hold it have one too many: their last goes.
    keep &= np.cumsum(keep, axis=1) <= k
    if not (keep.sum(axis=1) == k).all():
        keep = np.argsort(~keep, axis=1, kind="stable")[:, :k]
        return Found(np.take_along_axis(found.indices, keep, 1), np.take_along_axis(found.distances, keep, 1))
    shape = (len(keep), k)
    return Found(found.indices[keep].reshape(shape), found.distances[keep].reshape(shape))


def _unit(codes: Floats) -> Floats:
    length = np.linalg.norm(codes, axis=1, keepdims=True)
    return np.asarray(codes / np.where(length > 0, length, 1), np.float32)


def _fingerprint(codes: Floats) -> str:
    """Name a set of codes by its extremes, roughly: the last bits of a code depend on processor, threads and batch."""
    least, most = codes.min(axis=0), codes.max(axis=0)
    scale = float((most - least).max()) or 1.0
    wide = np.flatnonzero(most - least > _ROUGHLY * scale)[:_EXTREMES]
    places = [codes[:, wide].argmin(axis=0), codes[:, wide].argmax(axis=0)]
    values = np.round([least[wide] / scale, most[wide] / scale], 2) + 0.0  # no negative zeros
    told = repr(codes.shape).encode() + np.stack(places).tobytes() + values.astype(np.float32).tobytes()
    return hashlib.sha256(told).hexdigest()[:24]


def _keep(index: Any, path: Path) -> None:
    import faiss

    # It is only kept for another time.
    with suppress(OSError, RuntimeError, MemoryError, ExplorerError):
        content = faiss.serialize_index(index).tobytes()
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing_file(path) as temporary, temporary.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)
