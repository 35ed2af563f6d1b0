"""An edit field for a value in σ, over a slider's number."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from explorer.ui.plain_text import plain_tooltip

LIMIT = 1000.0
"""Limit of typed values, in σ."""


def parse_sigma(text: str) -> float | None:
    """Parse a value such as ``-1.5``, ``+2,25`` or ``−3 σ``; None if it is not a number within `LIMIT`."""
    plain = text.replace("σ", "").replace("−", "-").replace(",", ".").strip()
    try:
        value = float(plain)
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= LIMIT else None


class ValueEditor(QLineEdit):
    """Enter or losing the focus applies the value; Esc cancels.

    `entered(float)`: the value, in σ. `left()`: a key closed the field; the focus can move on.
    """

    entered = Signal(float)
    left = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._open = False
        tip = self.tr("Value in σ (Enter to apply, Esc to cancel)")
        self.setToolTip(plain_tooltip(tip))
        self.setAccessibleName(tip)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.textEdited.connect(lambda text: self._mark(wrong=False))
        self.hide()

    def begin(self, value: float, typed: str) -> None:
        """Open with a value to replace, or with what was typed so far."""
        self.setText(typed or f"{value:.3f}".replace("-", "−"))
        self._mark(wrong=False)
        self._open = True
        self.show()
        self.setFocus()
        if not typed:
            self.selectAll()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key == Qt.Key.Key_Escape:
            self.close_quietly()
            self.left.emit()
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            if self._take():
                self.left.emit()
            else:
                self._mark(wrong=True)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self._open and event.reason() != Qt.FocusReason.PopupFocusReason and not self._take():
            self.close_quietly()

    def close_quietly(self) -> None:
        # Hiding removes the focus, which must not apply the value.
        self._open = False
        self.hide()

    def _take(self) -> bool:
        value = parse_sigma(self.text())
        if value is None:
            return False
        self.close_quietly()
        self.entered.emit(value)
        return True

    def _mark(self, *, wrong: bool) -> None:
        self.setProperty("problem", wrong)
        self.style().unpolish(self)
        self.style().polish(self)
        self.setAccessibleDescription(self.tr("Not a number") if wrong else "")
