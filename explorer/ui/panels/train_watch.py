"""Monitoring of a training: network, curves, progress images and runs; buttons to pause, stop and discard it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QProgressBar, QTabWidget, QWidget

from explorer.document.activity import TrainingView
from explorer.document.document import Document
from explorer.ui.motion import show_busy
from explorer.ui.panels.train_progress import TrainProgressPanel
from explorer.ui.panels.train_runs import TrainRunsPanel
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.text import duration
from explorer.ui.widgets.elided_label import ElidedLabel
from explorer.ui.widgets.fields import button, check_box, label, name_control, name_widget
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox, widget_of

if TYPE_CHECKING:
    from explorer.ui.panels.train_curves import TrainCurvesPanel

_BAR = 1_000
_BUTTON_WIDTH = 180
"""Maximum width of the buttons in pixels."""


class TrainWatchPanel(QWidget):
    """Pages above a progress bar and the buttons to pause, stop and discard.

    The first page, `network`, is the network of the current settings.
    """

    def __init__(self, document: Document, network: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._was_active = False
        name_widget(self, "train_watch_panel", self.tr("Training"))
        self.curves: TrainCurvesPanel | None = None
        self.progress_frames = TrainProgressPanel(document)
        self.runs = TrainRunsPanel(document)
        self._curves_place = widget_of(vbox())
        self.pages = QTabWidget()
        name_widget(self.pages, "train_pages", self.tr("Network, losses, progress and runs of the training"))
        self.pages.setDocumentMode(True)
        self.pages.tabBar().setDrawBase(False)
        for page, title, tip in (
            (network, self.tr("Network"), self.tr("Layers of encoder and decoder, and the cost of the training")),
            (self._curves_place, self.tr("Loss"), self.tr("Loss by epoch, also of earlier runs")),
            (self.progress_frames, self.tr("Progress"), self.tr("Reconstructions of a few validation images by epoch")),
            (self.runs, self.tr("Runs"), self.tr("All trainings started here")),
        ):
            self.pages.setTabToolTip(self.pages.addTab(page, title), plain_tooltip(tip))
        self._make_progress()
        self._lay_out()
        document.training_changed.connect(self._on_training_changed)
        document.trainings.queue_changed.connect(self._on_training_changed)
        self._on_training_changed()

    def _make_progress(self) -> None:
        self._bar = QProgressBar()
        name_control(self._bar, "train_progress", self.tr("Training progress"))
        self._bar.setRange(0, _BAR)
        self._bar.setTextVisible(False)
        self._note = ElidedLabel("train_note", self.tr("Idle"))
        self._left = label("train_left", wrap=False)
        self.pause = button(
            "train_pause",
            self.tr("Pause"),
            self.tr("Write a checkpoint and pause at the next step"),
            self.tr("interrupt, hold training"),
        )
        self.stop = button(
            "train_stop",
            self.tr("Stop and save"),
            self.tr("End the training now and save the model"),
            self.tr("finish training, end early"),
        )
        self.cancel = button(
            "train_cancel",
            self.tr("Discard"),
            self.tr("End the training without saving a model; the last checkpoint is kept"),
            self.tr("abort training, throw away"),
        )
        self.follow = check_box(
            "train_follow",
            self.tr("Live preview on stage"),
            self.tr("Open the model when its training starts: stage, sliders and map show its current weights"),
        )
        self.follow.setChecked(self._document.trainings.follow)
        self.pause.clicked.connect(self._on_pause_clicked)
        self.stop.clicked.connect(self._document.trainings.stop_requested.emit)
        self.cancel.clicked.connect(self._document.training_cancel_requested.emit)
        self.follow.toggled.connect(self._on_follow_toggled)

    def _lay_out(self) -> None:
        buttons = QGridLayout()
        buttons.setHorizontalSpacing(6)
        for column, made in enumerate((self.pause, self.stop, self.cancel)):
            made.setMaximumWidth(_BUTTON_WIDTH)
            buttons.addWidget(made, 0, column)
            buttons.setColumnStretch(column, 100)
        buttons.setColumnStretch(3, 1)
        self.setLayout(
            vbox(
                (self.pages, 1),
                self._bar,
                self._note,
                hbox(self.follow, STRETCH, self._left),
                buttons,
                spacing=6,
                margins=0,
            )
        )

    def showEvent(self, event: QShowEvent) -> None:
        """Create the curves on first use: importing the plotting library is slow."""
        super().showEvent(event)
        if self.curves is None:
            from explorer.ui.panels.train_curves import TrainCurvesPanel

            self.curves = TrainCurvesPanel(self._document)
            layout = self._curves_place.layout()
            assert layout is not None
            layout.addWidget(self.curves)

    # -- progress ----------------------------------------------------------------------------------------------------

    def _on_training_changed(self) -> None:
        training = self._document.training
        self.pause.setEnabled(training.phase in {"running", "paused"})
        self.pause.setText(self.tr("Resume") if training.phase == "paused" else self.tr("Pause"))
        self.stop.setEnabled(training.phase in {"running", "paused"})
        self.cancel.setEnabled(training.active)
        if training.active and not self._was_active and self.pages.currentIndex() == 0:
            # The user has just seen the network.
            self.pages.setCurrentWidget(self._curves_place)
        self._was_active = training.active
        if training.phase != "idle":
            self._show_progress(training)

    def _show_progress(self, training: TrainingView) -> None:
        title = f"{training.title}: " if training.title else ""
        self._note.setText(f"{title}{training.note}")
        self._left.setText(self._pace(training))
        if training.phase == "starting":
            show_busy(self._bar)
            return
        self._bar.setRange(0, _BAR)
        whole = training.phase == "finished" or not training.epochs
        self._bar.setValue(_BAR if whole else round(_BAR * min(1.0, training.progress / training.epochs)))

    def _pace(self, training: TrainingView) -> str:
        parts = []
        if training.rate is not None:
            parts.append(self.tr("%1 images/s").replace("%1", f"{training.rate:,.0f}"))
        if training.seconds_left is not None:
            parts.append(self.tr("%1 left").replace("%1", duration(training.seconds_left)))
        waiting = len(self._document.trainings.queue)
        if waiting:
            parts.append(self.tr("%1 queued").replace("%1", str(waiting)))
        return " · ".join(parts)

    def _on_pause_clicked(self) -> None:
        trainings = self._document.trainings
        held = self._document.training.phase == "paused"
        (trainings.resume_requested if held else trainings.pause_requested).emit()

    def _on_follow_toggled(self, follow: bool) -> None:
        self._document.trainings.follow = follow
