"""A segmented control: a row of buttons, one of which is checked."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QPushButton, QSizePolicy, QWidget

from explorer.ui.widgets.fields import button
from explorer.ui.widgets.layouts import hbox


class SegmentedControl(QWidget):
    """A segmented control; Tab moves to the checked button, arrow keys change it.

    `parts` are object name, text, tooltip and, in a panel, synonyms of each button. `chosen(int)`: the user checked
    another button: its number.
    """

    chosen = Signal(int)

    def __init__(self, *parts: tuple[str, str, str] | tuple[str, str, str, str]) -> None:
        super().__init__()
        self._group = QButtonGroup(self)
        for number, (name, text, *words) in enumerate(parts):
            made = button(name, text, *words)
            made.setCheckable(True)
            made.setAutoDefault(False)
            made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            made.setProperty("segment", _place(number, len(parts)))
            self._group.addButton(made, number)
        self.setLayout(hbox(*self._group.buttons(), spacing=0, margins=0))
        self._group.button(0).setChecked(True)
        self._group.idClicked.connect(self.chosen)

    @property
    def current(self) -> int:
        return self._group.checkedId()

    def choose(self, number: int) -> None:
        """Check a button without emitting `chosen`."""
        self._group.button(number).setChecked(True)

    def part(self, number: int) -> QPushButton:
        found = self._group.button(number)
        assert isinstance(found, QPushButton)
        return found


def _place(number: int, count: int) -> str:
    if number == 0:
        return "first"
    return "last" if number == count - 1 else "middle"
