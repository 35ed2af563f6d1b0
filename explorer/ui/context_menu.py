"""When and where a context menu opens: by right click, Shift+F10 or the Menu key."""

from __future__ import annotations

import abc
from collections.abc import Iterable

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QAbstractScrollArea, QWidget

from explorer.ui.actions import Action, ActionMenu


class ContextMenu(QObject):
    """Gives a widget a context menu; `name` is the object name of the menu.

    Positions are in the widget, or in the viewport of a scroll area; None is what the keyboard is on.
    """

    def __init__(self, widget: QWidget, name: str) -> None:
        super().__init__(widget)
        self._widget = widget
        self._name = name
        self._area = widget.viewport() if isinstance(widget, QAbstractScrollArea) else widget
        if widget.focusPolicy() == Qt.FocusPolicy.NoFocus:
            widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # for the menu by keyboard
        for watched in {widget, self._area}:
            watched.installEventFilter(self)

    @abc.abstractmethod
    def records(self, where: QPoint | None) -> Iterable[Action | None] | None:
        """Return the actions for a position; None where there is no menu."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QContextMenuEvent):
            by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
            return self.open(event.pos() if by_mouse else None)
        # Not every platform turns these keys into an event of their own.
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and watched is self._widget:
            return _opens_menu(event) and self.open(None)
        return False

    def open(self, where: QPoint | None) -> bool:
        """Open the menu for a position; return whether there is one."""
        records = self.records(where)
        if records is None:
            return False
        for old in self.opened():
            old.deleteLater()
        menu = ActionMenu(self._name, self._area, records=records)
        menu.popup(self._area.mapToGlobal(self.place_by_keys() if where is None else where))
        return True

    def opened(self) -> list[ActionMenu]:
        """Return the menus that were opened here; all but the last one are about to be deleted."""
        return self._area.findChildren(ActionMenu, self._name, Qt.FindChildOption.FindDirectChildrenOnly)

    def place_by_keys(self) -> QPoint:
        """Return the middle of the current item, or of the widget."""
        if isinstance(self._widget, QAbstractItemView) and self._widget.currentIndex().isValid():
            return self._widget.visualRect(self._widget.currentIndex()).center()
        return self._area.rect().center()


def _opens_menu(event: QKeyEvent) -> bool:
    shifted = event.modifiers() == Qt.KeyboardModifier.ShiftModifier and event.key() == Qt.Key.Key_F10
    return shifted or event.key() == Qt.Key.Key_Menu
