"""Shortcuts: no keys mean two things in one place, and those of a panel act in it alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from explorer_testing.rooms import furnish, rooms
from explorer_testing.window import WindowDriver
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QWidget

from explorer.ui.actions import Action, Section
from explorer.ui.main_window import MainWindow

WITHIN = {Qt.ShortcutContext.WidgetShortcut, Qt.ShortcutContext.WidgetWithChildrenShortcut}


def shortcuts(window: MainWindow) -> Iterator[tuple[str, QKeySequence, QWidget]]:
    """Yield the name, the keys and the widget in which they act of every shortcut of a window and its dialogs."""
    for action in window.findChildren(QAction):
        inside = [one for one in action.associatedObjects() if isinstance(one, QWidget) and not isinstance(one, QMenu)]
        places = inside if action.shortcutContext() in WITHIN else [window]
        yield from ((action.objectName(), keys, place) for keys in action.shortcuts() for place in places)
    for shortcut in window.findChildren(QShortcut):
        parent = shortcut.parent()
        assert isinstance(parent, QWidget)
        place = parent if shortcut.context() in WITHIN else parent.window()
        yield "", shortcut.key(), place


def meet(one: QWidget, other: QWidget) -> bool:
    return one is other or one.isAncestorOf(other) or other.isAncestorOf(one)


def begins(one: QKeySequence, other: QKeySequence) -> bool:
    """Tell whether one is the other or its first keys."""
    return any(pair[0].matches(pair[1]) != QKeySequence.SequenceMatch.NoMatch for pair in ((one, other), (other, one)))


def test_no_keys_mean_two_things_in_one_context(bare_window: MainWindow) -> None:
    furnish(bare_window)
    for _ in rooms(bare_window):
        pass
    found = list(shortcuts(bare_window))
    assert len(found) > 150
    twice = [
        (one, other, keys.toString())
        for (one, keys, place), (other, others, elsewhere) in combinations(found, 2)
        if begins(keys, others) and meet(place, elsewhere)
    ]
    assert twice == []


def test_the_first_five_numbers_are_for_views_only(bare_window: MainWindow) -> None:
    numbers = {f"Ctrl+{number}" for number in range(1, 6)}
    taken = [name for name, keys, _ in shortcuts(bare_window) if keys.toString() in numbers]
    assert all(name.startswith(("action_tab_", "action_workspace_")) for name in taken), taken


def test_a_keyframe_is_added_anywhere_and_duplicated_in_the_timeline(driver: WindowDriver) -> None:
    driver.open()
    driver.window.gallery.view.setFocus()
    QTest.keySequence(driver.window.gallery.view, "Ctrl+Shift+K")
    assert len(driver.document.state.keyframes) == 1
    QTest.keySequence(driver.window.gallery.view, "Ctrl+D")
    assert len(driver.document.state.keyframes) == 1, "not in the gallery"
    driver.window.timeline.track.setFocus()
    QTest.keySequence(driver.window.timeline.track, "Ctrl+D")
    first, second = (keyframe.code for keyframe in driver.document.state.keyframes)
    np.testing.assert_array_equal(first, second)
    driver.document.undo()
    assert len(driver.document.state.keyframes) == 1


def test_a_shortcut_may_be_several() -> None:
    several = Action("several", "Several", print, Section.CODE, tip="", synonyms="", shortcut="Ctrl+,; Ctrl+Shift+P")
    assert [keys.toString() for keys in several.keys] == ["Ctrl+,", "Ctrl+Shift+P"]
    none = Action("none", "None", print, Section.CODE, tip="", synonyms="")
    assert none.keys == []
