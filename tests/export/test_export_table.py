from __future__ import annotations

import csv
from pathlib import Path

import pytest

from explorer.errors import ExportError
from explorer.export.table import write_csv


def test_a_table_is_read_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("before", encoding="utf-8")
    write_csv(path, ["name", "figure"], [("a, “b”", 0.1), ("two\nlines", float("inf")), ("é", 3)])
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["name", "figure"], ["a, “b”", "0.1"], ["two\nlines", "inf"], ["é", "3"]]
    assert list(tmp_path.iterdir()) == [path]


def test_a_table_that_cannot_be_made_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("before", encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        write_csv(path, ["figure"], ([1 / n] for n in (1, 0)))
    assert path.read_text(encoding="utf-8") == "before"
    with pytest.raises(ExportError):
        write_csv(tmp_path / "missing" / "table.csv", ["a"], [])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "name", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "＋1", "－1+1", "＠A1", " =1"]
)
def test_no_text_is_a_formula(tmp_path: Path, name: str) -> None:
    path = tmp_path / "table.csv"
    write_csv(path, [name, "n"], [(name, 1)])
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [[f"'{name}", "n"], [f"'{name}", "1"]]


@pytest.mark.parametrize("cell", [-1.5, -3, float("-inf"), "-1.5", "+2e-3", "-.5", "-inf", "7", "a-b", "x=1", ""])
def test_numbers_and_other_texts_stay_as_they_are(tmp_path: Path, cell: str | float) -> None:
    path = tmp_path / "table.csv"
    write_csv(path, ["n", "m"], [(cell, 1)])
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1] == [str(cell), "1"]
