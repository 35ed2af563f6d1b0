from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import norm
from sklearn.decomposition import PCA

from explorer.errors import UsageError
from explorer.latent.components import move_component, to_components
from explorer.latent.statistics import (
    QUANTILES,
    CodeStatistics,
    active_dimensions,
    compute_statistics,
    correlations,
    kl_per_dimension,
)
from explorer.types import Floats

pytestmark = pytest.mark.numeric

tables = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 30), st.integers(1, 40)),
    elements=st.floats(-100, 100, width=32),
)


def correlated(count: int, dim: int, seed: int = 3) -> Floats:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(dim, dim)) * np.geomspace(5, 0.05, dim)[:, None]
    return (rng.normal(size=(count, dim)) @ mixing + rng.normal(size=dim)).astype(np.float32)


@pytest.mark.parametrize("shape", [(500, 12), (20, 90), (30, 30)], ids=["tall", "wide", "square"])
def test_agrees_with_numpy_and_scikit_learn(shape: tuple[int, int]) -> None:
    codes = correlated(*shape)
    stats = compute_statistics(codes)
    k = min(64, shape[0] - 1, shape[1])
    np.testing.assert_allclose(stats.mean, codes.mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(stats.sigma, codes.std(0), rtol=1e-4)
    np.testing.assert_allclose(stats.quantiles, np.quantile(codes, QUANTILES, axis=0), rtol=1e-4, atol=1e-4)
    pca = PCA(k, svd_solver="full").fit(codes.astype(np.float64))
    assert stats.components.shape == (k, shape[1])
    np.testing.assert_allclose(stats.explained, pca.explained_variance_ratio_, rtol=1e-3, atol=1e-6)
    sigma = np.sqrt(pca.explained_variance_ * (shape[0] - 1) / shape[0])
    np.testing.assert_allclose(stats.component_sigma, sigma, rtol=1e-3, atol=1e-5)
    # Directions are only defined up to sign, and well enough only where the spread is not near another's.
    agreement = np.abs((stats.components[:5] * pca.components_[:5]).sum(1))
    np.testing.assert_allclose(agreement, 1, atol=1e-3)


@settings(max_examples=60, deadline=None)
@given(tables)
def test_axes_are_orthonormal_ordered_and_signed(codes: Floats) -> None:
    stats = compute_statistics(codes)
    k = max(0, min(64, codes.shape[0] - 1, codes.shape[1]))
    assert stats.components.shape == (k, codes.shape[1])
    np.testing.assert_allclose(stats.components @ stats.components.T, np.eye(k), atol=1e-4)
    assert (np.diff(stats.component_sigma) <= 0).all()
    assert stats.explained.sum() <= 1 + 1e-5
    # Of components of equal magnitude one is positive.
    largest = np.abs(stats.components).max(axis=1, initial=0, keepdims=True)
    assert (stats.components >= largest * (1 - 1e-5)).any(axis=1).all()
    assert (np.diff(stats.quantiles, axis=0) >= 0).all()
    np.testing.assert_array_equal(stats.quantiles[0], codes.min(0))
    np.testing.assert_array_equal(stats.quantiles[-1], codes.max(0))
    for array in (stats.mean, stats.sigma, stats.quantiles, stats.components, stats.component_sigma, stats.explained):
        assert array.dtype == np.float32


def test_repeated_codes_keep_axes_orthonormal() -> None:
    codes = np.repeat(correlated(3, 50), 5, axis=0)
    stats = compute_statistics(codes)
    np.testing.assert_allclose(stats.components @ stats.components.T, np.eye(14), atol=1e-5)
    assert (stats.component_sigma[:2] > 0.01).all()
    assert (stats.component_sigma[2:] < 1e-5).all()
    assert stats.explained[:2].sum() == pytest.approx(1, abs=1e-5)


def test_one_code_has_no_axes() -> None:
    stats = compute_statistics(np.ones((1, 4), dtype=np.float32))
    assert stats.components.shape == (0, 4)
    assert to_components(np.zeros(4, dtype=np.float32), stats).shape == (0,)
    np.testing.assert_array_equal(stats.sigma, 0)


def test_long_codes_give_the_same_result_as_short_ones_padded() -> None:
    short = correlated(25, 10)
    wide = np.zeros((25, 9_000), dtype=np.float32)
    places = np.linspace(0, 8_999, 10).astype(int)
    wide[:, places] = short
    narrow, broad = compute_statistics(short, max_components=5), compute_statistics(wide, max_components=5)
    np.testing.assert_allclose(broad.component_sigma, narrow.component_sigma, rtol=1e-4)
    np.testing.assert_allclose(broad.components[:, places], narrow.components, atol=1e-4)
    np.testing.assert_allclose(broad.quantiles[:, places], narrow.quantiles, rtol=1e-6)


def test_infinite_codes_are_refused() -> None:
    codes = np.ones((3, 2), dtype=np.float32)
    codes[1, 1] = np.nan
    with pytest.raises(UsageError, match="NaN or infinity"):
        compute_statistics(codes)


@settings(max_examples=25, deadline=None)
@given(st.floats(-3, 3, width=32), st.floats(-4, 2, width=32))
def test_kl_is_the_integral_it_stands_for(mean: float, log_variance: float) -> None:
    sigma = np.exp(log_variance / 2)
    xs = np.linspace(mean - 12 * sigma, mean + 12 * sigma, 20_001)
    density = norm.pdf(xs, mean, sigma)
    integral = np.trapezoid(density * (norm.logpdf(xs, mean, sigma) - norm.logpdf(xs)), xs)
    one = kl_per_dimension(np.array([[mean]], np.float32), np.array([[log_variance]], np.float32))
    assert one.shape == (1,)
    assert one[0] == pytest.approx(integral, rel=1e-3, abs=1e-5)


def test_kl_averages_over_codes_and_keeps_dimensions_apart() -> None:
    mean = np.array([[1, 0], [3, 0]], dtype=np.float32)
    stats = compute_statistics(mean, np.zeros_like(mean))
    assert stats.kl is not None
    np.testing.assert_allclose(stats.kl, [(0.5 + 4.5) / 2, 0])
    assert compute_statistics(mean).kl is None
    with pytest.raises(UsageError, match="shape"):
        kl_per_dimension(mean, np.zeros((2, 3), dtype=np.float32))


def test_active_dimensions_have_a_variance_above_a_hundredth() -> None:
    codes = np.array([[0, 0, 5], [0.19, 0.21, 5]], dtype=np.float32)  # variances 0.009, 0.011, 0
    np.testing.assert_array_equal(active_dimensions(codes), [False, True, False])


@pytest.fixture(scope="module")
def stats() -> CodeStatistics:
    return compute_statistics(correlated(200, 6), max_components=4)


def test_coordinates_are_in_standard_deviations(stats: CodeStatistics) -> None:
    coordinates = to_components(correlated(200, 6), stats)
    assert coordinates.shape == (200, 4)
    np.testing.assert_allclose(coordinates.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(coordinates.std(0), 1, rtol=1e-3)
    np.testing.assert_allclose(to_components(correlated(200, 6)[7], stats), coordinates[7], atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(axis=st.integers(0, 3), value=st.floats(-6, 6, width=32), seed=st.integers(0, 99))
def test_moving_along_an_axis_changes_that_coordinate_only(axis: int, value: float, seed: int) -> None:
    measured = compute_statistics(correlated(200, 6), max_components=4)
    z = correlated(5, 6, seed)[0]
    moved = move_component(z, measured, axis, value)
    expected = to_components(z, measured)
    expected[axis] = value
    np.testing.assert_allclose(to_components(moved, measured), expected, atol=2e-3)
    # What the four axes do not hold stays as it was.
    rest = (moved - z) - measured.components[axis] * ((moved - z) @ measured.components[axis])
    np.testing.assert_allclose(rest, 0, atol=1e-4)


def test_wrong_lengths_and_axes_are_refused(stats: CodeStatistics) -> None:
    with pytest.raises(UsageError, match="has 6 dimensions"):
        to_components(np.zeros(5, dtype=np.float32), stats)
    with pytest.raises(UsageError, match="no principal component 4"):
        move_component(np.zeros(6, dtype=np.float32), stats, 4, 0.0)


def test_correlations_are_numpys_and_a_constant_goes_with_nothing() -> None:
    codes = np.random.default_rng(3).normal(size=(200, 6)).astype(np.float32)
    codes[:, 4] = -2 * codes[:, 1]
    codes[:, 5] = 7
    table = correlations(codes, np.array([1, 4, 0, 5]))
    np.testing.assert_allclose(table[:3, :3], np.corrcoef(codes[:, [1, 4, 0]].T), atol=1e-6)
    assert table[0, 1] == pytest.approx(-1)
    np.testing.assert_array_equal(table[3], [0, 0, 0, 1])
