"""Train a model in the background: what, on which pictures, how long; and watch the loss."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from explorer.document.document import Document
from explorer.errors import ExplorerError
from explorer.paths import user_models_dir
from explorer.ui.dialogs.augment_preview import AugmentPreview
from explorer.ui.panels.train_facts import TrainFacts
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
        self._facts = TrainFacts()
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
        """Draw the networks and say what the training comes to, or why it cannot be."""
        try:
            plan = self.form.plan()
        except ExplorerError as error:
            self.drawing.show_spec(self.form.network())
            self._facts.show_problem(str(error))
            self._set_startable(False)
            if self._preview is not None:
                self._preview.explain(str(error))
            return
        self.drawing.show_spec(plan.spec)
        self.form.show_code_size(plan.spec.latent_dim)
        self._facts.show_plan(plan)
        self._set_startable(True)
        if self._preview is not None and self._preview.isVisible():
            self._preview.follow(self.form.request(Path("new")))

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
            self.form.plan()
            request = self.form.request(user_models_dir() / self.form.chosen_name)
        except ExplorerError as error:
            self._facts.show_problem(str(error))
            return
        self.form.let_name_go()
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
