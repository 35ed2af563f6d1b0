"""The twelve tasks of a new user, from a first start of the program by mouse and keys, with a limit of clicks each."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from explorer.tour import run_tour
from explorer.tour.tasks import TASKS

MOST = {
    "large": 1,
    "edit": 2,
    "gif": 7,
    "train": 8,
    "similar": 2,
    "denoise": 2,
    "sunglasses": 6,
    "compare": 3,
    "reopen": 4,
    "photo": 1,
    "undo": 1,
    "help": 2,
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.engine) if name == "train" else name for name in MOST]
)
def test_a_new_user_does_it_with_few_clicks(name: str, themed: QApplication, tmp_path: Path) -> None:
    result = run_tour(tmp_path, f"task-{name}")
    assert 0 < result["clicks"][name] <= MOST[name]
    assert [Path(path).name for path in result["screenshots"]] == [f"01-task-{name}.png"]


def test_all_tasks_are_known() -> None:
    assert {name: task.most for name, task in TASKS.items()} == MOST
