"""The gallery: ten thousand images, read as they come into view; selection both ways; never another source's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from explorer_testing.builders import make_model, make_source
from explorer_testing.codec import Gate
from explorer_testing.looks import clipped
from explorer_testing.menus import opened, pick
from explorer_testing.window import WindowDriver, array_of
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel
from pytestqt.qtbot import QtBot

from explorer.data.attributes import Attribute
from explorer.data.preprocessing import Preprocessing
from explorer.data.source import ArraySource, Facts, Source
from explorer.data.splits import random_splits
from explorer.document.selection import Picked
from explorer.document.views.thumbnails import THUMBNAIL_SIDE, THUMBNAILS, ThumbnailsView
from explorer.types import Indices, Pixels, Shown
from explorer.ui.main_window import MainWindow


class GatedSource(ArraySource):
    """Images that are read only once a gate is open."""

    def __init__(self, source: ArraySource, gate: Gate) -> None:
        self.__dict__.update(source.__dict__)
        self._gate = gate

    def read(self, indices: object, preprocessing: Preprocessing) -> Pixels:
        self._gate.pass_through("read", np.zeros(0, np.float32))
        return super().read(indices, preprocessing)  # type: ignore[arg-type]


def current(driver: WindowDriver) -> int:
    view = driver.window.gallery.view
    selected = [index.row() for index in view.selectionModel().selectedIndexes()]
    assert selected == [view.currentIndex().row()]
    return selected[0]


def place_of(driver: WindowDriver, row: int) -> QPoint:
    gallery = driver.window.gallery
    return gallery.view.visualRect(gallery.model.index(row)).center()


def click(driver: WindowDriver, row: int, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    view = driver.window.gallery.view
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, held, place_of(driver, row))


def shown_thumbnails(driver: WindowDriver) -> dict[int, Shown]:
    model = driver.window.gallery.model
    found = {}
    for row in range(model.rowCount()):
        pixmap = model.data(model.index(row), Qt.ItemDataRole.DecorationRole)
        if isinstance(pixmap, QPixmap):
            found[row] = array_of(pixmap.toImage())[..., :1]
    return found


def assert_thumbnails_of(driver: WindowDriver, source: Source) -> None:
    shown = shown_thumbnails(driver)
    assert shown
    wanted = source.read(list(shown), Preprocessing.standard((THUMBNAIL_SIDE, THUMBNAIL_SIDE, 1)))
    np.testing.assert_array_equal(np.stack(list(shown.values())), wanted)


def test_only_what_comes_into_view_is_read(driver: WindowDriver) -> None:
    asked: list[Indices] = []
    driver.document.thumbnails_requested.connect(asked.append)
    driver.open(source=make_source(10_000))
    gallery = driver.window.gallery
    first, last = gallery.visible_range()
    assert gallery.model.rowCount() == 10_000
    assert first == 0
    assert last < 300
    assert max(int(indices.max()) for indices in asked) <= last
    asked.clear()
    bar = gallery.view.horizontalScrollBar()
    bar.setValue(bar.maximum())
    driver.until(lambda: bool(asked))
    assert all(indices.min() > 9_700 for indices in asked)
    driver.settle()
    shown = shown_thumbnails(driver)
    assert 9_999 in shown
    assert 5_000 not in shown
    source = driver.document.source
    assert source is not None
    assert_thumbnails_of(driver, source)


def test_a_click_chooses_the_image(driver: WindowDriver) -> None:
    driver.open()
    click(driver, 7)
    assert driver.document.state.image_index == 7
    assert current(driver) == 7
    QTest.keyClick(driver.window.gallery.view, Qt.Key.Key_Right)
    assert driver.document.state.image_index == 8
    driver.settle()
    source, stage = driver.document.source, driver.window.stage
    assert source is not None
    assert stage.original.image is not None
    wanted = source.read([8], Preprocessing.standard((12, 10, 1)))[0]
    np.testing.assert_array_equal(array_of(stage.original.image), wanted)


def test_the_documents_image_is_selected_and_in_view(driver: WindowDriver) -> None:
    driver.open(source=make_source(10_000))
    driver.document.choose_image(6_000)
    assert current(driver) == 6_000
    view = driver.window.gallery.view
    rect = view.visualRect(view.currentIndex())
    assert view.viewport().rect().contains(rect.center())
    driver.document.undo()
    assert current(driver) == 0


def test_another_source_begins_at_its_first_image_with_its_own_thumbnails(driver: WindowDriver) -> None:
    driver.open(source=make_source(60, name="old"))
    click(driver, 9)
    fresh = make_source(40, name="fresh", seed=5)
    driver.document.open(source=fresh)
    assert driver.document.state.image_index == 0
    assert current(driver) == 0
    assert shown_thumbnails(driver) == {}
    driver.settle()
    assert_thumbnails_of(driver, fresh)


def test_thumbnails_under_way_of_the_old_source_are_dropped(driver: WindowDriver) -> None:
    gate = Gate()
    slow, fresh = GatedSource(make_source(60, name="slow"), gate), make_source(40, name="fresh", seed=5)
    driver.open()
    driver.document.open(source=slow)
    driver.until(lambda: gate.entered.acquire(blocking=False))
    driver.document.open(source=fresh)
    gate.open()
    driver.settle()
    assert_thumbnails_of(driver, fresh)
    assert driver.window.gallery.model.rowCount() == 40


def test_thumbnails_under_way_survive_another_model(driver: WindowDriver) -> None:
    gate = Gate()
    slow = GatedSource(make_source(40, name="slow"), gate)
    driver.document.open(source=slow)
    driver.until(lambda: gate.entered.acquire(blocking=False))
    driver.document.open(make_model())
    gate.open()
    driver.settle()
    assert_thumbnails_of(driver, slow)


def test_an_image_has_its_label_as_words(driver: WindowDriver) -> None:
    driver.open()
    model = driver.window.gallery.model
    assert model.data(model.index(13), Qt.ItemDataRole.AccessibleTextRole) == "Image 14, label 3"


def test_no_images_no_list(driver: WindowDriver) -> None:
    assert not driver.window.gallery.view.isVisible()
    driver.open()
    assert driver.window.gallery.view.isVisible()


def test_thumbnails_of_another_source_are_not_shown(bare_window: MainWindow) -> None:
    shown, other = make_source(), make_source(name="other")
    document, model = bare_window.document, bare_window.gallery.model
    document.open(source=shown)
    indices = np.arange(2)
    pixels = np.zeros((2, THUMBNAIL_SIDE, THUMBNAIL_SIDE, 1), np.uint8)
    THUMBNAILS.put(document, ThumbnailsView(other, indices, pixels))
    assert model.missing(0, 1) == [0, 1]
    THUMBNAILS.put(document, ThumbnailsView(shown, indices, pixels))
    assert model.missing(0, 1) == []


def choose_label(driver: WindowDriver, text: str) -> None:
    """Choose by keyboard."""
    box = driver.find(QComboBox, "gallery_label")
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    for _ in range(max(0, box.findText(text))):
        QTest.keyClick(box, Qt.Key.Key_Down)
    assert box.currentText() == text


def test_the_images_of_one_label(driver: WindowDriver) -> None:
    source = make_source(300)
    driver.open(source=source)
    choose_label(driver, "3 (30)")
    assert driver.document.state.image_index == 0, "to look through a label chooses nothing"
    assert driver.window.gallery.view.selectionModel().selectedIndexes() == []
    driver.settle()
    gallery = driver.window.gallery
    assert gallery.model.rowCount() == 30
    shown = shown_thumbnails(driver)
    wanted = source.read([10 * row + 3 for row in shown], Preprocessing.standard((THUMBNAIL_SIDE, THUMBNAIL_SIDE, 1)))
    np.testing.assert_array_equal(np.stack(list(shown.values())), wanted)
    click(driver, 4)
    assert driver.document.state.image_index == 43
    assert current(driver) == 4
    QTest.keyClick(gallery.view, Qt.Key.Key_Right)
    assert driver.document.state.image_index == 53
    choose_label(driver, "All images")
    assert driver.document.state.image_index == 53
    assert current(driver) == 53
    assert gallery.model.rowCount() == 300


def test_the_selector_is_as_wide_as_the_name_of_a_selection(driver: WindowDriver) -> None:
    driver.open()
    driver.document.selection.put(Picked("Map selection", np.arange(20)))
    driver.settle_layout()
    box = driver.window.gallery.label
    assert box.currentText() == "Map selection (20)"
    assert clipped(driver.window.gallery) == []
    driver.document.selection.put(None)
    driver.settle_layout()
    assert box.width() < box.fontMetrics().horizontalAdvance("Map selection (20)") + 20


def test_another_source_is_shown_whole(driver: WindowDriver) -> None:
    driver.open(source=make_source(60))
    choose_label(driver, "3 (6)")
    driver.document.open(source=make_source(40, name="fresh", seed=5))
    assert driver.find(QComboBox, "gallery_label").currentText() == "All images"
    assert driver.window.gallery.model.rowCount() == 40


def test_without_labels_there_is_nothing_to_choose(driver: WindowDriver) -> None:
    driver.open()
    box = driver.find(QComboBox, "gallery_label")
    assert box.isVisible()
    images = np.zeros((6, 12, 10, 1), np.uint8)
    driver.document.open(source=ArraySource(Facts("bare", "Bare", "/nowhere/bare"), images, random_splits(6)))
    assert not box.isVisible()


class NamedSource(ArraySource):
    """Images that are files."""

    def file_name(self, index: int) -> str:
        return f"folder/{index:04}.png"


def test_all_that_is_known_of_an_image_is_reported(driver: WindowDriver) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 12, 10, 1), dtype=np.uint8)
    attributes = {
        "smiling": Attribute(np.array([0.5, np.nan, 1, 2, 3, 4], np.float32)),
        "hair": Attribute(np.array([0, 1, -1, 0, 1, 0]), ("dark", "fair")),
    }
    facts = Facts("faces", "Faces", "/nowhere/faces")
    source = NamedSource(facts, images, random_splits(6), np.arange(6) % 2, ("Ann", "Bob"), attributes=attributes)
    driver.open(source=source)
    model, role = driver.window.gallery.model, Qt.ItemDataRole.ToolTipRole
    first, second = (model.data(model.index(row), role) for row in (0, 1))
    assert first == "Image 1, label Ann\nfolder/0000.png\nsmiling: 0.5\nhair: dark"
    assert second == "Image 2, label Bob\nfolder/0001.png\nhair: fair", "what is not known is not told"
    caption = driver.find(QLabel, "gallery_caption")
    assert caption.text() == "1 / 6 · Ann · 0000.png"
    click(driver, 3)
    assert caption.text() == "4 / 6 · Bob · 0003.png"


def test_without_images_it_says_what_to_do(bare_window: MainWindow, qtbot: QtBot) -> None:
    empty, caption = bare_window.findChild(QLabel, "gallery_empty"), bare_window.findChild(QLabel, "gallery_caption")
    assert empty is not None
    assert caption is not None
    assert empty.isVisible()
    assert not caption.isVisible()
    bare_window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, bare_window.dock("gallery"))
    bare_window.document.open(source=make_source())
    assert not empty.isVisible()
    qtbot.waitUntil(caption.isVisible)


def test_keys_of_the_stage_work_in_the_filmstrip(driver: WindowDriver) -> None:
    driver.open()
    view = driver.window.gallery.view
    QTest.keyClick(view, Qt.Key.Key_K)
    assert len(driver.document.state.keyframes) == 1
    QTest.keyClick(view, Qt.Key.Key_Space)
    assert driver.window.stage.canvas.flipped
    QTest.keyClick(view, Qt.Key.Key_F)
    assert not driver.window.dock("latent").isVisible()


def test_the_menu_of_an_image(driver: WindowDriver) -> None:
    driver.open()
    view, source, document = driver.window.gallery.view, driver.document.source, driver.document
    assert source is not None
    viewport, where = view.viewport(), place_of(driver, 3)
    QApplication.clipboard().clear()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, viewport.mapToGlobal(where))
    QApplication.sendEvent(viewport, event)
    pick(opened(view), "image_copy")
    driver.until(lambda: not QApplication.clipboard().image().isNull())
    copied = array_of(QApplication.clipboard().image())[..., 0]
    np.testing.assert_array_equal(copied, np.asarray(source.pil_image(3).convert("L")))
    click(driver, 2)
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Menu)
    pick(opened(view), "image_keyframe")
    driver.until(lambda: len(document.state.keyframes) == 1)
    start = document.state.start_code
    assert start is not None
    np.testing.assert_allclose(document.timeline.keys[0], start, atol=1e-5)
    driver.until(lambda: document.jobs == ())


def test_the_image_is_saved_that_the_menu_was_opened_for(driver: WindowDriver, tmp_path: Path) -> None:
    driver.open()
    view, document = driver.window.gallery.view, driver.document
    viewport, where, before = view.viewport(), place_of(driver, 3), document.source
    assert before is not None
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, viewport.mapToGlobal(where))
    QApplication.sendEvent(viewport, event)
    pick(opened(view), "image_save")
    driver.open(
        source=ArraySource(Facts("other", "Other", "other"), np.zeros((9, 5, 4, 1), np.uint8), random_splits(9))
    )
    driver.save_as(tmp_path / "third.png")
    driver.until((tmp_path / "third.png").exists)
    with Image.open(tmp_path / "third.png") as saved:
        np.testing.assert_array_equal(np.asarray(saved.convert("L")), np.asarray(before.pil_image(3).convert("L")))


def test_all_selected_images_become_keyframes(driver: WindowDriver) -> None:
    driver.open()
    view, document = driver.window.gallery.view, driver.document
    click(driver, 1)
    click(driver, 3, Qt.KeyboardModifier.ShiftModifier)
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Menu)
    pick(opened(view), "gallery_keyframes")
    driver.until(lambda: len(document.state.keyframes) == 3)
    driver.until(lambda: document.jobs == ())
