"""Nearest-neighbor search among codes: exact, or approximate with an index (HNSW, LSH)."""

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
from explorer.latent.checks import as_codes
from explorer.latent.code_table import LONG_CODE, CodeTable
from explorer.latent.statistics import CodeStatistics
from explorer.paths import replacing_file
from explorer.types import Floats, Indices

IndexKind: TypeAlias = Literal["exact", "hnsw", "lsh"]
Metric: TypeAlias = Literal["l2", "cosine"]
INDEX_KINDS: tuple[IndexKind, ...] = ("exact", "hnsw", "lsh")
METRICS: tuple[Metric, ...] = ("l2", "cosine")

EXACT_VALUES = 16_000_000
"""Number of values (500,000 codes of 32 dimensions) up to which the search is exact: a scan takes less than 10 ms."""

LINKS, BUILD_EFFORT, SEARCH_EFFORT = 32, 100, 128
"""Parameters of HNSW: M, efConstruction and efSearch (Malkov and Yashunin 2018)."""

BITS_PER_VALUE, MOST_BITS, CANDIDATES = 16, 1_024, 8
"""Parameters of LSH: bits per dimension, maximum number of bits; candidates re-ranked per requested neighbor."""

_CHECKSUM = 32
"""Bytes of the SHA-256 at the start of an index file."""

_ADDED_AT_ONCE = 10_000
"""Codes added to an index between two points where building can be canceled."""

_ROUNDING = 1e-4
"""Relative difference of values, or share of differing bits, below which codes count as equal."""

_ROUGHLY, _EXTREMES = 0.01, 64
"""For fingerprints: minimum range of a dimension relative to the widest, and maximum number of dimensions."""

_DIRECT = 16
"""Maximum batch of queries for which faiss computes distances directly; larger batches use inexact matrix products."""


@dataclass(frozen=True, eq=False)
class CodeSpace:
    """The coordinates in which codes are compared; of codes longer than `LONG_CODE`, the principal ones.

    If `whitened`, all principal components are scaled to σ = 1 (Mahalanobis distance).
    """

    statistics: CodeStatistics
    whitened: bool = False

    def coordinates(self, codes: Floats) -> Floats:
        """Return the coordinates to compare of codes ``(n, d)``, float32 ``(n, k)``."""
        return self.coordinates_of(CodeTable(codes, self.statistics), np.arange(len(codes)))

    def coordinates_of(self, table: CodeTable, rows: Indices) -> Floats:
        """Return the coordinates to compare of the codes in some rows ``(m,)`` of a table, float32 ``(m, k)``."""
        if self.whitened:
            return table.components(rows)
        if self.statistics.latent_dim > LONG_CODE:
            return np.asarray(table.components(rows) * self.statistics.component_sigma, np.float32)
        return np.ascontiguousarray(table.values[rows], np.float32)


@dataclass(frozen=True, eq=False)
class Found:
    """The nearest codes of m queries, in order of distance.

    `indices` are int64 ``(m, k)``, -1 if an index found fewer; `distances` float32 ``(m, k)``, Euclidean, or 1 −
    cosine, infinite if the index is -1.
    """

    indices: Indices
    distances: Floats


