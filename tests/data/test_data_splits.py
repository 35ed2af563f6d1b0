from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.data.splits import Splits, given_splits, grouped_splits, random_splits
from explorer.errors import UsageError


def assert_whole(splits: Splits, count: int) -> None:
    """Disjoint, complete, sorted."""
    parts = splits.train, splits.test, splits.validation
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(count))
    for part in parts:
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()


@given(st.integers(1, 400), st.integers(0, 2**32))
def test_random_splits_are_disjoint_and_complete(count: int, seed: int) -> None:
    splits = random_splits(count, seed)
    assert_whole(splits, count)
    assert len(splits.test) >= 1
    if count > 1:
        assert len(splits.train) >= 1
    np.testing.assert_array_equal(splits.test, random_splits(count, seed).test)


def test_random_splits_hold_out_a_fifth_and_follow_the_seed() -> None:
    splits = random_splits(10_000)
    assert len(splits.test) == 2_000
    assert "seed 0" in splits.origin
    assert (random_splits(10_000, seed=1).test != splits.test).any()
    assert abs(splits.test.mean() - 5_000) < 300


@given(st.lists(st.integers(0, 12), min_size=1, max_size=200), st.integers(0, 1000))
def test_grouped_splits_never_divide_a_group(groups: list[int], seed: int) -> None:
    splits = grouped_splits(np.array(groups), seed)
    assert_whole(splits, len(groups))
    if len(set(groups)) > 1:
        held_out = {groups[index] for index in splits.test}
        assert held_out
        assert held_out.isdisjoint(groups[index] for index in splits.train)
        assert len(splits.train)


def test_grouped_splits_come_near_the_share() -> None:
    splits = grouped_splits(np.repeat(np.arange(50), 20))
    assert len(splits.test) == 200


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_given_splits_put_training_first(train: int, test: int, validation: int) -> None:
    splits = given_splits(train, test, validation)
    assert_whole(splits, train + test + validation)
    assert len(splits.train) == train
    assert len(splits.test) == (test or validation), "images for validation replace missing test images"
    assert len(splits.select("val")) == (validation if test else 0)
    assert splits.origin == "given"


@given(st.integers(2, 300), st.integers(1, 350))
def test_select_gives_the_split_or_an_even_part_of_it(count: int, wanted: int) -> None:
    splits = random_splits(count)
    np.testing.assert_array_equal(splits.select("all"), np.arange(count))
    np.testing.assert_array_equal(splits.select("test"), splits.test)
    some = splits.select("train", wanted)
    assert len(some) == min(wanted, len(splits.train))
    assert set(some) <= set(splits.train)
    assert (np.diff(some) > 0).all()


def test_select_spreads_over_a_source_that_is_sorted_by_class() -> None:
    np.testing.assert_array_equal(given_splits(100, 1).select("train", 10), np.arange(0, 100, 10))


def test_select_refuses_what_is_no_split() -> None:
    with pytest.raises(UsageError, match="Choose train, val, test or all"):
        random_splits(4).select("validation")
    with pytest.raises(UsageError, match="at least 1"):
        random_splits(4).select("test", 0)
