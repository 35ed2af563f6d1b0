"""The context menu of images, by right click and by keyboard: samples, traversals and variations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model
from explorer_testing.menus import opened, pick
from explorer_testing.window import WindowDriver, array_of
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from explorer.data.preprocessing import to_pixels
from explorer.document.views.cloud import CLOUD, CloudView
from explorer.document.views.samples import SAMPLES, SamplesView
from explorer.document.views.traversal import TRAVERSAL, TraversalView
from explorer.types import Floats, Pixels
from explorer.ui.actions import ActionMenu
from explorer.ui.widgets.image_grid import ImageGrid

TABS = ("Samples", "Traversals", "Noise")


def open_tab(driver: WindowDriver, tab: str) -> ImageGrid:
    driver.open(make_model(latent_dim=3))
    driver.tab(tab)
    window, views = driver.window, driver.document.views
    if tab == "Samples":
        driver.until(lambda: isinstance(views[SAMPLES], SamplesView))
        return window.samples.table
    if tab == "Traversals":
        driver.until(lambda: isinstance(views[TRAVERSAL], TraversalView))
        return window.traversals.table
    driver.click("noise_code")
    driver.until(lambda: isinstance(views[CLOUD], CloudView))
    return window.noise.cloud.table


def shown(driver: WindowDriver, tab: str, row: int, column: int) -> tuple[Floats, Pixels]:
    """Code and pixels of one image of the grid."""
    views = driver.document.views
    if tab == "Traversals":
        traversal = views[TRAVERSAL]
        assert isinstance(traversal, TraversalView)
        return traversal.codes[row, column], traversal.pixels[row, column]
    view = views[SAMPLES if tab == "Samples" else CLOUD]
    assert isinstance(view, SamplesView | CloudView)
    number = row * (8 if tab == "Samples" else 6) + column
    return view.codes[number], to_pixels(view.images[number])


def right_click(widget: QWidget, where: QPoint) -> ActionMenu:
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, widget.mapToGlobal(where))
    QApplication.sendEvent(widget, event)
    return opened(widget)


@pytest.mark.parametrize("tab", TABS)
def test_by_mouse_it_acts_on_the_image_under_it(driver: WindowDriver, tab: str) -> None:
    table = open_tab(driver, tab)
    before = driver.code
    code, pixels = shown(driver, tab, 1, 2)
    pick(right_click(table, table.cell(1, 2).center()), "image_copy")
    assert np.array_equal(array_of(QApplication.clipboard().image())[..., :1], pixels)
    pick(right_click(table, table.cell(1, 2).center()), "image_keyframe")
    np.testing.assert_allclose(driver.document.timeline.keys, [code], atol=1e-6)
    pick(right_click(table, table.cell(1, 2).center()), "image_bookmark")
    np.testing.assert_allclose(driver.document.state.bookmarks[0].code, code, atol=1e-6)
    np.testing.assert_array_equal(driver.code, before)
    assert driver.undo_label() == "Add bookmark"


@pytest.mark.parametrize("tab", TABS)
def test_by_keyboard_it_acts_on_the_image_with_the_mark(driver: WindowDriver, tab: str) -> None:
    table = open_tab(driver, tab)
    places = [(row, column) for row, line in enumerate(table.rows) for column in range(len(line))]
    second = [place for place in places if table.cell(*place).left() == table.cell(0, 1).left()]
    code, _ = shown(driver, tab, *sorted(second, key=lambda place: table.cell(*place).top())[1])
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_Down)
    QTest.keyClick(table, Qt.Key.Key_Right)
    QTest.keyClick(table, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    menu = opened(table)
    QTest.keyClick(menu, Qt.Key.Key_Escape)
    assert not menu.isVisible()
    QTest.keyClick(table, Qt.Key.Key_Menu)
    pick(opened(table), "image_arithmetic")
    np.testing.assert_allclose(driver.document.state.arithmetic.terms[0].codes, [code], atol=1e-6)
    assert driver.window.arithmetic.isVisible()


def test_neighbors_of_a_sample_are_shown_in_their_panel(driver: WindowDriver) -> None:
    table = open_tab(driver, "Samples")
    code, _ = shown(driver, "Samples", 0, 3)
    pick(right_click(table, table.cell(0, 3).center()), "image_neighbors")
    assert driver.window.neighbors.isVisible()
    np.testing.assert_allclose(driver.code, code, atol=1e-6)
    driver.until(lambda: driver.window.neighbors.by_code.count() > 0)
    driver.until(lambda: driver.document.jobs == ())


def test_an_image_is_saved_pixel_for_pixel(driver: WindowDriver, tmp_path: Path) -> None:
    table = open_tab(driver, "Samples")
    _, pixels = shown(driver, "Samples", 0, 0)
    pick(right_click(table, table.cell(0, 0).center()), "image_save")
    driver.save_as(tmp_path / "mine.png")
    driver.until((tmp_path / "mine.png").exists)
    with Image.open(tmp_path / "mine.png") as image:
        assert np.array_equal(np.asarray(image.convert("L")), pixels[..., 0])


def test_beside_the_images_there_is_no_menu(driver: WindowDriver) -> None:
    table = open_tab(driver, "Samples")
    where = QPoint(table.width() - 1, table.height() - 1)
    assert table.at(where) is None
    QApplication.sendEvent(table, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, table.mapToGlobal(where)))
    assert not table.findChildren(ActionMenu, "image_menu")
