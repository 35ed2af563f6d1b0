"""The gallery: ten thousand pictures, read as they come into view; selection both ways; never another source's."""

from __future__ import annotations

import numpy as np
from explorer_testing.builders import make_model, make_source
from explorer_testing.codec import Gate
from explorer_testing.window import Desk, array_of
from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel

from explorer.data.attributes import Attribute
from explorer.data.preprocessing import Preprocessing
from explorer.data.source import ArraySource, Facts, Source
from explorer.data.splits import random_splits
from explorer.document.tasks import THUMBNAIL_SIDE
from explorer.document.views import ThumbnailsView
from explorer.types import Indices, Pixels
from explorer.ui.main_window import MainWindow


class GatedSource(ArraySource):
    """Pictures that are read only once a gate is open."""

    def __init__(self, source: ArraySource, gate: Gate) -> None:
        self.__dict__.update(source.__dict__)
        self._gate = gate

    def read(self, indices: object, preprocessing: Preprocessing) -> Pixels:
        self._gate.pass_through("read", np.zeros(0, np.float32))
        return super().read(indices, preprocessing)  # type: ignore[arg-type]


def current(desk: Desk) -> int:
    view = desk.window.gallery.view
    selected = [index.row() for index in view.selectionModel().selectedIndexes()]
    assert selected == [view.currentIndex().row()]
    return selected[0]


def click(desk: Desk, row: int) -> None:
    gallery = desk.window.gallery
    where = gallery.view.visualRect(gallery.model.index(row)).center()
    QTest.mouseClick(gallery.view.viewport(), Qt.MouseButton.LeftButton, pos=where)


def shown_thumbnails(desk: Desk) -> dict[int, Pixels]:
    model = desk.window.gallery.model
    found = {}
    for row in range(model.rowCount()):
        pixmap = model.data(model.index(row), Qt.ItemDataRole.DecorationRole)
        if isinstance(pixmap, QPixmap):
            found[row] = array_of(pixmap.toImage())[..., :1]
    return found


def assert_thumbnails_of(desk: Desk, source: Source) -> None:
    shown = shown_thumbnails(desk)
    assert shown
    wanted = source.read(list(shown), Preprocessing.standard((THUMBNAIL_SIDE, THUMBNAIL_SIDE, 1)))
    np.testing.assert_array_equal(np.stack(list(shown.values())), wanted)


def test_only_what_comes_into_view_is_read(desk: Desk) -> None:
    asked: list[Indices] = []
    desk.document.thumbnails_requested.connect(asked.append)
    desk.open(source=make_source(10_000))
    gallery = desk.window.gallery
    first, last = gallery.visible_range()
    assert gallery.model.rowCount() == 10_000
    assert first == 0
    assert last < 300
    assert max(int(indices.max()) for indices in asked) <= last
    asked.clear()
    bar = gallery.view.verticalScrollBar()
    bar.setValue(bar.maximum())
    desk.until(lambda: bool(asked))
    assert all(indices.min() > 9_700 for indices in asked)
    desk.settle()
    shown = shown_thumbnails(desk)
    assert 9_999 in shown
    assert 5_000 not in shown
    source = desk.document.source
    assert source is not None
    assert_thumbnails_of(desk, source)


def test_a_click_chooses_the_picture(desk: Desk) -> None:
    desk.open()
    click(desk, 7)
    assert desk.document.picture == 7
    assert current(desk) == 7
    QTest.keyClick(desk.window.gallery.view, Qt.Key.Key_Right)
    assert desk.document.picture == 8
    desk.settle()
    source, stage = desk.document.source, desk.window.stage
    assert source is not None
    assert stage.original.image is not None
    wanted = source.read([8], Preprocessing.standard((12, 10, 1)))[0]
    np.testing.assert_array_equal(array_of(stage.original.image), wanted)


def test_the_documents_picture_is_selected_and_in_view(desk: Desk) -> None:
    desk.open(source=make_source(10_000))
    desk.document.choose_picture(6_000)
    assert current(desk) == 6_000
    view = desk.window.gallery.view
    rect = view.visualRect(view.currentIndex())
    assert view.viewport().rect().contains(rect.center())
    desk.document.undo()
    assert current(desk) == 0


def test_another_source_begins_at_its_first_picture_with_its_own_thumbnails(desk: Desk) -> None:
    desk.open(source=make_source(60, name="old"))
    click(desk, 9)
    fresh = make_source(40, name="fresh", seed=5)
    desk.document.open(source=fresh)
    assert desk.document.picture == 0
    assert current(desk) == 0
    assert shown_thumbnails(desk) == {}
    desk.settle()
    assert_thumbnails_of(desk, fresh)


def test_thumbnails_under_way_of_the_old_source_are_dropped(desk: Desk) -> None:
    gate = Gate()
    slow, fresh = GatedSource(make_source(60, name="slow"), gate), make_source(40, name="fresh", seed=5)
    desk.open()
    desk.document.open(source=slow)
    desk.until(lambda: gate.entered.acquire(blocking=False))
    desk.document.open(source=fresh)
    gate.open()
    desk.settle()
    assert_thumbnails_of(desk, fresh)
    assert desk.window.gallery.model.rowCount() == 40


