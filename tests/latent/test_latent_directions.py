"""Directions in a code space whose axes are known; probes beside scikit-learn's own; sums of codes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.arithmetic import combine, cross
from explorer.latent.directions import Method, attribute_direction, orthogonal, probe_accuracy
from explorer.types import Floats

pytestmark = pytest.mark.numeric

AXIS = np.array([0, 3, 0, 0, 0, 0], np.float32)


def toy(count: int = 600, seed: int = 0, gap: Floats = AXIS) -> tuple[Floats, NDArray[np.bool_]]:
    """Codes of six independent normal dimensions; those with the attribute are moved by `gap`."""
    rng = np.random.default_rng(seed)
    has = rng.random(count) < 0.3
    return (rng.standard_normal((count, 6)) + has[:, None] * gap).astype(np.float32), has


@pytest.mark.parametrize("method", ["means", "logistic"])
def test_a_known_axis_is_found(method: Method) -> None:
    codes, has = toy()
    found = attribute_direction(codes, has, method)
    cosine = found.vector @ AXIS / np.linalg.norm(found.vector) / 3
    assert cosine > 0.98
    assert np.linalg.norm(found.vector) == pytest.approx(3, rel=0.1)
    assert found.accuracy > 0.88, "Φ(1.5) is 0.93"
    assert found.effect == pytest.approx(3, abs=0.5)
    assert found.p < 0.01
    assert abs(found.null_effect[0]) < 0.2
    assert found.count == (int(has.sum()), int((~has).sum()))


def test_what_goes_with_an_attribute_draws_means_aside_but_no_regression() -> None:
    rng = np.random.default_rng(1)
    codes = rng.standard_normal((4_000, 2)).astype(np.float32)
    has = codes[:, 0] > 0
    codes[:, 1] += 2 * codes[:, 0]
    means = attribute_direction(codes, has, "means").vector
    logistic = attribute_direction(codes, has, "logistic").vector
    assert abs(means[1] / means[0]) > 1.5
    assert abs(logistic[1] / logistic[0]) < 0.1


def test_an_attribute_that_means_nothing_is_reported() -> None:
    codes, _ = toy(gap=0 * AXIS)
    ps = []
    for seed in range(20):
        has = np.random.default_rng(seed + 100).random(len(codes)) < 0.4
        found = attribute_direction(codes, has, seed=seed)
        ps.append(found.p)
        assert abs(found.accuracy - 0.5) < 0.16
    assert np.mean(np.array(ps) < 0.05) <= 0.2, "no more than chance has it"


def test_what_is_too_little() -> None:
    codes, _ = toy(50)
    for has in (np.zeros(50, np.bool_), np.ones(50, np.bool_), np.arange(50) < 4):
        with pytest.raises(UsageError, match="at least 5 of each"):
            attribute_direction(codes, has)
    with pytest.raises(UsageError):
        attribute_direction(codes, np.zeros(3, np.bool_))


@given(st.integers(1, 6), st.integers(0, 1_000))
def test_orthogonal_directions_share_nothing(count: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).standard_normal((count, 6)).astype(np.float32)
    made = np.stack(orthogonal(list(vectors)))
    table = made @ made.T
    np.testing.assert_allclose(table - np.diag(np.diag(table)), 0, atol=1e-4)
    np.testing.assert_array_equal(made[0], vectors[0])


def test_what_is_held_already_leaves_nothing() -> None:
    vector = np.arange(1, 5, dtype=np.float32)
    first, second, third = orthogonal([vector, 2 * vector, np.ones(4, np.float32)])
    np.testing.assert_array_equal(second, np.zeros(4))
    assert abs(float(first @ third)) < 1e-4


def test_a_probe_is_what_scikit_learn_gives() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split

    rng = np.random.default_rng(2)
    labels = rng.integers(3, size=900)
    codes = (rng.standard_normal((900, 4)) + 2 * np.eye(4)[labels]).astype(np.float32)
    accuracy, share = probe_accuracy(codes, labels)
    fitted, held, known, wanted = train_test_split(codes, labels, test_size=0.3, random_state=0)
    mean, scale = fitted.mean(axis=0), fitted.std(axis=0)
    model = LogisticRegression(max_iter=300).fit((fitted - mean) / scale, known)
    assert accuracy == pytest.approx(model.score((held - mean) / scale, wanted))
    assert share == pytest.approx(np.bincount(wanted).max() / len(wanted))
    with pytest.raises(UsageError):
        probe_accuracy(codes, np.zeros(900, np.int64))


# -- arithmetic ------------------------------------------------------------------------------------------------------


def test_a_minus_b_plus_c() -> None:
    a, b, c = (np.array([[1.0, 2]], np.float32), np.array([[0, 2], [2, 4]], np.float32), np.array([[5, 5]], np.float32))
    np.testing.assert_allclose(combine([(1, a), (-1, b), (1, c)]), [5, 4])
    np.testing.assert_allclose(combine([(0.5, c)]), [2.5, 2.5])
    for bad in ([], [(1.0, a), (1.0, np.zeros((1, 3), np.float32))]):
        with pytest.raises(UsageError):
            combine(bad)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 100))
def test_crossing_takes_more_as_the_share_grows(one: float, other: float, seed: int) -> None:
    first, second = np.zeros(50, np.float32), np.ones(50, np.float32)
    less, more = (cross(first, second, share, seed) for share in sorted((one, other)))
    assert set(np.unique(less)) <= {0, 1}
    assert (less <= more).all()
    np.testing.assert_array_equal(cross(first, second, 0, seed), first)
    np.testing.assert_array_equal(cross(first, second, 1, seed), second)
