"""Progress of a job, with a Cancel button."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QWidget

from explorer.document.activity import JobView
from explorer.document.analysis import Study
from explorer.document.document import Document
from explorer.messages import message_text
from explorer.ui.text import duration
from explorer.ui.widgets.fields import button, label, name_widget
from explorer.ui.widgets.layouts import hbox


class JobStrip(QWidget):
    """A row that is visible while a job runs; `cancelled()`: Cancel was clicked."""

    cancelled = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"{name}_strip")
        self.bar = QProgressBar()
        name_widget(self.bar, f"{name}_progress", self.tr("Progress"))
        self.bar.setTextVisible(False)
        self._words = label(f"{name}_words", wrap=False, narrow=True)
        stop = button(
            f"{name}_cancel", self.tr("Cancel"), self.tr("Cancel (keeps previous result)"), self.tr("stop, abort")
        )
        stop.clicked.connect(self.cancelled)
        self.setLayout(hbox((self.bar, 1), (self._words, 1), stop, margins=0))
        self.hide()

    def show_job(self, job: JobView | None) -> None:
        """None hides the row."""
        self.setVisible(job is not None)
        if job is None:
            return
        # With a range of 0 to 0, the bar is indeterminate.
        self.bar.setRange(0, job.total)
        self.bar.setValue(job.done)
        left = "" if job.seconds_left is None else self.tr("%1 left").replace("%1", duration(job.seconds_left))
        self._words.setText(" · ".join(part for part in (message_text(job.note), left) if part))


class AnalysisStrip(JobStrip):
    """Progress of an analysis of the document, which Cancel ends."""

    def __init__(self, name: str, document: Document, study: Study) -> None:
        super().__init__(name)
        self._document = document
        self._study = study
        self.cancelled.connect(self._cancel)
        document.analysis.running_changed.connect(self._show)
        document.jobs_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        key = self._document.analysis.running(self._study)
        self.show_job(next((job for job in self._document.jobs if job.key == key), None))

    def _cancel(self) -> None:
        key = self._document.analysis.running(self._study)
        if key is not None:
            self._document.job_cancel_requested.emit(key)
