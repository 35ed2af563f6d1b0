from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.cli.console import Console, figures_text, plain, progress_text, shape_text, table, to_json
from explorer.messages import message
from explorer.types import Progress

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
)


@given(VALUES)
def test_json_is_strict_ascii_and_keeps_all_but_what_json_lacks(value: Any) -> None:
    def expected(item: Any) -> Any:
        if isinstance(item, float) and not math.isfinite(item):
            return None
        if isinstance(item, dict):
            return {key: expected(part) for key, part in item.items()}
        return [expected(part) for part in item] if isinstance(item, list | tuple) else item

    text = to_json(value)
    assert text.isascii()
    assert "\n" not in text
    assert json.loads(text, parse_constant=pytest.fail) == expected(value)


def test_plain_takes_arrays_paths_and_scalars() -> None:
    value = {"a": np.array([[1, np.inf], [np.nan, 2]], np.float32), "n": np.int64(3), "p": Path("x", "y")}
    assert plain(value) == {"a": [[1.0, None], [None, 2.0]], "n": 3, "p": str(Path("x", "y"))}


def test_table_and_texts() -> None:
    assert table([("name", "n"), ("a", "10"), ("longer", "2")]) == ["name    n", "a       10", "longer  2"]
    assert table([]) == []
    assert shape_text((28, 28, 1)) == "28×28×1"
    assert shape_text(None) == "various"
    assert figures_text({"mse": 0.0123456, "kl": None}) == "mse 0.01235"


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_progress_is_one_line(done: int, total: int) -> None:
    text = progress_text(Progress(done, total, message("reading")))
    assert "\n" not in text
    assert ("100%" in text) == (0 < total <= done)


class Terminal(io.StringIO):
    """A stream that reports to be a terminal, of the size of the real one."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("no terminal")


def job() -> Iterator[Progress | str]:
    yield Progress(1, 2, message("half"))
    yield Progress(2, 2, message("whole"))
    yield "the result"


def test_bar_is_drawn_on_a_terminal_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert Console(as_json=True).result(job()) == "the result"
    drawn = terminal.getvalue()
    assert "100% whole" in drawn
    assert drawn.split("\r")[-1] == ""
    assert drawn.split("\r")[-2].strip() == ""


def test_no_bar_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert Console(as_json=False).result(job()) == "the result"
    assert capsys.readouterr() == ("", "")


def test_a_job_is_closed_when_its_reader_ends_early() -> None:
    closed: list[bool] = []

    def endless() -> Iterator[Progress | int]:
        try:
            yield from range(10)
        finally:
            closed.append(True)

    items = Console(as_json=False).items(endless())
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]
    assert closed == [True]


def test_text_and_events_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (False, True):
        console = Console(as_json=as_json)
        console.line("for a person")
        console.event({"event": "epoch"})
        assert capsys.readouterr().out == ('{"event": "epoch"}\n' if as_json else "for a person\n")
