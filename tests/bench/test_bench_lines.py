"""The list of benchmarks, and their entries if nothing can be measured."""

from __future__ import annotations

import importlib
from itertools import pairwise
from pathlib import Path

import pytest

from explorer.bench import LINES, harness, run
from explorer.bench.decode_one import PEERS
from explorer.bench.drag import swing
from explorer.errors import UsageError

KEYS = {
    *("name", "case", "unit", "better", "ours", "peer", "peer_name", "limit", "limit_name"),
    *("ratio_to_peer", "ratio_to_limit"),
}


def test_an_unknown_line_names_those_that_are() -> None:
    with pytest.raises(UsageError) as caught:
        run(only="speed")
    assert all(name in str(caught.value) for name in LINES)


@pytest.mark.parametrize("name", LINES)
def test_a_line_without_bundles_has_no_figures_and_says_why(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "pretrained_dir", lambda: tmp_path)
    records = run(quick=True, only=name)
    assert records
    for record in records:
        assert set(record) == KEYS | {"why"}
        assert record["name"] == name
        assert record["ours"] is None
        assert str(tmp_path) in record["why"]


def test_every_file_that_measures_is_registered() -> None:
    folder = Path(importlib.import_module("explorer.bench").__file__ or "").parent
    measuring = {file.stem for file in folder.glob("*.py") if "\ndef measure(quick: bool)" in file.read_text("utf-8")}
    assert measuring == {name.replace("-", "_") for name in LINES}


def test_the_hand_never_stays_where_it_is() -> None:
    places = [swing(step) for step in range(1_000)]
    assert all(0 <= place <= 1 for place in places)
    assert all(abs(after - before) > 1e-5 for before, after in pairwise(places))


@pytest.mark.engine
def test_decode_one_for_real() -> None:
    records = run(quick=True, only="decode-one")
    assert [record["peer_name"] for record in records] == list(PEERS.values())
    for record in records:
        assert set(record) == KEYS
        assert (record["name"], record["case"], record["unit"]) == ("decode-one", "digits-vae-2d", "ms")
        assert min(record["ours"], record["peer"], record["limit"]) > 0
        assert record["ratio_to_peer"] == pytest.approx(record["ours"] / record["peer"])
        assert record["ratio_to_limit"] == pytest.approx(record["ours"] / record["limit"])
