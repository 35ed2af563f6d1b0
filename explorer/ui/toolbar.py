"""The toolbars: workspaces, model and dataset at the top, commands below, and the icon rail at the left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QMainWindow, QMenu, QSizePolicy, QToolBar, QToolButton, QWidget

from explorer.ui.actions import WindowAction
from explorer.ui.icons import icon
from explorer.ui.plain_text import plain_menu_text, plain_tooltip
from explorer.ui.widgets.fields import name_widget

_ICON = QSize(18, 18)
_LONGEST = 24
"""Characters of a model's or dataset's name in its button."""


def tool_bar(window: QMainWindow, name: str, title: str, area: Qt.ToolBarArea) -> QToolBar:
    """Add a toolbar that cannot be moved."""
    bar = QToolBar(title, window)
    name_widget(bar, name, title)
    bar.setMovable(False)
    bar.setIconSize(_ICON)
    bar.toggleViewAction().setObjectName(f"toggle_{name}")
    window.addToolBar(area, bar)
    return bar


def add_actions(bar: QToolBar, actions: Iterable[WindowAction | None], *, text: bool = False) -> None:
    """Add a button for each action, with its icon and if asked for its text; None is a separator."""
    for action in actions:
        if action is None:
            bar.addSeparator()
            continue
        button = QToolButton(bar)
        button.setDefaultAction(action)
        finish(button, f"tool_{action.record.name.removeprefix('action_')}", text=text)
        keys = action.shortcut().toString()
        tip = f"{action.title} ({keys})" if keys else action.title
        button.setAccessibleName(action.title)
        button.setToolTip(plain_tooltip(f"{tip}\n{action.record.tip}"))
        # Qt writes the action's tooltip and text again whenever the action changes.
        action.changed.connect(lambda button=button, action=action, tip=tip: _follow(button, action, tip))
        bar.addWidget(button)


def _follow(button: QToolButton, action: WindowAction, tip: str) -> None:
    button.setToolTip(plain_tooltip(f"{tip}\n{action.record.tip}"))


def finish(button: QToolButton, name: str, *, text: bool) -> None:
    button.setObjectName(name)
    button.setAutoRaise(True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setIconSize(_ICON)
    style = Qt.ToolButtonStyle
    button.setToolButtonStyle(style.ToolButtonTextBesideIcon if text else style.ToolButtonIconOnly)


def beside_icon(text: str) -> str:
    """Return the text of a button with an icon before it: Qt leaves too small a gap."""
    return f" {plain_menu_text(text)}"


def spacer() -> QWidget:
    """Return empty space that takes what the other parts of a toolbar leave."""
    made = QWidget()
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return made


class Picker(QToolButton):
    """Shows what is open, with a menu of what could be; the menu is filled when it opens."""

    def __init__(self, name: str, title: str, tip: str, icon_name: str, fill: Callable[[QMenu], object]) -> None:
        super().__init__()
        self._title = title
        finish(self, name, text=True)
        self.setIcon(icon(icon_name))
        self.setToolTip(plain_tooltip(tip))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        menu.setObjectName(f"{name}_menu")
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(menu.clear)
        menu.aboutToShow.connect(lambda: fill(menu))
        self.setMenu(menu)
        self.show_name("")

    def show_name(self, name: str) -> None:
        """Show the name of what is open; empty for nothing."""
        text = name or self._title
        short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
        self.setText(beside_icon(short))
        self.setAccessibleName(f"{self._title}: {name}" if name else self._title)


def named_actions(actions: Sequence[WindowAction], names: Iterable[str | None]) -> list[WindowAction | None]:
    """Return the actions of these names; None stays. KeyError if there is no such action."""
    by_name = {action.record.name: action for action in actions}
    return [None if name is None else by_name[name] for name in names]
