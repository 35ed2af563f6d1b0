"""Bookmarks and the history list: added, renamed, gone to and deleted with mouse and keys, all of it undone."""

from __future__ import annotations

import re

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model
from explorer_testing.window import WindowDriver, array_of, drag
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDockWidget, QLineEdit, QListWidget, QPushButton

from explorer.document.views.bookmarks import BOOKMARKS
from explorer.document.views.decoded import DecodedView


@pytest.fixture
def opened(driver: WindowDriver) -> WindowDriver:
    driver.open()
    for name in ("bookmarks_dock", "history_dock"):
        dock = driver.find(QDockWidget, name)
        dock.setFloating(False)
        driver.window.splitDockWidget(driver.find(QDockWidget, "gallery_dock"), dock, Qt.Orientation.Vertical)
    return driver


def names(driver: WindowDriver) -> list[str]:
    shown = driver.find(QListWidget, "bookmarks_list")
    return [shown.item(row).text() for row in range(shown.count())]


def click_line(driver: WindowDriver, name: str, row: int) -> None:
    shown = driver.find(QListWidget, name)
    shown.scrollToItem(shown.item(row))
    place = shown.visualItemRect(shown.item(row)).center()
    QTest.mouseClick(shown.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(10, place.y()))


def add(driver: WindowDriver, *values: float) -> None:
    driver.document.set_code(as_floats(*values))
    driver.shortcut("action_bookmark")


def test_a_bookmark_is_added_by_its_keys_and_gone_back_to_with_a_click(opened: WindowDriver) -> None:
    assert not opened.find(QPushButton, "bookmarks_delete").isEnabled()
    add(opened, 1, 2)
    opened.document.set_code(as_floats(-1, 0))
    opened.click("bookmarks_add")
    assert names(opened) == ["Bookmark 1", "Bookmark 2"]
    opened.document.set_code(as_floats(0, 0))
    click_line(opened, "bookmarks_list", 0)
    np.testing.assert_array_equal(opened.code, as_floats(1, 2))
    assert opened.undo_label() == "Jump to bookmark"
    opened.until_edited_shows(as_floats(1, 2))
    shown = opened.find(QListWidget, "bookmarks_list")
    shown.setFocus()
    QTest.keyClick(shown, Qt.Key.Key_Down)
    np.testing.assert_array_equal(opened.code, as_floats(1, 2))
    QTest.keyClick(shown, Qt.Key.Key_Return)
    np.testing.assert_array_equal(opened.code, as_floats(-1, 0))


def test_a_bookmark_shows_what_it_is_decoded_to(opened: WindowDriver) -> None:
    for values in ((1.0, 2.0), (-2.0, 0.5)):
        add(opened, *values)
    view = opened.document.views[BOOKMARKS]
    opened.until(lambda: isinstance(opened.document.views[BOOKMARKS], DecodedView))
    shown, model = opened.find(QListWidget, "bookmarks_list"), opened.document.model
    assert model is not None
    images = []
    for row, values in enumerate(((1, 2), (-2, 0.5))):
        decoded = model.codec.decode(as_floats(*values)[None])[0]
        image = array_of(shown.item(row).icon().pixmap(36, 36).toImage())
        images.append(image)
        # As large as it fits, its pixels squares: 3 times 12 × 10.
        gray = image[..., 0].astype(float) / 255
        np.testing.assert_allclose(gray[1::3, 1::3], np.clip(decoded[..., 0], 0, 1), atol=0.01)
    assert (images[0] != images[1]).any()
    assert view is None or view is not opened.document.views[BOOKMARKS]


def test_a_bookmark_is_renamed_in_its_place(opened: WindowDriver) -> None:
    add(opened, 1, 2)
    add(opened, 2, 1)
    click_line(opened, "bookmarks_list", 0)
    opened.click("bookmarks_rename")
    shown = opened.find(QListWidget, "bookmarks_list")
    editor = shown.findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    QTest.keyClicks(editor, "A smile & more")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    opened.until(lambda: opened.undo_label() == "Rename bookmark")
    assert names(opened) == ["A smile & more", "Bookmark 2"]
    assert opened.undo_label() == "Rename bookmark"
    # With F2, and let be with Escape.
    QTest.keyClick(shown, Qt.Key.Key_F2)
    again = shown.findChildren(QLineEdit)[-1]
    QTest.keyClicks(again, "never")
    QTest.keyClick(again, Qt.Key.Key_Escape)
    assert names(opened) == ["A smile & more", "Bookmark 2"]
    # The keys of a name are no shortcuts: the cursor did not move.
    np.testing.assert_array_equal(opened.code, as_floats(1, 2))
    opened.shortcut("action_undo")
    assert names(opened) == ["Bookmark 1", "Bookmark 2"]


