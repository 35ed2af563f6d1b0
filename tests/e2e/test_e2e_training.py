"""A training from the Train panel, for real: to its end, killed on its way, and with the window closed under it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from explorer_testing.window import Desk, drag
from PySide6.QtWidgets import QLabel

from explorer.models.bundle import open_bundle

pytestmark = pytest.mark.engine


def start(desk: Desk, name: str, *, epochs: int, limit: int = 600) -> None:
    """Fill the panel and click Start."""
    desk.tab("Train")
    desk.type_into("train_latent", "8")
    desk.type_into("train_epochs", str(epochs))
    desk.type_into("train_limit", str(limit))
    desk.type_into("train_name", name)
    desk.click("train_start")
    assert desk.document.training.active, desk.find(QLabel, "train_facts").text()


def until_opened(desk: Desk, name: str) -> None:
    """Wait until the finished model is open; before that it is shown as it learns."""
    desk.until(lambda: desk.document.training.phase == "finished")
    desk.until(lambda: opened(desk) == (name, None))
    desk.settle()


def opened(desk: Desk) -> tuple[str, float | None]:
    """Return the open model's name, and how far it has learnt: None where it is finished."""
    model = desk.document.model
    assert model is not None
    return model.name, model.epochs


def assert_window_works(desk: Desk) -> None:
    sliders, before = desk.window.latent.sliders, desk.window.stage.edited.image
    at = float(sliders.values[0])
    drag(sliders.viewport(), [sliders.handle_position(0, at), sliders.handle_position(0, -2.0 if at > 0 else 2.0)])
    desk.until_edited_shows(desk.code)
    assert desk.window.stage.edited.image != before


def test_a_training_ends_with_its_model_open(desk: Desk, explorer_home: Path) -> None:
    start(desk, "fresh", epochs=2)
    until_opened(desk, "fresh")
    training = desk.document.training
    assert training.phase == "finished"
    assert [point.epoch for point in training.curve] == [1, 2]
    assert "fresh: Finished, test MSE" in desk.find(QLabel, "train_note").text()
    card = open_bundle(explorer_home / "models" / "fresh").card
    assert (card.architecture, card.latent_dim, card.data.name, card.trained.limit) == ("deep-dense", 8, "digits", 600)
    assert desk.window.library.item_of("model", "fresh") is not None
    assert desk.window.latent.sliders.row_count == 8
    assert desk.document.source is not None
    assert desk.document.source.name == "digits"
    assert_window_works(desk)
    assert not desk.problems


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_a_killed_training_is_told_and_the_next_one_works(desk: Desk, explorer_home: Path) -> None:
    trainer = desk.running.studio.trainer
    start(desk, "doomed", epochs=100_000)
    desk.until(lambda: len(desk.document.training.curve) > 0)
    assert trainer.process_id is not None
    os.kill(trainer.process_id, signal.SIGKILL)
    desk.until(lambda: not desk.document.training.active)
    assert desk.document.training.phase == "failed"
    (problem,) = desk.problems
    assert "model process" in str(problem.message)
    assert f"signal {int(signal.SIGKILL)}" in str(problem.message)
    assert desk.window.problem_bar.isVisible()
    assert desk.window.problem_bar.text.casefold() == str(problem.message).casefold()
    assert not (explorer_home / "models" / "doomed" / "card.json").exists(), "there is never half a bundle"
    # The model is there as it was shown last.
    assert opened(desk)[0] == "doomed"
    assert_window_works(desk)
    start(desk, "second", epochs=1)
    until_opened(desk, "second")
    assert (desk.document.training.phase, len(desk.problems)) == ("finished", 1)


def test_a_cancelled_training_ends_and_leaves_no_bundle(desk: Desk, explorer_home: Path) -> None:
    start(desk, "stopped", epochs=100_000)
    desk.until(lambda: desk.document.training.step > 0)
    desk.click("train_cancel")
    desk.until(lambda: not desk.document.training.active)
    assert desk.document.training.phase == "cancelled"
    assert not (explorer_home / "models" / "stopped" / "card.json").exists()
    assert not desk.problems
    # And with a model in training the window may be closed: the guards see what is left of thread and process.
    start(desk, "closed", epochs=100_000)
    desk.until(lambda: desk.document.training.step > 0)
    pid = desk.running.studio.trainer.process_id
    assert pid is not None
    desk.window.close()
    assert desk.running.studio.trainer.process_id is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (explorer_home / "models" / "closed" / "card.json").exists()


def test_the_window_may_be_closed_while_the_model_process_warms_up(desk: Desk) -> None:
    desk.tab("Train")
    desk.until(lambda: desk.running.studio.trainer.process_id is not None)
    desk.window.close()
    assert desk.running.studio.trainer.process_id is None
