"""The folder with all that the program keeps is deleted under the window, before everything that needs it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import write_bundle
from explorer_testing.codec import MatrixCodec
from explorer_testing.window import WindowDriver
from PIL import Image
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.app import make_window
from explorer.document.open_requests import OpenRequest
from explorer.document.preferences import PreferencesFile
from explorer.models.recent import recent_sessions
from explorer.paths import autosave_dir, settings_path, user_dir
from explorer.ui.dragging import image_mime


@pytest.fixture
def user(themed: QApplication, qtbot: QtBot, explorer_home: Path, tmp_path: Path) -> Iterator[WindowDriver]:
    """A window with settings, on a folder of images and a model of the library."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(12):
        Image.new("L", (10, 12), 20 * number).save(folder / f"{number}.png")
    write_bundle(tmp_path / "model", MatrixCodec((12, 10, 1), 2))
    write_bundle(explorer_home / "models" / "one", MatrixCodec((12, 10, 1), 2))
    driver = WindowDriver(make_window(PreferencesFile(settings_path())), qtbot)
    driver.document.open_requested.emit(OpenRequest((tmp_path / "model",), "model"))
    driver.until(lambda: driver.document.model is not None)
    driver.document.open_requested.emit(OpenRequest((str(folder),), "images"))
    driver.until(lambda: driver.document.source is not None and driver.document.source.spec == str(folder))
    driver.settle()
    driver.document.sessions.begin()
    yield driver
    driver.document.sessions.let_go()
    driver.close()


def vanish() -> None:
    shutil.rmtree(user_dir(), ignore_errors=True)
    assert not user_dir().exists()


def quiet(driver: WindowDriver) -> None:
    driver.until(lambda: not driver.document.jobs)
    driver.settle()


def test_everything_goes_on(user: WindowDriver, tmp_path: Path) -> None:
    document = user.document
    vanish()
    document.timeline.add()
    user.until(lambda: any(autosave_dir().glob("*/copy.latent")))
    vanish()
    document.library_changed.emit()
    user.until(lambda: user.window.library.item_of("model", "one") is None)
    vanish()
    user.window.app_actions.choose_colors("dark")
    assert settings_path().is_file()
    vanish()
    document.sessions.save_requested.emit(tmp_path / "work.latent", False)
    user.until(lambda: recent_sessions() == [tmp_path / "work.latent"])
    vanish()
    user.tab("Neighbors")
    user.until(lambda: document.neighbors.index is not None)
    quiet(user)
    vanish()
    document.choose_image(3)
    quiet(user)
    shown = user.window.stage.edited.image
    assert shown is not None
    image_mime(shown, "dragged")
    vanish()
    document.trainings.runs_requested.emit()
    quiet(user)
    assert document.trainings.runs == ()
    vanish()
    document.open_requested.emit(OpenRequest(tuple([tmp_path / "photos" / f"{number}.png" for number in range(3)])))
    user.until(lambda: document.source is not None and document.source.count == 3)
    quiet(user)
    vanish()
    document.undo()
    quiet(user)
    np.testing.assert_equal(document.source.count if document.source else 0, 12)
    vanish()
    document.downloads.clear_requested.emit()
    quiet(user)
    assert [problem.message for problem in user.problems] == []
