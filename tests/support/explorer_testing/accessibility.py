"""Walks what a screen reader sees of a window."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QScrollBar, QTabBar, QWidget

_ROLE = QAccessible.Role
CONTROL_ROLES = {
    _ROLE.PushButton,
    _ROLE.ButtonMenu,
    _ROLE.ButtonDropDown,
    _ROLE.CheckBox,
    _ROLE.RadioButton,
    _ROLE.ComboBox,
    _ROLE.EditableText,
    _ROLE.SpinBox,
    _ROLE.Slider,
    _ROLE.Dial,
    _ROLE.List,
    _ROLE.ListItem,
    _ROLE.Tree,
    _ROLE.TreeItem,
    _ROLE.Table,
    _ROLE.Cell,
    _ROLE.PageTab,
    _ROLE.PageTabList,
    _ROLE.MenuItem,
    _ROLE.MenuBar,
    _ROLE.ProgressBar,
    _ROLE.Graphic,
    _ROLE.Chart,
    _ROLE.Canvas,
    _ROLE.Link,
}
"""What a person works with; panes and layouts need no name."""

_ENOUGH = 25
"""Lines of a list that are looked at: they are all made alike."""

QT_S_OWN = ("qt_", "_q_", "ScrollLeftButton", "ScrollRightButton")


def walk(root: QWidget) -> Iterator[QAccessibleInterface]:
    """Yield the window and everything below it, hidden parts too."""
    top = QAccessible.queryAccessibleInterface(root)
    assert top is not None
    yield from _below(top)


def _below(node: QAccessibleInterface) -> Iterator[QAccessibleInterface]:
    yield node
    rows = node.role() in {_ROLE.List, _ROLE.Tree, _ROLE.Table}
    for number in range(min(node.childCount(), _ENOUGH) if rows else node.childCount()):
        # None for a part that is gone, which Qt's types do not say.
        child: object = node.child(number)
        if isinstance(child, QAccessibleInterface) and child.isValid():
            yield from _below(child)


def nameless(root: QWidget) -> list[str]:
    """Return the controls below a widget that have no name, by their role and object name."""
    faults = []
    for node in walk(root):
        # Words that can be marked take the keyboard; where there are none just now, they have nothing to say.
        if node.role() == _ROLE.StaticText:
            continue
        works = node.role() in CONTROL_ROLES or node.state().focusable
        if not works or node.text(QAccessible.Text.Name).strip():
            continue
        thing: object = node.object()
        # Qt keeps the tab bar of docks that are hidden, without its tabs.
        if isinstance(thing, QTabBar) and not thing.count():
            continue
        name = thing.objectName() if isinstance(thing, QObject) else ""
        if not _is_part(thing) and not name.startswith(QT_S_OWN):
            faults.append(f"{node.role().name} {name!r} in {node.parent().text(QAccessible.Text.Name)!r}")
    return faults


def _is_part(thing: object) -> bool:
    """Tell whether it is a part that Qt makes of a control which has a name: the field in a spin box, a scroll bar."""
    if isinstance(thing, QScrollBar):
        return True
    parent = thing.parentWidget() if isinstance(thing, QWidget) else None
    while parent is not None:
        if isinstance(parent, QAbstractSpinBox | QComboBox):
            return bool(parent.accessibleName())
        parent = parent.parentWidget()
    return False
