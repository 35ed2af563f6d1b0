"""The supervisor of the model process, with a real process."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from explorer_testing.builders import make_model, make_source
from explorer_testing.training import small_request, write_images
from pytestqt.qtbot import QtBot

from explorer.document.activity import TrainingView
from explorer.document.document import Document, Problem
from explorer.document.views.image import IMAGE, ImageView
from explorer.engine.client import ModelProcess
from explorer.models.bundle import open_bundle
from explorer.workers.backend import Backend
from explorer.workers.trainer import Trainer

PATIENCE_MS = 120_000


@pytest.fixture
def backend(qapp: object) -> Iterator[Backend]:
    made = Backend(Document())
    yield made
    made.close()


@pytest.fixture
def warm_backend(model_process: ModelProcess, monkeypatch: pytest.MonkeyPatch, qapp: object) -> Iterator[Backend]:
    """A document whose model process has imported Keras, and stays."""
    monkeypatch.setattr("explorer.workers.trainer.ModelProcess", lambda: model_process)
    made = Backend(Document())
    yield made
    made.close()


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_images(tmp_path / "blobs.npz")


def wait(qtbot: QtBot, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=PATIENCE_MS)


def follow(document: Document) -> list[TrainingView]:
    views: list[TrainingView] = []
    document.training_changed.connect(lambda: views.append(document.training))
    return views


@pytest.mark.engine
def test_a_training_is_followed_and_its_model_opens(
    warm_backend: Backend, images: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    document = warm_backend.document
    document.open(source=make_source(name="mine"))
    views, libraries, problems = follow(document), list[bool](), list[Problem]()
    document.library_changed.connect(lambda: libraries.append(True))
    document.problem_reported.connect(problems.append)
    document.training_requested.emit(small_request(images, tmp_path / "new", epochs=3))
    assert document.training.phase == "starting"
    wait(qtbot, lambda: document.model is not None and document.model.epochs is None)
    phases = list(dict.fromkeys(view.phase for view in views))
    assert phases == ["starting", "running", "finishing", "finished"]
    assert [view.phase for view in views].count("finished") == 1
    last = views[-1]
    card = open_bundle(tmp_path / "new").card
    assert [(p.epoch, p.loss, p.val_loss) for p in last.curve] == [(r.epoch, r.loss, r.val_loss) for r in card.history]
    assert (last.path, last.title, last.seconds_left) == (str(tmp_path / "new"), "new", None)
    assert f"{card.metrics['mse']:.4g}" in str(last.note)
    assert (libraries, problems) == ([True], [])
    assert document.model is not None
    assert document.trainings.live is None
    assert document.model.name == "new"
    assert document.source is not None
    assert document.source.name == "mine"


@pytest.mark.engine
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killing_the_model_process_leaves_the_window_working_and_says_what_happened(
    backend: Backend, images: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    document = backend.document
    problems: list[Problem] = []
    document.problem_reported.connect(problems.append)
    document.open(make_model(), make_source())
    document.training_requested.emit(small_request(images, tmp_path / "new", epochs=100_000))
    wait(qtbot, lambda: len(document.training.curve) >= 2)
    pid = backend.trainer.process_id
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait(qtbot, lambda: document.training.phase == "failed")
    assert len(problems) == 1
    assert "killed by signal 9" in str(problems[0].message)
    assert document.training.note == problems[0].message
    assert len(document.training.curve) >= 2
    assert not (tmp_path / "new").exists()
    document.choose_image(5)
    wait(qtbot, lambda: isinstance(document.views[IMAGE], ImageView))
    document.training_requested.emit(small_request(images, tmp_path / "new", epochs=1))
    wait(qtbot, lambda: document.model is not None and document.model.name == "new")
    assert len(problems) == 1


@pytest.mark.engine
def test_a_cancelled_training_ends_as_cancelled(
    warm_backend: Backend, images: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    document = warm_backend.document
    views, problems = follow(document), list[Problem]()
    document.problem_reported.connect(problems.append)
    document.training_requested.emit(small_request(images, tmp_path / "new", epochs=100_000))
    wait(qtbot, lambda: bool(document.training.curve))
    document.training_cancel_requested.emit()
    assert str(document.training.note) == "Canceling"
    wait(qtbot, lambda: not document.training.active)
    assert (views[-1].phase, [view.phase for view in views].count("cancelled")) == ("cancelled", 1)
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".checkpoint") == ["blobs.npz"]
    assert not problems


@pytest.mark.engine
def test_cancelled_before_the_process_is_warm(backend: Backend, images: Path, tmp_path: Path, qtbot: QtBot) -> None:
    document = backend.document
    backend.trainer.warm()
    document.training_requested.emit(small_request(images, tmp_path / "new", epochs=100_000))
    document.training_cancel_requested.emit()
    wait(qtbot, lambda: not document.training.active)
    assert document.training.phase == "cancelled"
    assert [path.name for path in tmp_path.iterdir()] == ["blobs.npz"]


@pytest.mark.engine
def test_an_idle_model_process_ends_and_is_started_again(
    qapp: object, images: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.workers.trainer.IDLE_MS", 100)
    trainer = Trainer()
    try:
        trainer.warm()
        wait(qtbot, lambda: trainer.process_id is not None)
        wait(qtbot, lambda: trainer.process_id is None)

        # Repeated requests, as when settings change: no process is started while the old one ends.
        def warmed() -> bool:
            trainer.warm()
            return trainer.process_id is not None

        wait(qtbot, warmed)
        trainer.train(small_request(images, tmp_path / "new", epochs=1))
        wait(qtbot, lambda: trainer.view.phase == "finished")
        wait(qtbot, lambda: trainer.process_id is None)
    finally:
        trainer.close()


@pytest.mark.engine
def test_a_training_that_fails_says_why_once(warm_backend: Backend, tmp_path: Path, qtbot: QtBot) -> None:
    document, problems = warm_backend.document, list[Problem]()
    document.problem_reported.connect(problems.append)
    document.training_requested.emit(small_request(tmp_path / "nowhere.npz", tmp_path / "new"))
    wait(qtbot, lambda: not document.training.active)
    assert document.training.phase == "failed"
    assert [problem.message for problem in problems] == [document.training.note]
    assert "nowhere.npz" in str(problems[0].message)


@pytest.mark.parametrize("request_too", [False, True])
def test_closing_at_once_ends_the_process_wherever_it_is(qapp: object, tmp_path: Path, request_too: bool) -> None:
    """The guards check that neither process nor thread remains."""
    for _ in range(3):
        trainer = Trainer()
        trainer.warm()
        if request_too:
            trainer.train(small_request(tmp_path / "blobs.npz", tmp_path / "new"))
        trainer.close()
        assert trainer.process_id is None
