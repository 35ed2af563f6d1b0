"""Train a model in the background: what, on which pictures, how long; and watch the loss."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from explorer.data.sources import known_sources
from explorer.document.document import Document
from explorer.errors import ExplorerError
from explorer.models.architectures import ARCHITECTURES
from explorer.models.settings import NAME_LIMIT, check_new_model, make_request, resolve_image_shape
from explorer.paths import user_models_dir
from explorer.types import ImageShape
from explorer.ui.text import duration
from explorer.ui.widgets.fields import button, combo_box, name_control, spin_box

if TYPE_CHECKING:
    from explorer.ui.widgets.loss_plot import LossPlot

_BAR = 1_000
_FIRST = "deep-dense"
"""What is offered first: quick to train and good to look at."""

_FIRST_EPOCHS = 10


class TrainPanel(QWidget):
    """Settings, Start and Cancel on the left; curve and progress on the right."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._named_by_hand = False
        self.setObjectName("train_panel")
        self.setAccessibleName(self.tr("Train"))
        architectures: list[tuple[str, object]] = [(entry.title, name) for name, entry in ARCHITECTURES.items()]
        self._architecture = combo_box("train_architecture", self.tr("Architecture of the networks"), architectures)
        self._data = combo_box("train_data", self.tr("Pictures to train on; 80 % train, the rest tests"), [])
        self._epochs = spin_box("train_epochs", self.tr("Passes over the training pictures"), 1, 100_000, 5)
        self._latent = spin_box("train_latent", self.tr("Size of the code"), 1, 100_000, 49)
        self._limit = spin_box("train_limit", self.tr("Train on at most so many pictures; 0 for all"), 0, 10_000_000, 0)
        self._limit.setSpecialValueText(self.tr("all"))
        self._name = QLineEdit()
        self._name.setMaxLength(NAME_LIMIT)
        name_control(self._name, "train_name", self.tr("Name of the new model"))
        self._facts = QLabel()
        self._facts.setObjectName("train_facts")
        self._facts.setProperty("muted", True)
        self._facts.setWordWrap(True)
        self.start = button("train_start", self.tr("Start"), self.tr("Train in the background"), primary=True)
        self.cancel = button("train_cancel", self.tr("Cancel"), self.tr("Stop the training"))
        self._note = QLabel(self.tr("Nothing is training."))
        self._note.setObjectName("train_note")
        self._note.setWordWrap(True)
        self._note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._bar = QProgressBar()
        name_control(self._bar, "train_progress", self.tr("Progress of the training"))
        self._bar.setRange(0, _BAR)
        self._bar.setTextVisible(False)
        self._left = QLabel()
        self._left.setObjectName("train_left")
        self._left.setProperty("muted", True)
        self._plot: LossPlot | None = None
        self._plot_place = QVBoxLayout()
        self._lay_out()
        self._connect()
        self._fill_data()
        self._architecture.setCurrentIndex(self._architecture.findData(_FIRST))
        self._on_architecture_activated()
        self._on_training_changed()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(5)
        form.addRow(self.tr("Model"), self._architecture)
        form.addRow(self.tr("Data"), self._data)
        form.addRow(self.tr("Code size"), self._latent)
        form.addRow(self.tr("Epochs"), self._epochs)
        form.addRow(self.tr("Pictures"), self._limit)
        form.addRow(self.tr("Name"), self._name)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start)
        buttons.addWidget(self.cancel)
        inner = QWidget()
        inner.setObjectName("train_form")
        side = QVBoxLayout(inner)
        side.setContentsMargins(0, 0, 6, 0)
        side.addLayout(form)
        side.addWidget(self._facts)
        side.addStretch()
        settings = QScrollArea()
        settings.setObjectName("train_settings")
        settings.setAccessibleName(self.tr("Settings of the training"))
        settings.setFrameShape(QScrollArea.Shape.NoFrame)
        settings.setWidgetResizable(True)
        settings.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        settings.setWidget(inner)
        left = QVBoxLayout()
        left.addWidget(settings, 1)
        left.addLayout(buttons)
        holder = QWidget()
        holder.setLayout(left)
        holder.setFixedWidth(262)
        left.setContentsMargins(0, 0, 0, 0)
        progress = QHBoxLayout()
        progress.addWidget(self._note, 1)
        progress.addWidget(self._left)
        right = QVBoxLayout()
        right.addLayout(self._plot_place, 1)
        right.addWidget(self._bar)
        right.addLayout(progress)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(14)
        layout.addWidget(holder)
        layout.addLayout(right, 1)

    def _connect(self) -> None:
        self._architecture.activated.connect(lambda index: self._on_architecture_activated())
        self._data.activated.connect(lambda index: self._on_settings_changed())
        self._latent.valueChanged.connect(lambda value: self._on_settings_changed())
        self._name.textEdited.connect(self._on_name_edited)
        self._name.editingFinished.connect(self._on_name_finished)
        self.start.clicked.connect(self._on_start_clicked)
        self.cancel.clicked.connect(self._document.training_cancel_requested.emit)
        self._document.training_changed.connect(self._on_training_changed)
        self._document.source_changed.connect(self._fill_data)

    def showEvent(self, event: QShowEvent) -> None:
        """Warm the model process up, and make the plot: both take a moment that the window's start should not."""
        super().showEvent(event)
        self._document.training_expected.emit()
        if self._plot is None:
            from explorer.ui.widgets.loss_plot import LossPlot

            self._plot = LossPlot()
            self._plot.setObjectName("train_plot")
            self._plot_place.addWidget(self._plot)
            self._on_training_changed()

    # -- settings ------------------------------------------------------------------------------------------------

    def _fill_data(self) -> None:
        """List what can be trained on: the sets that are here, and the pictures that are open."""
        chosen = self._data.currentData()
        self._data.clear()
        for entry in known_sources():
            if entry.status != "missing":
                self._data.addItem(entry.name.replace("_", " "), entry.name)
        source = self._document.source
        if source is not None and self._data.findData(source.spec) < 0:
            self._data.addItem(source.name, source.spec)
        wanted = source.spec if source is not None else chosen
        self._data.setCurrentIndex(max(0, self._data.findData(wanted)))
        self._on_settings_changed()

    def _native_shape(self) -> ImageShape | None:
        source = self._document.source
        if source is not None and source.spec == self._data.currentData():
            return source.image_shape
        shapes = {entry.name: entry.image_shape for entry in known_sources()}
        return shapes.get(self._data.currentData())

    def _on_architecture_activated(self) -> None:
        architecture = ARCHITECTURES[self._architecture.currentData()]
        self._latent.setValue(architecture.default_latent)
        solved = architecture.solver == "pca"
        self._epochs.setEnabled(not solved)
        self._epochs.setValue(1 if solved else min(architecture.defaults.epochs, _FIRST_EPOCHS))
        self._on_settings_changed()

    def _on_name_edited(self, text: str) -> None:
        self._named_by_hand = True

    def _on_name_finished(self) -> None:
        """An empty name gives way to a made one, but not while it is being typed."""
        if not self._name.text().strip():
            self._named_by_hand = False
            self._on_settings_changed()

    def _on_settings_changed(self) -> None:
        name = self._architecture.currentData()
        if name is None or self._data.currentData() is None:
            return
        if not self._named_by_hand:
            self._name.setText(self._free_name(f"{self._data.currentText()}-{name}-{self._latent.value()}"))
        self._describe(name)

    def _describe(self, name: str) -> None:
        """Say how large the networks become, or why the settings do not fit together."""
        try:
            request = make_request(architecture=name, data=str(self._data.currentData()), out=Path("new"))
            shape = resolve_image_shape(request, self._native_shape())
            spec = ARCHITECTURES[name].build(shape, self._latent.value())
        except ExplorerError as error:
            self._say(str(error), problem=True)
            self._set_startable(False)
            return
        height, width, channels = shape
        words = self.tr("%1 × %2 × %3 pixels to %4 numbers; %5 weights in the encoder, %6 in the decoder.")
        values = (height, width, channels, spec.latent_dim, spec.encoder.parameters, spec.decoder.parameters)
        for place, value in enumerate(values, 1):
            words = words.replace(f"%{place}", f"{value:,}")
        self._say(words)
        self._set_startable(True)

    def _say(self, text: str, *, problem: bool = False) -> None:
        self._facts.setText(text[:1].upper() + text[1:])
        if problem != self._facts.property("problem"):
            self._facts.setProperty("problem", problem)
            self._facts.style().polish(self._facts)

    def _set_startable(self, fits: bool) -> None:
        self._fits = fits
        self.start.setEnabled(fits and not self._document.training.active)

    def _free_name(self, wanted: str) -> str:
        wanted = re.sub(r"[^\w.-]+", "-", wanted.lower()).strip("-.")[: NAME_LIMIT - 4]
        name, number = wanted, 2
        while (user_models_dir() / name).exists():
            name, number = f"{wanted}-{number}", number + 1
        return name

    # -- running -------------------------------------------------------------------------------------------------

    def _on_start_clicked(self) -> None:
        name = self._name.text().strip()
        try:
            check_new_model(user_models_dir(), name)
            request = make_request(
                architecture=self._architecture.currentData(),
                data=str(self._data.currentData()),
                out=user_models_dir() / name,
                latent=self._latent.value(),
                epochs=self._epochs.value(),
                limit=self._limit.value(),
            )
        except ExplorerError as error:
            self._say(str(error), problem=True)
            return
        self._document.training_requested.emit(request)

    def _on_training_changed(self) -> None:
        training = self._document.training
        self.cancel.setEnabled(training.active)
        self.start.setEnabled(not training.active and getattr(self, "_fits", True))
        if training.phase == "idle":
            return
        title = f"{training.title}: " if training.title else ""
        self._note.setText(f"{title}{training.note}")
        self._left.setText(
            "" if training.seconds_left is None else self.tr("%1 left").replace("%1", duration(training.seconds_left))
        )
        if training.phase == "starting":
            self._bar.setRange(0, 0)
        else:
            self._bar.setRange(0, _BAR)
            epochs = len(training.curve) + (training.step / training.steps if training.steps else 0)
            whole = training.phase == "finished" or not training.epochs
            self._bar.setValue(_BAR if whole else round(_BAR * min(1.0, epochs / training.epochs)))
        if self._plot is not None:
            self._plot.show_curve(training.curve, training.epochs)
        if not training.active:
            self._on_settings_changed()
