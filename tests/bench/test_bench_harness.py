"""Percentiles, timing, memory, and the child processes that measure."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.bench import harness
from explorer.bench.harness import MeasureError, attempt, median, median_ms, percentile, resident_mb, run_child


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_percentiles_are_ordered_and_within_the_values(values: list[float]) -> None:
    p1, p50, p99 = (percentile(values, share) for share in (1, 50, 99))
    assert min(values) <= p1 <= p50 <= p99 <= max(values)


def test_the_median_ignores_one_outlier() -> None:
    assert median([3.0, 1.0, 1000.0]) == 3.0


def test_no_values_are_a_failed_measurement() -> None:
    with pytest.raises(MeasureError, match="No measurements were taken"):
        median([])


def test_the_warm_up_does_not_count() -> None:
    calls: list[int] = []
    assert median_ms(lambda: calls.append(len(calls)), repeats=7, warm_up=3) >= 0
    assert len(calls) == 10


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="elsewhere only the peak is known")
def test_resident_memory_grows_with_what_is_held() -> None:
    before = resident_mb()
    held = np.ones(100_000_000, np.uint8)
    assert 80 < resident_mb() - before < 200
    assert held[-1] == 1


def test_a_child_answers() -> None:
    (result,) = run_child("decode_one:round_trips", paths=[], repeats=1)
    assert result.value == {}
    assert result.seconds > 0


def test_a_child_that_fails_says_why() -> None:
    with pytest.raises(MeasureError, match=r"exit status 1.*no_such_function"):
        run_child("decode_one:no_such_function")


def test_attempt_turns_a_failed_measurement_into_its_reason() -> None:
    def fail() -> float:
        raise MeasureError("Cannot measure {what}: no clock.", what="it")

    assert attempt(lambda: 2.0) == (2.0, "")
    assert attempt(fail) == (None, "Cannot measure it: no clock.")


def test_a_child_gets_a_home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    environment = harness._child_environment(tmp_path)
    assert Path(environment["LATENT_EXPLORER_HOME"]).parent == tmp_path
    assert Path(environment["KERAS_HOME"]).parent == tmp_path
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert os.environ["LATENT_EXPLORER_HOME"] != environment["LATENT_EXPLORER_HOME"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
@pytest.mark.parametrize(("display", "platform"), [("", "offscreen"), (":9", None)])
def test_a_child_needs_no_display(
    display: str, platform: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", display)
    assert harness._child_environment(tmp_path).get("QT_QPA_PLATFORM") == platform
