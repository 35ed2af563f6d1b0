"""The context menu of a list without images; by right click or Shift+F10."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QAbstractItemView, QPushButton

from explorer.ui.actions import Action, ActionMenu, When
from explorer.ui.image_menu import opens_menu


class ListMenu(QObject):
    """Gives a list a context menu: `actions` returns those of the current item, to which a right click moves.

    `name` is the object name of the menu.
    """

    def __init__(self, view: QAbstractItemView, name: str, actions: Callable[[], Iterable[Action | None]]) -> None:
        super().__init__(view)
        self._view = view
        self._name = name
        self._actions = actions
        view.installEventFilter(self)
        view.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QContextMenuEvent):
            by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
            return self._open(event.pos() if by_mouse else None)
        return watched is self._view and event.type() == QEvent.Type.KeyPress and opens_menu(event) and self._open(None)

    def _open(self, where: QPoint | None) -> bool:
        """Open the menu at a position of the viewport, None for the current item; return whether there is an item."""
        index = self._view.currentIndex() if where is None else self._view.indexAt(where)
        if not index.isValid():
            return False
        for old in self._view.findChildren(ActionMenu, self._name, Qt.FindChildOption.FindDirectChildrenOnly):
            old.deleteLater()
        menu = ActionMenu(self._name, self._view, records=self._actions())
        middle = self._view.visualRect(index).center()
        menu.popup(self._view.viewport().mapToGlobal(middle if where is None else where))
        return True


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
