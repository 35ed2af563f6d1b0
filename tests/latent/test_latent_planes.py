from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import UsageError
from explorer.latent.components import to_components
from explorer.latent.planes import grid_axis, grid_codes, top_to_bottom
from explorer.latent.statistics import compute_statistics
from explorer.latent.traversal import MAX_ROWS, mean_to_max, traverse_component, traverse_dimension

pytestmark = pytest.mark.numeric


def codes_of_seed(count: int, dim: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(2, 3, size=(count, dim)).astype(np.float32)


@given(st.floats(-50, 50), st.floats(-50, 50), st.integers(2, 40))
def test_grid_axis_counts_both_ends(low: float, high: float, steps: int) -> None:
    values = grid_axis(low, high, steps)
    assert values.shape == (steps,)
    assert values.dtype == np.float32
    assert values[0] == np.float32(low)
    assert values[-1] == np.float32(high)
    np.testing.assert_allclose(np.diff(values), (high - low) / (steps - 1), atol=1e-4)


def test_grid_axis_of_one_step_is_the_middle() -> None:
    np.testing.assert_array_equal(grid_axis(-8, 4, 1), [-2])


@pytest.mark.parametrize(("low", "high", "steps"), [(0, 1, 0), (float("nan"), 1, 3), (0, float("inf"), 3)])
def test_grid_axis_refuses_what_cannot_be_meant(low: float, high: float, steps: int) -> None:
    with pytest.raises(UsageError):
        grid_axis(low, high, steps)


@given(st.integers(1, 6), st.integers(1, 6), st.permutations([0, 1, 2]), st.booleans())
def test_top_row_is_the_highest_second_coordinate(columns: int, rows: int, order: list[int], falling: bool) -> None:
    first, second, other = order
    xs, ys = grid_axis(-8, 8, columns), grid_axis(1, 9, rows)
    base = np.array([100, 200, 300], dtype=np.float32)
    table = grid_codes(base, (first, second), xs, ys[::-1] if falling else ys).reshape(rows, columns, 3)
    for row in range(rows):
        np.testing.assert_array_equal(table[row, :, first], xs)
        np.testing.assert_array_equal(table[row, :, second], ys[rows - 1 - row])
    np.testing.assert_array_equal(table[:, :, other], base[other])
    np.testing.assert_array_equal(top_to_bottom(ys), table[:, 0, second])


@pytest.mark.parametrize("dims", [(0, 0), (0, 2), (-1, 1)])
def test_grid_refuses_dimensions_that_are_not_two_of_the_code(dims: tuple[int, int]) -> None:
    with pytest.raises(UsageError):
        grid_codes(np.zeros(2, dtype=np.float32), dims, grid_axis(0, 1, 2), grid_axis(0, 1, 2))


def test_traversing_a_dimension_changes_only_it() -> None:
    z = codes_of_seed(1, 5)[0]
    walk = traverse_dimension(z, 3, grid_axis(-2, 2, 9))
    np.testing.assert_array_equal(walk[:, 3], grid_axis(-2, 2, 9))
    np.testing.assert_array_equal(np.delete(walk, 3, axis=1), np.tile(np.delete(z, 3), (9, 1)))
    with pytest.raises(UsageError, match="dimension"):
        traverse_dimension(z, 5, grid_axis(0, 1, 2))


def test_traversing_an_axis_reaches_its_sigmas() -> None:
    codes = codes_of_seed(100, 5)
    stats = compute_statistics(codes)
    sigmas = grid_axis(-3, 3, 7)
    walk = to_components(traverse_component(codes[4], stats, 1, sigmas), stats)
    np.testing.assert_allclose(walk[:, 1], sigmas, atol=1e-4)
    np.testing.assert_allclose(np.ptp(np.delete(walk, 1, axis=1), axis=0), 0, atol=1e-4)


def test_mean_to_max_is_the_references_experiment() -> None:
    codes = codes_of_seed(50, 4)
    rows = mean_to_max(compute_statistics(codes))
    assert rows.shape == (4, 4)
    np.testing.assert_array_equal(np.diag(rows), codes.max(0))
    for number, row in enumerate(rows):
        np.testing.assert_allclose(np.delete(row, number), np.delete(codes.mean(0), number), rtol=1e-5)
    np.testing.assert_array_equal(mean_to_max(compute_statistics(codes), np.array([2, 0])), rows[[2, 0]])


def test_mean_to_max_refuses_a_table_that_fills_the_memory() -> None:
    stats = compute_statistics(codes_of_seed(2, MAX_ROWS + 1))
    with pytest.raises(UsageError, match="at most"):
        mean_to_max(stats)
    assert mean_to_max(stats, np.arange(3)).shape == (3, MAX_ROWS + 1)
