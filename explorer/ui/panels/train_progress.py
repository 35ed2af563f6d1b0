"""Training progress: a few validation images and their reconstructions by epoch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QSlider, QWidget

from explorer.data.mixer import shown
from explorer.document.document import Document
from explorer.document.view_store import FailedView
from explorer.document.views.training_progress import TRAINING_PROGRESS, TrainingProgressView
from explorer.export import FORMATS
from explorer.messages import message_text
from explorer.models.runs import ProgressFrame, originals_of
from explorer.ui.dialogs.files import ask_save
from explorer.ui.widgets.fields import button, label, name_control, name_widget
from explorer.ui.widgets.image_table import ImageTable
from explorer.ui.widgets.layouts import hbox, vbox


class TrainProgressPanel(QWidget):
    """Originals above reconstructions, and a slider over the epochs; at its end it follows the training."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._progress_frames: tuple[ProgressFrame, ...] = ()
        self._run: Path | None = None
        name_widget(self, "train_frames_panel", self.tr("Training progress"))
        self.table = ImageTable(first_gap=0, whole=False, wrap="rows")
        self.table.set_labels([(self.tr("Original"), True), (self.tr("Reconstruction"), True)])
        name_widget(self.table, "train_frames", self.tr("Validation images, and their reconstructions below"))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        name_control(
            self.slider, "train_frames_slider", self.tr("Epoch: drag to see earlier reconstructions of these images")
        )
        self._epoch = label("train_frames_epoch", wrap=False)
        self._epoch.setMinimumWidth(84)
        self._export = button(
            "train_frames_export",
            self.tr("Export…"),
            self.tr("Export as an animation or a contact sheet"),
            self.tr("training video, save progress, gif"),
        )
        self.setLayout(
            vbox((self.table, 1), hbox((self.slider, 1), self._epoch, self._export), spacing=6, margins=(0, 6, 0, 0))
        )
        self.slider.valueChanged.connect(lambda number: self._ask())
        self._export.clicked.connect(self._ask_export)
        document.training_changed.connect(self._follow)
        document.trainings.chosen_changed.connect(self._follow)
        document.trainings.runs_changed.connect(self._follow)
        document.views.changed(TRAINING_PROGRESS).connect(self._on_view_changed)
        self._take(None, ())

    def showEvent(self, event: QShowEvent) -> None:
        """Update: images are not read while the panel is hidden."""
        super().showEvent(event)
        self._ask()

    def _follow(self) -> None:
        """Show the selected run if it is the only one, else the active or last training."""
        run, progress_frames = self._source()
        if (
            run == self._run
            and len(progress_frames) == len(self._progress_frames)
            and progress_frames[-1:] == self._progress_frames[-1:]
        ):
            return
        self._take(run, progress_frames)

    def _take(self, run: Path | None, progress_frames: tuple[ProgressFrame, ...]) -> None:
        at_end = run != self._run or self.slider.value() >= len(self._progress_frames) - 1
        self._run, self._progress_frames = run, progress_frames
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(0, len(progress_frames) - 1))
            self.slider.setEnabled(len(progress_frames) > 1)
            if at_end:
                self.slider.setValue(self.slider.maximum())
        self._export.setEnabled(bool(progress_frames))
        if not progress_frames:
            self._epoch.clear()
            self.table.show_message(self.tr("During training, reconstructions of a few validation images appear here."))
        elif at_end:
            self._ask()

    def _source(self) -> tuple[Path | None, tuple[ProgressFrame, ...]]:
        training, trainings = self._document.training, self._document.trainings
        chosen = [run for run in trainings.runs if run.path in trainings.chosen]
        if len(chosen) == 1 and chosen[0].path != training.run:
            return chosen[0].path, chosen[0].progress_frames
        return training.run, training.progress_frames

    def _ask(self) -> None:
        if self._run is not None and self._progress_frames and self.isVisible():
            frame = self._progress_frames[min(self.slider.value(), len(self._progress_frames) - 1)]
            self._document.trainings.frame_requested.emit(originals_of(self._run), frame)

    def _on_view_changed(self) -> None:
        view = self._document.views[TRAINING_PROGRESS]
        if isinstance(view, FailedView):
            self.table.show_message(message_text(view.message))
        elif isinstance(view, TrainingProgressView) and self._progress_frames:
            rows = [shown(images, self._document.mixer) for images in (view.originals, view.reconstructions)]
            self.table.show_pixels(np.stack(rows))
            text = self.tr("Epoch %1").replace("%1", f"{view.progress:.3g}")
            self._epoch.setText(self.tr("Untrained") if view.progress == 0 else text)
            self.slider.setAccessibleDescription(self._epoch.text())

    def _ask_export(self) -> None:
        run, progress_frames = self._run, self._progress_frames
        if run is None or not progress_frames:
            return
        kinds = [kind.name_filter for kind in FORMATS.values()]
        chosen: Callable[[Path], object] = lambda path: self._document.trainings.progress_export_requested.emit(  # noqa: E731
            originals_of(run), progress_frames, path
        )
        ask_save(self._document, self, self.tr("Export training progress"), kinds, Path.home() / "training.gif", chosen)
