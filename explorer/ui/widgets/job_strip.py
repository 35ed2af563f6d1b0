"""Progress of a job, with a Cancel button."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QWidget

from explorer.document.activity import JobView
from explorer.messages import message_text
from explorer.ui.plain_text import PlainLabel
from explorer.ui.text import duration
from explorer.ui.widgets.fields import button
from explorer.ui.widgets.layouts import hbox


class JobStrip(QWidget):
    """A row that is visible while a job runs.

    Parameters
    ----------
    name
        Prefix of the object names.

    Signals
    -------
    cancelled()
        Cancel was clicked.
    """

    cancelled = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"{name}_strip")
        self.bar = QProgressBar()
        self.bar.setObjectName(f"{name}_progress")
        self.bar.setAccessibleName(self.tr("Progress"))
        self.bar.setTextVisible(False)
        self._words = PlainLabel()
        self._words.setObjectName(f"{name}_words")
        self._words.setProperty("muted", True)
        self._words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        stop = button(f"{name}_cancel", self.tr("Cancel"), self.tr("Cancel (keeps previous result)"))
        stop.clicked.connect(self.cancelled)
        self.setLayout(hbox((self.bar, 1), (self._words, 1), stop, margins=0))
        self.hide()

    def show_job(self, job: JobView | None) -> None:
        """Show the progress of a job; None hides the row."""
        self.setVisible(job is not None)
        if job is None:
            return
        # With a range of 0 to 0, the bar is indeterminate.
        self.bar.setRange(0, job.total)
        self.bar.setValue(job.done)
        left = "" if job.seconds_left is None else self.tr("%1 left").replace("%1", duration(job.seconds_left))
        self._words.setText(" · ".join(part for part in (message_text(job.note), left) if part))
