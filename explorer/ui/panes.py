"""F6 and Shift+F6: the keyboard goes from one part of the window to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDockWidget, QWidget

Pane = Callable[[], QWidget]


def step_pane(panes: Sequence[Pane], by: int) -> QWidget | None:
    """Give the keyboard to the pane so many places on from the one that has it, around the end.

    Panes that are hidden are passed over. Returns the widget that got the keyboard, or None where none can have it.
    """
    shown = [pane() for pane in panes]
    shown = [pane for pane in shown if pane.isVisible()]
    focus = QApplication.focusWidget()
    here = next((place for place, pane in enumerate(shown) if _holds(pane, focus)), -1 if by > 0 else 0)
    for step in range(1, len(shown) + 1):
        found = _first_control(shown[(here + by * step) % len(shown)])
        if found is not None:
            found.setFocus(Qt.FocusReason.TabFocusReason)
            return found
    return None


def _holds(pane: QWidget, focus: QWidget | None) -> bool:
    return focus is not None and (focus is pane or pane.isAncestorOf(focus))


def _first_control(pane: QWidget) -> QWidget | None:
    """Return the first control in the pane that Tab reaches, in the order of Tab."""
    control: QWidget | None = pane
    while control is not None:
        takes = control.focusPolicy() & Qt.FocusPolicy.TabFocus
        if takes and control.isVisible() and control.isEnabled() and _holds(pane, control):
            return control
        control = control.nextInFocusChain()
        if control is pane:
            break
    return None


def show_or_hide(dock: QDockWidget) -> None:
    """Bring a dock into sight; hide it where it is there already. One behind another in tabs is not in sight."""
    if dock.isVisible() and not dock.visibleRegion().isEmpty():
        dock.hide()
    else:
        dock.show()
        dock.raise_()
