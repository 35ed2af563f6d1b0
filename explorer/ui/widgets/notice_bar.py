"""The notice bar: a sentence, and up to three buttons that do something about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QWidget

from explorer.ui.plain_text import plain_menu_text, plain_tooltip
from explorer.ui.widgets.fields import button, label, name_widget
from explorer.ui.widgets.layouts import hbox


class Choice(NamedTuple):
    """A button of a notice."""

    text: str
    tip: str
    run: Callable[[], object]


MOST = 3
"""Buttons of a notice; the first is the main one."""


class NoticeBar(QFrame):
    """A bar that does not interrupt: it stays until a button is pressed, it is closed, or the next notice comes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        name_widget(self, "notice_bar", self.tr("Notice"))
        self._choices: tuple[Choice, ...] = ()
        self._text = label("notice_text", look="plain")
        self.buttons = [button(f"notice_choice_{number}", "", "", primary=number == 0) for number in range(MOST)]
        self.dismiss = button("notice_close", self.tr("Close"), self.tr("Close this notice (Esc)"))
        self.setLayout(hbox((self._text, 1), *self.buttons, self.dismiss, spacing=6, margins=(12, 6, 8, 6)))
        for number, made in enumerate(self.buttons):
            made.clicked.connect(lambda checked=False, number=number: self._run(number))
        self.dismiss.clicked.connect(self.hide)
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text()

    def show_notice(self, text: str, *choices: Choice) -> None:
        self._choices = choices
        self._text.setText(text)
        self.setAccessibleDescription(text)
        for number, made in enumerate(self.buttons):
            made.setVisible(number < len(choices))
            if number < len(choices):
                made.setText(plain_menu_text(choices[number].text))
                made.setToolTip(plain_tooltip(choices[number].tip))
        self.show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def _run(self, number: int) -> None:
        """Hide first: what the button does may show the next notice."""
        choice = self._choices[number]
        self.hide()
        choice.run()
