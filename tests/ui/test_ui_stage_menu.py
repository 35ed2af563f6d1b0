"""The context menu of the images on the stage, and drags from the stage onto its own window."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import as_floats
from explorer_testing.drops import drop
from explorer_testing.window import WindowDriver, array_of
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QContextMenuEvent, QDrag
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from explorer.ui.actions import ActionMenu
from explorer.ui.widgets.stage_image import StageImage

FRAMES = ("original", "reconstruction", "edited")


def frame_of(driver: WindowDriver, name: str) -> StageImage:
    return driver.find(StageImage, f"stage_{name}")


def ask_for_menu(driver: WindowDriver, name: str) -> list[ActionMenu]:
    """Click an image with the right button; return the menus that are open then."""
    frame = frame_of(driver, name)
    where = frame.image_rect().center().toPoint()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, frame.mapToGlobal(where))
    QApplication.sendEvent(frame, event)
    return open_menus(frame)


def open_menus(frame: StageImage) -> list[ActionMenu]:
    return [menu for menu in frame.findChildren(ActionMenu, "image_menu") if menu.isVisible()]


def choose(driver: WindowDriver, name: str, what: str) -> None:
    (menu,) = ask_for_menu(driver, name)
    action = next(action for action in menu.actions() if action.objectName() == f"image_{what}")
    assert action.isEnabled()
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())


@pytest.mark.parametrize("name", FRAMES)
def test_every_image_has_a_menu_also_by_keyboard(driver: WindowDriver, name: str) -> None:
    driver.open()
    frame = frame_of(driver, name)
    for key, held in (
        (Qt.Key.Key_Menu, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier),
    ):
        frame.setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClick(frame, key, held)
        (menu,) = open_menus(frame)
        assert [action.isEnabled() for action in menu.actions() if not action.isSeparator()] == [True] * 6
        menu.close()


def test_the_divider_has_the_menu_of_the_edited_image(driver: WindowDriver) -> None:
    driver.open()
    driver.shortcut("action_stage_swipe")
    driver.window.stage.setFocus()
    QTest.keyClick(driver.window.stage.edited.divider, Qt.Key.Key_Menu)
    (menu,) = open_menus(driver.window.stage.edited)
    menu.close()


def test_without_an_image_there_is_no_menu(driver: WindowDriver) -> None:
    assert ask_for_menu(driver, "edited") == []


def test_copy(driver: WindowDriver) -> None:
    driver.open()
    choose(driver, "original", "copy")
    image = frame_of(driver, "original").image
    assert image is not None
    np.testing.assert_array_equal(array_of(QApplication.clipboard().image())[..., :1], array_of(image))


def test_save(driver: WindowDriver, tmp_path: Path) -> None:
    driver.open()
    choose(driver, "edited", "save")
    exported: list[Path] = []
    driver.document.exported.connect(exported.append)
    driver.save_as(tmp_path / "mine.png")
    driver.until(lambda: exported == [tmp_path / "mine.png"])
    image = frame_of(driver, "edited").image
    assert image is not None
    with Image.open(tmp_path / "mine.png") as pil_image:
        np.testing.assert_array_equal(np.asarray(pil_image.convert("L")), array_of(image)[..., 0])


def test_keyframe_and_bookmark_take_the_code_of_the_image(driver: WindowDriver) -> None:
    driver.open()
    document = driver.document
    start = driver.code
    document.set_code(as_floats(0.5, -0.5))
    driver.until_edited_shows(driver.code)
    for name, wanted in (("edited", as_floats(0.5, -0.5)), ("original", start)):
        choose(driver, name, "keyframe")
        np.testing.assert_array_equal(document.state.keyframes[-1].code, wanted)
        choose(driver, name, "bookmark")
        np.testing.assert_array_equal(document.bookmarks.kept[-1].code, wanted)
    assert (len(document.state.keyframes), len(document.bookmarks.kept)) == (2, 2)
    document.undo()
    assert len(document.bookmarks.kept) == 1


@pytest.mark.parametrize(("name", "of"), [("edited", "cursor"), ("reconstruction", "image")])
def test_find_neighbors(driver: WindowDriver, name: str, of: str) -> None:
    driver.open()
    choose(driver, name, "neighbors")
    assert driver.document.neighbors.settings.of == of
    assert driver.window.neighbors.isVisible()
    driver.until(lambda: driver.window.neighbors.by_code.count() > 0)


def test_send_to_arithmetic_fills_one_term_after_another(driver: WindowDriver) -> None:
    driver.open()
    start = driver.code
    driver.document.set_code(as_floats(0.5, -0.5))
    driver.until_edited_shows(driver.code)
    choose(driver, "edited", "arithmetic")
    assert driver.window.arithmetic.isVisible()
    choose(driver, "original", "arithmetic")
    terms = driver.document.state.arithmetic.terms
    np.testing.assert_array_equal(terms[0].codes[0], as_floats(0.5, -0.5))
    np.testing.assert_array_equal(terms[1].codes[0], start)
    assert not terms[2].codes


# -- drags -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FRAMES)
def test_a_drag_from_the_stage_never_replaces_the_original(driver: WindowDriver, name: str) -> None:
    driver.open()
    before = frame_of(driver, "original").image
    frame = frame_of(driver, name)
    start = frame.image_rect().center().toPoint()
    QTest.mousePress(frame, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(frame, start + QPoint(30, 30))
    (drag,) = frame.findChildren(QDrag)
    assert not drop(driver.window, drag.mimeData(), QPoint(600, 300))
    assert not driver.window.clipboard_dnd.overlay.isVisible()
    assert driver.document.state.imported_image is None
    assert frame_of(driver, "original").image is before


def test_a_drag_from_another_window_of_the_program_is_an_image(driver: WindowDriver) -> None:
    driver.open()
    content = driver.window.clipboard_dnd.content_of(frame_of(driver, "edited"), "edited", edited=True)
    assert content is not None
    mime, _ = content
    mime.setData("application/x-latent-explorer-stage", str(os.getpid() + 1).encode())
    assert drop(driver.window, mime, QPoint(600, 300))
    driver.until(lambda: driver.document.state.imported_image is not None)


def test_a_zoomed_image_is_panned_and_with_ctrl_dragged_out(driver: WindowDriver) -> None:
    driver.open()
    frame = frame_of(driver, "edited")
    frame.zoom_by(2)
    start = frame.image_rect().center().toPoint()
    for held, drags in ((Qt.KeyboardModifier.NoModifier, 0), (Qt.KeyboardModifier.ControlModifier, 1)):
        QTest.mousePress(frame, Qt.MouseButton.LeftButton, held, start)
        QTest.mouseMove(frame, start + QPoint(30, 30))
        QTest.mouseRelease(frame, Qt.MouseButton.LeftButton, held, start + QPoint(30, 30))
        assert len(frame.findChildren(QDrag)) == drags


def test_single_keys_act_only_on_the_stage(driver: WindowDriver) -> None:
    driver.open()
    driver.window.gallery.setFocus()
    focus = QApplication.focusWidget()
    assert focus is not None
    for key in (Qt.Key.Key_K, Qt.Key.Key_F, Qt.Key.Key_Plus, Qt.Key.Key_Minus):
        QTest.keyClick(focus, key)
    assert not driver.document.state.keyframes
    assert not driver.window.stage.canvas.viewport.zoomed
    driver.window.stage.setFocus()
    focus = QApplication.focusWidget()
    assert focus is driver.window.stage.edited
    QTest.keyClick(focus, Qt.Key.Key_K)
    assert len(driver.document.state.keyframes) == 1


def test_the_menu_bar_has_the_same_for_the_edited_image(driver: WindowDriver) -> None:
    driver.open()
    driver.shortcut("action_find_neighbors")
    assert driver.window.neighbors.isVisible()
    driver.shortcut("action_send_to_arithmetic")
    assert len(driver.document.state.arithmetic.terms[0].codes) == 1
    driver.shortcut("action_stage_zoom_in")
    assert driver.window.stage.canvas.viewport.zoom > 1
    driver.shortcut("action_stage_fit")
    assert driver.window.stage.canvas.viewport.zoom == 1
    driver.shortcut("action_stage_flip")
    flip = driver.window.findChild(QAction, "action_stage_flip")
    assert flip is not None
    assert flip.isChecked()
