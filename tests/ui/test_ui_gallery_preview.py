"""The preview above a thumbnail: the image itself, by mouse and by keys; never in the way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source
from explorer_testing.window import WindowDriver, array_of
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from explorer.data.mixer import DEFAULT_MIXER, Mix, MixedChannel, Mixer, shown
from explorer.data.source import ArraySource, Facts
from explorer.data.splits import random_splits
from explorer.document.views.preview import PREVIEW_SIDE
from explorer.types import Pixels
from explorer.ui.images import pixels_to_qimage
from explorer.ui.widgets.image_preview import SIDE, ImagePreview


def preview(driver: WindowDriver) -> ImagePreview:
    return driver.find(ImagePreview, "gallery_preview")


def center(driver: WindowDriver, row: int) -> QPoint:
    gallery = driver.window.gallery
    return gallery.view.visualRect(gallery.model.index(row)).center()


def hover(driver: WindowDriver, row: int) -> None:
    viewport = driver.window.gallery.view.viewport()
    QTest.mouseMove(viewport, center(driver, row) + QPoint(1, 1))  # the mouse may be there already
    QTest.mouseMove(viewport, center(driver, row))


def hovered(driver: WindowDriver, row: int) -> ImagePreview:
    """Move the mouse onto a thumbnail, and wait for its preview."""
    shown = preview(driver)
    hover(driver, row)
    driver.until(lambda: shown.isVisible() and shown.accessibleName().startswith(f"Image {row + 1},"))
    return shown


def image(driver: WindowDriver, index: int) -> Pixels:
    source = driver.document.source
    assert source is not None
    return np.asarray(source.pil_image(index))[..., None]


def test_the_image_under_the_mouse_is_shown_larger_above_its_thumbnail(driver: WindowDriver) -> None:
    driver.open(source=make_source(image_shape=(100, 50, 1)))
    focus = QApplication.focusWidget()
    shown = hovered(driver, 3)
    np.testing.assert_array_equal(array_of(shown.image), image(driver, 3), "the image itself, not its thumbnail")
    assert (shown.height() - 12, shown.width() - 12) == (SIDE, SIDE // 2), "in its own proportions"
    viewport = driver.window.gallery.view.viewport()
    assert shown.geometry().bottom() < viewport.mapToGlobal(QPoint()).y()
    assert abs(shown.geometry().center().x() - viewport.mapToGlobal(center(driver, 3)).x()) <= 1
    assert QApplication.focusWidget() is focus
    assert driver.document.state.image_index == 0, "nothing is selected by it"
    hovered(driver, 4)
    np.testing.assert_array_equal(array_of(shown.image), image(driver, 4))


def test_a_large_image_is_reduced(driver: WindowDriver) -> None:
    driver.open(source=make_source(3, (700, 1_200, 3)))
    shown = hovered(driver, 1)
    assert (shown.image.width(), shown.image.height()) == (PREVIEW_SIDE, PREVIEW_SIDE * 7 // 12)


def leave(driver: WindowDriver) -> None:
    QTest.mouseMove(driver.window.stage, QPoint(40, 40))


def scroll(driver: WindowDriver) -> None:
    bar = driver.window.gallery.view.horizontalScrollBar()
    bar.setValue(bar.value() + 30)


def turn_the_wheel(driver: WindowDriver) -> None:
    viewport = driver.window.gallery.view.viewport()
    where = QPointF(center(driver, 3))
    event = QWheelEvent(
        where,
        QPointF(viewport.mapToGlobal(where.toPoint())),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, event)


def press(driver: WindowDriver) -> None:
    viewport = driver.window.gallery.view.viewport()
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=center(driver, 3))


def press_escape(driver: WindowDriver) -> None:
    QTest.keyClick(driver.window.gallery.view, Qt.Key.Key_Escape)


def open_another(driver: WindowDriver) -> None:
    driver.document.open(source=make_source(name="other", seed=4))


def resize(driver: WindowDriver) -> None:
    driver.window.resize(1_100, 700)


@pytest.mark.parametrize("ending", [leave, scroll, turn_the_wheel, press, press_escape, open_another, resize])
def test_it_disappears(driver: WindowDriver, ending: Callable[[WindowDriver], None]) -> None:
    driver.open(source=make_source(400))
    shown = hovered(driver, 3)
    ending(driver)
    driver.until(lambda: not shown.isVisible())


def test_a_dismissed_preview_comes_back_on_another_thumbnail_only(driver: WindowDriver) -> None:
    driver.open()
    shown = hovered(driver, 3)
    press_escape(driver)
    requests: list[object] = []
    driver.document.preview_requested.connect(requests.append)
    QTest.mouseMove(driver.window.gallery.view.viewport(), center(driver, 3) + QPoint(3, 3))
    assert requests == []
    assert not shown.isVisible()
    hovered(driver, 4)
    hovered(driver, 3)


def test_the_keys_show_the_current_image_and_follow_it(driver: WindowDriver) -> None:
    driver.open(source=make_source(400))
    view, shown = driver.window.gallery.view, preview(driver)
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Return)
    driver.until(shown.isVisible)
    np.testing.assert_array_equal(array_of(shown.image), image(driver, 0))
    for row in (1, 2, 399):
        QTest.keyClick(view, Qt.Key.Key_End if row == 399 else Qt.Key.Key_Right)
        driver.until(lambda row=row: shown.isVisible() and shown.accessibleName().startswith(f"Image {row + 1},"))
        np.testing.assert_array_equal(array_of(shown.image), image(driver, row))
        assert driver.document.state.image_index == row
    assert QApplication.focusWidget() is view
    assert shown.screen().availableGeometry().contains(shown.geometry())
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert not shown.isVisible()
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert not shown.isVisible()


def test_the_tooltip_is_beside_the_preview(driver: WindowDriver) -> None:
    driver.open()
    shown = hovered(driver, 3)
    driver.until(QToolTip.isVisible)
    assert QToolTip.text() == "Image 4, label 3"
    tip = next(widget for widget in QApplication.topLevelWidgets() if widget.objectName() == "qtooltip_label")
    assert not tip.geometry().intersects(shown.geometry())
    QToolTip.hideText()


@pytest.mark.parametrize("where", [(0, 0), (760, 0), (760, 560), (0, 560)])
def test_it_fits_on_the_screen(themed: QApplication, qtbot: QtBot, where: tuple[int, int]) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.show()
    shown = ImagePreview("preview", parent)
    room = shown.screen().availableGeometry()
    place = QRect(min(where[0], room.right() - 40), min(where[1], room.bottom() - 40), 40, 40)
    shown.show_image(pixels_to_qimage(np.zeros((9, 9, 3), np.uint8)), "Image 1", place)
    assert room.contains(shown.geometry())
    assert not shown.geometry().intersects(place)


def test_channels_go_through_the_mixer(driver: WindowDriver) -> None:
    images = np.random.default_rng(0).integers(0, 65536, (9, 12, 10, 4)).astype(np.uint16)
    source = ArraySource(Facts("cells", "Cells", "cells"), images, random_splits(9), np.zeros(9, np.int64))
    driver.open(make_model(image_shape=(12, 10, 4)), source)
    red = Mix(channels=(MixedChannel(color="#ff0000", high=0.5), *(MixedChannel(visible=False),) * 3))
    mixer = Mixer(mixes=(red,))
    driver.document.set_mixer(mixer)
    shown_image = hovered(driver, 1)
    np.testing.assert_array_equal(array_of(shown_image.image), shown(images[1], mixer))
    driver.document.set_mixer(DEFAULT_MIXER)
    np.testing.assert_array_equal(array_of(shown_image.image), shown(images[1]))
