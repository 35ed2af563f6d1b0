"""A large folder in the window: there before it is read, and nothing moves when it is."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model
from explorer_testing.window import Desk
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap

from explorer.data import picture_index
from explorer.data.formats import Header, probe_picture
from explorer.data.sources.files import FileSource

COUNT = 600


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "pictures"
    place.mkdir()
    for number in range(COUNT):
        Image.new("L", (10, 12), number % 256).save(place / f"{number}.png")
    (place / "100.png").write_bytes(b"no picture")
    return place


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The second file is looked at only once this is set; the first few are a sample."""
    go_on = threading.Event()

    def probe(path: Path) -> Header:
        if path.name == "1.png":
            go_on.wait(30)
        return probe_picture(path)

    monkeypatch.setattr(picture_index, "BIG_FOLDER", 50)
    monkeypatch.setattr(picture_index, "probe_picture", probe)
    return go_on


def source_of(desk: Desk) -> FileSource | None:
    source = desk.document.source
    return source if isinstance(source, FileSource) else None


def test_picture_keyframes_and_place_stay_when_all_is_read(desk: Desk, folder: Path, held: threading.Event) -> None:
    desk.document.open(make_model())
    desk.document.open_source_requested.emit(str(folder))
    desk.until(lambda: source_of(desk) is not None)
    assert source_of(desk).provisional  # type: ignore[union-attr]
    assert desk.document.jobs
    desk.settle()
    desk.document.choose_picture(3)
    desk.settle()
    desk.document.timeline.add()
    keyframes, code = desk.document.keyframes, desk.document.code
    bar = desk.window.gallery.view.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    place = bar.value()
    assert place > 0
    held.set()
    desk.until(lambda: not desk.document.jobs)
    source = source_of(desk)
    assert source is not None
    assert (source.provisional, source.count) == (False, COUNT - 1)
    assert desk.document.picture == 3
    assert desk.document.keyframes is keyframes
    assert desk.document.code is code
    assert desk.undo_label() == "Add keyframe"
    assert bar.value() == place
    desk.settle()
    model = desk.window.gallery.model
    first, last = desk.window.gallery.visible_range()
    for row in range(first, last + 1):
        pixmap = model.data(model.index(row), Qt.ItemDataRole.DecorationRole)
        assert isinstance(pixmap, QPixmap)
        value = pixmap.toImage().pixelColor(5, 5).red()
        assert value == int(source.file_name(row).removesuffix(".png")) % 256
    assert all("100.png" in str(problem.message) for problem in desk.problems)


def test_cancelled_it_stays_open_as_far_as_it_is_known(desk: Desk, folder: Path, held: threading.Event) -> None:
    desk.document.open(make_model())
    desk.document.open_source_requested.emit(str(folder))
    desk.until(lambda: source_of(desk) is not None)
    (job,) = desk.document.jobs
    desk.document.job_cancel_requested.emit(job.key)
    held.set()
    desk.until(lambda: not desk.document.jobs)
    source = source_of(desk)
    assert source is not None
    assert source.provisional
    desk.settle()
    desk.document.choose_picture(COUNT - 1)
    desk.settle()
    assert desk.document.start_code is not None
    assert np.isfinite(desk.document.start_code).all()
