"""A job that fails or is canceled ends its busy state: the reason takes its place, and it can be tried again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source, wrapped
from explorer_testing.codec import Gate
from explorer_testing.training import small_request
from explorer_testing.window import WindowDriver
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QLabel, QPushButton

from explorer.data.sources import open_source
from explorer.document.views.compare import COMPARE, CompareView
from explorer.document.views.nearest import NEAREST
from explorer.document.views.neighbors import NEIGHBORS, NeighborsView
from explorer.document.views.samples import SAMPLES, SamplesView
from explorer.ui.dialogs.export_animation import ExportAnimationDialog
from explorer.workers import analysis
from explorer.workers.code_analysis import fit_prior


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of images."""
    made = tmp_path / "images"
    made.mkdir()
    random = np.random.default_rng(0)
    for number in range(24):
        Image.fromarray(random.integers(0, 256, (12, 10), np.uint8)).save(made / f"{number:02}.png")
    return made


@pytest.fixture
def vanished(driver: WindowDriver, folder: Path) -> WindowDriver:
    """The window with a folder of images that is not there any more; what is shown was read before."""
    driver.open(make_model(), open_source(str(folder)))
    folder.rename(folder.with_name("elsewhere"))
    return driver


def bring_back(folder: Path) -> None:
    folder.with_name("elsewhere").rename(folder)


def until_failed(driver: WindowDriver, count: int = 1) -> None:
    driver.until(lambda: driver.document.jobs == () and len(driver.problems) >= count)


def until_found(driver: WindowDriver) -> None:
    driver.until(lambda: isinstance(driver.document.views[NEIGHBORS], NeighborsView))


def test_neighbors_of_a_vanished_folder_say_why_and_are_found_when_it_is_back(
    vanished: WindowDriver, folder: Path
) -> None:
    vanished.tab("Neighbors")
    until_failed(vanished)
    label, retry = vanished.find(QLabel, "neighbors_empty"), vanished.find(QPushButton, "neighbors_retry")
    assert "Encoding the images…" not in label.text()
    assert "Encoding the images failed." in label.text()
    assert ".png" in label.text()
    assert retry.isVisible()
    before = len(vanished.problems)
    vanished.document.set_code(np.ones(2, np.float32))
    assert vanished.document.jobs == (), "the same question would fail again"
    QTest.mouseClick(retry, Qt.MouseButton.LeftButton)
    assert label.text() == "Encoding the images…"
    assert not retry.isVisible()
    until_failed(vanished, before + 1)
    assert retry.isVisible()
    bring_back(folder)
    QTest.mouseClick(retry, Qt.MouseButton.LeftButton)
    until_found(vanished)
    assert not retry.isVisible()


def test_neighbors_that_were_canceled_wait_for_the_button(driver: WindowDriver) -> None:
    gate = Gate()
    driver.open(
        wrapped(
            make_model(), lambda name, images: gate.pass_through() if name == "encode" and len(images) > 20 else None
        ),
        make_source(),
    )
    driver.tab("Neighbors")
    driver.until(lambda: bool(driver.document.jobs))
    driver.click("neighbors_cancel")
    gate.open()
    driver.until(lambda: driver.document.jobs == ())
    assert "Canceled." in driver.find(QLabel, "neighbors_empty").text()
    assert driver.problems == []
    driver.document.set_code(np.ones(2, np.float32))
    assert driver.document.jobs == ()
    driver.click("neighbors_retry")
    until_found(driver)


def test_the_nearest_image_of_a_sum_says_why_there_is_none(vanished: WindowDriver, folder: Path) -> None:
    vanished.tab("Arithmetic")
    until_failed(vanished)
    nearest = vanished.window.arithmetic.nearest
    assert NEAREST in vanished.document.views.watched
    assert ".png" in nearest.text
    assert "Neighbors" in nearest.text
    bring_back(folder)
    vanished.tab("Neighbors")
    vanished.click("neighbors_retry")
    until_found(vanished)
    vanished.tab("Arithmetic")
    vanished.until(lambda: nearest.image is not None)