class NeighborIndex:
    """An index of codes ``(n, d)``, finite; may be searched from several threads. UsageError without codes.

    `kind` is ``exact``, which compares all codes; ``hnsw``, a hierarchical graph; or ``lsh``, locality-sensitive
    hashing as in the reference. None: ``exact`` up to `EXACT_VALUES` values, else ``hnsw``. `folder` is a cache of
    indexes, which are reused for the same codes up to rounding.
    """

    def __init__(
        self, codes: Floats, kind: IndexKind | None = None, metric: Metric = "l2", folder: Path | None = None
    ) -> None:
        for _ in self._build(codes, kind, metric, folder):
            pass

    @classmethod
    def in_parts(
        cls, codes: Floats, kind: IndexKind | None = None, metric: Metric = "l2", folder: Path | None = None
    ) -> Iterator[int | NeighborIndex]:
        """Build an index like the constructor, but cancelable: yields the number of codes added, then the index."""
        made = cls.__new__(cls)
        yield from made._build(codes, kind, metric, folder)
        yield made

    def _build(self, codes: Floats, kind: IndexKind | None, metric: Metric, folder: Path | None) -> Iterator[int]:
        codes = as_codes(codes).astype(np.float32, copy=False)
        if not len(codes):
            raise UsageError("There are no codes to search. Open a dataset first.")
        self.metric = metric
        self._codes = np.ascontiguousarray(_unit(codes) if metric == "cosine" else codes)
        self.kind: IndexKind = kind or ("exact" if codes.size <= EXACT_VALUES else "hnsw")
        self._index: Any = None
        if self.kind == "exact":
            return  # faiss searches the codes directly
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
        """Return the `k` nearest of each query ``(m, d)``, at most the number of codes.

        `leave_out` is a position to exclude: the query itself. UsageError if the queries are of another length, or k is
        below 1.
        """
        queries = as_codes(queries).astype(np.float32)
        if queries.shape[1] != self._codes.shape[1] or k < 1:
            raise UsageError(
                "Cannot find {count:# neighbor|# neighbors} of a code of {query} dimensions "
                "among codes of {codes} dimensions. Use codes of the same model and at least one neighbor.",
                count=k,
                query=queries.shape[1],
                codes=self._codes.shape[1],
            )
        queries = np.ascontiguousarray(_unit(queries) if self.metric == "cosine" else queries)
        wanted = min(k + (leave_out is not None), len(self._codes))
        # LSH distances are approximate: more candidates are requested than needed, and re-ranked.
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
        """Compute exact distances and sort by them; LSH returns Hamming distances."""
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
        import faiss

        try:
            content = path.read_bytes()
            # faiss does not validate index files, so only unchanged files written by this program are loaded.
            if hashlib.sha256(content[_CHECKSUM:]).digest() != content[:_CHECKSUM]:
                return None
            index = faiss.deserialize_index(np.frombuffer(content, np.uint8, offset=_CHECKSUM))
        except Exception:  # missing, or of another version of faiss: the index is rebuilt
            return None
        fits = index.ntotal == len(self._codes) and index.d == self._codes.shape[1]
        return index if fits and self._is_of_these(index) else None

    def _is_of_these(self, index: Any) -> bool:
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


def recall(index: NeighborIndex, exact: NeighborIndex, queries: Floats, k: int = 10) -> tuple[float, float]:
    """Return recall@k of an index, and its seconds per query; both indexes are of the same codes.

    Queries ``(m, d)`` are searched one by one, as in interactive use.
    """
    true = exact.search(queries, k).indices
    started = time.perf_counter()
    found = [index.search(query[None], k).indices[0] for query in queries]
    seconds = (time.perf_counter() - started) / len(queries)
    hits = [len(np.intersect1d(one, other)) for one, other in zip(found, true, strict=True)]
    return float(np.mean(hits)) / true.shape[1], seconds


def _without(found: Found, position: int, k: int) -> Found:
    keep = found.indices != position
    # Rows without it have one neighbor too many; the last is dropped.
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
    """Return a hash of the extremes of codes, rounded, since their last bits depend on CPU, threads and batch size."""
    least, most = codes.min(axis=0), codes.max(axis=0)
    scale = float((most - least).max()) or 1.0
    wide = np.flatnonzero(most - least > _ROUGHLY * scale)[:_EXTREMES]
    places = [codes[:, wide].argmin(axis=0), codes[:, wide].argmax(axis=0)]
    values = np.round([least[wide] / scale, most[wide] / scale], 2) + 0.0  # no negative zeros
    content = repr(codes.shape).encode() + np.stack(places).tobytes() + values.astype(np.float32).tobytes()
    return hashlib.sha256(content).hexdigest()[:24]


def _keep(index: Any, path: Path) -> None:
    import faiss

    # The cache is optional.
    with suppress(OSError, RuntimeError, MemoryError, ExplorerError):
        content = faiss.serialize_index(index).tobytes()
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing_file(path) as temporary, temporary.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)
