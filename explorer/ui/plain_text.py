"""Plain text for names: Qt renders what looks like HTML, and opens the files and servers that it refers to.

All labels, tooltips and message boxes must pass through here, since any of them may show the name of a file, label,
attribute, model or session.
"""

from __future__ import annotations

from PySide6.QtGui import QAction, Qt
from PySide6.QtWidgets import QLabel, QMessageBox, QWidget


class PlainLabel(QLabel):
    """A label that shows its text verbatim."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # Set before the text: with the default format, setting a text loads what it refers to.
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)


def plain_message_box(parent: QWidget) -> QMessageBox:
    box = QMessageBox(parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    return box


def plain_tooltip(text: str) -> str:
    """Return a tooltip that shows `text` verbatim: escaped where Qt would take it for HTML."""
    if not Qt.mightBeRichText(text):
        return text
    return Qt.convertFromPlainText(text, Qt.WhiteSpaceMode.WhiteSpaceNormal)


def plain_menu_text(text: str) -> str:
    """Return the text of a menu entry or button that shows `text` verbatim, without mnemonic or shortcut."""
    return " ".join(text.splitlines()).replace("\t", " ").replace("&", "&&")


def name_action(action: QAction, text: str) -> None:
    """Show a name in a menu; its default tooltip would be rendered as HTML."""
    action.setText(plain_menu_text(text))
    action.setToolTip(plain_tooltip(text))


def plain_window_title(text: str) -> str:
    """Return a window title that shows `text` verbatim; a single ``[*]`` would mark a modified document."""
    return text.replace("[*]", "[*][*]")
