"""Checks of a dataset before training, without a window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_source
from PIL import Image, ImageDraw
from pytestqt.qtbot import QtBot

from explorer.document.dataset_checks import PREVIEW_COLUMNS, PREVIEW_ROWS, AugmentView, DatasetChecks
from explorer.document.document import Document, Problem
from explorer.models.settings import TrainingRequest, make_request
from explorer.types import Progress
from explorer.workers.backend import Backend
from explorer.workers.dataset_checks import judge_ground, preview_augmentation


@pytest.fixture
def backend(qapp: object) -> Iterator[Backend]:
    made = Backend(Document())
    yield made
    made.close()


def request(**values: object) -> TrainingRequest:
    return make_request(architecture="dense", data="/nowhere/tiny", out=Path("new"), **values)


def test_dark_on_light_is_seen_in_a_folder_that_is_not_open(tmp_path: Path) -> None:
    for number in range(5):
        page = Image.new("L", (30, 24), 250)
        ImageDraw.Draw(page).ellipse((8, 6, 14 + number, 15), fill=10)
        page.save(tmp_path / f"{number}.png")
    *progress, answer = judge_ground(str(tmp_path), None)
    assert answer is True
    assert all(isinstance(item, Progress) for item in progress)


def test_what_cannot_be_opened_suggests_nothing(backend: Backend, tmp_path: Path, qtbot: QtBot) -> None:
    checks, problems = backend.document.dataset_checks, list[Problem]()
    backend.document.problem_reported.connect(problems.append)
    answers: list[None] = []
    checks.ground_changed.connect(lambda: answers.append(None))
    checks.ask_ground(str(tmp_path / "gone"))
    qtbot.waitUntil(lambda: bool(answers))
    assert not checks.dark_on_light(str(tmp_path / "gone"))
    assert not problems, "the training reports it"


def test_a_source_that_is_open_is_not_opened_again() -> None:
    *_, answer = judge_ground("/nowhere/tiny", make_source())
    assert answer is False, "noise is no drawing"


def test_the_preview_takes_the_steps_of_the_training() -> None:
    source = make_source(40, (20, 24, 3))
    *_, view = preview_augmentation(request(size=(16, 18), channels=1, invert=True, seed=4), source)
    assert isinstance(view, AugmentView)
    assert view.pixels is not None
    assert view.pixels.shape == (PREVIEW_ROWS, PREVIEW_COLUMNS, 16, 18, 1)
    *_, plain = preview_augmentation(request(size=(16, 18), channels=1, seed=4), source)
    assert isinstance(plain, AugmentView)
    assert plain.pixels is not None
    np.testing.assert_array_equal(view.pixels[:, 0], 255 - plain.pixels[:, 0])


def test_few_images_make_few_rows() -> None:
    *_, view = preview_augmentation(request(), make_source(3, (16, 16, 1)))
    assert isinstance(view, AugmentView)
    assert view.pixels is not None
    assert view.pixels.shape[:2] == (2, PREVIEW_COLUMNS)


def test_a_preview_that_cannot_be_made_is_an_answer_too(backend: Backend, qtbot: QtBot) -> None:
    checks, problems = backend.document.dataset_checks, list[Problem]()
    backend.document.problem_reported.connect(problems.append)
    checks.ask_preview(request())
    qtbot.waitUntil(lambda: checks.preview is not None)
    assert checks.preview is not None
    assert checks.preview.pixels is None
    assert "/nowhere/tiny" in str(checks.preview.message)
    assert not problems, "the dialog shows it"


def test_the_same_source_is_asked_about_once() -> None:
    dataset_checks = DatasetChecks()
    asked: list[str] = []
    dataset_checks.ground_requested.connect(asked.append)
    dataset_checks.ask_ground("a")
    dataset_checks.ask_ground("a")
    assert not dataset_checks.dark_on_light("a")
    dataset_checks.put_ground("a", True)
    dataset_checks.ask_ground("a")
    assert dataset_checks.dark_on_light("a")
    assert asked == ["a"]
