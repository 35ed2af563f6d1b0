"""Statistics of feature maps, and the cells that a brush touches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import UsageError
from explorer.latent.feature_maps import brushed_cells, map_statistics
from explorer.latent.statistics import compute_statistics

ROWS, COLUMNS = 6, 5
places = st.tuples(st.floats(-3, 9), st.floats(-3, 9))


def test_a_channels_statistics_are_over_all_cells_and_codes() -> None:
    codes = np.random.default_rng(0).standard_normal((50, 4, 3, 2)).astype(np.float32) * [1, 5] + [0, 2]
    codes[:, 0] += 3
    found = map_statistics(compute_statistics(codes.reshape(50, -1).astype(np.float32)), (4, 3, 2))
    every = codes.reshape(-1, 2)
    np.testing.assert_allclose(found.mean, every.mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.sigma, every.std(0), rtol=1e-4)
    np.testing.assert_allclose(found.low, every.min(0), rtol=1e-5)
    np.testing.assert_allclose(found.high, every.max(0), rtol=1e-5)


def test_a_channel_that_never_varies_has_the_sigma_of_the_others() -> None:
    codes = np.random.default_rng(0).standard_normal((20, 4, 3, 2)).astype(np.float32)
    codes[..., 1] = 0.5
    found = map_statistics(compute_statistics(codes.reshape(20, -1)), (4, 3, 2))
    assert found.sigma[1] > 0.5
    still = map_statistics(compute_statistics(np.zeros((3, 24), np.float32)), (4, 3, 2))
    np.testing.assert_array_equal(still.sigma, 1)


def test_a_shape_of_no_maps_is_refused() -> None:
    statistics = compute_statistics(np.zeros((3, 24), np.float32))
    for shape in ((24,), (4, 3, 3)):
        with pytest.raises(UsageError, match="h, w, c"):
            map_statistics(statistics, shape)


@given(start=places, end=places, size=st.floats(0, 8))
def test_the_way_does_not_matter_and_a_broader_brush_touches_no_less(
    start: tuple[float, float], end: tuple[float, float], size: float
) -> None:
    cells = brushed_cells((ROWS, COLUMNS), start, end, size)
    assert cells.shape == (ROWS, COLUMNS)
    assert (cells <= brushed_cells((ROWS, COLUMNS), end, start, size + 1e-6)).all()
    assert (cells <= brushed_cells((ROWS, COLUMNS), start, end, size + 1)).all()


@given(row=st.integers(0, ROWS - 1), column=st.integers(0, COLUMNS - 1), size=st.floats(0, 1))
def test_a_small_brush_touches_the_cell_under_it(row: int, column: int, size: float) -> None:
    cells = brushed_cells((ROWS, COLUMNS), (row + 0.5, column + 0.5), (row + 0.5, column + 0.5), size)
    assert np.argwhere(cells).tolist() == [[row, column]]


def test_a_fast_stroke_has_no_gaps() -> None:
    cells = brushed_cells((ROWS, COLUMNS), (2.5, 0.5), (2.5, 4.5), 1)
    np.testing.assert_array_equal(np.flatnonzero(cells), np.arange(2 * COLUMNS, 3 * COLUMNS))
