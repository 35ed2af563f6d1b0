"""Neighbors: exact is brute force, the others nearly; kept on disk, and built again where that is of no use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import UsageError
from explorer.latent.code_table import LONG_CODE
from explorer.latent.neighbors import (
    METRICS,
    CodeSpace,
    IndexKind,
    Metric,
    NeighborIndex,
    recall,
)
from explorer.latent.statistics import compute_statistics
from explorer.types import Floats, Indices


def codes_of(seed: int, count: int = 400, length: int = 8) -> Floats:
    return np.random.default_rng(seed).standard_normal((count, length)).astype(np.float32)


def brute_force(codes: Floats, queries: Floats, k: int, metric: Metric) -> tuple[Indices, Floats]:
    """Every distance in 64 bits."""
    first, second = queries.astype(np.float64), codes.astype(np.float64)
    if metric == "cosine":
        first, second = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (first, second))
        distances = 1 - first @ second.T
    else:
        distances = np.sqrt(np.square(first[:, None] - second).sum(axis=2))
    order = np.argsort(distances, axis=1)[:, :k]
    return order, np.take_along_axis(distances, order, 1).astype(np.float32)


@pytest.mark.numeric
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("count", [1, 15, 100])
def test_exact_is_brute_force(metric: Metric, count: int) -> None:
    codes, queries = codes_of(0), codes_of(1, count)
    found = NeighborIndex(codes, "exact", metric).search(queries, 10)
    indices, distances = brute_force(codes, queries, 10, metric)
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_allclose(found.distances, distances, atol=2e-6)


@pytest.mark.numeric
@given(st.integers(1, 60), st.integers(1, 80), st.integers(-1, 59))
def test_one_can_be_left_out(count: int, k: int, left: int) -> None:
    codes = codes_of(2, count)
    left = min(left, count - 1)
    index = NeighborIndex(codes, "exact")
    found = index.search(codes[: min(3, count)], k, leave_out=left)
    there = count - (left >= 0)
    assert found.indices.shape == (min(3, count), min(k, there))
    assert left not in found.indices
    everything, _ = brute_force(codes, codes[: min(3, count)], count, "l2")
    for row, order in zip(found.indices, everything, strict=True):
        assert row.tolist() == [int(other) for other in order if other != left][: min(k, there)]


@pytest.mark.parametrize(("kind", "least"), [("hnsw", 0.98), ("lsh", 0.6)])
@pytest.mark.parametrize("metric", METRICS)
def test_others_find_most_of_the_same(kind: IndexKind, least: float, metric: Metric) -> None:
    codes, queries = codes_of(3, 5_000, 16), codes_of(4, 50, 16)
    exact = NeighborIndex(codes, "exact", metric)
    found, seconds = recall(NeighborIndex(codes, kind, metric), exact, queries)
    assert least <= found <= 1
    assert seconds > 0
    assert recall(exact, exact, queries)[0] == 1


def test_large_tables_are_searched_by_a_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.latent.neighbors.EXACT_VALUES", 100)
    assert NeighborIndex(codes_of(0, 12)).kind == "exact"
    assert NeighborIndex(codes_of(0, 13)).kind == "hnsw"


def test_an_index_is_kept_for_its_codes_alone(tmp_path: Path) -> None:
    codes, queries = codes_of(5, 600), codes_of(6, 20)
    first = NeighborIndex(codes, "hnsw", folder=tmp_path).search(queries, 5)
    (kept,) = tmp_path.iterdir()
    written = kept.stat().st_mtime_ns
    again = NeighborIndex(codes, "hnsw", folder=tmp_path).search(queries, 5)
    np.testing.assert_array_equal(first.indices, again.indices)
    assert kept.stat().st_mtime_ns == written, "read, not built"
    NeighborIndex(codes + 1, "hnsw", folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2, "other codes, another index"
    kept.write_bytes(kept.read_bytes()[:100])
    repaired = NeighborIndex(codes, "hnsw", folder=tmp_path).search(queries, 5)
    np.testing.assert_array_equal(first.indices, repaired.indices)
    assert kept.stat().st_size > 100, "a damaged one is written again"


@pytest.mark.parametrize("kind", ["hnsw", "lsh"])
def test_a_kept_index_is_found_again_whatever_the_last_bits(kind: IndexKind, tmp_path: Path) -> None:
    """The same images give codes of other bits on another processor, with other threads or in other batches."""
    codes = codes_of(5, 600)
    NeighborIndex(codes, kind, folder=tmp_path)
    (kept,) = tmp_path.iterdir()
    written = kept.stat().st_mtime_ns
    rounded = np.nextafter(codes, np.inf)
    found = NeighborIndex(rounded, kind, folder=tmp_path).search(rounded[:20], 1)
    np.testing.assert_array_equal(found.indices[:, 0], np.arange(20))
    assert [path.stat().st_mtime_ns for path in tmp_path.iterdir()] == [written], "read, not built"


def test_another_set_of_the_same_extremes_has_an_index_of_its_own(tmp_path: Path) -> None:
    codes = codes_of(5, 600)
    inner = np.flatnonzero(~np.isin(np.arange(600), np.concatenate([codes.argmin(axis=0), codes.argmax(axis=0)])))
    other = codes.copy()
    other[inner] = other[inner[::-1]]
    NeighborIndex(codes, "hnsw", folder=tmp_path)
    found = NeighborIndex(other, "hnsw", folder=tmp_path).search(other[:20], 1)
    np.testing.assert_array_equal(found.indices[:, 0], np.arange(20))


def test_a_folder_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    index = NeighborIndex(codes_of(5, 600), "lsh", folder=tmp_path / "file")
    assert index.search(codes_of(6, 1), 3).indices.shape == (1, 3)


@pytest.mark.numeric
def test_whitened_distances_are_in_sigma() -> None:
    codes = codes_of(7, 2_000) * np.array([100, 1, 1, 1, 1, 1, 1, 0.01], np.float32)
    statistics = compute_statistics(codes)
    space = CodeSpace(statistics, whitened=True).coordinates(codes)
    np.testing.assert_allclose(space.std(axis=0), 1, atol=0.01)
    query = codes[:1] + np.array([[0, 0, 0, 0, 0, 0, 0, 0.05]], np.float32)
    raw = NeighborIndex(codes).search(query, 1).indices[0, 0]
    white = NeighborIndex(space).search(CodeSpace(statistics, whitened=True).coordinates(query), 1).indices[0, 0]
    assert raw == 0
    assert white != 0, "five σ of the smallest dimension are far"


@pytest.mark.numeric
def test_long_codes_are_searched_along_their_axes() -> None:
    rng = np.random.default_rng(8)
    codes = (rng.standard_normal((60, 3)) @ rng.standard_normal((3, LONG_CODE + 1))).astype(np.float32)
    space = CodeSpace(compute_statistics(codes, max_components=16)).coordinates(codes)
    assert space.shape == (60, 16)
    found = NeighborIndex(space).search(space, 5).indices
    np.testing.assert_array_equal(found, brute_force(codes, codes, 5, "l2")[0])


def test_what_cannot_be_searched() -> None:
    with pytest.raises(UsageError):
        NeighborIndex(np.zeros((0, 3), np.float32))
    index = NeighborIndex(codes_of(0))
    for queries, k in ((codes_of(0, 1, 3), 5), (codes_of(0, 1), 0)):
        with pytest.raises(UsageError):
            index.search(queries, k)


def test_an_exact_index_needs_no_building() -> None:
    codes = np.random.default_rng(4).normal(size=(25_000, 4)).astype(np.float32)
    (made,) = NeighborIndex.in_parts(codes, "exact")
    assert isinstance(made, NeighborIndex)
    np.testing.assert_array_equal(made.search(codes[:20], 5).indices[:, 0], np.arange(20))


@pytest.mark.parametrize("kind", ["hnsw", "lsh"])
def test_built_in_parts_it_can_be_left_and_is_the_same(kind: IndexKind, tmp_path: Path) -> None:
    codes = np.random.default_rng(4).normal(size=(25_000, 4)).astype(np.float32)
    parts = NeighborIndex.in_parts(codes, kind, folder=tmp_path)
    assert [next(parts), next(parts)] == [10_000, 20_000]
    del parts
    assert list(tmp_path.iterdir()) == [], "of what was left nothing is kept"
    *counts, made = NeighborIndex.in_parts(codes, kind, folder=tmp_path)
    assert counts == [10_000, 20_000, 25_000]
    assert isinstance(made, NeighborIndex)
    whole = NeighborIndex(codes, kind)
    np.testing.assert_array_equal(made.search(codes[:20], 5).indices[:, 0], whole.search(codes[:20], 5).indices[:, 0])
    again = list(NeighborIndex.in_parts(codes, kind, folder=tmp_path))
    assert len(again) == 1, "what was kept is not built again"
