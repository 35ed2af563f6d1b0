"""The background work of a document: creates and connects the render thread, the jobs and the trainer."""

from __future__ import annotations

from PySide6.QtCore import QObject

from explorer.document.document import Document
from explorer.document.preferences import PreferencesFile
from explorer.document.sessions import LeftOver
from explorer.engine.served import network_server
from explorer.inference.providers import offered
from explorer.workers.acceleration import Acceleration
from explorer.workers.analysis import AnalysisJobs
from explorer.workers.animation import AnimationJobs
from explorer.workers.autosave import Autosave
from explorer.workers.closing import Deadline
from explorer.workers.comparison import ComparisonJobs
from explorer.workers.dataset_checks import DatasetCheckJobs
from explorer.workers.downloads import DownloadJobs
from explorer.workers.housekeeping import Housekeeping
from explorer.workers.importer import Importer
from explorer.workers.jobs import JobRunner
from explorer.workers.opener import Opener
from explorer.workers.render_scheduler import RenderScheduler
from explorer.workers.render_thread import RenderThread
from explorer.workers.runs import RunJobs
from explorer.workers.session_io import SessionJobs
from explorer.workers.trainer import Trainer


class Backend(QObject):
    """Handles the requests of a document. Belongs to the main thread; `close` ends all threads and processes.

    Without preferences, all networks run on the CPU.
    """

    def __init__(self, document: Document, preferences: PreferencesFile | None = None) -> None:
        super().__init__()
        self.document = document
        self.render_thread = RenderThread(self)
        self.render_scheduler = RenderScheduler(document, self.render_thread, self)
        self.jobs = JobRunner(self)
        self.dataset_check_jobs = DatasetCheckJobs(document, self.jobs, self)
        self.analysis_jobs = AnalysisJobs(document, self.jobs, self)
        self.animation_jobs = AnimationJobs(document, self.jobs, self)
        self.download_jobs = DownloadJobs(document, self.jobs, self)
        self.comparison_jobs = ComparisonJobs(document, self.jobs, self)
        self.importer = Importer(document, self.jobs, self)
        self.opener = Opener(document, self.jobs, self)
        self.session_jobs = SessionJobs(document, self.jobs, self)
        self.autosave = Autosave(document, self)
        self.trainer = Trainer(self)
        self.housekeeping = Housekeeping(document, self.render_thread, self.jobs, self)
        self.run_jobs = RunJobs(document, self.trainer, self.jobs, self)
        available = () if preferences is None else offered()
        self.acceleration = Acceleration(document, self.jobs, preferences or PreferencesFile(), available, self)
        self._closed = False
        self.jobs.jobs_changed.connect(self._on_jobs_changed)
        self.jobs.failed.connect(document.report)
        document.sessions.recover_requested.connect(self._on_recover_requested)
        document.job_cancel_requested.connect(self.jobs.cancel)

    def close(self) -> None:
        """End all threads and processes, and wait for them at most `THREADS_S`."""
        if not self._closed:
            self._closed = True
            deadline = Deadline()
            self.render_scheduler.stop()
            # First, so that unsaved work is on disk whatever the rest does.
            self.autosave.close(deadline)
            self.housekeeping.close(deadline)
            self.acceleration.close()
            self.jobs.cancel_all()
            self.importer.shut()
            self.trainer.close(deadline)
            # The render thread may be waiting for a decoder in Keras.
            network_server().close(deadline.seconds)
            self.jobs.close(deadline)
            self.importer.close(deadline)
            self.render_thread.close(deadline)
            network_server().close(deadline.seconds)

    def _on_recover_requested(self, left: LeftOver) -> None:
        copy = self.autosave.copy_of(left)
        if copy is not None:
            self.session_jobs.recover(copy, left)

    def _on_jobs_changed(self) -> None:
        self.document.put_jobs(self.jobs.jobs)
