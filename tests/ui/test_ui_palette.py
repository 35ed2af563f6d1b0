"""The command palette: all commands, found by a few letters, done by Return."""

from __future__ import annotations

import re

import pytest
from explorer_testing.builders import as_floats
from explorer_testing.window import WindowDriver
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QDockWidget, QFileDialog, QPushButton

from explorer.document.preferences import PreferencesFile
from explorer.ui.actions import Command
from explorer.ui.app_actions import FORMER_NAMES
from explorer.ui.dialogs.command_palette import CommandPalette
from explorer.ui.dialogs.help import HelpDialog
from explorer.ui.help_pages import help_pages
from explorer.ui.main_window import MainWindow
from explorer.ui.matching import Entry, ranked, score

EXPECTED = {
    "similar": {"action_find_neighbors", "Neighbors"},
    "interpolate": {"Add keyframe", "Timeline"},
    "gif": {"Export animation…"},
    "density": {"Show density", "Map"},
    "nearest": {"action_find_neighbors", "Neighbors"},
    "theme": {"Use light theme", "Use dark theme"},
    "denoise": {"Noise"},
    "tsne": {"Map"},
    "png": {"action_save_image", "Decoded grid as PNG…"},
    "undo": {"Undo"},
    "zoom": {"action_stage_zoom_in"},
    "compare": {"Compare"},
    "color": {"Colorization: grayscale input"},
    "save image": {"action_save_image"},
    "full screen": {"action_full_screen"},
    "enlarge": {"action_stage_zoom_in"},
}
"""Words of a newcomer, with the titles or names of commands of which one is among the first three."""


def opened(window: MainWindow, keys: str = "Ctrl+K") -> CommandPalette:
    QTest.keySequence(window, keys)
    palette = window.findChild(CommandPalette)
    assert palette is not None
    assert palette.isVisible()
    return palette


def shown(palette: CommandPalette) -> list[Command]:
    commands = [palette.model.command(row) for row in range(palette.model.rowCount())]
    return [command for command in commands if command is not None]


def listed(palette: CommandPalette) -> list[str]:
    return [str(palette.model.index(row, 0).data()) for row in range(palette.model.rowCount())]


def commands_of(window: MainWindow) -> list[Command]:
    return window.registry.commands()


def names_of(window: MainWindow) -> set[str]:
    return {command.record.name for command in commands_of(window)}


def test_every_command_is_in_a_menu_with_a_shortcut(bare_window: MainWindow) -> None:
    commands = commands_of(bare_window)
    assert len(commands) > 150
    assert [command.record.name for command in commands if not command.keys] == []
    orphans = {action.objectName() for action in bare_window.actions() if action.text()}
    assert orphans <= names_of(bare_window)


def test_every_command_can_be_found_by_other_words(bare_window: MainWindow) -> None:
    for command in commands_of(bare_window):
        words = command.record.words
        assert len(words) >= 2, command.record.name
        assert len(words) == len(set(words))
        assert command.record.title.casefold() not in words, command.record.name


def test_it_opens_by_two_shortcuts(bare_window: MainWindow) -> None:
    for keys in ("Ctrl+K", "Ctrl+Shift+P"):
        palette = opened(bare_window, keys)
        QTest.keyClick(palette.field, Qt.Key.Key_Escape)
        assert not palette.isVisible()


def first_three(window: MainWindow, query: str) -> list[Command]:
    palette = opened(window)
    QTest.keyClicks(palette.field, query)
    found = [palette.model.command(row) for row in range(3)]
    QTest.keyClick(palette.field, Qt.Key.Key_Escape)
    return [command for command in found if command is not None]


def test_the_words_of_a_newcomer_find_the_command(bare_window: MainWindow) -> None:
    assert len(EXPECTED) == 16
    missed = {}
    for query, wanted in EXPECTED.items():
        found = first_three(bare_window, query)
        if not wanted & {text for command in found for text in (command.title, command.record.name)}:
            missed[query] = [command.title for command in found]
    assert missed == {}


def test_help_pages_are_found_after_commands_and_shown(bare_window: MainWindow) -> None:
    palette = opened(bare_window)
    QTest.keyClicks(palette.field, "similar faces")
    command = palette.model.command(0)
    assert command is not None
    assert (command.title, command.where) == ("Similar faces", f"Help › {help_pages()['faces'].title}")
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    dialog = bare_window.findChild(HelpDialog)
    assert dialog is not None
    assert dialog.isVisible()
    assert dialog.browser.page == "faces"
    assert bare_window.app_actions.preferences.values.recent_commands == ()
    dialog.close()
    palette = opened(bare_window)
    QTest.keyClicks(palette.field, "noise")
    kinds = [command.record.name.startswith("help_") for command in shown(palette)]
    assert kinds[0] is False
    assert True in kinds
    palette.field.clear()
    assert not any(command.record.name.startswith("help_") for command in shown(palette))


