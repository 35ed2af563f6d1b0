"""Names shown as text: Qt takes what looks like HTML for HTML, and opens the files and servers that it names.

Every label, tooltip and message box of the window is made here or passes through here, since any of them may show the
name of a file, a label, an attribute, a model or a session.
"""

from __future__ import annotations

from PySide6.QtGui import QAction, Qt
from PySide6.QtWidgets import QLabel, QMessageBox, QWidget


class PlainLabel(QLabel):
    """A label that shows its text character by character."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # Before the text: with the default format, setting it is enough to read what it names.
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)


def plain_message_box(parent: QWidget) -> QMessageBox:
    """Return a message box whose text and further text are shown character by character."""
    box = QMessageBox(parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    return box


def plain_tooltip(text: str) -> str:
    """Return a tooltip that shows `text` character by character: escaped where Qt would take it for HTML."""
    if not Qt.mightBeRichText(text):
        return text
    return Qt.convertFromPlainText(text, Qt.WhiteSpaceMode.WhiteSpaceNormal)


def plain_menu_text(text: str) -> str:
    """Return the text of a menu entry or button that shows `text`: no letter is a mnemonic, no part a shortcut."""
    return " ".join(text.splitlines()).replace("\t", " ").replace("&", "&&")


def name_action(action: QAction, text: str) -> None:
    """Show a name in a menu; Qt would make the tooltip of the same text, as HTML where it looks like it."""
    action.setText(plain_menu_text(text))
    action.setToolTip(plain_tooltip(text))


def plain_window_title(text: str) -> str:
    """Return a window title that shows `text`; a single ``[*]`` would be the mark of a changed document."""
    return text.replace("[*]", "[*][*]")
