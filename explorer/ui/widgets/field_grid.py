"""Form layout with aligned columns of labels and fields."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QSizePolicy, QWidget

from explorer.ui.plain_text import PlainLabel

_NARROWEST = 60
_ARROW = 38
"""Pixels that a combo box needs beside its text."""

_TOP = 5


class FieldGrid(QGridLayout):
    """One wide field per row, or two narrow ones, each after its label."""

    def __init__(self) -> None:
        super().__init__()
        self.setContentsMargins(0, 0, 0, 0)
        self.setVerticalSpacing(5)
        self.setHorizontalSpacing(8)
        self.setColumnMinimumWidth(0, 68)
        self.setColumnMinimumWidth(2, 56)
        self.setColumnStretch(1, 1)
        self.setColumnStretch(3, 1)

    def wide(self, title: str, field: QWidget, *, tall: bool = False) -> None:
        """Add a row of one field; the label of a `tall` one is aligned to its top."""
        row = self.rowCount()
        label = self._label(title, field, row, 0)
        if tall:
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            label.setContentsMargins(0, _TOP, 0, 0)
        self.addWidget(field, row, 1, 1, 3)

    def pair(self, first: tuple[str, QWidget], second: tuple[str, QWidget]) -> None:
        """Add a row of two fields; a field with an empty title also fills the column of its label."""
        row = self.rowCount()
        for column, (title, field) in ((0, first), (2, second)):
            # Both columns get the same width, whatever the texts of the fields.
            field.setMinimumWidth(_widest(field) if isinstance(field, QComboBox) else _NARROWEST)
            field.setSizePolicy(QSizePolicy.Policy.Ignored, field.sizePolicy().verticalPolicy())
            if title:
                self._label(title, field, row, column)
                self.addWidget(field, row, column + 1)
            else:
                self.addWidget(field, row, column, 1, 2)

    def bare(self, field: QWidget) -> None:
        """Add a row of one field without a label."""
        self.addWidget(field, self.rowCount(), 1, 1, 3)

    def set_row_visible(self, field: QWidget, *, visible: bool) -> None:
        """Show or hide a field with its label."""
        field.setVisible(visible)
        items = (self.itemAt(place) for place in range(self.count()))
        for label in (item.widget() for item in items if item is not None):
            if isinstance(label, QLabel) and label.buddy() is field:
                label.setVisible(visible)

    def _label(self, title: str, field: QWidget, row: int, column: int) -> QLabel:
        label = PlainLabel(title)
        label.setBuddy(field)
        self.addWidget(label, row, column)
        return label


def _widest(box: QComboBox) -> int:
    """Return the width that shows the longest of the items that the box has."""
    longest = max((box.fontMetrics().horizontalAdvance(box.itemText(row)) for row in range(box.count())), default=0)
    return max(_NARROWEST, longest + _ARROW)
