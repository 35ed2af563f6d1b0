"""A job that fails or is canceled ends its busy state: the reason takes its place, and it can be tried again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source, wrapped
from explorer_testing.codec import Gate
from explorer_testing.training import small_request
from explorer_testing.window import Desk
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QLabel, QPushButton

from explorer.data.sources import open_source
from explorer.document.tasks import FindNearest
from explorer.document.views import CompareView, NeighboursView, SamplesView
from explorer.ui.dialogs.export_film import ExportFilmDialog


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
def vanished(desk: Desk, folder: Path) -> Desk:
    """The window with a folder of images that is not there any more; what is shown was read before."""
    desk.open(make_model(), open_source(str(folder)))
    folder.rename(folder.with_name("elsewhere"))
    return desk


def bring_back(folder: Path) -> None:
    folder.with_name("elsewhere").rename(folder)


def until_failed(desk: Desk, count: int = 1) -> None:
    desk.until(lambda: desk.document.jobs == () and len(desk.problems) >= count)


def until_found(desk: Desk) -> None:
    desk.until(lambda: isinstance(desk.document.neighbours_view, NeighboursView))


def test_neighbors_of_a_vanished_folder_say_why_and_are_found_when_it_is_back(vanished: Desk, folder: Path) -> None:
    vanished.tab("Neighbors")
    until_failed(vanished)
    label, retry = vanished.find(QLabel, "neighbours_empty"), vanished.find(QPushButton, "neighbours_retry")
    assert "Encoding the images…" not in label.text()
    assert "Encoding the images failed." in label.text()
    assert ".png" in label.text()
    assert retry.isVisible()
    told = len(vanished.problems)
    vanished.document.set_code(np.ones(2, np.float32))
    assert vanished.document.jobs == (), "the same question would fail again"
    QTest.mouseClick(retry, Qt.MouseButton.LeftButton)
    assert label.text() == "Encoding the images…"
    assert not retry.isVisible()
    until_failed(vanished, told + 1)
    assert retry.isVisible()
    bring_back(folder)
    QTest.mouseClick(retry, Qt.MouseButton.LeftButton)
    until_found(vanished)
    assert not retry.isVisible()


def test_neighbors_that_were_canceled_wait_for_the_button(desk: Desk) -> None:
    gate = Gate()
    desk.open(
        wrapped(
            make_model(), lambda name, images: gate.pass_through() if name == "encode" and len(images) > 20 else None
        ),
        make_source(),
    )
    desk.tab("Neighbors")
    desk.until(lambda: bool(desk.document.jobs))
    desk.click("neighbours_cancel")
    gate.open()
    desk.until(lambda: desk.document.jobs == ())
    assert "Canceled." in desk.find(QLabel, "neighbours_empty").text()
    assert desk.problems == []
    desk.document.set_code(np.ones(2, np.float32))
    assert desk.document.jobs == ()
    desk.click("neighbours_retry")
    until_found(desk)


def test_the_nearest_image_of_a_sum_says_why_there_is_none(vanished: Desk, folder: Path) -> None:
    vanished.tab("Arithmetic")
    until_failed(vanished)
    nearest = vanished.window.arithmetic.nearest
    assert vanished.document.watches(FindNearest.slot)
    assert ".png" in nearest.text
    assert "Neighbors" in nearest.text
    bring_back(folder)
    vanished.tab("Neighbors")
    vanished.click("neighbours_retry")
    until_found(vanished)
    vanished.tab("Arithmetic")
    vanished.until(lambda: nearest.image is not None)


def test_points_on_the_map_are_unticked_with_the_reason(vanished: Desk, folder: Path) -> None:
    vanished.tab("Map")
    points, words = vanished.find(QCheckBox, "map_points"), vanished.find(QLabel, "map_pictures_words")
    points.click()
    until_failed(vanished)
    assert not points.isChecked()
    assert ".png" in words.text()
    bring_back(folder)
    points.click()
    vanished.until(lambda: vanished.document.studies.codes is not None)
    assert points.isChecked()
    assert words.text() == ""


def test_a_second_model_whose_encoder_fails_says_why(desk: Desk) -> None:
    broken = [True]

    def fail(name: str, values: object) -> None:
        if broken[0] and name == "encode":
            raise ValueError("the encoder broke")

    desk.open()
    desk.tab("Compare")
    desk.document.beside.put_model(wrapped(make_model(seed=3, name="other"), fail))
    until_failed(desk)
    frame = desk.window.compare.frames[3]
    assert "the encoder broke" in frame.text
    assert "Encoding" not in frame.text
    broken[0] = False
    desk.document.choose_picture(5)
    desk.until(lambda: isinstance(desk.document.compare_view, CompareView))


def test_samples_say_why_no_prior_was_fitted(desk: Desk) -> None:
    desk.open()
    desk.tab("Samples")
    desk.click("samples_fitted")
    table = desk.window.samples.table
    assert "Fitting" in table.message
    # Before its thread is heard.
    (job,) = desk.document.jobs
    desk.document.job_cancel_requested.emit(job.key)
    desk.until(lambda: desk.document.jobs == ())
    assert table.message == "Fitting the prior failed: Canceled. Choose “Fitted GMM” to try again."
    desk.document.set_sampling(replace(desk.document.sampling, temperature=0.5))
    assert desk.document.jobs == ()
    desk.click("samples_fitted")
    desk.until(lambda: isinstance(desk.document.samples_view, SamplesView))


def test_an_export_that_cannot_be_tried_says_why(desk: Desk) -> None:
    broken = [False]

    def fail(name: str, values: object) -> None:
        if broken[0]:
            raise ValueError("the decoder broke")

    desk.open(wrapped(make_model(), fail))
    desk.document.timeline.insert(np.array([[0, 0], [1, 2]], np.float32), 0)
    desk.settle()
    broken[0] = True
    desk.window.timeline.ask_export()
    dialog = desk.find(ExportFilmDialog, "export_dialog")
    until_failed(desk)
    assert "the decoder broke" in dialog.size_words.text()
    dialog.close()
    broken[0] = False
    desk.window.timeline.ask_export()
    again = desk.window.findChildren(ExportFilmDialog)[-1]
    desk.until(lambda: "frames, " in again.size_words.text())
    again.close()


def test_augmentation_that_is_canceled_says_so(desk: Desk, folder: Path) -> None:
    desk.open(make_model(), open_source(str(folder)))
    desk.document.preparation.ask_preview(small_request(folder, folder.with_name("new")))
    (job,) = desk.document.jobs
    desk.document.job_cancel_requested.emit(job.key)
    desk.until(lambda: desk.document.preparation.preview is not None)
    preview = desk.document.preparation.preview
    assert preview is not None
    assert preview.pixels is not None or str(preview.message) == "Canceled."
