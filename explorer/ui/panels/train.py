"""Train a model in the background: what, on which pictures, how long; and watch the loss."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from explorer.data.sources import known_sources
from explorer.document.document import Document
from explorer.errors import ExplorerError
from explorer.models.settings import (
    TrainingRequest,
    check_new_model,
    resolve_image_shape,
    resolve_settings,
)
from explorer.models.spec import ModelSpec
from explorer.paths import user_models_dir
from explorer.types import ImageShape
from explorer.ui.dialogs.augment_preview import AugmentPreview
from explorer.ui.panels.train_form import TrainForm
from explorer.ui.text import duration
from explorer.ui.widgets.fields import button, name_control
from explorer.ui.widgets.network_drawing import NetworkDrawing

if TYPE_CHECKING:
    from explorer.ui.widgets.loss_plot import LossPlot

_BAR = 1_000
_FORM_WIDTH = 356


class TrainPanel(QWidget):
    """Settings, Start and Cancel on the left; curve and progress on the right."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._fits = True
        self._preview: AugmentPreview | None = None
        self.setObjectName("train_panel")
        self.setAccessibleName(self.tr("Train"))
        self.form = TrainForm(document)
        self.start = button("train_start", self.tr("Start"), self.tr("Train in the background"), primary=True)
        self.cancel = button("train_cancel", self.tr("Cancel"), self.tr("Stop the training"))
        self.drawing = NetworkDrawing()
        self._facts = QLabel()
        self._facts.setObjectName("train_facts")
        self._facts.setProperty("muted", True)
        self._facts.setWordWrap(True)
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
        self._on_form_changed()
        self._on_training_changed()

    def _lay_out(self) -> None:
        settings = QScrollArea()
        settings.setObjectName("train_settings")
        settings.setAccessibleName(self.tr("Settings of the training"))
        settings.setFrameShape(QScrollArea.Shape.NoFrame)
        settings.setWidgetResizable(True)
        settings.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        settings.setWidget(self.form)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start)
        buttons.addWidget(self.cancel)
        holder = QWidget()
        holder.setFixedWidth(_FORM_WIDTH)
        left = QVBoxLayout(holder)
        left.setContentsMargins(0, 0, 0, 0)
        left.addWidget(settings, 1)
        left.addLayout(buttons)
        progress = QHBoxLayout()
        progress.addWidget(self._note, 1)
        progress.addWidget(self._left)
        right = QVBoxLayout()
        right.addWidget(self._facts)
        right.addWidget(self.drawing, 1)
        right.addLayout(self._plot_place, 1)
        right.addWidget(self._bar)
        right.addLayout(progress)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(14)
        layout.addWidget(holder)
        layout.addLayout(right, 1)
        self._settings = settings

    def _connect(self) -> None:
        self.form.changed.connect(self._on_form_changed)
        self.form.preview.clicked.connect(self.show_preview)
        self.form.fold.toggled.connect(self._on_fold_toggled)
        self.start.clicked.connect(self._on_start_clicked)
        self.cancel.clicked.connect(self._document.training_cancel_requested.emit)
        self._document.training_changed.connect(self._on_training_changed)

    def showEvent(self, event: QShowEvent) -> None:
        """Warm the model process up, and make the plot: both take a moment that the window's start should not."""
        super().showEvent(event)
        self._document.training_expected.emit()
        self.form.ask_ground()
        if self._plot is None:
            from explorer.ui.widgets.loss_plot import LossPlot

            self._plot = LossPlot()
            self._plot.setObjectName("train_plot")
            self._plot_place.addWidget(self._plot)
            self._on_training_changed()

    def hideEvent(self, event: QHideEvent) -> None:
        """Take the preview along."""
        super().hideEvent(event)
        if self._preview is not None:
            self._preview.close()

    # -- settings ------------------------------------------------------------------------------------------------

    def _on_form_changed(self) -> None:
        """Say how large the networks become, or why the settings do not fit together."""
        try:
            request = self.form.request(Path("new"))
            text, spec = self._described(request)
        except ExplorerError as error:
            self.drawing.show_spec(None)
            self._say(str(error), problem=True)
            self._set_startable(False)
            return
        self.drawing.show_spec(spec)
        self.form.show_code_size(spec.latent_dim)
        self._say(text)
        self._set_startable(True)
        if self._preview is not None and self._preview.isVisible():
            self._preview.follow(request)

    def _described(self, request: TrainingRequest) -> tuple[str, ModelSpec]:
        """Return what the settings come to.

        Raises
        ------
        ExplorerError
            If they do not fit together.
        """
        parent, architecture = self.form.parent_bundle, self.form.architecture
        settings = resolve_settings(request)
        if parent is not None:
            spec = architecture.build(parent.card.image_shape, None if architecture.spatial else parent.card.latent_dim)
        else:
            spec = architecture.build(resolve_image_shape(request, *self._native()), request.latent)
        height, width, channels = spec.image_shape
        code = " × ".join(f"{side:,}" for side in spec.latent_shape)
        values = [f"{height} × {width} × {channels}", code]
        values += [f"{network.parameters:,}" for network in (spec.encoder, spec.decoder)]
        words = self.tr("%1 pixels to %2 numbers; %3 weights in the encoder, %4 in the decoder.")
        for place, value in enumerate(values, 1):
            words = words.replace(f"%{place}", value)
        if settings.solver == "pca":
            words += " " + self.tr("Solved at once, without epochs.")
        return words + self._augment_text(request), spec

    def _augment_text(self, request: TrainingRequest) -> str:
        """Say where the wanted number of pictures adds none."""
        source = self._document.source
        known = {entry.name: entry.train for entry in known_sources()}
        opened = source is not None and source.spec == request.data
        count = len(source.splits.train) if source is not None and opened else known.get(request.data, 0)
        count = min(count, request.limit or count)
        if not request.augment or request.augment > count:
            return ""
        return " " + self.tr("Augmentation adds nothing: there are %1 pictures.").replace("%1", f"{count:,}")

    def _native(self) -> tuple[ImageShape | None, int]:
        """Return the pictures' own shape, and the crop that is usual for them."""
        source = self._document.source
        if source is not None and source.spec == self.form.data:
            return source.image_shape, source.crop
        return {entry.name: entry.image_shape for entry in known_sources()}.get(self.form.data), 0

    def _say(self, text: str, *, problem: bool = False) -> None:
        self._facts.setText(text[:1].upper() + text[1:])
        if problem != self._facts.property("problem"):
            self._facts.setProperty("problem", problem)
            self._facts.style().polish(self._facts)

    def _set_startable(self, fits: bool) -> None:
        self._fits = fits
        self.form.preview.setEnabled(fits)
        self.start.setEnabled(fits and not self._document.training.active)

    def _on_fold_toggled(self, unfolded: bool) -> None:
        """Bring what was unfolded into view."""
        if unfolded:
            self.form.adjustSize()
            self._settings.ensureWidgetVisible(self.form.fold.content, 0, 0)
            self._settings.ensureWidgetVisible(self.form.fold.button, 0, 0)

    def show_preview(self) -> None:
        """Show what augmentation makes of a few of the chosen pictures."""
        if self._preview is None:
            self._preview = AugmentPreview(self._document, self)
            self._preview.seed_chosen.connect(self.form.set_seed)
        self._preview.show()
        self._preview.raise_()
        self._preview.follow(self.form.request(Path("new")))

    # -- running -------------------------------------------------------------------------------------------------

    def _on_start_clicked(self) -> None:
        try:
            check_new_model(user_models_dir(), self.form.name)
            request = self.form.request(user_models_dir() / self.form.name)
        except ExplorerError as error:
            self._say(str(error), problem=True)
            return
        self._document.training_requested.emit(request)

    def _on_training_changed(self) -> None:
        training = self._document.training
        self.cancel.setEnabled(training.active)
        self.start.setEnabled(self._fits and not training.active)
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
            self.form.refresh_name()
