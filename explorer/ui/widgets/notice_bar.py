"""The notice bar: a sentence, and up to three buttons that do something about it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from explorer.ui.plain_text import plain_menu_text
from explorer.ui.widgets.fields import button, label, name_widget
from explorer.ui.widgets.layouts import hbox


class Choice(NamedTuple):
    """A button of a notice."""

    text: str
    tip: str
    run: Callable[[], object]


class NoticeBar(QFrame):
    """A bar that does not interrupt: it stays until a button is pressed, it is closed, or the next notice comes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        name_widget(self, "notice_bar", self.tr("Notice"))
        self.buttons: list[QPushButton] = []
        self._text = label("notice_text", look="plain")
        self._row = hbox(spacing=6)
        self.dismiss = button("notice_close", self.tr("Close"), self.tr("Close this notice (Esc)"))
        self.setLayout(hbox((self._text, 1), self._row, self.dismiss, spacing=6, margins=(12, 6, 8, 6)))
        self.dismiss.clicked.connect(self.hide)
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text()

    def show_notice(self, text: str, *choices: Choice) -> None:
        """Show a sentence and at most three choices; the first is the main one."""
        self._text.setText(text)
        self.setAccessibleDescription(text)
        for old in self.buttons:
            old.setObjectName("")
            old.hide()
            old.deleteLater()
        self.buttons = []
        for number, choice in enumerate(choices):
            made = button(f"notice_choice_{number}", plain_menu_text(choice.text), choice.tip, primary=number == 0)
            made.clicked.connect(partial(self._run, choice))
            self._row.addWidget(made)
            self.buttons.append(made)
        self.show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def _run(self, choice: Choice, checked: bool = False) -> None:
        """Hide first: what the button does may show the next notice."""
        self.hide()
        choice.run()
