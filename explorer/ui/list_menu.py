"""The context menu of a list without images."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QAbstractItemView, QPushButton

from explorer.ui.actions import Action, When
from explorer.ui.context_menu import ContextMenu


class ListMenu(ContextMenu):
    """Gives a list a context menu: `actions` returns those of the current item, to which a right click moves; or none.

    `name` is the object name of the menu.
    """

    def __init__(self, view: QAbstractItemView, name: str, actions: Callable[[], Iterable[Action | None]]) -> None:
        super().__init__(view, name)
        self._view = view
        self._actions = actions

    def records(self, where: QPoint | None) -> Iterable[Action | None] | None:
        index = self._view.currentIndex() if where is None else self._view.indexAt(where)
        return list(self._actions()) or None if index.isValid() else None


def pressed(button: QPushButton) -> Action:
    """Return the action of pressing a button."""
    return Action(
        f"menu_{button.objectName()}",
        button.text(),
        button.click,
        tip=button.toolTip(),
        synonyms=str(button.property("synonyms")),
        enabled=When(button.isEnabled),
    )
