"""The Train panel: settings of a training, the network, and the progress of the training."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QScrollArea, QWidget

from explorer.document.document import Document
from explorer.errors import ExplorerError
from explorer.models.settings import TrainingRequest
from explorer.paths import user_models_dir
from explorer.ui.dialogs.augment_preview import AugmentPreview
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel
from explorer.ui.panels.train_facts import TrainFacts
from explorer.ui.panels.train_form import TrainForm
from explorer.ui.panels.train_watch import TrainWatchPanel
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.widgets.fields import button, name_widget
from explorer.ui.widgets.layouts import hbox, vbox, widget_of
from explorer.ui.widgets.network_drawing import NetworkDrawing

_FORM_WIDTHS = 336, 368


class TrainPanel(QWidget):
    """Settings and the Train button on the left; network and progress on the right."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._fits = True
        self._preview: AugmentPreview | None = None
        name_widget(self, "train_panel", self.tr("Train"))
        self.form = TrainForm(document)
        self.start = button(
            "train_start",
            self.tr("Train"),
            self.tr("Start the training in the background"),
            self.tr("start training, fit, learn"),
            primary=True,
        )
        self.drawing = NetworkDrawing()
        self._facts = TrainFacts()
        self.watch = TrainWatchPanel(document, self._make_network_page())
        self._lay_out()
        self._connect()
        self._on_form_changed()
        self._on_training_changed()

    def _make_network_page(self) -> QWidget:
        page = QWidget()
        page.setLayout(vbox(self._facts, (self.drawing, 1), margins=(0, 6, 0, 0)))
        return page

    def _lay_out(self) -> None:
        settings = QScrollArea()
        name_widget(settings, "train_settings", self.tr("Training settings"))
        settings.setFrameShape(QScrollArea.Shape.NoFrame)
        settings.setWidgetResizable(True)
        settings.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        settings.setWidget(self.form)
        self._settings = settings
        left = widget_of(vbox((settings, 1), self.start))
        left.setMinimumWidth(_FORM_WIDTHS[0])
        left.setMaximumWidth(_FORM_WIDTHS[1])
        self.setLayout(hbox((left, 2), (self.watch, 1), spacing=14, margins=(12, 8, 12, 8)))

    def _connect(self) -> None:
        self.form.changed.connect(self._on_form_changed)
        self.form.preview.clicked.connect(self.show_preview)
        self.form.fold.toggled.connect(self._on_fold_toggled)
        self.start.clicked.connect(self._on_start_clicked)
        self._document.training_changed.connect(self._on_training_changed)
        self._document.trainings.again_requested.connect(self._on_again_requested)

    def showEvent(self, event: QShowEvent) -> None:
        """Start the model process in advance, since that takes a moment."""
        super().showEvent(event)
        self._document.training_expected.emit()
        self.form.ask_ground()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._preview is not None:
            self._preview.close()

    # -- settings ------------------------------------------------------------------------------------------------

    def _on_form_changed(self) -> None:
        if self.isVisible():
            self._document.training_expected.emit()
        try:
            plan = self.form.plan()
        except ExplorerError as error:
            self.drawing.show_spec(self.form.network())
            self._facts.show_problem(error.message)
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
        self.start.setEnabled(fits)

    def _on_fold_toggled(self, unfolded: bool) -> None:
        if unfolded:
            self.form.adjustSize()
            self._settings.ensureWidgetVisible(self.form.fold.content, 0, 0)
            self._settings.ensureWidgetVisible(self.form.fold.button, 0, 0)

    def show_preview(self) -> None:
        if self._preview is None:
            self._preview = AugmentPreview(self._document, self)
            self._preview.seed_chosen.connect(self.form.set_seed)
        self._preview.show()
        self._preview.raise_()
        self._preview.follow(self.form.request(Path("new")))

    def _on_again_requested(self, request: TrainingRequest) -> None:
        self.form.show_request(request)
        self.watch.pages.setCurrentIndex(0)

    # -- running -------------------------------------------------------------------------------------------------

    def _on_start_clicked(self) -> None:
        try:
            self.form.plan()
            request = self.form.request(user_models_dir() / self.form.chosen_name)
        except ExplorerError as error:
            self._facts.show_problem(error.message)
            return
        self.form.let_name_go()
        self._document.training_requested.emit(request)

    def _on_training_changed(self) -> None:
        active = self._document.training.active
        self.start.setText(self.tr("Queue training") if active else self.tr("Train"))
        tip = (
            self.tr("Start after the running and queued trainings")
            if active
            else self.tr("Start the training in the background")
        )
        self.start.setToolTip(plain_tooltip(tip))
        if not active:
            self.form.refresh_name()


PANEL = Panel(
    "train",
    QT_TRANSLATE_NOOP("panels", "Train"),
    TrainPanel,
    tip=QT_TRANSLATE_NOOP("panels", "Train a new autoencoder on the open dataset."),
    synonyms=QT_TRANSLATE_NOOP("panels", "fit, learn, new model, epochs"),
    icon="graduation-cap",
    workspaces=("train",),
    help="train",
)
