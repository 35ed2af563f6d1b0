"""Selectors for the condition inputs of a conditional model, above the sliders."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox, QSpinBox, QWidget

from explorer.document.document import Document
from explorer.models.conditions import MOST_TRIALS
from explorer.models.import_record import Control
from explorer.ui.actions import Action, Section, When
from explorer.ui.text import filled
from explorer.ui.widgets.field_grid import FieldGrid
from explorer.ui.widgets.fields import combo_box, spin_box
from explorer.ui.widgets.layouts import vbox

_BETWEEN = -1
"""Value of a selector between classes."""


class LatentControls(QWidget):
    """One selector per condition input with classes; hidden if there are none."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._fields: QWidget | None = None
        self._boxes: dict[int, QComboBox | QSpinBox] = {}
        self.setLayout(vbox(margins=0))
        document.changed.model.connect(self._on_model_changed)
        document.changed.code.connect(self._on_code_changed)
        self._on_model_changed()

    def menu_actions(self) -> Iterator[Action]:
        condition, changed = self._document.condition, self._document.changed
        known = When(lambda: condition.can_step, (changed.model, changed.code))
        yield Action(
            "action_next_condition",
            self.tr("Ne&xt condition"),
            lambda: condition.step(1),
            Section.CODE,
            shortcut="Alt+Shift+PgDown",
            tip=self.tr("Set the next class of a conditional model; the code stays."),
            synonyms=self.tr("class, label, conditional, category, digit"),
            enabled=known,
        )
        yield Action(
            "action_previous_condition",
            self.tr("Pre&vious condition"),
            lambda: condition.step(-1),
            Section.CODE,
            shortcut="Alt+Shift+PgUp",
            tip=self.tr("Set the previous class of a conditional model; the code stays."),
            synonyms=self.tr("class, label, conditional, category, digit"),
            enabled=known,
        )

    def _on_model_changed(self) -> None:
        if self._fields is not None:
            self._fields.hide()
            self._fields.deleteLater()
        self._fields, self._boxes = QWidget(), {}
        grid = FieldGrid()
        self._fields.setLayout(grid)
        inputs = self._document.condition.inputs
        for number, control in enumerate(inputs.controls if inputs is not None else ()):
            if control.choices:
                self._boxes[number] = self._box(number, control)
                grid.wide(control.name, self._boxes[number])
        layout = self.layout()
        assert layout is not None
        layout.addWidget(self._fields)
        self.setVisible(bool(self._boxes))
        self._on_code_changed()

    def _box(self, number: int, control: Control) -> QComboBox | QSpinBox:
        """Return a list of the classes; a field for a number if there are many."""
        name = f"control_{control.name}"
        tip = filled(self.tr("Condition input: %1 (Alt+Shift+PgDown: next class)"), control.name)
        if control.choices > MOST_TRIALS:
            spin = spin_box(name, tip, _BETWEEN, control.choices - 1, _BETWEEN)
            spin.setSpecialValueText(self.tr("mixed"))
            spin.setKeyboardTracking(False)
            spin.valueChanged.connect(partial(self._choose, number))
            return spin
        values: list[tuple[str, object]] = [(str(value), value) for value in range(control.choices)]
        box = combo_box(name, tip, [*values, (self.tr("mixed"), _BETWEEN)])
        box.activated.connect(lambda row: self._choose(number, box.itemData(row)))
        return box

    def _choose(self, number: int, chosen: int) -> None:
        if chosen == _BETWEEN:
            self._on_code_changed()
        else:
            self._document.condition.choose(number, chosen)

    def _on_code_changed(self) -> None:
        code, classes = self._document.code, self._document.condition.classes
        for number, box in self._boxes.items():
            box.setEnabled(code is not None)
            chosen = classes[number]
            value = _BETWEEN if chosen is None else chosen
            if isinstance(box, QSpinBox):
                with QSignalBlocker(box):
                    box.setValue(value)
            else:
                box.setCurrentIndex(box.findData(value))
