"""Everything that can be done in the window, as one list: its menus, and the buttons of its panels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu, QPushButton, QTabWidget, QWidget

_PLAIN = 3
"""Letters of a button's text from which it says something by itself."""


@dataclass(frozen=True)
class Command:
    """One thing to do.

    Attributes
    ----------
    name
        Stable, for what is remembered and for tests: an object name.
    title
        As it stands in its menu or on its button.
    where
        The menu or the panel.
    keys
        Its shortcut as it is written; empty where it has none.
    tip
        A sentence about it.
    enabled
        Whether it can be done now.
    run
        Does it.
    """

    name: str
    title: str
    where: str
    keys: str
    tip: str
    enabled: bool
    run: Callable[[], object]


def commands_of(window: QMainWindow) -> list[Command]:
    """Return all commands of a window: those of the menus first, in their order."""
    found = [_of_action(action, where) for where, action in menu_actions(window)]
    titles = {command.title for command in found}
    keys = {f"({command.keys})" for command in found if command.keys}
    for panel, where, show in _panels(window):
        buttons = _buttons(panel)
        texts = [plain_title(one.text()) for one in buttons]
        for one, text in zip(buttons, texts, strict=True):
            # A button of a command that a menu has, too, bears its title, or names its keys.
            if text not in titles and not any(one.toolTip().endswith(same) for same in keys):
                found.append(_of_button(one, where, show, plain=len(text) >= _PLAIN and texts.count(text) == 1))
    return found


def menu_actions(window: QMainWindow) -> Iterator[tuple[str, QAction]]:
    """Yield each action of the menu bar with the titles of its menus."""
    for action in window.menuBar().actions():
        menu = action.menu()
        if isinstance(menu, QMenu):
            yield from _actions_in(menu, plain_title(menu.title()))


def _actions_in(menu: QMenu, where: str) -> Iterator[tuple[str, QAction]]:
    for action in menu.actions():
        inner = action.menu()
        if isinstance(inner, QMenu):
            yield from _actions_in(inner, f"{where} › {plain_title(inner.title())}")
        elif not action.isSeparator():
            yield where, action


def plain_title(text: str) -> str:
    """Return a title without the mark of its letter."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")


def _of_action(action: QAction, where: str) -> Command:
    keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    title, tip = plain_title(action.text()), action.toolTip()
    # Qt makes a tooltip of the title where there is none.
    tip = "" if tip == title.rstrip(" …") else tip
    return Command(action.objectName(), title, where, keys, tip, action.isEnabled(), action.trigger)


def _of_button(button: QPushButton, where: str, show: Callable[[], None], *, plain: bool) -> Command:
    """Return a button's command; one whose text says nothing outside its panel is told by its tooltip, too."""

    def run() -> None:
        show()
        button.setFocus()
        button.click()

    text, tip = plain_title(button.text()), button.toolTip()
    title = text if plain else f"{text}  {tip.partition('.')[0].partition(':')[0]}"
    return Command(button.objectName(), title, where, "", button.toolTip(), button.isEnabled(), run)


def _buttons(panel: QWidget) -> list[QPushButton]:
    """Return the buttons that do something by themselves; one that is hidden belongs to another state of the panel."""
    found = panel.findChildren(QPushButton)
    return [button for button in found if button.text() and button.menu() is None and not button.isHidden()]


def _panels(window: QMainWindow) -> Iterator[tuple[QWidget, str, Callable[[], None]]]:
    """Yield each panel with its title, and with what brings it into sight."""
    for dock in window.findChildren(QDockWidget):
        panel = dock.widget()
        if panel is not None:
            yield panel, dock.windowTitle(), _shows_dock(dock)
    tabs = window.findChild(QTabWidget, "tabs")
    if tabs is not None:
        for number in range(tabs.count()):
            page = tabs.widget(number)
            if page is not None:
                yield page, tabs.tabText(number), _shows_tab(tabs, number)


def _shows_dock(dock: QDockWidget) -> Callable[[], None]:
    def show() -> None:
        dock.show()
        dock.raise_()

    return show


def _shows_tab(tabs: QTabWidget, number: int) -> Callable[[], None]:
    return lambda: tabs.setCurrentIndex(number)
