"""Showing a dialog that is made once and kept."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget


def show_in_front(dialog: QWidget) -> None:
    """Show a dialog above the other windows, with the focus."""
    dialog.show()
    dialog.raise_()
    dialog.activateWindow()
