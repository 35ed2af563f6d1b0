"""The background work of a document: creates and connects the render thread, the jobs and the trainer."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from explorer.data.source import Source
from explorer.document.closed import Reopening
from explorer.document.document import Document
from explorer.document.sessions import LeftOver
from explorer.document.state import OpenModel
from explorer.inference.served import network_server
from explorer.messages import message
from explorer.models.bundle import CARD
from explorer.models.third_party.files import looks_third_party
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
from explorer.workers.loading import load_model, load_source, reopen, skipped_words
from explorer.workers.opener import Opener
from explorer.workers.render_scheduler import RenderScheduler
from explorer.workers.render_thread import RenderThread
from explorer.workers.runs import RunJobs
from explorer.workers.session_io import SessionJobs, is_session
from explorer.workers.trainer import Trainer


class Backend(QObject):
    """Handles the requests of a document. Belongs to the main thread; `close` ends all threads and processes."""

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
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
        self._opening_model = 0
        self._opening_path: Path | None = None
        self._opening_source = 0
        self._reopening = 0
        self._listed_source: Source | None = None
        self._closed = False
        self.jobs.jobs_changed.connect(self._on_jobs_changed)
        self.jobs.failed.connect(document.report)
        document.open_model_requested.connect(self._on_open_model_requested)
        document.open_source_requested.connect(self._on_open_source_requested)
        document.reopen_requested.connect(self._on_reopen_requested)
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
            self.jobs.cancel_all()
            self.importer.shut()
            self.trainer.close(deadline)
            # The render thread may be waiting for a decoder in Keras.
            network_server().close(deadline.seconds)
            self.jobs.close(deadline)
            self.importer.close(deadline)
            self.render_thread.close(deadline)
            network_server().close(deadline.seconds)

    def _on_open_model_requested(self, path: Path) -> None:
        """Open a bundle; the last request wins, and a repeated request is ignored."""
        if path == self._opening_path and self.jobs.running(self._opening_model):
            return
        if not (path / CARD).is_file() and looks_third_party(path):
            self.document.imports.wanted.emit(path)
            return
        self.jobs.cancel(self._opening_model)
        self._opening_path = path
        home = self._wants_home(path)
        self._opening_model = self.jobs.start(
            message("Opening {name}", name=path.name),
            lambda: load_model(path, home),
            self._on_model_loaded,
        )

    def _wants_home(self, path: Path) -> bool:
        """Return whether to open the dataset of a model with it; it never replaces images of the user."""
        source = self.document.source
        return source is None or source.status == "embedded"

    def _on_model_loaded(self, loaded: tuple[OpenModel, Source | None]) -> None:
        model, source = loaded
        current = self.document.source
        same = source is not None and current is not None and source.name == current.name
        self.document.open(model, None if same else source)

    def _on_open_source_requested(self, spec: str) -> None:
        """Open images; a model or a session is opened or imported instead."""
        if is_session(Path(spec)):
            self.document.sessions.open_wanted.emit(Path(spec))
            return
        if (Path(spec) / CARD).is_file() or looks_third_party(Path(spec)):
            self._on_open_model_requested(Path(spec))
            return
        self.jobs.cancel(self._opening_source)
        self._opening_source = self.jobs.start(
            message("Opening {name}", name=Path(spec).name),
            lambda: load_source(spec),
            self._on_source_loaded,
            on_early=self._on_source_listed,
        )

    def _on_source_listed(self, source: Source) -> None:
        """Show a large folder before all its files are checked."""
        self._listed_source = source
        self.document.open(source=source)

    def _on_source_loaded(self, source: Source) -> None:
        """Open a source, or complete the one that was shown early."""
        listed, self._listed_source = self._listed_source, None
        if not source.continues(listed):
            self.document.open(source=source)
        else:
            self.document.refine_source(source)
        if source.skipped:
            self.document.report(*skipped_words(source))

    def _on_reopen_requested(self, wanted: Reopening) -> None:
        """Reopen what a step of the history needs; the last request wins."""
        self.jobs.cancel(self._reopening)
        self._reopening = self.jobs.start(
            message("Opening {name}", name=wanted.title),
            lambda: reopen(wanted),
            lambda opened: self.document.put_reopened(wanted, opened),
        )

    def _on_recover_requested(self, left: LeftOver) -> None:
        copy = self.autosave.copy_of(left)
        if copy is not None:
            self.session_jobs.load(copy, left)

    def _on_jobs_changed(self) -> None:
        self.document.put_jobs(self.jobs.jobs)
