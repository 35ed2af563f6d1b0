"""How far codes lie from those of the data, against SciPy's nearest neighbors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from explorer.errors import UsageError
from explorer.latent.data_distance import MOST_CODES, CodeDistance


@given(st.integers(2, 200), st.integers(1, 40), st.integers(0, 1_000))
def test_the_nearest_code_is_scipys(count: int, dim: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    data, asked = (rng.standard_normal((rows, dim)).astype(np.float32) for rows in (count, 7))
    distance, tree = CodeDistance(data), cKDTree(data)
    others = np.asarray(tree.query(data, 2)[0])[:, 1]
    assert distance.usual == pytest.approx(np.quantile(others, 0.95), abs=2e-3)
    nearest = np.asarray(tree.query(asked)[0])
    np.testing.assert_allclose(distance.ratio(asked) * distance.usual, nearest, atol=2e-3)
    np.testing.assert_allclose(distance.ratio(asked[:1])[0] * distance.usual, nearest[0], atol=2e-3)


def test_what_is_usual_among_many_is_reported_by_some_of_them() -> None:
    data = np.random.default_rng(5).standard_normal((MOST_CODES, 8)).astype(np.float32)
    others = np.asarray(cKDTree(data).query(data, 2)[0])[:, 1]
    assert CodeDistance(data).usual == pytest.approx(np.quantile(others, 0.95), rel=0.15)


def test_the_data_are_on_the_data_and_far_away_is_not() -> None:
    data = np.random.default_rng(3).standard_normal((3 * MOST_CODES, 5)).astype(np.float32)
    distance = CodeDistance(data)
    assert (distance.ratio(data[::3]) <= 1.5).mean() > 0.95
    assert distance.ratio(np.full((1, 5), 50, np.float32))[0] > 20


def test_equal_codes_and_single_ones_divide_nothing_by_zero() -> None:
    same = np.ones((4, 2), np.float32)
    assert np.isfinite(CodeDistance(same).ratio(2 * same)).all()
    assert CodeDistance(same[:1]).ratio(same)[0] == 0
    with pytest.raises(UsageError):
        CodeDistance(same[:0])
