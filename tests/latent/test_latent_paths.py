from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.neighbor_graph import MAX_CODES, NeighborGraph
from explorer.latent.paths import PATHS, Surroundings, path_named
from explorer.latent.paths.slerp import between
from explorer.types import Floats

values = st.floats(-50, 50, width=32)
few = st.integers(1, 4)


def key_tables(least: int = 1, dims: st.SearchStrategy[int] = few) -> st.SearchStrategy[Floats]:
    sizes = st.tuples(st.integers(least, 5), dims)
    return sizes.flatmap(lambda shape: arrays(np.float32, shape, elements=values))


def cloud(count: int = 200, dim: int = 3, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(0, 3, (count, dim)).astype(np.float32)


def ring(count: int = 300, radius: float = 5.0) -> Floats:
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return (radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)).astype(np.float32)


@pytest.mark.parametrize("name", list(PATHS))
@settings(max_examples=40, deadline=None)
@given(keys=key_tables())
def test_every_path_goes_through_its_keys(name: str, keys: Floats) -> None:
    curve = path_named(name)(keys, Surroundings(data=NeighborGraph(cloud(30, keys.shape[1]))))
    np.testing.assert_array_equal(curve(np.arange(len(keys), dtype=np.float64)), keys)
    codes = curve(np.linspace(0, len(keys) - 1, 13))
    assert codes.dtype == np.float32
    assert codes.shape == (13, keys.shape[1])
    assert np.isfinite(codes).all()


# -- slerp -------------------------------------------------------------------------------------------------------------

shares = np.linspace(0, 1, 33)


@settings(max_examples=150, deadline=None)
@given(key_tables(2))
def test_the_length_goes_evenly_from_one_to_the_other(keys: Floats) -> None:
    start, end = keys[0].astype(np.float64), keys[1].astype(np.float64)
    codes = between(keys[0], keys[1], shares).astype(np.float64)
    lengths = np.linalg.norm(codes, axis=1)
    a, b = np.linalg.norm(start), np.linalg.norm(end)
    opposite_on_a_line = len(start) == 1 and start[0] * end[0] < 0
    if not opposite_on_a_line:
        np.testing.assert_allclose(lengths, a * (1 - shares) + b * shares, rtol=1e-5, atol=1e-30)
    np.testing.assert_array_equal(codes[0], start)
    np.testing.assert_array_equal(codes[-1], end)


@settings(max_examples=100, deadline=None)
@given(key_tables(2, st.integers(2, 6)))
def test_the_direction_turns_at_even_speed(keys: Floats) -> None:
    a, b = keys[0].astype(np.float64), keys[1].astype(np.float64)
    if min(np.linalg.norm(a), np.linalg.norm(b)) < 1e-3:
        return
    codes = between(keys[0], keys[1], shares).astype(np.float64)
    units = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    angles = 2 * np.arcsin(np.clip(np.linalg.norm(np.diff(units, axis=0), axis=1) / 2, 0, 1))
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    np.testing.assert_allclose(angles, np.arccos(np.clip(cosine, -1, 1)) / 32, atol=2e-5)


@settings(max_examples=60, deadline=None)
@given(key_tables(2))
def test_there_and_back_is_one_way(keys: Floats) -> None:
    there, back = between(keys[0], keys[1], shares), between(keys[1], keys[0], 1 - shares)
    np.testing.assert_allclose(there, back, atol=1e-3)


@pytest.mark.parametrize(
    ("start", "end", "middle"),
    [
        ([1, 0], [0, 1], [np.sqrt(0.5), np.sqrt(0.5)]),
        ([2, 0], [2, 0], [2, 0]),
        ([1, 1], [3, 3], [2, 2]),
        ([0, 0], [4, 2], [2, 1]),
        ([4, 2], [0, 0], [2, 1]),
        ([0, 0], [0, 0], [0, 0]),
        ([3], [-1], [1]),
    ],
)
def test_slerp_where_it_is_easy_and_where_it_is_not(start: list[float], end: list[float], middle: list[float]) -> None:
    code = between(np.array(start, np.float32), np.array(end, np.float32), np.array([0.5]))[0]
    np.testing.assert_allclose(code, middle, atol=1e-6)


@pytest.mark.parametrize("dim", [2, 3, 50])
def test_opposite_codes_are_gone_round(dim: int) -> None:
    start = np.random.default_rng(dim).normal(size=dim).astype(np.float32)
    codes = between(start, -2 * start, shares).astype(np.float64)
    assert abs(codes[16] @ start) < 1e-5
    steps = np.linalg.norm(np.diff(codes, axis=0), axis=1)
    assert steps.max() < 3 * steps.min()


# -- spline ------------------------------------------------------------------------------------------------------------


def velocity(curve: object, position: float, side: int) -> NDArray[np.float64]:
    """One-sided difference quotient; positions far enough apart for float32."""
    step = 1e-3 * side
    assert callable(curve)
    near, far = curve(np.array([position, position + step])).astype(np.float64)
    return np.asarray((far - near) / step)