def test_a_check_box_is_a_command(driver: WindowDriver) -> None:
    driver.open()
    driver.tab("Map")
    driver.click("map_options")
    driver.click("map_images")
    box = driver.find(QCheckBox, "map_density")
    before = box.isChecked()
    palette = opened(driver.window)
    QTest.keyClicks(palette.field, "density")
    assert listed(palette)[0] == "Show density"
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert box.isChecked() is not before


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("gif", "action_export"),
        ("save movie", "action_export"),
        ("preferences", "action_settings"),
        ("dark mode", "action_scheme_dark"),
        ("anomalies", "action_show_outliers"),
        ("knn", "action_show_neighbors"),
        ("tensorflow", "action_import"),
        ("spreadsheet", "map_save_codes"),
        ("start training", "action_train_start"),
        ("interpolation", "action_keyframe"),
        ("t-sne", "action_show_map"),
        ("loop", "action_play"),
    ],
)
def test_a_synonym_finds_a_command(bare_window: MainWindow, query: str, name: str) -> None:
    palette = opened(bare_window)
    QTest.keyClicks(palette.field, query)
    command = palette.model.command(0)
    assert command is not None
    assert command.record.name == name


def test_it_lists_every_command_of_menus_and_panels(bare_window: MainWindow) -> None:
    palette = opened(bare_window)
    assert {"action_export", "action_timeline_presets", "action_map_fit", "action_samples_redraw"} <= names_of(
        bare_window
    )
    assert len(listed(palette)) == len(commands_of(bare_window))
    titles = [(command.title, command.where) for command in commands_of(bare_window)]
    assert len(titles) == len(set(titles))


def test_a_few_letters_and_return_do_it(driver: WindowDriver) -> None:
    driver.open()
    driver.document.set_code(as_floats(0.5, 0.5))
    palette = opened(driver.window)
    assert palette.field.hasFocus() or palette.focusWidget() is palette.field
    QTest.keyClicks(palette.field, "add key")
    assert listed(palette)[0] == "Add keyframe"
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert not palette.isVisible()
    assert len(driver.document.state.keyframes) == 1


