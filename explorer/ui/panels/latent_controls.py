"""Selectors for the condition inputs of a conditional model, above the sliders."""

from __future__ import annotations

from math import prod

import numpy as np
from PySide6.QtWidgets import QComboBox, QWidget

from explorer.document.document import Document
from explorer.messages import message
from explorer.ui.code_views import control_places
from explorer.ui.widgets.field_grid import FieldGrid
from explorer.ui.widgets.fields import combo_box
from explorer.ui.widgets.layouts import vbox

_MIXED = -1


class LatentControls(QWidget):
    """One selector per condition input with choices, such as a class; hidden if there are none."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._fields: QWidget | None = None
        self._boxes: list[tuple[QComboBox, int, int]] = []
        self.setLayout(vbox(margins=0))
        document.changed.model.connect(self._on_model_changed)
        document.changed.code.connect(self._on_code_changed)
        self._on_model_changed()

    def _on_model_changed(self) -> None:
        if self._fields is not None:
            self._fields.hide()
            self._fields.deleteLater()
        self._fields, self._boxes = QWidget(), []
        grid = FieldGrid()
        self._fields.setLayout(grid)
        model = self._document.model
        for control, start in control_places(model) if model is not None else []:
            if not control.choices:
                continue
            tip = self.tr("Condition input: %1").replace("%1", control.name)
            values: list[tuple[str, object]] = [(str(value), value) for value in range(control.choices)]
            box = combo_box(f"control_{control.name}", tip, [*values, (self.tr("mixed"), _MIXED)])
            place = (box, start, prod(control.shape))
            box.activated.connect(lambda row, name=control.name, place=place: self._choose(name, *place))
            grid.wide(control.name, box)
            self._boxes.append(place)
        layout = self.layout()
        assert layout is not None
        layout.addWidget(self._fields)
        self.setVisible(bool(self._boxes))
        self._on_code_changed()

    def _choose(self, name: str, box: QComboBox, start: int, size: int) -> None:
        code, chosen = self._document.code, box.currentData()
        if code is None or chosen == _MIXED:
            self._on_code_changed()
            return
        changed = code.copy()
        changed[start : start + size] = np.eye(size, dtype=np.float32)[chosen] if size > 1 else chosen
        self._document.set_code(changed, message("Set condition {name}", name=name))

    def _on_code_changed(self) -> None:
        code = self._document.code
        for box, start, size in self._boxes:
            box.setEnabled(code is not None)
            if code is None:
                continue
            part = code[start : start + size]
            value = int(part.argmax()) if size > 1 else round(float(part[0]))
            whole = np.eye(size, dtype=np.float32)[value] if size > 1 else np.array([value], np.float32)
            box.setCurrentIndex(box.findData(value if np.allclose(part, whole, atol=1e-3) else _MIXED))
