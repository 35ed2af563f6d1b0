"""Films in one go: which one, and the little that is to be said about it."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QFormLayout, QHBoxLayout, QVBoxLayout, QWidget

from explorer.document.document import Document
from explorer.errors import ExplorerError, UsageError
from explorer.latent.presets import STRIP, Preset, breathing, one_of_each, random_walk, reference_film, strip
from explorer.types import Floats
from explorer.ui.plain_text import PlainLabel
from explorer.ui.text import dimension_name
from explorer.ui.widgets.fields import button, combo_box, decimal_box, spin_box

_LISTED = 256


class FilmPresetsDialog(QDialog):
    """Puts a whole film in place of the keyframes; one undo brings them back."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setObjectName("presets_dialog")
        self.setWindowTitle(self.tr("A film in one go"))
        kinds: list[tuple[str, object]] = [
            (self.tr("The article's film between two pictures"), "reference"),
            (self.tr("A strip of pictures between two"), "strip"),
            (self.tr("One of each class"), "classes"),
            (self.tr("A random walk"), "walk"),
            (self.tr("One dimension breathes"), "breathing"),
        ]
        self.kind = combo_box("preset_kind", self.tr("Which film"), kinds)
        self.kind.setMinimumWidth(300)
        self.between = spin_box("preset_between", self.tr("Pictures between the two"), 0, 998, STRIP)
        self.seed = spin_box("preset_seed", self.tr("The same seed, the same walk"), 0, 1_000_000, 0)
        self.count = spin_box("preset_count", self.tr("Keyframes of the walk"), 2, 100, 8)
        self.dimension = combo_box("preset_dimension", self.tr("The dimension that breathes"), [])
        self.reach = decimal_box("preset_depth", self.tr("How deep, in σ of the data"), (0.1, 10), 0.5, 1)
        self.reach.setValue(2)
        self.reach.setSuffix(" σ")
        self.words = PlainLabel()
        self.words.setObjectName("preset_words")
        self.words.setProperty("muted", True)
        self.words.setWordWrap(True)
        self.apply = button("preset_apply", self.tr("Put in place"), self.tr("Replace the keyframes"), primary=True)
        close = button("preset_close", self.tr("Close"), self.tr("Change nothing (Esc)"))
        close.setAutoDefault(False)
        self.apply.setDefault(True)
        form = QFormLayout()
        form.addRow(self.tr("Film"), self.kind)
        self._form = form
        self._rows = (
            ("strip", self.tr("Pictures between"), self.between),
            ("walk", self.tr("Seed"), self.seed),
            ("walk", self.tr("Keyframes"), self.count),
            ("breathing", self.tr("Dimension"), self.dimension),
            ("breathing", self.tr("Depth"), self.reach),
        )
        for _, title, widget in self._rows:
            form.addRow(title, widget)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(close)
        buttons.addWidget(self.apply)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 12)
        layout.setSpacing(12)
        layout.addLayout(form)
        layout.addWidget(self.words)
        layout.addLayout(buttons)
        self.setFixedWidth(440)
        self.kind.activated.connect(lambda row: self._update())
        self.apply.clicked.connect(self._on_apply_clicked)
        close.clicked.connect(self.close)
        document.model_changed.connect(self._fill_dimensions)
        for changed in (document.model_changed, document.keyframes_changed, document.code_changed):
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
            "reference": self.tr("90 steps from the first keyframe to the last, held, and back again; 50 a second."),
            "strip": self.tr("From the first keyframe to the last, once, for a sheet of pictures."),
            "classes": self.tr("A round trip through the most typical picture of each class of the model's data."),
            "walk": self.tr("A round trip through random codes that look like the data's."),
            "breathing": self.tr("What is being edited, to and fro along one dimension."),
        }
        self.words.setText(problem or about[kind])
        self.apply.setEnabled(not problem)

    def _preset(self) -> Preset:
        """Make the film.

        Raises
        ------
        UsageError
            If something that it needs is not there.
        """
        model, code = self._document.model, self._document.code
        if model is None:
            raise UsageError("a model", "none", "Open one.")
        kind = self.kind.currentData()
        if kind == "classes":
            if model.sample.labels is None:
                raise UsageError("a model whose data has classes", f"{model.name}, whose data has none")
            return one_of_each(model.sample.codes, model.sample.labels)
        if kind == "walk":
            return random_walk(model.sample.statistics, self.seed.value(), self.count.value())
        if kind == "breathing":
            if code is None or self.dimension.currentData() is None:
                raise UsageError("a picture to start from", "none", "Choose one in the gallery.")
            dimension = int(self.dimension.currentData())
            return breathing(code, model.sample.statistics, dimension, self.reach.value())
        first, last = self._ends(code)
        return reference_film(first, last) if kind == "reference" else strip(first, last, self.between.value())

    def _ends(self, code: Floats | None) -> tuple[Floats, Floats]:
        """Return the first and last keyframe; of a single one, it and what is being edited."""
        keyframes = self._document.keyframes
        if len(keyframes) > 1:
            return keyframes[0].code, keyframes[-1].code
        if keyframes and code is not None:
            return keyframes[0].code, code
        raise UsageError("two keyframes", str(len(keyframes)), "Add what is on the stage with “Add keyframe”, twice.")

    def _on_apply_clicked(self) -> None:
        try:
            preset = self._preset()
        except ExplorerError as error:
            self.words.setText(str(error))
            return
        self._document.timeline.set_morph(preset.keys, preset.film, "Film in one go")
        self.close()
