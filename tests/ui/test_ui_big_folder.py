"""A large folder in the window: there before it is read, and nothing moves when it is."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model
from explorer_testing.window import WindowDriver
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap

from explorer.data import image_index
from explorer.data.formats import Header
from explorer.data.probing import probe_image
from explorer.data.sources.files import FileSource
from explorer.document.open_requests import OpenRequest

COUNT = 600


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "images"
    place.mkdir()
    for number in range(COUNT):
        Image.new("L", (10, 12), number % 256).save(place / f"{number}.png")
    (place / "100.png").write_bytes(b"no image")
    return place


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The second file is looked at only once this is set; the first few are a sample."""
    go_on = threading.Event()

    def probe(path: Path) -> Header:
        if path.name == "1.png":
            go_on.wait(30)
        return probe_image(path)

    monkeypatch.setattr(image_index, "BIG_FOLDER", 50)
    monkeypatch.setattr(image_index, "probe_image", probe)
    return go_on


def source_of(driver: WindowDriver) -> FileSource | None:
    source = driver.document.source
    return source if isinstance(source, FileSource) else None


def test_image_keyframes_and_place_stay_when_all_is_read(
    driver: WindowDriver, folder: Path, held: threading.Event
) -> None:
    driver.document.open(make_model())
    driver.document.open_requested.emit(OpenRequest((str(folder),), "images"))
    driver.until(lambda: source_of(driver) is not None)
    assert source_of(driver).provisional  # type: ignore[union-attr]
    assert driver.document.jobs
    driver.settle()
    driver.document.choose_image(3)
    driver.settle()
    driver.document.timeline.add()
    keyframes, code = driver.document.state.keyframes, driver.document.code
    bar = driver.window.gallery.view.horizontalScrollBar()
    bar.setValue(bar.maximum() // 2)
    place = bar.value()
    assert place > 0
    held.set()
    driver.until(lambda: not driver.document.jobs)
    source = source_of(driver)
    assert source is not None
    assert (source.provisional, source.count) == (False, COUNT - 1)
    assert driver.document.state.image_index == 3
    assert driver.document.state.keyframes is keyframes
    assert driver.document.code is code
    assert driver.undo_label() == "Add keyframe"
    assert bar.value() == place
    driver.settle()
    model = driver.window.gallery.model
    first, last = driver.window.gallery.visible_range()
    for row in range(first, last + 1):
        pixmap = model.data(model.index(row), Qt.ItemDataRole.DecorationRole)
        assert isinstance(pixmap, QPixmap)
        value = pixmap.toImage().pixelColor(5, 5).red()
        assert value == int(source.file_name(row).removesuffix(".png")) % 256
    assert all("100.png" in str(problem.message) for problem in driver.problems)


def test_cancelled_it_stays_open_as_far_as_it_is_known(
    driver: WindowDriver, folder: Path, held: threading.Event
) -> None:
    driver.document.open(make_model())
    driver.document.open_requested.emit(OpenRequest((str(folder),), "images"))
    driver.until(lambda: source_of(driver) is not None)
    (job,) = driver.document.jobs
    driver.document.job_cancel_requested.emit(job.key)
    held.set()
    driver.until(lambda: not driver.document.jobs)
    source = source_of(driver)
    assert source is not None
    assert source.provisional
    driver.settle()
    driver.document.choose_image(COUNT - 1)
    driver.settle()
    assert driver.document.state.start_code is not None
    assert np.isfinite(driver.document.state.start_code).all()