def test_arrows_choose_and_escape_closes(driver: WindowDriver) -> None:
    driver.open()
    palette = opened(driver.window)
    QTest.keyClicks(palette.field, "code")
    wanted = listed(palette)[2]
    QTest.keyClick(palette.field, Qt.Key.Key_Down)
    QTest.keyClick(palette.field, Qt.Key.Key_Down)
    QTest.keyClick(palette.field, Qt.Key.Key_Up)
    QTest.keyClick(palette.field, Qt.Key.Key_Down)
    assert palette.list.currentIndex().data() == wanted
    before = driver.document.state
    QTest.keyClick(palette.field, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert driver.document.state is before


def test_a_button_of_a_panel_is_done_where_it_is(driver: WindowDriver) -> None:
    driver.open()
    driver.tab("Map")
    seed = driver.document.state.sampling.seed
    palette = opened(driver.window)
    button = driver.find(QPushButton, "samples_redraw")
    QTest.keyClicks(palette.field, f"{button.text()} samples")
    command = palette.model.command(0)
    assert command is not None
    assert command.record.name == "action_samples_redraw"
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert driver.window.dock("samples").in_front
    assert driver.document.state.sampling.seed != seed


def test_every_button_of_the_panels_is_in_the_menus(bare_window: MainWindow) -> None:
    names = names_of(bare_window)
    same = {button: command for command in commands_of(bare_window) for button in command.record.buttons}
    panels = bare_window.findChildren(QDockWidget)
    buttons = [button for panel in panels for button in panel.findChildren(QPushButton) if button.menu() is None]
    assert len(buttons) > 60
    left_out = [one.objectName() for one in buttons if one not in same and f"action_{one.objectName()}" not in names]
    assert left_out == []
    for button, command in same.items():
        assert button.toolTip().endswith(f"({command.keys})"), "its tooltip says the keys"


def test_a_button_s_keys_press_it(driver: WindowDriver) -> None:
    driver.open()
    seed = driver.document.state.sampling.seed
    driver.shortcut("action_samples_redraw")
    assert driver.window.dock("samples").in_front
    assert driver.document.state.sampling.seed != seed
    said: list[str] = []
    driver.document.announced.connect(lambda news: said.append(str(news)))
    driver.shortcut("action_slot_a_clear")
    assert [words.partition(":")[0] for words in said] == ["Unavailable"]


def test_the_menu_of_a_button_says_what_is_available(driver: WindowDriver) -> None:
    driver.open()
    said: list[str] = []
    driver.document.announced.connect(lambda news: said.append(str(news)))
    codes = next(one for one in commands_of(driver.window) if one.record.name == "map_save_codes")
    assert not codes.enabled
    codes.run()
    assert said == ["Unavailable: Codes as CSV…"]
    assert not driver.window.findChildren(QFileDialog)
    menu = driver.find(QPushButton, "map_save").menu()
    assert menu is not None
    action = next(one for one in menu.actions() if one.objectName() == "map_save_codes")
    menu.aboutToShow.emit()
    assert not action.isEnabled()
    menu.aboutToHide.emit()
    assert action.isEnabled(), "so that its shortcut says why nothing happens"


def test_what_cannot_be_done_now_says_so_and_does_nothing(bare_window: MainWindow) -> None:
    palette = opened(bare_window)
    QTest.keyClicks(palette.field, "export animation")
    command = palette.model.command(0)
    assert command is not None
    assert command.record.name == "action_export"
    assert not command.enabled
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.isVisible()
    QTest.keyClicks(palette.field, "qqqqq")
    assert listed(palette) == []
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.isVisible()


def test_a_click_does_it_too_and_what_was_done_last_stands_on_top(bare_window: MainWindow) -> None:
    palette = opened(bare_window)
    QTest.keyClicks(palette.field, "noise")
    first = palette.list.visualRect(palette.model.index(0, 0)).center()
    QTest.mouseClick(palette.list.viewport(), Qt.MouseButton.LeftButton, pos=first)
    assert bare_window.dock("noise").in_front
    palette = opened(bare_window)
    assert listed(palette)[0] == "Noise"
    assert palette.field.text() == ""


def test_what_was_done_last_is_known_at_the_next_start(bare_window: MainWindow) -> None:
    preferences = bare_window.app_actions.preferences
    assert isinstance(preferences, PreferencesFile)
    for name in ("noise", "samples", "noise"):
        palette = opened(bare_window)
        QTest.keyClicks(palette.field, name)
        QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert preferences.values.recent_commands == ("action_show_noise", "action_show_samples")


def test_recent_commands_come_first_among_equals_only(bare_window: MainWindow) -> None:
    bare_window.app_actions.preferences.put(recent_commands=("action_scheme_dark", "action_show_history_dock"))
    assert [command.title for command in first_three(bare_window, "theme")][:2] == [
        "Use dark theme",
        "Use system theme",
    ]
    assert first_three(bare_window, "undo")[0].title == "Undo"


def test_names_of_version_1_are_known_and_unknown_ones_go(bare_window: MainWindow) -> None:
    preferences = bare_window.app_actions.preferences
    preferences.put(recent_commands=("action_gone", "action_tab_neighbours"))
    palette = opened(bare_window)
    assert listed(palette)[0] == "Neighbors"
    QTest.keyClicks(palette.field, "samples")
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert preferences.values.recent_commands == ("action_show_samples", "action_show_neighbors")
    assert set(FORMER_NAMES.values()) <= names_of(bare_window)


def test_every_command_says_what_it_means(bare_window: MainWindow) -> None:
    silent = [command.record.name for command in commands_of(bare_window) if len(command.record.tip.split()) < 3]
    assert silent == []


# -- matching ----------------------------------------------------------------------------------------------------------


@given(text=st.text(min_size=1, max_size=30), data=st.data())
def test_letters_that_are_there_in_order_are_found(text: str, data: st.DataObject) -> None:
    folded = "".join(text.casefold().split())
    picked = data.draw(st.lists(st.sampled_from(range(len(folded))), unique=True).map(sorted)) if folded else []
    assert score("".join(folded[place] for place in picked), text) is not None


@given(query=st.text(max_size=8), text=st.text(max_size=30))
def test_what_is_found_is_there_in_order(query: str, text: str) -> None:
    letters = "".join(query.casefold().split())
    pattern = ".*".join(re.escape(letter) for letter in letters)
    there = re.search(pattern, text.casefold(), re.DOTALL) is not None
    assert (score(query, text) is not None) == there


def test_words_come_before_beginnings_synonyms_descriptions_and_scattered_letters() -> None:
    entries = [
        Entry("Large idea for all"),
        Entry("Save", about="Writes a gif."),
        Entry("Export animation", ("gif", "save movie")),
        Entry("Gifs and videos"),
        Entry("Open gif"),
        Entry("Gif"),
    ]
    assert ranked("gif", entries) == [5, 4, 3, 2, 1]
    assert ranked("gif", entries[:1]) == [0]
    assert ranked("save mo", entries) == [2]
    assert ranked("exan", entries) == [2]
    assert ranked("", entries) == [0, 1, 2, 3, 4, 5]
    assert ranked("zz", entries) == ranked("+", entries) == []


def test_equal_matches_keep_their_order() -> None:
    entries = [Entry("Explain anything"), Entry("Stop exporting"), Entry("Export animation")]
    assert ranked("exp an", entries) == [0, 2]
    assert ranked("exp an", entries[::-1]) == [0, 2]


def test_a_title_comes_before_a_place() -> None:
    entries = [Entry("Row", about="Noise"), Entry("Noise", about="View")]
    assert ranked("noise", entries) == [1, 0]
    assert ranked("row noise", entries) == [0]