def test_thumbnails_under_way_survive_another_model(desk: Desk) -> None:
    gate = Gate()
    slow = GatedSource(make_source(40, name="slow"), gate)
    desk.document.open(source=slow)
    desk.until(lambda: gate.entered.acquire(blocking=False))
    desk.document.open(make_model())
    gate.open()
    desk.settle()
    assert_thumbnails_of(desk, slow)


def test_a_picture_has_its_label_as_words(desk: Desk) -> None:
    desk.open()
    model = desk.window.gallery.model
    assert model.data(model.index(13), Qt.ItemDataRole.AccessibleTextRole) == "Image 14, label 3"


def test_no_pictures_no_list(desk: Desk) -> None:
    assert not desk.window.gallery.view.isVisible()
    desk.open()
    assert desk.window.gallery.view.isVisible()


def test_thumbnails_of_another_source_are_not_shown(bare_window: MainWindow) -> None:
    shown, other = make_source(), make_source(name="other")
    document, model = bare_window.document, bare_window.gallery.model
    document.open(source=shown)
    indices = np.arange(2)
    pixels = np.zeros((2, THUMBNAIL_SIDE, THUMBNAIL_SIDE, 1), np.uint8)
    document.put_view("thumbnails", ThumbnailsView(other, indices, pixels))
    assert model.missing(0, 1) == [0, 1]
    document.put_view("thumbnails", ThumbnailsView(shown, indices, pixels))
    assert model.missing(0, 1) == []


def choose_label(desk: Desk, text: str) -> None:
    """Choose by keyboard."""
    box = desk.find(QComboBox, "gallery_label")
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    for _ in range(max(0, box.findText(text))):
        QTest.keyClick(box, Qt.Key.Key_Down)
    assert box.currentText() == text


def test_the_pictures_of_one_label(desk: Desk) -> None:
    source = make_source(300)
    desk.open(source=source)
    choose_label(desk, "3 (30)")
    assert desk.document.picture == 0, "to look through a label chooses nothing"
    assert desk.window.gallery.view.selectionModel().selectedIndexes() == []
    desk.settle()
    gallery = desk.window.gallery
    assert gallery.model.rowCount() == 30
    shown = shown_thumbnails(desk)
    wanted = source.read([10 * row + 3 for row in shown], Preprocessing.standard((THUMBNAIL_SIDE, THUMBNAIL_SIDE, 1)))
    np.testing.assert_array_equal(np.stack(list(shown.values())), wanted)
    click(desk, 4)
    assert desk.document.picture == 43
    assert current(desk) == 4
    QTest.keyClick(gallery.view, Qt.Key.Key_Right)
    assert desk.document.picture == 53
    choose_label(desk, "All images")
    assert desk.document.picture == 53
    assert current(desk) == 53
    assert gallery.model.rowCount() == 300


def test_another_source_is_shown_whole(desk: Desk) -> None:
    desk.open(source=make_source(60))
    choose_label(desk, "3 (6)")
    desk.document.open(source=make_source(40, name="fresh", seed=5))
    assert desk.find(QComboBox, "gallery_label").currentText() == "All images"
    assert desk.window.gallery.model.rowCount() == 40


def test_without_labels_there_is_nothing_to_choose(desk: Desk) -> None:
    desk.open()
    box = desk.find(QComboBox, "gallery_label")
    assert box.isVisible()
    images = np.zeros((6, 12, 10, 1), np.uint8)
    desk.document.open(source=ArraySource(Facts("bare", "Bare", "/nowhere/bare"), images, random_splits(6)))
    assert not box.isVisible()


class NamedSource(ArraySource):
    """Pictures that are files."""

    def file_name(self, index: int) -> str:
        return f"folder/{index:04}.png"


def test_all_that_is_known_of_a_picture_is_told(desk: Desk) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 12, 10, 1), dtype=np.uint8)
    attributes = {
        "smiling": Attribute(np.array([0.5, np.nan, 1, 2, 3, 4], np.float32)),
        "hair": Attribute(np.array([0, 1, -1, 0, 1, 0]), ("dark", "fair")),
    }
    facts = Facts("faces", "Faces", "/nowhere/faces")
    source = NamedSource(facts, images, random_splits(6), np.arange(6) % 2, ("Ann", "Bob"), attributes=attributes)
    desk.open(source=source)
    model, role = desk.window.gallery.model, Qt.ItemDataRole.ToolTipRole
    first, second = (model.data(model.index(row), role) for row in (0, 1))
    assert first == "Image 1, label Ann\nfolder/0000.png\nsmiling: 0.5\nhair: dark"
    assert second == "Image 2, label Bob\nfolder/0001.png\nhair: fair", "what is not known is not told"
    caption = desk.find(QLabel, "gallery_caption")
    assert caption.text() == "1 / 6 · Ann · 0000.png"
    click(desk, 3)
    assert caption.text() == "4 / 6 · Bob · 0003.png"


def test_without_pictures_it_says_what_to_do(bare_window: MainWindow) -> None:
    empty, caption = bare_window.findChild(QLabel, "gallery_empty"), bare_window.findChild(QLabel, "gallery_caption")
    assert empty is not None
    assert caption is not None
    assert empty.isVisible()
    assert not caption.isVisible()
    bare_window.document.open(source=make_source())
    assert not empty.isVisible()
    assert caption.isVisible()
