"""Counts what a user does by hand: clicks, drags, shortcuts."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt
from PySide6.QtGui import QDropEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractSpinBox, QLineEdit, QPlainTextEdit, QWidget

from explorer.errors import EngineError

_KEYS = {QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress, QEvent.Type.KeyRelease}
_MODIFIERS = {Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_AltGr, Qt.Key.Key_Meta}
_COMMANDS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
_TYPING = {Qt.Key.Key_Backspace, Qt.Key.Key_Return, Qt.Key.Key_Enter}


class ClickCounter(QObject):
    """Counts presses of mouse buttons and keys in the whole program, and drops from others.

    A press, a drag and a double-click count one each, and so does every key, alone or with modifiers. Only text and
    Return in a text field, and the wheel, are free.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self._pressed_at = -1
        self._down = False
        self._held: int | None = None

    def begin(self) -> None:
        self.count = 0
        self._application().installEventFilter(self)

    def end(self) -> None:
        self._application().removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Count events of widgets; one that a widget ignores comes again for its parent."""
        if isinstance(watched, QWidget):
            if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonPress:
                self.count += event.timestamp() != self._pressed_at
                self._pressed_at, self._held, self._down = event.timestamp(), None, True
            elif event.type() == QEvent.Type.MouseButtonRelease:
                self._down = False
            elif isinstance(event, QKeyEvent) and event.type() in _KEYS:
                self._on_key(watched, event)
            elif isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop:
                self.count += not self._down  # else the press was counted
        return False

    def _on_key(self, watched: QWidget, event: QKeyEvent) -> None:
        """Count a key at the first of its events: that of a shortcut brings no `KeyPress`."""
        key = Qt.Key(event.key())
        if event.type() == QEvent.Type.KeyRelease:
            self._held = None if key == self._held else self._held
        elif key not in _MODIFIERS and key != self._held:
            self._held = key
            self.count += not _is_typing(watched, event)

    def _application(self) -> QCoreApplication:
        application = QCoreApplication.instance()
        if application is None:
            raise EngineError("There is no Qt application.")
        return application


def _is_typing(watched: QWidget, event: QKeyEvent) -> bool:
    field = isinstance(watched, QLineEdit | QAbstractSpinBox | QPlainTextEdit)
    text = event.text().isprintable() and bool(event.text())
    return field and not event.modifiers() & _COMMANDS and (text or Qt.Key(event.key()) in _TYPING)
