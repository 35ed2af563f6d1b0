"""What can be stated of a model's inputs and outputs before it is imported: only what its file leaves open."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QWidget

from explorer.document.imports import ImportView
from explorer.engine.messages import Examined
from explorer.messages import NO_MESSAGE, Message, message
from explorer.models.import_record import RANGES, ValueRange, range_text
from explorer.models.third_party.request import NO_CHOICES, Choices, parse_condition
from explorer.ui.text import filled
from explorer.ui.widgets.field_grid import FieldGrid
from explorer.ui.widgets.fields import combo_box, line_edit

_RANGES: dict[str, ValueRange] = {range_text(values): values for values in RANGES}


class ImportChoices(QWidget):
    """The fields of an import, each with what was detected; hidden where there is nothing to choose.

    `chosen`: the user chose, so that the model is to be examined again.
    """

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._outputs: tuple[str, ...] = ()
        self._given = NO_CHOICES
        self._onnx = self._asks_condition = False
        self.axes = combo_box(
            "import_layout",
            self.tr("Order of the axes of images in the file"),
            [
                (self.tr("Auto-detect"), None),
                (self.tr("Channels first"), "nchw"),
                (self.tr("Channels last"), "nhwc"),
            ],
        )
        self.condition = line_edit(
            "import_condition", self.tr("Default condition: a class such as 3, or values with commas")
        )
        self.code = combo_box("import_code", self.tr("Output of the encoder that is the code"), [])
        self.variance = combo_box("import_log_variance", self.tr("Output of the encoder that is the log-variance"), [])
        self.cut = combo_box("import_cut", self.tr("Bottleneck layer: its output is the code"), [])
        self.range = combo_box("import_range", self.tr("Range of the input values that the model expects"), [])
        self.range_out = combo_box("import_range_out", self.tr("Range of the output values of the model"), [])
        self.fit = combo_box("import_fit", self.tr("What is done with images that are smaller than the model's"), [])
        self._fields = FieldGrid()
        self.setLayout(self._fields)
        for title, field in (
            (self.tr("Image axes"), self.axes),
            (self.tr("Condition"), self.condition),
            (self.tr("Code output"), self.code),
            (self.tr("Log-variance"), self.variance),
            (self.tr("Bottleneck layer"), self.cut),
            (self.tr("Input range"), self.range),
            (self.tr("Output range"), self.range_out),
            (self.tr("Smaller images"), self.fit),
        ):
            self.add_row(title, field)
            if isinstance(field, QComboBox):
                field.activated.connect(lambda row: self.chosen.emit())
        self.condition.editingFinished.connect(self._on_condition_edited)

    def add_row(self, title: str, field: QWidget) -> None:
        """Add a field below the others."""
        self._fields.wide(title, field)

    def set_row_visible(self, field: QWidget, *, visible: bool) -> None:
        self._fields.set_row_visible(field, visible=visible)

    def reset(self) -> None:
        """Forget what was chosen for another model."""
        self.axes.setCurrentIndex(0)
        self.condition.clear()
        self._outputs, self._asks_condition = (), False
        for choice in (self.code, self.variance, self.cut, self.range, self.range_out, self.fit):
            choice.clear()

    @property
    def stated(self) -> Choices:
        """What the user chose."""
        values: str | None = self.range_out.currentData()
        return Choices(
            bottleneck=self.cut.currentData(),
            range_in=_RANGES.get(self.range.currentData() or ""),
            range_out="logits" if values == "logits" else _RANGES.get(values or ""),
            fit=self.fit.currentData(),
            code=self.code.currentData(),
            log_variance=self.variance.currentData(),
            layout=self.axes.currentData() if self._onnx else None,
            condition=parse_condition(self.condition.text()),
        )

    @property
    def problem(self) -> Message:
        """Why the condition cannot be read; empty if it can."""
        text = self.condition.text().strip()
        if text and parse_condition(text) is None:
            return message("Cannot read the condition: enter a class such as 3, or numbers with commas")
        return NO_MESSAGE

    def show_view(self, view: ImportView, *, onnx: bool) -> None:
        """Show what an examined model leaves open, or what one that failed needs to know."""
        self._onnx = onnx
        self._given = view.request.choices if view.request is not None else NO_CHOICES
        if view.phase in {"ready", "failed"}:
            values = dict(view.message.values) if view.phase == "failed" else {}
            self._asks_condition = self._asks_condition or "(--condition" in view.message.template
            named = values.get("outputs")
            if isinstance(named, tuple):
                self._outputs = tuple(map(str, named))
            if view.examined is not None:
                self._show_examined(view.examined)
            self._fill_outputs(view.examined)
        self._show_rows(view.examined)

    def _show_rows(self, examined: Examined | None) -> None:
        record = examined.record if examined is not None else None
        conditional = bool(record is not None and record.controls) or self._given.condition is not None
        stackable = examined is not None and examined.record.parts == "encoder" and examined.latent_shape[-1] % 2 == 0
        several = len(self._outputs) > 1
        for field, shown in (
            (self.axes, self._onnx),
            (self.condition, conditional or self._asks_condition),
            (self.code, several),
            (self.variance, several or stackable or self._given.log_variance is not None),
            (self.cut, self.cut.count() > 1),
            (self.range, record is not None and record.parts != "decoder"),
            (self.range_out, record is not None and record.parts != "encoder"),
            (self.fit, record is not None and record.parts != "decoder"),
        ):
            self.set_row_visible(field, visible=shown)

    def _show_examined(self, examined: Examined) -> None:
        given, record = self._given, examined.record
        self._outputs = examined.outputs
        self.cut.clear()
        for name, shape in examined.places:
            here = name == record.bottleneck
            self.cut.addItem(f"{name} · {numbers(shape)}", None if here and given.bottleneck is None else name)
            if here:
                self.cut.setCurrentIndex(self.cut.count() - 1)
        ranges = {text: _range_words(values) for text, values in _RANGES.items()}
        logits = {"logits": self.tr("Logits (a sigmoid is applied)")}
        fits = {"resize": self.tr("Enlarge"), "pad": self.tr("Add a border")}
        assumed = record.parts != "both"
        for choice, options, stated, found in (
            (self.range, ranges, range_text(given.range_in), range_text(record.range_in)),
            (self.range_out, ranges | logits, range_text(given.range_out), range_text(record.range_out)),
            (self.fit, fits, given.fit, record.fit),
        ):
            self._fill(choice, options, stated, options[found], assumed=assumed)

    def _fill_outputs(self, examined: Examined | None) -> None:
        """Offer the encoder's outputs by name and shape; their values are their numbers."""
        outputs = {str(number): text for number, text in enumerate(self._outputs)}
        joint = {"stacked": self.tr("Second half of the code output")}
        none, found, variance = self.tr("None"), "", ""
        if examined is not None and outputs:
            place = examined.record.log_variance
            found = outputs.get(str(examined.record.mean), "")
            variance = none if place is None else (outputs | joint).get(str(place), "")
        self._fill(self.code, outputs, self._given.code, found)
        self._fill(self.variance, outputs | joint, self._given.log_variance, variance)
        if self._given.code is not None:
            # Without a word on it, the stated code has none.
            self.variance.setItemText(0, none)

    def _fill(
        self, choice: QComboBox, options: dict[str, str], given: str | None, found: str, *, assumed: bool = False
    ) -> None:
        """Fill a combo box with the detected value and all others, and select what the user stated."""
        choice.clear()
        words = self.tr("%1 (assumed)") if assumed else self.tr("%1 (auto-detected)")
        choice.addItem(self.tr("Auto-detect") if given or not found else filled(words, found), None)
        for value, text in options.items():
            choice.addItem(text, value)
        choice.setCurrentIndex(max(0, choice.findData(given)) if given else 0)

    def _on_condition_edited(self) -> None:
        self.chosen.emit()


def _range_words(values: ValueRange) -> str:
    return f"{values[0]:g} to {values[1]:g}".replace("-", "−")


def numbers(shape: tuple[int, ...]) -> str:
    """Return a shape as text, such as ``7×7×8``."""
    return "×".join(f"{side:,}" for side in shape)
