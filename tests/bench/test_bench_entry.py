"""Ratios and records of the benchmarks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.bench.entry import Entry, ratio

KEYS = {
    *("name", "case", "unit", "better", "ours", "peer", "peer_name", "limit", "limit_name"),
    *("ratio_to_peer", "ratio_to_limit"),
}
figures = st.floats(1e-6, 1e6)


@given(figures, figures)
def test_a_ratio_is_ours_over_the_other(ours: float, other: float) -> None:
    found = ratio(ours, other)
    assert found is not None
    assert math.isclose(found * other, ours)


@pytest.mark.parametrize(
    ("ours", "other"), [(None, 1.0), (1.0, None), (None, None), (1.0, 0.0), (1.0, math.inf), (math.nan, 1.0)]
)
def test_no_ratio_without_two_figures(ours: float | None, other: float | None) -> None:
    assert ratio(ours, other) is None


def test_a_whole_record_has_exactly_the_keys_and_gives_no_reason() -> None:
    record = Entry("start", "launch", "s", 1.0, peer=4.0, peer_name="them", limit=0.5, limit_name="least").record()
    assert set(record) == KEYS
    assert record["better"] == "lower"
    assert record["ratio_to_peer"] == 0.25
    assert record["ratio_to_limit"] == 2.0


@given(st.lists(st.one_of(st.none(), figures), min_size=3, max_size=3).filter(lambda three: None in three), st.text())
def test_a_missing_figure_is_null_and_says_why(three: list[float | None], why: str) -> None:
    ours, peer, limit = three
    record = Entry("start", "launch", "s", ours, peer=peer, limit=limit, why=why).record()
    assert set(record) == KEYS | {"why"}
    assert record["why"] == (why or "not measured")
    assert (record["ratio_to_peer"] is None) == (ours is None or peer is None)
    assert (record["ratio_to_limit"] is None) == (ours is None or limit is None)
