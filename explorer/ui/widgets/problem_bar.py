"""The error bar: the message, and details to copy."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication, QFrame, QWidget

from explorer.messages import Message, message_text
from explorer.ui.text import sentence
from explorer.ui.widgets.fields import button, label, name_widget
from explorer.ui.widgets.layouts import hbox


class ProblemBar(QFrame):
    """A bar that shows the last error until it is dismissed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        name_widget(self, "problem_bar", self.tr("Error"))
        self._details = ""
        self._text = label("problem_text", look="plain", selectable=True)
        copy = button("problem_copy", self.tr("Copy details"), self.tr("Copy the message with technical details"))
        dismiss = button("problem_dismiss", self.tr("Dismiss"), self.tr("Dismiss the message"))
        self.setLayout(hbox((self._text, 1), copy, dismiss, margins=(12, 6, 8, 6)))
        copy.clicked.connect(self._copy)
        dismiss.clicked.connect(self.hide)
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text()

    def show_problem(self, message: Message, details: str) -> None:
        """Show an error; `details` are for the clipboard."""
        self._text.setText(sentence(message))
        self._details = details
        self.setAccessibleDescription(message_text(message))
        self.show()

    def _copy(self) -> None:
        QApplication.clipboard().setText(f"{self._text.text()}\n\n{self._details}".strip())
