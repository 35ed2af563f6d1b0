"""The Panels menu: every button of every panel with a keyboard shortcut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDockWidget, QMenu, QPushButton, QTabWidget, QWidget

from explorer.messages import message
from explorer.ui.commands import menu_actions, plain_title
from explorer.ui.plain_text import plain_menu_text

if TYPE_CHECKING:
    from explorer.ui.main_window import MainWindow

PREFIX = "Ctrl+G"
"""Prefix of the shortcuts; a letter for the panel and one for the command follow."""

_PLACES = "1234567890QWERTYUIOPASDFGHJKLZXCVBNM"
_PLAIN = 3
"""Minimum length of a button text that is clear without its tooltip."""


class PanelMenu(QObject):
    """Fills a menu with a submenu for each panel.

    Parameters
    ----------
    window
        Whose panels.
    menu
        The menu to fill.
    """

    def __init__(self, window: MainWindow, menu: QMenu) -> None:
        super().__init__(window)
        self._window = window
        self._pairs: list[tuple[QAction, QPushButton]] = []
        known = [action for _, action in menu_actions(window)]
        self._titles = {plain_title(action.text()) for action in known}
        native = QKeySequence.SequenceFormat.NativeText
        self._keys = {f"({keys})" for action in known if (keys := action.shortcut().toString(native))}
        letters: set[str] = set()
        for panel, title, show in _panels(window):
            letter = next(one for one in f"{title.upper()}{_PLACES}" if one.isalnum() and one not in letters)
            letters.add(letter)
            self._add_panel(menu, panel, title, show, f"{PREFIX}, {letter}")
        menu.aboutToShow.connect(self.sync)
        menu.aboutToHide.connect(self.let_all)

    def sync(self) -> None:
        """Disable the commands that are not available now."""
        for action, button in self._pairs:
            action.setEnabled(button.isEnabled() and not button.isHidden())

    def let_all(self) -> None:
        """Enable all shortcuts: an unavailable command then says so."""
        for action, _ in self._pairs:
            action.setEnabled(True)

    def _add_panel(self, menu: QMenu, panel: QWidget, title: str, show: Callable[[], None], prefix: str) -> None:
        buttons = [button for button in panel.findChildren(QPushButton) if button.text() and not self._known(button)]
        texts = [plain_title(button.text()) for button in buttons]
        places = iter(_PLACES)
        submenu = QMenu(plain_menu_text(title), menu)
        submenu.setObjectName(f"menu_{panel.objectName()}")
        for button, label in zip(buttons, texts, strict=True):
            inner: object = button.menu()
            if isinstance(inner, QMenu):
                self._add_inner(submenu, inner, label, prefix, places)
                continue
            # A text that is unclear outside its panel is followed by the start of its tooltip.
            plain = len(label) >= _PLAIN and texts.count(label) == 1
            text = label if plain else f"{label}  {button.toolTip().partition('.')[0].partition(':')[0]}"
            action = submenu.addAction(plain_menu_text(text))
            action.setObjectName(f"action_{button.objectName()}")
            action.setToolTip(button.toolTip())
            action.setShortcut(QKeySequence(f"{prefix}, {next(places)}"))
            action.triggered.connect(self._runs(button, show, text))
            self._pairs.append((action, button))
        if submenu.isEmpty():
            submenu.deleteLater()
        else:
            menu.addMenu(submenu)

    def _add_inner(self, submenu: QMenu, inner: QMenu, title: str, prefix: str, places: Iterator[str]) -> None:
        """Add the menu of a button to that of its panel."""
        submenu.addMenu(inner).setText(plain_menu_text(title))
        for action in inner.actions():
            if not action.isSeparator() and action.menu() is None and action.shortcut().isEmpty():
                action.setShortcut(QKeySequence(f"{prefix}, {next(places)}"))

    def _known(self, button: QPushButton) -> bool:
        """Return whether another menu has the command: with the same title, or its shortcut in the tooltip."""
        tip = button.toolTip()
        return plain_title(button.text()) in self._titles or any(tip.endswith(keys) for keys in self._keys)

    def _runs(self, button: QPushButton, show: Callable[[], None], title: str) -> Callable[[], None]:
        def run() -> None:
            show()
            if button.isEnabled() and button.isVisible():
                button.setFocus()
                button.click()
            else:
                self._window.document.announced.emit(message("Unavailable: {command}", command=title))

        return run


def _panels(window: MainWindow) -> Iterator[tuple[QWidget, str, Callable[[], None]]]:
    """Yield each panel with its title and a function that shows it."""
    for dock in window.findChildren(QDockWidget):
        panel = dock.widget()
        if panel is not None:
            yield panel, dock.windowTitle(), _shows_dock(dock)
    for number in range(window.tabs.count()):
        page = window.tabs.widget(number)
        if page is not None:
            yield page, window.tabs.tabText(number), _shows_tab(window.tabs, number)


def _shows_dock(dock: QDockWidget) -> Callable[[], None]:
    def show() -> None:
        dock.show()
        dock.raise_()

    return show


def _shows_tab(tabs: QTabWidget, number: int) -> Callable[[], None]:
    return lambda: tabs.setCurrentIndex(number)
