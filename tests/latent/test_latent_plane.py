"""Planes through a code space, and the grid of tiles on them."""

from __future__ import annotations

import numpy as np
import pytest
from explorer_testing.builders import as_floats
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from explorer.errors import UsageError
from explorer.latent.components import to_components
from explorer.latent.planes import Plane, QuantilePlane
from explorer.latent.statistics import compute_statistics
from explorer.latent.tile_grid import TileGrid

VALUES = st.floats(-20, 20, width=32)


def random_plane(seed: int, dim: int = 6) -> Plane:
    rng = np.random.default_rng(seed)
    return Plane(*(rng.standard_normal(dim).astype(np.float32) for _ in range(3)))


@given(st.integers(0, 1_000), VALUES, VALUES)
def test_a_points_code_lies_at_the_point(seed: int, x: float, y: float) -> None:
    plane = random_plane(seed)
    (code,) = plane.codes(np.array([[x, y]], np.float32))
    np.testing.assert_allclose(plane.coordinates(code), [x, y], atol=2e-3)


@given(st.integers(0, 1_000), VALUES, VALUES)
def test_moving_keeps_what_lies_beside_the_plane(seed: int, x: float, y: float) -> None:
    plane, code = random_plane(seed), np.random.default_rng(seed + 1).standard_normal(6).astype(np.float32)
    moved = plane.moved(code, x, y)
    np.testing.assert_allclose(plane.coordinates(moved), [x, y], atol=2e-3)
    beside = code - plane.codes(plane.coordinates(code)[None])[0]
    np.testing.assert_allclose(moved - plane.codes(plane.coordinates(moved)[None])[0], beside, atol=2e-3)


def test_the_plane_of_dimensions_has_their_values_as_coordinates() -> None:
    base = as_floats(1, 2, 3, 4)
    plane = Plane.of_dimensions(base, (3, 1))
    np.testing.assert_array_equal(plane.codes(np.array([[7, -8]], np.float32))[0], [1, -8, 3, 7])
    np.testing.assert_allclose(plane.coordinates(base), [4, 2])
    assert plane.key == Plane.of_dimensions(as_floats(1, 0, 3, 0), (3, 1)).key, "where the cursor is on it is no matter"


def test_the_plane_of_axes_has_sigmas_as_coordinates() -> None:
    codes = np.random.default_rng(4).standard_normal((300, 5)).astype(np.float32) * as_floats(5, 1, 3, 0.5, 2)
    statistics = compute_statistics(codes)
    plane = Plane.of_components(codes[7], statistics, (2, 0))
    np.testing.assert_allclose(plane.coordinates(codes[7]), to_components(codes[7], statistics)[[2, 0]], atol=1e-4)
    moved = to_components(plane.moved(codes[7], 1.5, -0.5), statistics)
    np.testing.assert_allclose(moved[[2, 0]], [1.5, -0.5], atol=1e-4)
    np.testing.assert_allclose(moved[[1, 3, 4]], to_components(codes[7], statistics)[[1, 3, 4]], atol=1e-3)


def test_what_spans_no_plane_is_refused() -> None:
    one = as_floats(1, 2, 3)
    for across, up in ((one, 2 * one), (one, 0 * one), (one, as_floats(1, 2))):
        with pytest.raises(UsageError):
            Plane(0 * one, across, up)
    with pytest.raises(UsageError):
        Plane.of_dimensions(one, (1, 1))


@given(st.floats(-50, 50), st.floats(0.01, 10), st.integers(-3, 8), st.floats(-20, 20), st.floats(-20, 20))
def test_the_visible_tiles_cover_the_view_and_no_more(
    low: float, spacing: float, level: int, x: float, y: float
) -> None:
    tile_grid = TileGrid(low, spacing)
    step = tile_grid.step(level)
    left, right, bottom, top = x, x + 7.3 * step, y, y + 4.1 * step
    tiles = tile_grid.visible(level, left, right, bottom, top)
    middles = low + tiles * step
    half = step / 2 * (1 + 1e-6)
    assert middles[:, 0].min() - half <= left
    assert middles[:, 0].max() + half >= right
    assert middles[:, 1].min() - half <= bottom
    assert middles[:, 1].max() + half >= top
    assert len(tiles) <= 9 * 6
    assert len(np.unique(tiles, axis=0)) == len(tiles)
    far = ((middles - [(left + right) / 2, (bottom + top) / 2]) ** 2).sum(axis=1)
    assert (np.diff(far) >= -1e-6 * step**2 - 1e-9 * far.max()).all(), "nearest the middle first"


@given(st.floats(-50, 50), st.floats(0.01, 10), st.integers(-6, 10), st.integers(-100, 100))
def test_a_tile_is_one_of_the_next_finer_level_too(low: float, spacing: float, level: int, number: int) -> None:
    tile_grid = TileGrid(low, spacing)
    coarse = tile_grid.middles(level, np.array([[number, 0]]))
    fine = tile_grid.middles(level + 1, np.array([[2 * number, 0]]))
    np.testing.assert_array_equal(coarse, fine)


def test_a_tile_grid_without_extent_is_refused() -> None:
    for low, spacing in ((0.0, 0.0), (0.0, -1.0), (0.0, float("inf")), (float("nan"), 1.0)):
        with pytest.raises(UsageError):
            TileGrid(low, spacing)


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_quantiles_of_the_prior_are_scipys(x: float, y: float) -> None:
    plane = QuantilePlane.of_dimensions(as_floats(0, 5, 0), (2, 0))
    (code,) = plane.codes(np.array([[x, y]], np.float32))
    np.testing.assert_allclose(code, [norm.ppf(y), 5, norm.ppf(x)], atol=1e-4)
    np.testing.assert_allclose(plane.coordinates(code), [x, y], atol=1e-4)
    np.testing.assert_allclose(plane.moved(as_floats(9, 7, 9), x, y), [norm.ppf(y), 7, norm.ppf(x)], atol=1e-4)
    assert plane.key != Plane.of_dimensions(as_floats(0, 5, 0), (2, 0)).key


def test_the_ends_of_the_prior_are_no_codes_without_end() -> None:
    plane = QuantilePlane.of_dimensions(as_floats(0, 0), (0, 1))
    assert np.isfinite(plane.codes(np.array([[0, 1], [-3, 7]], np.float32))).all()
