"""The status bar: model, data, and the job with a Cancel that works."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from explorer_testing.builders import as_floats, make_model, make_source
from explorer_testing.codec import Gate, WrappedCodec
from explorer_testing.window import WindowDriver
from PySide6.QtCore import QObject, Qt, QTimer, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton

from explorer.data.splits import given_splits
from explorer.document.activity import JobView, TrainingView
from explorer.document.timeline import Export
from explorer.document.views.cursor import CURSOR, CursorView
from explorer.messages import NO_MESSAGE, message
from explorer.models.runs import CurvePoint
from explorer.types import Floats
from explorer.ui.main_window import MainWindow


def text(window: MainWindow, name: str) -> str:
    label = window.findChild(QLabel, name)
    assert label is not None
    return label.text()


def tip(window: MainWindow, name: str) -> str:
    label = window.findChild(QLabel, name)
    assert label is not None
    return label.toolTip()


def test_it_names_model_and_data(driver: WindowDriver) -> None:
    assert text(driver.window, "status_model") == "No model"
    assert text(driver.window, "status_data") == "No dataset"
    driver.open(make_model(name="lovely"), make_source(1_234))
    assert text(driver.window, "status_model") == "lovely"
    assert text(driver.window, "status_data") == "Tiny images: 1,234 images"


def test_the_tooltip_of_the_data_names_the_splits(bare_window: MainWindow) -> None:
    label = bare_window.findChild(QLabel, "status_data")
    assert label is not None
    source = make_source(1_200)
    source.splits = given_splits(1_000, 150, 50)
    bare_window.document.open(source=source)
    assert "Training: 1,000, validation: 50, test: 150" in label.toolTip()
    other = make_source(1_200)
    other.splits = given_splits(1_000, 200)
    bare_window.document.open(source=other)
    assert "Training: 1,000, test: 200" in label.toolTip()


def test_the_decode_time_is_the_median_of_the_last_few(bare_window: MainWindow) -> None:
    document = bare_window.document
    for decode_ms in (1.0, 9.0, 2.0):
        CURSOR.put(document, CursorView(as_floats(0).reshape(1, 1, 1), decode_ms))
    assert "Decoding takes 2.00 ms" in tip(bare_window, "status_model")


def test_the_decode_time_appears_and_goes_with_the_model(driver: WindowDriver) -> None:
    driver.open()
    driver.document.set_code(as_floats(1, 1))
    driver.until(lambda: "Decoding takes" in tip(driver.window, "status_model"))
    driver.document.open(make_model(name="other"))
    assert "Decoding" not in tip(driver.window, "status_model")


def test_a_running_export_shows_and_its_cancel_works(driver: WindowDriver, tmp_path: Path) -> None:
    gate = Gate()

    def hold_jobs(call: str, values: Floats) -> None:
        if threading.current_thread().name.startswith("job"):
            gate.pass_through(call, values)

    model = make_model()
    driver.open(replace(model, codec=WrappedCodec(model.codec, hold_jobs)))
    for code in (as_floats(-1, 0), as_floats(1, 0)):
        driver.document.set_code(code)
        driver.document.timeline.add()
    written: list[Path] = []
    driver.document.exported.connect(written.append)
    cancel, job = driver.find(QPushButton, "status_cancel"), driver.find(QLabel, "status_job")
    assert not cancel.isVisible()
    driver.document.timeline.export_requested.emit(Export(tmp_path / "film.gif"))
    assert job.isVisible()
    assert job.text().startswith("Exporting film.gif")
    gate.wait_until_entered()
    driver.click("status_cancel")
    gate.open()
    driver.until(lambda: not driver.document.jobs)
    assert not cancel.isVisible()
    assert not job.isVisible()
    assert written == []
    assert list(tmp_path.iterdir()) == []
    assert driver.problems == [], "what was asked for is no problem"


def test_progress_and_time_left(bare_window: MainWindow) -> None:
    bare_window.document.put_jobs(
        (JobView(1, message("Exporting a.gif"), 30, 120, NO_MESSAGE, 75.0), JobView(2, message("Opening b")))
    )
    bar = bare_window.findChild(QProgressBar, "status_progress")
    assert bar is not None
    assert (bar.value(), bar.maximum()) == (30, 120)
    assert text(bare_window, "status_job") == "Exporting a.gif, 1 min 15 s left  (+1)"


def test_cancel_goes_to_the_training_where_no_job_runs(bare_window: MainWindow) -> None:
    document = bare_window.document
    cancelled: list[str] = []
    document.training_cancel_requested.connect(lambda: cancelled.append("training"))
    document.job_cancel_requested.connect(lambda key: cancelled.append(f"job {key}"))
    curve = (CurvePoint(1, 0.5, 0.6),)
    document.put_training(TrainingView("running", "new", epochs=4, step=3, steps=10, curve=curve, seconds_left=8.0))
    bar = bare_window.findChild(QProgressBar, "status_progress")
    button = bare_window.status.findChild(QPushButton, "status_cancel")
    assert bar is not None
    assert button is not None
    assert (bar.value(), bar.maximum()) == (13, 40)
    assert text(bare_window, "status_job") == "Training new, 8 s left"
    button.click()
    document.put_jobs((JobView(7, message("Exporting")),))
    button.click()
    assert cancelled == ["training", "job 7"]


@pytest.mark.parametrize("phase", ["finished", "cancelled", "failed"])
def test_nothing_is_shown_after_the_end(bare_window: MainWindow, phase: str) -> None:
    document = bare_window.document
    label = bare_window.findChild(QLabel, "status_job")
    assert label is not None
    document.put_training(TrainingView("running", "new"))
    assert label.isVisible()
    document.put_training(TrainingView(phase, "new"))  # type: ignore[arg-type]
    assert not label.isVisible()


class Opened(QObject):
    """Takes what would be opened in the file manager."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    @Slot(QUrl)
    def take(self, url: QUrl) -> None:
        self.urls.append(url.toLocalFile())


def test_the_folder_of_an_export_is_shown(driver: WindowDriver, tmp_path: Path) -> None:
    opened, shown = Opened(), driver.find(QPushButton, "show_in_folder")
    assert not shown.isVisible()
    QDesktopServices.setUrlHandler("file", opened, "take")  # type: ignore[arg-type]  # PySide6 takes text only
    try:
        driver.document.exported.emit(tmp_path / "film.gif")
        assert "film.gif" in text(driver.window, "status_said")
        driver.click("show_in_folder")
        driver.shortcut("action_show_in_folder")
    finally:
        QDesktopServices.unsetUrlHandler("file")
    assert opened.urls == [str(tmp_path)] * 2
    driver.document.announced.emit(message("Image copied"))
    assert not shown.isVisible()


def test_what_was_saved_is_said_as_long_as_its_folder_is_offered(driver: WindowDriver, tmp_path: Path) -> None:
    driver.document.announced.emit(message("Image copied"))
    fading = driver.window.status.findChildren(QTimer, options=Qt.FindChildOption.FindDirectChildrenOnly)
    assert [timer.isActive() for timer in fading] == [True]
    driver.document.exported.emit(tmp_path / "film.gif")
    assert [timer.isActive() for timer in fading] == [False]
