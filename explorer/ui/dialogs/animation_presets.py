"""Animation presets: a choice of ready-made animations and their few settings."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QFormLayout, QWidget

from explorer.document.document import Document
from explorer.errors import ExplorerError, UsageError
from explorer.latent.animation_presets import (
    STRIP,
    AnimationPreset,
    breathing,
    one_of_each,
    random_walk,
    reference_animation,
    strip,
)
from explorer.messages import message
from explorer.types import Floats
from explorer.ui.text import dimension_name
from explorer.ui.widgets.fields import button, combo_box, decimal_box, label, spin_box
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox

_LISTED = 256


class AnimationPresetsDialog(QDialog):
    """Replaces all keyframes by an animation preset, as one undo step."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setObjectName("presets_dialog")
        self.setWindowTitle(self.tr("Animation presets"))
        kinds: list[tuple[str, object]] = [
            (self.tr("A → B, ping-pong"), "reference"),
            (self.tr("A → B, contact sheet"), "strip"),
            (self.tr("One image per class"), "classes"),
            (self.tr("Random walk"), "walk"),
            (self.tr("Oscillate one dimension"), "breathing"),
        ]
        self.kind = combo_box("preset_kind", self.tr("Animation preset"), kinds)
        self.kind.setMinimumWidth(300)
        self.between = spin_box("preset_between", self.tr("Number of images between A and B"), 0, 998, STRIP)
        self.seed = spin_box("preset_seed", self.tr("Seed: the same seed gives the same walk"), 0, 1_000_000, 0)
        self.count = spin_box("preset_count", self.tr("Number of keyframes of the walk"), 2, 100, 8)
        self.dimension = combo_box("preset_dimension", self.tr("Latent dimension that oscillates"), [])
        self.reach = decimal_box(
            "preset_depth", self.tr("Amplitude, in σ of the codes of test images"), (0.1, 10), 0.5, 1
        )
        self.reach.setValue(2)
        self.reach.setSuffix(" σ")
        self.words = label("preset_words")
        self.apply = button("preset_apply", self.tr("Apply"), self.tr("Replace the keyframes"), primary=True)
        close = button("preset_close", self.tr("Cancel"), self.tr("Close without changes (Esc)"))
        close.setAutoDefault(False)
        self.apply.setDefault(True)
        form = QFormLayout()
        form.addRow(self.tr("Preset"), self.kind)
        self._form = form
        self._rows = (
            ("strip", self.tr("In-between images"), self.between),
            ("walk", self.tr("Seed"), self.seed),
            ("walk", self.tr("Keyframes"), self.count),
            ("breathing", self.tr("Dimension"), self.dimension),
            ("breathing", self.tr("Amplitude"), self.reach),
        )
        for _, title, widget in self._rows:
            form.addRow(title, widget)
        self.setLayout(
            vbox(form, self.words, hbox((STRETCH, 1), close, self.apply), spacing=12, margins=(14, 14, 14, 12))
        )
        self.setFixedWidth(440)
        self.kind.activated.connect(lambda row: self._update())
        self.apply.clicked.connect(self._on_apply_clicked)
        close.clicked.connect(self.close)
        document.changed.model.connect(self._fill_dimensions)
        for changed in (document.changed.model, document.changed.keyframes, document.changed.code):
            changed.connect(self._update)
        self._fill_dimensions()
        self._update()

    def _fill_dimensions(self) -> None:
        model = self._document.model
        names = [dimension_name(number) for number in range(min(_LISTED, model.latent_dim if model else 0))]
        if names != [self.dimension.itemText(row) for row in range(self.dimension.count())]:
            self.dimension.clear()
            for number, name in enumerate(names):
                self.dimension.addItem(name, number)

    def _update(self) -> None:
        kind = self.kind.currentData()
        for of, _, widget in self._rows:
            self._form.setRowVisible(widget, of == kind)
        try:
            self._preset()
            problem = ""
        except ExplorerError as error:
            problem = str(error)
        about = {
            "reference": self.tr("90 frames at 50 fps: from the first keyframe to the last, a pause, and back."),
            "strip": self.tr("From the first keyframe to the last, once, for a contact sheet."),
            "classes": self.tr("A loop through the most typical image of each class."),
            "walk": self.tr("A loop through random codes from a Gaussian fitted to the codes."),
            "breathing": self.tr("The current code, back and forth along one dimension."),
        }
        self.words.setText(problem or about[kind])
        self.apply.setEnabled(not problem)

    def _preset(self) -> AnimationPreset:
        """UsageError if the model, its classes, a code or the keyframes that it needs are missing."""
        model, code = self._document.model, self._document.code
        if model is None:
            raise UsageError("Animation presets need a model. Open one in the library.")
        kind = self.kind.currentData()
        if kind == "classes":
            if model.sample.labels is None:
                raise UsageError(
                    "The dataset of “{model}” has no class labels. Choose another preset.", model=model.name
                )
            return one_of_each(model.sample.codes, model.sample.labels)
        if kind == "walk":
            return random_walk(model.sample.statistics, self.seed.value(), self.count.value())
        if kind == "breathing":
            if code is None or self.dimension.currentData() is None:
                raise UsageError("This preset starts from the current code. Select an image in the gallery.")
            dimension = int(self.dimension.currentData())
            return breathing(code, model.sample.statistics, dimension, self.reach.value())
        first, last = self._ends(code)
        return reference_animation(first, last) if kind == "reference" else strip(first, last, self.between.value())

    def _ends(self, code: Floats | None) -> tuple[Floats, Floats]:
        """Return the first and last keyframe; with only one, that and the current code."""
        keyframes = self._document.state.keyframes
        if len(keyframes) > 1:
            return keyframes[0].code, keyframes[-1].code
        if keyframes and code is not None:
            return keyframes[0].code, code
        raise UsageError("This preset needs two keyframes. Press “Add keyframe” for each.")

    def _on_apply_clicked(self) -> None:
        try:
            preset = self._preset()
        except ExplorerError as error:
            self.words.setText(str(error))
            return
        self._document.timeline.set_animation(preset.keys, preset.animation, message("Apply animation preset"))
        self.close()
