"""A training from the Train panel, for real: to its end, killed on its way, and with the window closed under it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from explorer_testing.window import WindowDriver, drag
from PySide6.QtWidgets import QLabel

from explorer.models.bundle import open_bundle

pytestmark = pytest.mark.engine


def start(driver: WindowDriver, name: str, *, epochs: int, limit: int = 600) -> None:
    """Fill the panel and click Start."""
    driver.tab("Train")
    driver.type_into("train_latent", "8")
    driver.type_into("train_epochs", str(epochs))
    driver.type_into("train_limit", str(limit))
    driver.type_into("train_name", name)
    driver.click("train_start")
    assert driver.document.training.active, driver.find(QLabel, "train_facts").text()


def until_opened(driver: WindowDriver, name: str) -> None:
    """Wait until the finished model is open; before that it is shown as it learns."""
    driver.until(lambda: driver.document.training.phase == "finished")
    driver.until(lambda: opened(driver) == (name, None))
    driver.settle()


def opened(driver: WindowDriver) -> tuple[str, float | None]:
    """Return the open model's name, and how far it has learned: None where it is finished."""
    model = driver.document.model
    assert model is not None
    return model.name, model.epochs


def assert_window_works(driver: WindowDriver) -> None:
    sliders, before = driver.window.latent.sliders, driver.window.stage.edited.image
    at = float(sliders.values[0])
    drag(sliders.viewport(), [sliders.handle_position(0, at), sliders.handle_position(0, -2.0 if at > 0 else 2.0)])
    driver.until_edited_shows(driver.code)
    assert driver.window.stage.edited.image != before


def test_a_training_ends_with_its_model_open(driver: WindowDriver, explorer_home: Path) -> None:
    start(driver, "fresh", epochs=2)
    until_opened(driver, "fresh")
    training = driver.document.training
    assert training.phase == "finished"
    assert [point.epoch for point in training.curve] == [1, 2]
    assert "fresh: Finished, test MSE" in driver.find(QLabel, "train_note").text()
    card = open_bundle(explorer_home / "models" / "fresh").card
    assert (card.architecture, card.latent_dim, card.data.name, card.trained.limit) == ("deep-dense", 8, "digits", 600)
    assert driver.window.library.item_of("model", "fresh") is not None
    assert driver.window.latent.sliders.row_count == 8
    assert driver.document.source is not None
    assert driver.document.source.name == "digits"
    assert_window_works(driver)
    assert not driver.problems


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_a_killed_training_is_reported_and_the_next_one_works(driver: WindowDriver, explorer_home: Path) -> None:
    trainer = driver.running.backend.trainer
    start(driver, "doomed", epochs=100_000)
    driver.until(lambda: len(driver.document.training.curve) > 0)
    assert trainer.process_id is not None
    os.kill(trainer.process_id, signal.SIGKILL)
    driver.until(lambda: not driver.document.training.active)
    assert driver.document.training.phase == "failed"
    (problem,) = driver.problems
    assert "model process" in str(problem.message)
    assert f"signal {int(signal.SIGKILL)}" in str(problem.message)
    assert driver.window.problem_bar.isVisible()
    assert driver.window.problem_bar.text.casefold() == str(problem.message).casefold()
    assert not (explorer_home / "models" / "doomed" / "card.json").exists(), "there is never half a bundle"
    # The model is there as it was shown last.
    assert opened(driver)[0] == "doomed"
    assert_window_works(driver)
    start(driver, "second", epochs=1)
    until_opened(driver, "second")
    assert (driver.document.training.phase, len(driver.problems)) == ("finished", 1)


def test_a_cancelled_training_ends_and_leaves_no_bundle(driver: WindowDriver, explorer_home: Path) -> None:
    start(driver, "stopped", epochs=100_000)
    driver.until(lambda: driver.document.training.step > 0)
    driver.click("train_cancel")
    driver.until(lambda: not driver.document.training.active)
    assert driver.document.training.phase == "cancelled"
    assert not (explorer_home / "models" / "stopped" / "card.json").exists()
    assert not driver.problems
    # And with a model in training the window may be closed: the guards see what is left of thread and process.
    start(driver, "closed", epochs=100_000)
    driver.until(lambda: driver.document.training.step > 0)
    pid = driver.running.backend.trainer.process_id
    assert pid is not None
    driver.window.close()
    assert driver.running.backend.trainer.process_id is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (explorer_home / "models" / "closed" / "card.json").exists()


def test_the_window_may_be_closed_while_the_model_process_warms_up(driver: WindowDriver) -> None:
    driver.tab("Train")
    driver.until(lambda: driver.running.backend.trainer.process_id is not None)
    driver.window.close()
    assert driver.running.backend.trainer.process_id is None