def test_an_empty_name_is_reported_and_the_old_one_stays(opened: WindowDriver) -> None:
    add(opened, 1, 2)
    shown = opened.find(QListWidget, "bookmarks_list")
    shown.setFocus()
    QTest.keyClick(shown, Qt.Key.Key_F2)
    editor = shown.findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    QTest.keyClicks(editor, "   ")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    opened.until(lambda: bool(opened.problems))
    assert names(opened) == ["Bookmark 1"]
    assert "must have 1 to 200 characters" in str(opened.problems[0].message)


def test_everything_about_bookmarks_is_undone_and_done_again(opened: WindowDriver) -> None:
    for values in ((1, 2), (2, 1), (0, 1)):
        add(opened, *values)
    shown = opened.find(QListWidget, "bookmarks_list")
    click_line(opened, "bookmarks_list", 1)
    QTest.keyClick(shown, Qt.Key.Key_Delete)
    assert names(opened) == ["Bookmark 1", "Bookmark 3"]
    opened.click("bookmarks_delete")
    assert names(opened) == ["Bookmark 1"]
    # The number that is free is taken.
    opened.click("bookmarks_add")
    assert names(opened) == ["Bookmark 1", "Bookmark 2"]
    for wanted in (
        ["Bookmark 1"],
        ["Bookmark 1", "Bookmark 3"],
        ["Bookmark 1", "Bookmark 2", "Bookmark 3"],
    ):
        opened.shortcut("action_undo")
        assert names(opened) == wanted
    while opened.undo_label() is not None:
        opened.shortcut("action_undo")
    assert names(opened) == []
    for _ in opened.document.history:
        opened.shortcut("action_redo")
    assert names(opened) == ["Bookmark 1", "Bookmark 2"]


def test_bookmarks_are_codes_of_their_model(opened: WindowDriver) -> None:
    add(opened, 1, 2)
    opened.document.open(make_model(latent_dim=3, name="other"))
    opened.settle()
    assert names(opened) == []
    opened.shortcut("action_undo")
    assert names(opened) == ["Bookmark 1"]


# -- the history list --------------------------------------------------------------------------------------------------


def lines(driver: WindowDriver) -> list[str]:
    shown = driver.find(QListWidget, "history_list")
    return [shown.item(row).text() for row in range(shown.count())]


def test_a_click_in_the_history_goes_to_that_step(opened: WindowDriver) -> None:
    sliders = opened.window.latent.sliders
    start = opened.document.state
    drag(sliders.viewport(), [sliders.handle_position(1, value) for value in (0.0, 0.5, 1.0, 1.5)])
    moved = opened.document.state
    opened.shortcut("action_keyframe")
    opened.shortcut("action_bookmark")
    last = opened.document.state
    # The drag with its four moves is one step.
    begun, dragged, *rest = all_of_them = lines(opened)
    assert [begun, *rest] == ["Opened", "Add keyframe", "Add bookmark"]
    assert re.fullmatch(r"z₁: [+−]\d\.\d\d → [+]1\.[45]\d σ", dragged)
    shown = opened.find(QListWidget, "history_list")
    assert shown.currentRow() == 3
    click_line(opened, "history_list", 0)
    assert opened.document.state is start
    assert (shown.currentRow(), lines(opened)) == (0, all_of_them)
    np.testing.assert_array_equal(opened.code, start.code)
    click_line(opened, "history_list", 3)
    assert opened.document.state is last
    click_line(opened, "history_list", 1)
    assert opened.document.state is moved
    opened.until_edited_shows(opened.code)
    assert (opened.document.state.keyframes, opened.window.bookmarks.list.count()) == ((), 0)
    # Where it is already, nothing happens.
    click_line(opened, "history_list", 1)
    assert opened.document.state is moved
    # Another edit from here: what was undone is gone.
    opened.shortcut("action_shuffle")
    assert lines(opened) == ["Opened", dragged, "Random code"]


def test_the_history_is_walked_with_keys(opened: WindowDriver) -> None:
    for values in ((1, 0), (2, 0), (3, 0)):
        opened.document.set_code(as_floats(*values))
    shown = opened.find(QListWidget, "history_list")
    shown.setFocus()
    QTest.keyClick(shown, Qt.Key.Key_Up)
    QTest.keyClick(shown, Qt.Key.Key_Up)
    np.testing.assert_array_equal(opened.code, as_floats(3, 0))
    QTest.keyClick(shown, Qt.Key.Key_Return)
    np.testing.assert_array_equal(opened.code, as_floats(1, 0))
    assert opened.document.history_place == 1
