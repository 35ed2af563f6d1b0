"""The status bar: model, dataset and background jobs."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from statistics import median

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QProgressBar, QPushButton, QStatusBar, QWidget

from explorer.data.splits import Splits
from explorer.document.document import Document
from explorer.document.state import OpenModel
from explorer.document.views.cursor import CURSOR, CursorView
from explorer.messages import Message, message, message_text
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.show_in_folder import ShowInFolder
from explorer.ui.text import duration, filled, learning
from explorer.ui.widgets.elided_label import ElidedLabel
from explorer.ui.widgets.fields import button, name_control

_REMEMBERED = 15
_NAMED = 20
"""Skipped images that the tooltip names."""

_MESSAGE_MS = 12_000


class StatusBar(QStatusBar):
    """Shows the state of a document; jobs can be canceled from here."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._times: deque[float] = deque(maxlen=_REMEMBERED)
        self.setObjectName("status_bar")
        self.setSizeGripEnabled(False)
        self.setContentsMargins(0, 0, 6, 0)
        self._model = self._label("status_model", self.tr("Current model"))
        self._data = self._label("status_data", "")
        self._job = self._label("status_job", self.tr("Background job"))
        self._bar = QProgressBar()
        name_control(self._bar, "status_progress", self.tr("Progress of the job"))
        self._bar.setFixedWidth(120)
        self._bar.setTextVisible(False)
        self._cancel: QPushButton = button("status_cancel", self.tr("Cancel"), self.tr("Cancel the job"))
        self._said = self._label("status_said", self.tr("Last message"))
        self._shown: OpenModel | None = None
        self._fade = QTimer(self, singleShot=True, interval=_MESSAGE_MS)
        self._fade.timeout.connect(self._said.clear)
        for widget in (self._model, self._data):
            self.addWidget(widget)
        self.show_in_folder = ShowInFolder(document)
        right: tuple[QWidget, ...] = (self._said, self.show_in_folder, self._job, self._bar, self._cancel)
        for part in right:
            self.addPermanentWidget(part)
        self._cancel.clicked.connect(self._on_cancel_clicked)
        document.changed.model.connect(self._on_model_changed)
        document.changed.source.connect(self._on_source_changed)
        document.views.changed(CURSOR).connect(self._on_cursor_view_changed)
        document.jobs_changed.connect(self._on_work_changed)
        document.training_changed.connect(self._on_work_changed)
        document.exported.connect(self._on_exported)
        document.announced.connect(self._announce)
        self._on_model_changed()
        self._on_source_changed()
        self._on_work_changed()

    def _label(self, name: str, tip: str) -> ElidedLabel:
        label = ElidedLabel(name, "", tip)
        return label

    def _on_model_changed(self) -> None:
        model = self._document.model
        if model is None or not model.continues(self._shown):
            self._times.clear()
            self._tell_model("")
        self._shown = model
        self._model.setText(learning(model.name, model.epochs) if model else self.tr("No model"))

    def _on_source_changed(self) -> None:
        source = self._document.source
        self._data.setToolTip(self.tr("Current dataset"))
        if source is None:
            self._data.setText(self.tr("No dataset"))
            return
        words = self.tr("%1: %2 image") if source.count == 1 else self.tr("%1: %2 images")
        text = filled(words, source.title, f"{source.count:,}")
        if source.skipped:
            text += "  ·  " + self.tr("%1 skipped").replace("%1", f"{len(source.skipped):,}")
        self._data.setText(text)
        names = [f"{skipped.name}: {skipped.reason}" for skipped in source.skipped[:_NAMED]]
        self._data.setToolTip(plain_tooltip("\n".join([text, self._splits_text(source.splits), *names])))

    def _splits_text(self, splits: Splits) -> str:
        counts = [f"{len(part):,}" for part in (splits.train, splits.test, splits.validation)]
        if len(splits.validation):
            return filled(self.tr("Training: %1, validation: %3, test: %2"), *counts)
        return filled(self.tr("Training: %1, test: %2"), *counts[:2])

    def _tell_model(self, speed: str) -> None:
        """Say in the tooltip what the label is, and how fast the model decodes: the median of the last codes."""
        self._model.set_tip("\n".join(filter(None, (self.tr("Current model"), speed))))

    def _on_cursor_view_changed(self) -> None:
        view = self._document.views[CURSOR]
        if isinstance(view, CursorView) and view.decode_ms > 0:
            self._times.append(view.decode_ms)
            model = self._document.model
            by_keras = model is not None and model.card.engine == "keras"
            words = self.tr("Decoding takes %1 ms (Keras)") if by_keras else self.tr("Decoding takes %1 ms")
            self._tell_model(words.replace("%1", f"{median(self._times):.2f}"))

    def _on_work_changed(self) -> None:
        jobs, training = self._document.jobs, self._document.training
        self._job.setVisible(bool(jobs) or training.active)
        for widget in (self._bar, self._cancel):
            widget.setVisible(bool(jobs) or training.active)
        if jobs:
            job = jobs[0]
            more = f"  (+{len(jobs) - 1})" if len(jobs) > 1 else ""
            self._job.setText(self._with_time_left(str(job.title), job.seconds_left) + more)
            self._bar.setRange(0, job.total)
            self._bar.setValue(job.done)
        elif training.active:
            title = self.tr("Training %1").replace("%1", training.title)
            self._job.setText(self._with_time_left(title, training.seconds_left))
            steps = max(1, training.steps)
            self._bar.setRange(0, training.epochs * steps if training.epochs and training.phase == "running" else 0)
            self._bar.setValue(len(training.curve) * steps + training.step)

    def _on_cancel_clicked(self) -> None:
        if self._document.jobs:
            self._document.job_cancel_requested.emit(self._document.jobs[0].key)
        else:
            self._document.training_cancel_requested.emit()

    def _on_exported(self, path: Path) -> None:
        """Say what was saved as long as the button beside it shows its folder."""
        self._said.setText(message_text(message("Saved {name}", name=path.name)))
        self._said.setToolTip(plain_tooltip(str(path)))
        self._fade.stop()

    def _announce(self, news: Message) -> None:
        self._said.setText(message_text(news))
        self._fade.start()

    def _with_time_left(self, title: str, seconds: float | None) -> str:
        if seconds is None or seconds < 1:
            return title
        return filled(self.tr("%1, %2 left"), title, duration(seconds))
