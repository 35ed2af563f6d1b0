"""All commands of the window, collected from its menus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from explorer.ui.plain_text import plain_tooltip


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes
    ----------
    name
        Stable identifier: the action's object name.
    title
        As in its menu.
    where
        The path of menus to it.
    keys
        Its shortcut as text; empty without one.
    tip
        One sentence about it.
    enabled
        Whether it is available now.
    run
        Executes it.
    """

    name: str
    title: str
    where: str
    keys: str
    tip: str
    enabled: bool
    run: Callable[[], object]


def commands_of(window: QMainWindow) -> list[Command]:
    """Return all commands of a window in menu order."""
    return [_of_action(action, where) for where, action in menu_actions(window)]


def menu_actions(window: QMainWindow) -> Iterator[tuple[str, QAction]]:
    """Yield each action of the menu bar with its path of menus."""
    for action in window.menuBar().actions():
        menu = action.menu()
        if isinstance(menu, QMenu):
            yield from _actions_in(menu, plain_title(menu.title()))


def _actions_in(menu: QMenu, where: str) -> Iterator[tuple[str, QAction]]:
    for action in menu.actions():
        inner = action.menu()
        if isinstance(inner, QMenu):
            yield from _actions_in(inner, f"{where} › {plain_title(inner.title() or action.text())}")
        elif not action.isSeparator():
            yield where, action


def plain_title(text: str) -> str:
    """Return a title without the mnemonic mark."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")


def _of_action(action: QAction, where: str) -> Command:
    keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    title, tip = plain_title(action.text()), action.statusTip() or action.toolTip()
    # Without a tooltip, Qt uses the title.
    tip = "" if tip in {title.rstrip(" …"), plain_tooltip(title)} else tip
    return Command(action.objectName(), title, where, keys, tip, action.isEnabled(), action.trigger)