def test_points_on_the_map_are_unticked_with_the_reason(vanished: WindowDriver, folder: Path) -> None:
    vanished.tab("Map")
    points, words = vanished.find(QCheckBox, "map_points"), vanished.find(QLabel, "map_images_words")
    points.click()
    until_failed(vanished)
    assert not points.isChecked()
    assert ".png" in words.text()
    bring_back(folder)
    points.click()
    vanished.until(lambda: vanished.document.analysis.codes is not None)
    assert points.isChecked()
    assert words.text() == ""


@pytest.mark.allow_log("job “Encoding the image” failed")
def test_a_second_model_whose_encoder_fails_says_why(driver: WindowDriver) -> None:
    broken = [True]

    def fail(name: str, values: object) -> None:
        if broken[0] and name == "encode":
            raise ValueError("the encoder broke")

    driver.open()
    driver.tab("Compare")
    driver.document.comparison.put_model(wrapped(make_model(seed=3, name="other"), fail))
    until_failed(driver)
    frame = driver.window.compare.frames[3]
    assert "the encoder broke" in frame.text
    assert "Encoding" not in frame.text
    broken[0] = False
    driver.document.choose_image(5)
    driver.until(lambda: isinstance(driver.document.views[COMPARE], CompareView))


def test_samples_say_why_no_prior_was_fitted(driver: WindowDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()

    def fit_late(*arguments: Any) -> Iterator[Any]:
        asked.wait(60)
        yield from fit_prior(*arguments)

    monkeypatch.setattr(analysis, "fit_prior", fit_late)
    driver.open()
    driver.tab("Samples")
    driver.click("samples_fitted")
    table = driver.window.samples.table
    assert "Fitting" in table.message
    (job,) = driver.document.jobs
    driver.document.job_cancel_requested.emit(job.key)
    asked.set()
    driver.until(lambda: driver.document.jobs == ())
    assert table.message == "Fitting the prior failed: Canceled. Choose “Fitted GMM” to try again."
    driver.document.set_sampling(replace(driver.document.state.sampling, temperature=0.5))
    assert driver.document.jobs == ()
    driver.click("samples_fitted")
    driver.until(lambda: isinstance(driver.document.views[SAMPLES], SamplesView))


@pytest.mark.allow_log("The view \\w+ failed")
@pytest.mark.allow_log("job “Estimating the file size” failed")
def test_an_export_that_cannot_be_tried_says_why(driver: WindowDriver) -> None:
    broken = [False]

    def fail(name: str, values: object) -> None:
        if broken[0]:
            raise ValueError("the decoder broke")

    driver.open(wrapped(make_model(), fail))
    driver.document.timeline.insert(np.array([[0, 0], [1, 2]], np.float32), 0)
    driver.settle()
    broken[0] = True
    driver.window.timeline.ask_export()
    dialog = driver.find(ExportAnimationDialog, "export_dialog")
    until_failed(driver)
    assert "the decoder broke" in dialog.size_words.text()
    dialog.close()
    broken[0] = False
    driver.window.timeline.ask_export()
    again = driver.window.findChildren(ExportAnimationDialog)[-1]
    driver.until(lambda: "frames, " in again.size_words.text())
    again.close()


def test_augmentation_that_is_canceled_says_so(driver: WindowDriver, folder: Path) -> None:
    driver.open(make_model(), open_source(str(folder)))
    driver.document.dataset_checks.ask_preview(small_request(folder, folder.with_name("new")))
    (job,) = driver.document.jobs
    driver.document.job_cancel_requested.emit(job.key)
    driver.until(lambda: driver.document.dataset_checks.preview is not None)
    preview = driver.document.dataset_checks.preview
    assert preview is not None
    assert preview.pixels is not None or str(preview.message) == "Canceled."
