"""Keyboard focus: F6 and Shift+F6 move between panels."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget


def step_pane(panes: Sequence[QWidget], by: int) -> QWidget | None:
    """Move the focus `by` panels forward, wrapping around and skipping hidden ones.

    Returns the widget that got the focus, or None if none can have it.
    """
    shown = [pane for pane in panes if pane.isVisible() and not pane.visibleRegion().isEmpty()]
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
    control: QWidget | None = pane
    while control is not None:
        takes = control.focusPolicy() & Qt.FocusPolicy.TabFocus
        if takes and control.isVisible() and control.isEnabled() and _holds(pane, control):
            return control
        control = control.nextInFocusChain()
        if control is pane:
            break
    return None