def test_the_spline_has_no_corner_and_no_seam() -> None:
    keys = cloud(5)
    round_trip = np.concatenate([keys, keys[:1]])
    curve = path_named("spline")(round_trip, Surroundings(closed=True))
    for key in range(1, 5):
        np.testing.assert_allclose(velocity(curve, key, 1), velocity(curve, key, -1), atol=0.15)
    np.testing.assert_allclose(velocity(curve, 0, 1), velocity(curve, 5, -1), atol=0.15)
    straight = path_named("linear")(round_trip, Surroundings())
    assert np.abs(velocity(straight, 2, 1) - velocity(straight, 2, -1)).max() > 1


@settings(max_examples=100, deadline=None)
@given(key_tables(2), st.booleans())
def test_the_spline_stays_near_its_chords(keys: Floats, closed: bool) -> None:
    points = np.concatenate([keys, keys[:1]]) if closed else keys
    curve = path_named("spline")(points, Surroundings(closed=closed))
    straight = path_named("linear")(points, Surroundings())
    for number in range(len(points) - 1):
        positions = number + np.linspace(0, 1, 17)
        chord = float(np.linalg.norm(points[number + 1].astype(np.float64) - points[number]))
        # A cubic in time moves along its chord unevenly; that is at most a tenth of it.
        off = np.linalg.norm(curve(positions).astype(np.float64) - straight(positions), axis=1)
        assert off.max() <= 0.7 * chord + 1e-4


def test_repeated_keys_are_a_halt() -> None:
    one, other = np.zeros(3, np.float32), np.array([5, 1, -2], np.float32)
    keys = np.stack([one, one, other, other, other, one])
    codes = path_named("spline")(keys, Surroundings())(np.linspace(0, 5, 101))
    np.testing.assert_array_equal(codes[:21], np.zeros((21, 3)))
    np.testing.assert_array_equal(codes[40:81], np.tile(other, (41, 1)))
    assert (codes >= np.minimum(one, other) - 1e-5).all()
    assert (codes <= np.maximum(one, other) + 1e-5).all()


def test_two_keys_make_a_straight_spline() -> None:
    keys, positions = cloud(2), np.linspace(0, 1, 9)
    straight = path_named("linear")(keys, Surroundings())(positions)
    np.testing.assert_allclose(path_named("spline")(keys, Surroundings())(positions), straight, atol=1e-5)


# -- along the data ----------------------------------------------------------------------------------------------------


def test_the_way_along_the_data_stays_with_them() -> None:
    """On a ring the straight line crosses the empty middle; the way along the data goes round it, at even speed."""
    data = ring()
    keys = np.stack([data[0], data[140]])
    codes = path_named("data")(keys, Surroundings(data=NeighborGraph(data)))(np.linspace(0, 1, 50))
    radii = np.linalg.norm(codes, axis=1)
    assert radii.min() > 4.8
    assert radii.max() < 5.05
    steps = np.linalg.norm(np.diff(codes, axis=0), axis=1)
    assert steps.max() < 1.1 * steps.min()
    assert np.linalg.norm(keys.mean(axis=0)) < 1


def test_the_way_is_the_same_every_time() -> None:
    keys, positions = cloud(4, seed=3), np.linspace(0, 3, 40)
    first, again = (path_named("data")(keys, Surroundings(data=NeighborGraph(cloud())))(positions) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_islands_are_joined() -> None:
    data = np.concatenate([cloud(40), cloud(40, seed=1) + 1000, cloud(3, seed=2) - 500]).astype(np.float32)
    graph = NeighborGraph(data, neighbors=4)
    for start, end in ((0, 50), (50, 81), (81, 0)):
        way = graph.way(data[start], data[end])
        np.testing.assert_array_equal(way[[0, -1]], data[[start, end]])


def test_the_shortest_way_is_the_shortest() -> None:
    line = np.stack([np.arange(20), np.zeros(20)], axis=1).astype(np.float32)
    way = NeighborGraph(line, neighbors=2).way(line[0], line[19])
    assert np.linalg.norm(np.diff(way, axis=0), axis=1).sum() == pytest.approx(19, abs=1e-4)


@pytest.mark.parametrize("count", [1, 2, MAX_CODES + 100])
def test_few_codes_and_many(count: int) -> None:
    graph = NeighborGraph(cloud(count, 2))
    assert len(graph.codes) == min(count, MAX_CODES)
    way = graph.way(np.array([9, 9], np.float32), np.array([-9, -9], np.float32))
    assert len(way) >= 2


def test_equal_codes_are_no_trouble() -> None:
    data = np.repeat(cloud(5), 30, axis=0)
    way = NeighborGraph(data).way(data[0], data[149])
    np.testing.assert_array_equal(way[[0, -1]], data[[0, 149]])


def test_a_path_along_data_that_are_not_there_says_so() -> None:
    with pytest.raises(UsageError, match="needs codes of images"):
        path_named("data")(cloud(2), Surroundings())
    with pytest.raises(UsageError, match="keyframes have 4 dimensions, but the codes of the data have 3"):
        path_named("data")(cloud(2, 4), Surroundings(data=NeighborGraph(cloud(9, 3))))
    with pytest.raises(UsageError, match="NaN or infinity"):
        NeighborGraph(np.full((3, 2), np.nan, np.float32))
