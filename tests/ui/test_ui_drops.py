"""Dragged images, codes and files become keyframes; what is dropped on the window is opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import as_floats, write_bundle
from explorer_testing.drops import drop, files
from explorer_testing.window import WindowDriver
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent
from PySide6.QtWidgets import QApplication

from explorer.document.timeline import Export
from explorer.types import Floats
from explorer.ui.dragging import CODE, IMAGES, code_mime, code_of, files_of, images_mime, images_of
from explorer.workers.loading import open_model

KEYS = np.array([[0, 0], [1, 2], [-1, 0.5]], np.float32)
NO_KEYS = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton
COPY = Qt.DropAction.CopyAction


@pytest.fixture
def laid(driver: WindowDriver) -> WindowDriver:
    """The window with three keyframes at frames 0, 89 and 178."""
    driver.open()
    driver.document.timeline.insert(KEYS, 0)
    driver.type_into("timeline_hold", "0")
    driver.document.forget_history()
    return driver


def keys_of(driver: WindowDriver) -> Floats:
    return driver.document.timeline.keys


def test_images_of_the_gallery_go_between_the_keyframes_where_they_are_dropped(laid: WindowDriver) -> None:
    gallery, track = laid.window.gallery, laid.window.timeline.track
    rows = [gallery.model.index(row) for row in (5, 2)]
    mime = gallery.model.mimeData(rows)
    assert gallery.view.dragEnabled()
    assert all(gallery.model.flags(row) & Qt.ItemFlag.ItemIsDragEnabled for row in rows)
    assert drop(track, mime, QPoint(int(track.x_of(120)), 40))
    laid.until(lambda: len(laid.document.state.keyframes) == 5)
    np.testing.assert_array_equal(keys_of(laid)[[0, 1, 4]], KEYS)
    assert str(laid.document.undo_label) == "Add 2 keyframes"
    laid.document.undo()
    np.testing.assert_array_equal(keys_of(laid), KEYS)


def test_a_code_goes_where_it_is_dropped(laid: WindowDriver) -> None:
    track = laid.window.timeline.track
    assert drop(track, code_mime(as_floats(0.5, 0.25)), QPoint(int(track.x_of(10)), 40))
    np.testing.assert_array_equal(keys_of(laid)[1], as_floats(0.5, 0.25))
    assert drop(track, code_mime(as_floats(1, 2, 3)), QPoint(int(track.x_of(10)), 40))
    assert "Codes of this model have shape (n, 2)" in str(laid.problems[-1].message)
    assert len(laid.document.state.keyframes) == 4


def test_an_image_from_the_desktop_becomes_a_keyframe(laid: WindowDriver, tmp_path: Path) -> None:
    Image.new("L", (30, 30), 200).save(tmp_path / "light.png")
    track = laid.window.timeline.track
    assert drop(track, files(tmp_path / "light.png"), QPoint(track.width() - 2, 40))
    laid.until(lambda: len(laid.document.state.keyframes) == 4)
    np.testing.assert_array_equal(keys_of(laid)[:3], KEYS)


def test_an_empty_timeline_takes_drops_too(driver: WindowDriver) -> None:
    driver.open()
    assert drop(driver.window.timeline.track, images_mime([1, 3]), QPoint(50, 40))
    driver.until(lambda: len(driver.document.state.keyframes) == 2)
    assert driver.document.timeline.frames == 216


def test_an_export_dropped_on_the_window_is_its_timeline_again(
    driver: WindowDriver, tmp_path: Path, explorer_home: Path
) -> None:
    write_bundle(explorer_home / "models" / "mine")
    driver.open(open_model(explorer_home / "models" / "mine"))
    driver.document.timeline.insert(KEYS, 0)
    written: list[Path] = []
    driver.document.exported.connect(written.append)
    driver.document.timeline.export_requested.emit(Export(tmp_path / "film.gif"))
    driver.until(lambda: bool(written))
    driver.document.timeline.clear()
    assert drop(driver.window, files(written[0]), QPoint(600, 300))
    driver.until(lambda: len(driver.document.state.keyframes) == 3)
    np.testing.assert_array_equal(keys_of(driver), KEYS)


def test_images_dropped_on_the_window_are_opened(driver: WindowDriver, tmp_path: Path) -> None:
    for number in range(3):
        Image.new("L", (8, 8), 80 * number).save(tmp_path / f"{number}.png")
    assert drop(driver.window, files(tmp_path), QPoint(600, 300))
    driver.until(lambda: driver.document.source is not None and driver.document.source.count == 3)


def test_what_is_nothing_of_ours_is_not_taken(laid: WindowDriver) -> None:
    mime = QMimeData()
    mime.setText("words")
    assert not drop(laid.window.timeline.track, mime, QPoint(50, 40))
    assert not drop(laid.window, mime, QPoint(600, 300))
    web = QMimeData()
    web.setUrls([QUrl("https://example.org/picture.png")])
    assert not drop(laid.window.timeline.track, web, QPoint(50, 40))


def test_a_drag_that_goes_on_leaves_no_mark(laid: WindowDriver) -> None:
    track = laid.window.timeline.track
    before = track.grab().toImage()
    mime = code_mime(as_floats(0, 0))
    QApplication.sendEvent(track, QDragEnterEvent(QPoint(90, 40), COPY, mime, LEFT, NO_KEYS))
    assert track.grab().toImage() != before
    QApplication.sendEvent(track, QDragLeaveEvent())
    assert track.grab().toImage() == before


@pytest.mark.parametrize("raw", [b"", b"no json", b'{"a": 1}', b'["1"]', b"[true]", b"[1.5]", b"[-1]"])
def test_third_party_bytes_of_the_same_name_are_no_images(raw: bytes) -> None:
    mime = QMimeData()
    mime.setData(IMAGES, raw)
    assert images_of(mime) == []


def test_a_drag_keeps_what_it_holds() -> None:
    assert images_of(images_mime([3, 1])) == [3, 1]
    code = as_floats(0.1, -2.5)
    taken = code_of(code_mime(code))
    assert taken is not None
    np.testing.assert_array_equal(taken, code)
    mime = QMimeData()
    mime.setData(CODE, b"[[1]]")
    assert code_of(mime) is None
    assert files_of(mime) == []
