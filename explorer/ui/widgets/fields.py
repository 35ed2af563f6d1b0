"""Factory functions of controls with object name, tooltip and accessible name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Literal, TypeAlias

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolButton,
    QTreeWidgetItem,
    QWidget,
)

from explorer.ui.plain_text import PlainLabel, plain_tooltip

_LONGEST = 15
"""Characters that fit in a combo box."""
_SPIN_PADDING = 5


def name_widget(widget: QWidget, name: str, title: str, tip: str = "") -> None:
    widget.setObjectName(name)
    widget.setAccessibleName(title)
    widget.setToolTip(plain_tooltip(tip))


def name_control(control: QWidget, name: str, tip: str) -> None:
    """Set object name and tooltip of a control without text; the tooltip is also its accessible name."""
    name_widget(control, name, tip, tip)


Look: TypeAlias = Literal["plain", "muted", "heading", "notice", "title"]
"""How the style sheet shows a text: the property that its rules select."""


def label(
    name: str,
    text: str = "",
    *,
    look: Look = "muted",
    wrap: bool = True,
    narrow: bool = False,
    selectable: bool = False,
) -> PlainLabel:
    """Return a text; a `narrow` one does not widen its layout, a `selectable` one can be copied with the mouse."""
    made = PlainLabel(text)
    made.setObjectName(name)
    made.setProperty(look, True)
    made.setWordWrap(wrap)
    if narrow:
        made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    if selectable:
        made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


def button(name: str, text: str, tip: str, synonyms: str = "", *, primary: bool = False) -> QPushButton:
    """Return a push button; `primary` marks the main action of a panel.

    The button of a panel is an action, too, and found by its synonyms, separated by commas (`explorer.ui.actions`).
    """
    made = QPushButton(text)
    made.setObjectName(name)
    made.setToolTip(plain_tooltip(tip))
    made.setProperty("primary", primary)
    made.setProperty("synonyms", synonyms)
    return made


def spin_box(name: str, tip: str, low: int, high: int, value: int) -> QSpinBox:
    box = QSpinBox()
    name_control(box, name, tip)
    pad_text(box)
    box.lineEdit().selectionChanged.connect(partial(_select_whole, box))
    box.setRange(low, high)
    box.setValue(value)
    return box


def pad_text(box: QAbstractSpinBox) -> None:
    """Set the text in from the border as far as that of other fields: the padding of the style sheet has no effect."""
    box.lineEdit().setTextMargins(_SPIN_PADDING, 0, 0, 0)


def _select_whole(box: QSpinBox | QDoubleSpinBox) -> None:
    """Select prefix and suffix with the number, which Qt selects alone when the box gets the focus or is stepped."""
    edit = box.lineEdit()
    if edit.selectedText() == box.cleanText() != edit.text():
        edit.selectAll()


def decimal_box(name: str, tip: str, limits: tuple[float, float], step: float, decimals: int) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    name_control(box, name, tip)
    pad_text(box)
    box.lineEdit().selectionChanged.connect(partial(_select_whole, box))
    box.setRange(*limits)
    box.setSingleStep(step)
    box.setDecimals(decimals)
    # With tracking, typing “0” would be reformatted to “0.00” before the rest is typed.
    box.setKeyboardTracking(False)
    return box


class ElidedComboBox(QComboBox):
    """Elides its text if there is not enough space; in the list it is whole."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        kind, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(kind, option, part, self).width() - 2
        option.currentText = self.fontMetrics().elidedText(option.currentText, Qt.TextElideMode.ElideRight, room)
        painter.drawComplexControl(kind, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


def combo_box(name: str, tip: str, items: list[tuple[str, object]]) -> QComboBox:
    """Each item is its text and its value."""
    box = ElidedComboBox()
    name_control(box, name, tip)
    # Long titles are cut off in the box and complete in its list, so that they do not widen the panel.
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(min(_LONGEST, max((len(text) for text, _ in items), default=4)))
    for text, value in items:
        box.addItem(text, value)
    return box


def line_edit(name: str, tip: str, placeholder: str = "") -> QLineEdit:
    """The placeholder says what an empty one means."""
    field = QLineEdit()
    name_control(field, name, tip)
    field.setPlaceholderText(placeholder)
    return field


def clearable(field: QLineEdit) -> None:
    """Add a clear button to a text field, with the accessible name that Qt omits."""
    field.setClearButtonEnabled(True)
    for part in field.findChildren(QToolButton):
        part.setAccessibleName(field.tr("Clear"))


def align_right(line: QTreeWidgetItem, columns: Iterable[int]) -> None:
    """Align the numbers in columns of a table: in one line, or in its header."""
    for column in columns:
        line.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


def check_box(name: str, text: str, tip: str, synonyms: str = "") -> QCheckBox:
    """Return a check box; that of a panel is an action, too, if it has synonyms (see `button`)."""
    box = QCheckBox(text)
    box.setObjectName(name)
    box.setToolTip(plain_tooltip(tip))
    box.setProperty("synonyms", synonyms)
    return box


class GestureSlider(QSlider):
    """A horizontal slider from 0 to a number of steps, of which one drag is one undo step.

    `moved(int, str)`: the new value, and the gesture.
    """

    moved = Signal(int, str)

    def __init__(self, name: str, tip: str, steps: int, gesture: str) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        name_control(self, name, tip)
        self.setRange(0, steps)
        self._drags = 0
        self._gesture = gesture
        self.sliderPressed.connect(self._on_pressed)
        self.valueChanged.connect(lambda value: self.moved.emit(value, f"{self._gesture}-{self._drags}"))

    def _on_pressed(self) -> None:
        self._drags += 1
