"""What the window remembers: its layout, its colors; the settings dialog; and that a damaged file stops nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from explorer_testing.window import MakeWindow
from PySide6.QtCore import QByteArray, QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QDockWidget, QLabel

from explorer.document.preferences import PreferencesFile, storable
from explorer.paths import settings_path
from explorer.ui.dialogs.settings import SettingsDialog
from explorer.ui.main_window import MainWindow
from explorer.ui.theme import current_theme


def dock(window: MainWindow, name: str) -> QDockWidget:
    found = window.findChild(QDockWidget, name)
    assert found is not None
    return found


def test_the_layout_comes_back_at_the_next_start(make: MakeWindow) -> None:
    first = make()
    first.resize(1024, 760)
    first.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock(first, "latent_dock"))
    QTest.keyClick(first, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert not dock(first, "gallery_dock").isVisible()
    QApplication.processEvents()
    size = first.size()
    assert size.height() == 760
    first.close()
    second = make()
    assert second.size() == size
    assert not dock(second, "gallery_dock").isVisible()
    assert second.dockWidgetArea(dock(second, "latent_dock")) == Qt.DockWidgetArea.LeftDockWidgetArea
    QTest.keyClick(second, Qt.Key.Key_0, Qt.KeyboardModifier.AltModifier)
    assert dock(second, "gallery_dock").isVisible()
    assert second.dockWidgetArea(dock(second, "latent_dock")) == Qt.DockWidgetArea.RightDockWidgetArea


def test_a_reset_brings_back_docks_that_float(make: MakeWindow) -> None:
    window = make()
    timeline = dock(window, "timeline_dock")
    timeline.setFloating(True)
    action = window.findChild(QAction, "action_reset_layout")
    assert action is not None
    action.trigger()
    assert not timeline.isFloating()


def visible_docks(window: MainWindow) -> set[str]:
    return {dock.objectName() for dock in window.findChildren(QDockWidget) if not dock.isHidden()}


EXPLORE = {f"{name}_dock" for name in ("gallery", "latent", "timeline", "traversals", "samples", "arithmetic")}


@pytest.mark.parametrize(
    "changes",
    [
        {"layout": "bm90IGEgbGF5b3V0"},
        {"geometry": "bm90IGEgZ2VvbWV0cnk="},
        {"layout": "====", "geometry": "A"},
        {"layout": "A" * 100_001},
        {"workspaces": {"explore": 1}},
        {"workspaces": {"explore": {"sizes": {"latent": -1}}}},
        {"workspaces": {str(number): {} for number in range(101)}},
    ],
)
def test_a_layout_that_is_none_leaves_everything_in_its_first_place(
    make: MakeWindow, changes: dict[str, object]
) -> None:
    settings_path().write_text(json.dumps(changes), encoding="utf-8")
    window = make()
    assert visible_docks(window) == EXPLORE
    assert window.dockWidgetArea(dock(window, "latent_dock")) == Qt.DockWidgetArea.RightDockWidgetArea
    assert (window.width(), window.height()) == (1280, 800)


def test_an_honest_layout_of_another_window_is_refused_whole(make: MakeWindow) -> None:
    window = make()
    state = window.saveState(99)
    preferences = PreferencesFile(settings_path())
    preferences.put(layout=bytes(QByteArray(state).toBase64().data()).decode())
    assert visible_docks(make()) == EXPLORE


def test_without_preferences_nothing_is_written(bare_window: MainWindow, explorer_home: Path) -> None:
    bare_window.close()
    assert not settings_path().exists()


def opened(window: MainWindow) -> SettingsDialog:
    QTest.keyClick(window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    dialog = window.findChild(SettingsDialog)
    assert dialog is not None
    assert dialog.isVisible()
    return dialog


def toggle(dialog: SettingsDialog, name: str) -> None:
    box = dialog.findChild(QCheckBox, name)
    assert box is not None
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))


@pytest.mark.usefixtures("light_again")
def test_a_change_holds_at_once_and_at_the_next_start(make: MakeWindow) -> None:
    window = make()
    dialog = opened(window)
    scheme = dialog.findChild(QComboBox, "settings_scheme")
    assert scheme is not None
    scheme.setFocus()
    while scheme.currentData() != "dark":
        before = scheme.currentIndex()
        QTest.keyClick(scheme, Qt.Key.Key_Down)
        assert scheme.currentIndex() != before
    assert current_theme().window == "#1b1e23"
    dark = window.findChild(QAction, "action_scheme_dark")
    assert dark is not None
    assert dark.isChecked()
    toggle(dialog, "settings_keep_layout")
    toggle(dialog, "settings_tour")
    values = PreferencesFile(settings_path()).values
    assert (values.scheme, values.keep_layout, values.tour_seen) == ("dark", False, True)
    window.resize(900, 700)
    window.close()
    again = make()
    assert (again.width(), again.height()) == (1280, 800), "the layout is not kept"
    QTest.keyClick(again, Qt.Key.Key_F11, Qt.KeyboardModifier.ControlModifier)
    assert PreferencesFile(settings_path()).values.scheme == "light"
    shown = opened(again).findChild(QComboBox, "settings_scheme")
    assert shown is not None
    assert shown.currentData() == "light"


def test_what_was_damaged_is_reported_in_the_dialog(make: MakeWindow) -> None:
    settings_path().write_text('{"scheme": "pink", "tour_seen": true}', encoding="utf-8")
    window = make()
    assert window.app_actions.preferences.values.tour_seen
    notes = opened(window).findChild(QLabel, "settings_notes")
    assert notes is not None
    assert notes.isVisible()
    assert "scheme" in notes.text()


@pytest.mark.parametrize(
    ("setting", "shown"),
    [("automatic", "Automatic"), ("CPUExecutionProvider", "CPU"), ("NoExecutionProvider", "No (not available)")],
)
def test_the_device_is_chosen_in_the_dialog(make: MakeWindow, setting: str, shown: str) -> None:
    PreferencesFile(settings_path()).put(provider=setting)
    window = make()
    dialog = opened(window)
    box = dialog.findChild(QComboBox, "settings_provider")
    assert box is not None
    assert (box.currentText(), box.currentData()) == (shown, setting)
    assert [box.itemText(place) for place in range(2)] == ["Automatic", "CPU"]
    changes: list[str] = []
    window.app_actions.provider_changed.connect(lambda: changes.append(window.app_actions.preferences.values.provider))
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down if setting == "automatic" else Qt.Key.Key_Up)
    assert changes == [box.currentData()]
    assert PreferencesFile(settings_path()).values.provider == box.currentData() != setting


def test_two_windows_keep_each_other_s_settings(explorer_home: Path) -> None:
    first, second = PreferencesFile(settings_path()), PreferencesFile(settings_path())
    second.put(datasets=("/photos",))
    first.put(scheme="dark")
    both = PreferencesFile(settings_path()).values
    assert (both.scheme, both.datasets) == ("dark", ("/photos",))


def test_a_path_that_is_not_utf_8_is_not_kept() -> None:
    assert storable("/photos/ü")
    assert not storable("/photos/\udcff")
    assert not storable("/" + "x" * 5_000)
