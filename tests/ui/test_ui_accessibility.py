"""For hands and ears: every control has a name for a screen reader, focus can be seen, the keyboard reaches all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from explorer_testing.accessibility import nameless, walk
from explorer_testing.rooms import furnish, rooms
from explorer_testing.window import WindowDriver, array_of
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from explorer.ui.main_window import MainWindow
from explorer.ui.panels import PANELS
from explorer.ui.theme import choose_scheme

_AROUND = 4
"""Pixels around a control in which a frame of the focus may lie."""

_ENOUGH = 24
"""Pixels that must be others, and by how much of 255, so that an eye finds the place."""
_CLEARLY = 24


def test_no_control_of_the_window_and_its_dialogs_is_nameless(bare_window: MainWindow) -> None:
    furnish(bare_window)
    seen = 0
    faults: list[str] = []
    for name, root in rooms(bare_window):
        seen += 1
        faults.extend(f"{name}: {fault}" for fault in nameless(root))
        assert sum(1 for _ in walk(root)) >= 5
    assert seen >= len(PANELS) + 12
    assert not faults, "\n".join(sorted(set(faults)))


def test_every_tab_is_reported_by_its_name(bare_window: MainWindow) -> None:
    names = [node.text(QAccessible.Text.Name) for node in walk(bare_window) if node.role() == QAccessible.Role.PageTab]
    assert {"Latent code", "Traversals", "Samples", "Arithmetic"} <= set(names)
    assert len(names) == len(set(names))


# -- focus -------------------------------------------------------------------------------------------------------------


def focusable(root: QWidget) -> Iterator[QWidget]:
    """Yield every control below a widget that Tab reaches now."""
    for control in root.findChildren(QWidget):
        reached = control.focusPolicy() & Qt.FocusPolicy.TabFocus and control.focusProxy() is None
        here = control.window() is root.window() and control.isVisible() and control.isEnabled()
        # A dock behind another is visible to Qt, and lies beside the window.
        if reached and here and not place_around(control).isEmpty():
            yield control


def place_around(control: QWidget) -> QRect:
    place = QRect(control.mapTo(control.window(), QPoint(0, 0)), control.size())
    return place.adjusted(-_AROUND, -_AROUND, _AROUND, _AROUND).intersected(control.window().rect())


def image_of(window: QWidget, place: QRect) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return array_of(window.grab(place).toImage().convertToFormat(QImage.Format.Format_RGB888))


def shows_focus(control: QWidget, resting: QWidget) -> bool:
    """Give a control the keyboard, as Tab does, and take it away again; say whether the pixels tell."""
    resting.setFocus(Qt.FocusReason.TabFocusReason)
    QApplication.processEvents()
    area = control.parentWidget()
    while area is not None:
        if isinstance(area, QScrollArea):
            area.ensureWidgetVisible(control)  # as with the key
        area = area.parentWidget()
    QApplication.processEvents()
    place = place_around(control)
    without = image_of(control.window(), place)
    control.setFocus(Qt.FocusReason.TabFocusReason)
    QApplication.processEvents()
    if not control.hasFocus():
        return True  # it hands the keyboard on, to a part that is looked at by itself
    with_focus = image_of(control.window(), place)
    difference = np.abs(with_focus.astype(int) - without.astype(int)).max(axis=2)
    return int((difference >= _CLEARLY).sum()) >= _ENOUGH


@pytest.mark.usefixtures("light_again")
@pytest.mark.parametrize("scheme", [Qt.ColorScheme.Light, Qt.ColorScheme.Dark], ids=["light", "dark"])
def test_focus_can_be_seen_on_every_control(
    themed: QApplication, bare_window: MainWindow, qtbot: QtBot, scheme: Qt.ColorScheme
) -> None:
    choose_scheme(themed, scheme)
    furnish(bare_window)
    flash = themed.cursorFlashTime()
    themed.setCursorFlashTime(0)  # what blinks would be taken for a sign
    hidden: set[str] = set()
    looked_at: set[str] = set()
    for name, root in rooms(bare_window):
        root.window().activateWindow()
        qtbot.waitUntil(root.window().isActiveWindow)
        controls = list(focusable(root))
        for control in controls:
            key = control.objectName() or type(control).__name__
            if key in looked_at and root.window() is bare_window:
                continue
            resting = next(other for other in controls if other is not control and other.isVisible())
            looked_at.add(key)
            if not shows_focus(control, resting):
                hidden.add(f"{name}: {type(control).__name__} {key}")
    themed.setCursorFlashTime(flash)
    assert len(looked_at) > 80
    assert not hidden, "\n".join(sorted(hidden))


# -- the keyboard alone ------------------------------------------------------------------------------------------------


CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


def press(key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press a key wherever the keyboard is."""
    target = QApplication.focusWidget()
    assert target is not None
    QTest.keyClick(target, key, modifiers)


def focus_within(panel: QWidget) -> bool:
    focus = QApplication.focusWidget()
    return focus is not None and (panel is focus or panel.isAncestorOf(focus))


def test_f6_goes_around_the_window_and_back(driver: WindowDriver) -> None:
    driver.open()
    window = driver.window
    panes = [window.stage, window.library, window.gallery, window.latent, window.timeline]
    window.show_panel("library")
    window.stage.setFocus()
    for pane in [*panes[1:], panes[0]]:
        press(Qt.Key.Key_F6)
        assert focus_within(pane), pane.objectName()
    for pane in reversed(panes):
        press(Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)
        assert focus_within(pane), pane.objectName()


def test_tab_leaves_every_control(bare_window: MainWindow) -> None:
    """No control keeps Tab for itself: from the first one the keyboard comes around to it again."""
    furnish(bare_window)
    for panel in PANELS:
        bare_window.show_panel(panel.name)
        bare_window.stage.setFocus()
        first = QApplication.focusWidget()
        seen = []
        for _ in range(300):
            press(Qt.Key.Key_Tab)
            focus = QApplication.focusWidget()
            if focus is first:
                break
            seen.append(focus)
        else:
            pytest.fail(f"Tab does not come around with {panel.title}")
        assert len(seen) > 10


def test_the_main_loop_by_keyboard_alone(driver: WindowDriver) -> None:
    driver.open()
    document, window = driver.document, driver.window
    window.stage.setFocus()
    press(Qt.Key.Key_Right)
    driver.until(lambda: document.state.image_index == 1 and document.code is not None)
    press(Qt.Key.Key_K, CTRL_SHIFT)
    press(Qt.Key.Key_F6)
    press(Qt.Key.Key_F6)
    assert focus_within(window.latent)
    while QApplication.focusWidget() is not window.latent.sliders.viewport() and not window.latent.sliders.hasFocus():
        press(Qt.Key.Key_Tab)
        assert focus_within(window.latent)
    before = driver.code
    press(Qt.Key.Key_Right)
    assert not np.array_equal(driver.code, before)
    press(Qt.Key.Key_K, CTRL_SHIFT)
    assert len(document.state.keyframes) == 2
    press(Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    driver.until(lambda: QApplication.activeModalWidget() is not None)
    dialog = QApplication.activeModalWidget()
    assert dialog is not None
    assert dialog.objectName() == "export_dialog"
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert not window.findChildren(QFileDialog)
