"""The context menu of an image or a list: what a person does with it."""

from __future__ import annotations

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from explorer.ui.actions import ActionMenu


def opened(widget: QWidget, name: str = "image_menu") -> ActionMenu:
    """Return the menu that is open over a widget."""
    menu = widget.findChildren(ActionMenu, name)[-1]
    assert menu.isVisible()
    return menu


def pick(menu: ActionMenu, name: str) -> None:
    """Choose an action by its object name."""
    action = menu.findChild(QAction, name)
    assert action is not None
    assert action.isEnabled()
    action.trigger()
    menu.close()
