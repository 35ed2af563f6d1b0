"""The first tour: five steps that can be skipped, once by itself and then from the Help menu."""

from __future__ import annotations

from pathlib import Path

import pytest
from explorer_testing.window import WindowDriver
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget

from explorer.document.preferences import PreferencesFile
from explorer.paths import settings_path
from explorer.ui.first_tour import FirstTour
from explorer.ui.main_window import MainWindow

TITLES = [
    "Select an image",
    "Compare the reconstruction",
    "Edit the code",
    "Explore the latent space",
    "Make an animation",
]


def started(window: MainWindow) -> FirstTour:
    action = window.findChild(QAction, "action_tour")
    assert action is not None
    QTest.keySequence(window, action.shortcut())
    tour = window.findChild(FirstTour)
    assert tour is not None
    assert tour.running
    return tour


def test_return_walks_through_five_steps_and_ends(bare_window: MainWindow) -> None:
    bare_window.stage.setFocus()
    tour = started(bare_window)
    seen = []
    while tour.running:
        seen.append(tour.card.title)
        assert tour.card.next.hasFocus()
        QTest.keyClick(tour.card.next, Qt.Key.Key_Return)
    assert seen == TITLES
    assert bare_window.stage.hasFocus(), "the keyboard is where it was"


def test_buttons_go_on_and_back(bare_window: MainWindow) -> None:
    tour = started(bare_window)
    back = tour.card.findChild(QPushButton, "tour_back")
    assert back is not None
    assert not back.isEnabled()
    QTest.mouseClick(tour.card.next, Qt.MouseButton.LeftButton)
    QTest.keyClick(tour.card.next, Qt.Key.Key_Right)
    assert tour.card.title == TITLES[2]
    QTest.mouseClick(back, Qt.MouseButton.LeftButton)
    assert tour.card.title == TITLES[1]
    QTest.keyClick(tour.card.next, Qt.Key.Key_Left)
    assert tour.card.title == TITLES[0]
    QTest.keyClick(tour.card.next, Qt.Key.Key_Left)
    assert tour.card.title == TITLES[0]


@pytest.mark.parametrize("way", ["escape", "button"])
def test_it_can_be_skipped_and_started_again(bare_window: MainWindow, way: str) -> None:
    tour = started(bare_window)
    if way == "escape":
        QTest.keyClick(tour.card.next, Qt.Key.Key_Escape)
    else:
        skip = tour.card.findChild(QPushButton, "tour_skip")
        assert skip is not None
        QTest.mouseClick(skip, Qt.MouseButton.LeftButton)
    assert not tour.running
    assert not tour.overlay.isVisible()
    assert started(bare_window) is tour
    assert tour.card.title == TITLES[0]


def test_it_comes_by_itself_until_it_was_seen(bare_window: MainWindow, explorer_home: Path) -> None:
    path = settings_path()
    bare_window.app_actions.preferences = PreferencesFile(path)
    bare_window.app_actions.greet()
    tour = bare_window.findChild(FirstTour)
    assert tour is not None
    assert tour.running
    assert not PreferencesFile(path).values.tour_seen
    QTest.keyClick(tour.card.next, Qt.Key.Key_Escape)
    assert PreferencesFile(path).values.tour_seen
    bare_window.app_actions.greet()
    assert not tour.running


def test_the_card_stays_in_the_window_and_leaves_what_it_is_about_free(bare_window: MainWindow) -> None:
    for size in (QSize(1280, 800), QSize(1024, 700), QSize(1900, 1000)):
        bare_window.resize(size)
        tour = started(bare_window)
        for target in (
            bare_window.gallery,
            bare_window.stage.reconstruction,
            bare_window.latent,
            bare_window.bars.workspaces,
        ):
            assert bare_window.rect().contains(tour.card.geometry())
            assert not tour.card.geometry().intersects(place_of(target, bare_window))
            QTest.keyClick(tour.card.next, Qt.Key.Key_Return)
        QTest.keyClick(tour.card.next, Qt.Key.Key_Escape)


def place_of(widget: QWidget, window: MainWindow) -> QRect:
    return QRect(widget.mapTo(window, widget.rect().topLeft()), widget.size())


def test_what_a_step_speaks_of_can_be_done_behind_it(driver: WindowDriver) -> None:
    driver.open()
    tour = started(driver.window)
    view = driver.window.gallery.view
    point = view.viewport().mapTo(driver.window, view.visualRect(driver.window.gallery.model.index(4)).center())
    # Through the window, as a hand clicks: the veil lies above the gallery.
    handle = driver.window.windowHandle()
    QTest.mouseClick(handle, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, point)
    driver.until(lambda: driver.document.state.image_index == 4)
    assert tour.running
    tour.end()


def test_hidden_docks_are_shown_for_it(bare_window: MainWindow) -> None:
    toggle = bare_window.findChild(QAction, "action_show_timeline")
    assert toggle is not None
    toggle.trigger()
    assert not bare_window.timeline.isVisible()
    started(bare_window).end()
    assert bare_window.timeline.isVisible()
