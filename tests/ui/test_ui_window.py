"""The main window: help, docks, undo and redo, colors, and that every control can be named and explained."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from explorer_testing.window import WindowDriver, array_of, drag
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QDialogButtonBox,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QTabBar,
    QTextBrowser,
    QWidget,
)

from explorer.messages import message
from explorer.ui.dialogs.help import HelpDialog
from explorer.ui.main_window import MainWindow
from explorer.ui.panels import PANELS
from explorer.ui.widgets.plane_canvas import PlaneCanvas
from explorer.ui.workspaces import WORKSPACES

CONTROLS = (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    PlaneCanvas,
)
EXPLAINED_WITHIN = (QAbstractItemView, QScrollArea, QTextBrowser)
"""A list has a tooltip for each of its lines, a scroll area holds other controls, a page of text needs none."""


def action(window: MainWindow, name: str) -> QAction:
    found = window.findChild(QAction, name)
    assert found is not None
    return found


def help_dialog(window: MainWindow) -> HelpDialog | None:
    return window.findChild(HelpDialog)


def test_f1_opens_the_help_and_escape_closes_it(bare_window: MainWindow) -> None:
    assert help_dialog(bare_window) is None
    QTest.keyClick(bare_window, Qt.Key.Key_F1)
    dialog = help_dialog(bare_window)
    assert dialog is not None
    assert dialog.isVisible()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    QTest.keyClick(bare_window, Qt.Key.Key_F1)
    assert help_dialog(bare_window) is dialog
    assert dialog.isVisible()
    close = dialog.findChild(QDialogButtonBox)
    assert close is not None
    QTest.mouseClick(close.button(QDialogButtonBox.StandardButton.Close), Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()


def test_panels_can_be_hidden_and_moved_and_come_back(bare_window: MainWindow) -> None:
    docks = [bare_window.dock(panel.name) for panel in PANELS if "explore" in panel.workspaces]
    areas = {dock.objectName(): bare_window.dockWidgetArea(dock) for dock in docks}
    for dock in docks:
        show = action(bare_window, f"action_show_{dock.objectName().removesuffix('_dock')}")
        if not dock.in_front:
            show.trigger()
            QApplication.processEvents()
            assert dock.in_front, "one behind another comes to the front"
        show.trigger()
        QApplication.processEvents()
        assert not dock.isVisible()
    action(bare_window, "action_show_history").trigger()
    assert bare_window.dock("history").in_front
    bare_window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docks[1])
    action(bare_window, "action_reset_layout").trigger()
    assert not any(dock.isHidden() for dock in docks)
    assert {dock.objectName(): bare_window.dockWidgetArea(dock) for dock in docks} == areas


def test_undo_and_redo_say_what_they_would_do(driver: WindowDriver) -> None:
    undo, redo = action(driver.window, "action_undo"), action(driver.window, "action_redo")
    driver.open()
    assert (undo.isEnabled(), redo.isEnabled()) == (False, False)
    sliders, start = driver.window.latent.sliders, driver.code
    drag(sliders.viewport(), [sliders.handle_position(1, value) for value in (0.0, 1.0)])
    moved = driver.code
    assert re.fullmatch(r"&Undo: z₁: [+−]\d+\.\d\d → [+−]\d+\.\d\d σ", undone := undo.text())
    undo.trigger()
    np.testing.assert_array_equal(driver.code, start)
    assert (undo.isEnabled(), undo.text()) == (False, "&Undo")
    assert redo.text() == undone.replace("&Undo", "&Redo")
    redo.trigger()
    np.testing.assert_array_equal(driver.code, moved)
    assert not redo.isEnabled()


def test_a_text_field_keeps_its_own_keys(driver: WindowDriver) -> None:
    driver.open()
    driver.document.timeline.add()
    field = QLineEdit(driver.window)  # as the Train panel's, which would start the model process here
    field.show()
    field.setFocus()
    QTest.keyClicks(field, "k k")
    assert field.text() == "k k"
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert len(driver.document.state.keyframes) == 1


def test_space_presses_the_button_that_has_the_keyboard(driver: WindowDriver) -> None:
    driver.open()
    box = driver.find(QCheckBox, "map_quantiles")
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Space)
    assert box.isChecked()
    add = driver.find(QPushButton, "timeline_add")
    add.setFocus()
    for _ in range(2):
        QTest.keyClick(add, Qt.Key.Key_Space)
    assert len(driver.document.state.keyframes) == 2
    driver.window.stage.setFocus()
    driver.shortcut("action_play", driver.window.stage)
    assert driver.window.timeline.player.play.isChecked()
    driver.shortcut("action_play", driver.window.stage)
    assert not driver.window.timeline.player.play.isChecked()


@pytest.mark.usefixtures("light_again")
def test_light_and_dark(driver: WindowDriver) -> None:
    driver.open()
    images = {}
    for scheme in ("light", "dark"):
        action(driver.window, f"action_scheme_{scheme}").trigger()
        images[scheme] = array_of(driver.window.stage.grab().toImage())
    assert images["light"].shape == images["dark"].shape
    corner = {scheme: int(image[2, 2].max()) for scheme, image in images.items()}
    assert corner["dark"] < 80
    assert corner["light"] > 180
    # The image itself has no scheme.
    frame = driver.window.stage.original
    center = frame.mapTo(driver.window.stage, frame.image_rect().center().toPoint())
    np.testing.assert_array_equal(images["light"][center.y(), center.x()], images["dark"][center.y(), center.x()])


def test_an_error_can_be_copied_and_dismissed(bare_window: MainWindow) -> None:
    bare_window.document.report(message("What happened."), "Where it happened.")
    bar = bare_window.problem_bar
    assert bar.isVisible()
    copy, dismiss = bar.findChildren(QPushButton)
    QTest.mouseClick(copy, Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == "What happened.\n\nWhere it happened."
    QTest.mouseClick(dismiss, Qt.MouseButton.LeftButton)
    assert not bar.isVisible()


def test_the_export_needs_two_keyframes(driver: WindowDriver) -> None:
    export = action(driver.window, "action_export")
    driver.open()
    driver.document.timeline.add()
    assert not export.isEnabled()
    driver.document.timeline.add()
    assert export.isEnabled()


def test_workspaces_by_keyboard(bare_window: MainWindow) -> None:
    for number in (4, 3, 2, 1, 0):
        QTest.keyClick(bare_window, Qt.Key(Qt.Key.Key_1 + number), Qt.KeyboardModifier.ControlModifier)
        assert bare_window.workspaces.current == WORKSPACES[number].name


def test_shortcuts_and_names_of_actions_are_unique(bare_window: MainWindow) -> None:
    actions = [entry for entry in bare_window.findChildren(QAction) if not entry.objectName().startswith("_q_")]
    shortcuts = [entry.shortcut().toString() for entry in actions if not entry.shortcut().isEmpty()]
    assert len(shortcuts) == len(set(shortcuts))
    names = [entry.objectName() for entry in actions if entry.text() and entry.menu() is None]
    assert "" not in names
    assert len(names) == len(set(names))


# -- every control -----------------------------------------------------------------------------------------------------


def made_by_the_product(control: QWidget) -> bool:
    """Tell a control from the parts that Qt makes of it: scroll bars, a spin box's line edit, a tab bar's buttons."""
    if control.objectName().startswith(("qt_", "_q_")):
        return False
    parent = control.parentWidget()
    while parent is not None and not isinstance(parent, QScrollArea):
        if isinstance(parent, (*CONTROLS, QTabBar)):
            return False
        parent = parent.parentWidget()
    # What a scroll area scrolls is the product's; its own bars are not.
    scrolled = parent.widget() if parent is not None else None
    return parent is None or (scrolled is not None and scrolled.isAncestorOf(control))


def controls(root: QWidget) -> Iterator[QWidget]:
    for child in root.findChildren(QWidget):
        if isinstance(child, CONTROLS) and made_by_the_product(child):
            yield child


def test_every_control_has_a_name_words_and_a_tooltip(bare_window: MainWindow) -> None:
    bare_window.app_actions.show_help()
    for panel in PANELS:
        bare_window.show_panel(panel.name)
    found = list(controls(bare_window))
    assert len(found) > 45
    faults = []
    for control in found:
        text = control.text() if isinstance(control, QAbstractButton) else ""
        for what, value in (
            ("object name", control.objectName()),
            ("accessible name or text", control.accessibleName() or text),
            ("tooltip", control.toolTip() or isinstance(control, EXPLAINED_WITHIN)),
        ):
            if not value:
                faults.append(f"{type(control).__name__} {control.objectName() or text!r}: no {what}")
    assert not faults, "\n".join(faults)
    names = [control.objectName() for control in found]
    assert sorted(names) == sorted(set(names)), "object names are unique"


def test_every_line_of_a_list_has_a_tooltip(driver: WindowDriver) -> None:
    driver.open()
    library = driver.window.library.tree
    sections = [library.topLevelItem(number) for number in range(library.topLevelItemCount())]
    lines = [section.child(row) for section in sections if section for row in range(section.childCount())]
    assert lines
    assert all(line.toolTip(0) for line in lines if line)
    gallery = driver.window.gallery.model
    assert all(gallery.data(gallery.index(row), Qt.ItemDataRole.ToolTipRole) for row in range(gallery.rowCount()))


def test_every_control_can_be_reached_by_keyboard(bare_window: MainWindow) -> None:
    for panel in PANELS:
        bare_window.show_panel(panel.name)
    unreachable = [
        control.objectName()
        for control in controls(bare_window)
        if not isinstance(control, QScrollArea) and not control.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    assert unreachable == []
