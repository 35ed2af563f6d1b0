"""Runs, training progress, and the live model, for `explorer.document.trainings.Trainings`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject

from explorer.data.source import Source
from explorer.document.activity import TrainingView
from explorer.document.document import Document
from explorer.document.state import OpenModel
from explorer.errors import TrainingError
from explorer.messages import message
from explorer.models.runs import ProgressFrame, Run, delete_run, find_runs
from explorer.types import Progress
from explorer.workers.jobs import JobRunner
from explorer.workers.loading import load_bundle, load_home
from explorer.workers.locks import acquire_lock, release
from explorer.workers.opening import wants_home
from explorer.workers.trainer import LOCK, Trainer
from explorer.workers.training_progress import export_training_progress


class RunJobs(QObject):
    """Runs the jobs that the trainings of a document request. Belongs to the main thread."""

    def __init__(self, document: Document, trainer: Trainer, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._reading = 0
        self._followed: Path | None = None
        trainings = document.trainings
        trainings.pause_requested.connect(trainer.pause)
        trainings.resume_requested.connect(trainer.resume)
        trainings.stop_requested.connect(trainer.stop)
        trainings.unqueue_requested.connect(trainer.unqueue)
        trainings.runs_requested.connect(self.read_runs)
        trainings.run_resume_requested.connect(trainer.resume_run)
        trainings.run_delete_requested.connect(self._on_run_delete_requested)
        trainings.live_open_requested.connect(self._on_live_open_requested)
        trainings.progress_export_requested.connect(self._on_progress_export_requested)
        document.training_requested.connect(trainer.train)
        document.training_cancel_requested.connect(trainer.cancel)
        document.training_expected.connect(trainer.warm)
        trainer.queue_changed.connect(lambda: trainings.put_queue(trainer.queue))
        trainer.changed.connect(self._on_training_changed)
        trainer.live.connect(self._on_live)
        trainer.finished.connect(self._on_finished)
        trainer.failed.connect(document.report)
        trainer.advised.connect(document.announced.emit)

    # -- live model ----------------------------------------------------------------------------------------------------

    def _on_training_changed(self, view: TrainingView) -> None:
        before = self._document.training
        self._document.put_training(view)
        if view.run is not None and view.run != before.run:
            self.read_runs()
        if before.active and not view.active:
            if view.phase != "finished":
                self._document.trainings.put_live(None)
            self.read_runs()

    def _on_live(self, model: OpenModel) -> None:
        """Update the live model; the first version is opened unless there are keyframes."""
        document = self._document
        document.trainings.put_live(model)
        if model.continues(document.model):
            document.refine_model(model)
        elif model.run != self._followed and document.trainings.follow and not document.state.keyframes:
            self._on_live_open_requested()
        self._followed = model.run

    def _on_live_open_requested(self) -> None:
        """Open the live model, with its dataset unless images of the user are open."""
        live = self._document.trainings.live
        if live is not None:
            self._jobs.start(message("Opening {name}", name=live.name), lambda: load_home(live), self._on_home_loaded)

    def _on_home_loaded(self, source: Source | None) -> None:
        document = self._document
        live = document.trainings.live
        if live is None or live.continues(document.model):
            return
        document.open(live, source if wants_home(document, source) else None)

    def _on_finished(self, path: Path) -> None:
        """Replace the live model by the finished one; a model that was never shown is opened."""
        document = self._document
        run, live = document.training.run, document.trainings.live
        document.trainings.put_live(None)
        document.library_changed.emit()
        shown = live is not None and live.continues(document.model)
        # Do not interrupt a user who has opened another model or has keyframes.
        if not shown and (document.state.keyframes or live is not None):
            document.announced.emit(
                message("The training of {name} is finished. Open the model from the library.", name=path.name)
            )
            return
        self._jobs.start(
            message("Opening {name}", name=path.name),
            lambda: load_bundle(path, run),
            lambda model: self._on_loaded(model, live),
        )

    def _on_loaded(self, model: OpenModel, live: OpenModel | None) -> None:
        document = self._document
        if model.continues(document.model):
            document.refine_model(model)
        elif live is None:
            document.open(model)

    # -- runs ----------------------------------------------------------------------------------------------------------

    def read_runs(self) -> None:
        self._jobs.cancel(self._reading)
        self._reading = self._jobs.start(message("Reading the runs"), _runs, self._document.trainings.put_runs)

    def _on_run_delete_requested(self, run: Run) -> None:
        self._jobs.start(message("Deleting the run"), lambda: _deleted(run), self._document.trainings.put_runs)

    def _on_progress_export_requested(
        self, originals: Path, progress_frames: tuple[ProgressFrame, ...], path: Path
    ) -> None:
        mixer = self._document.mixer
        self._jobs.start(
            message("Exporting {name}", name=path.name),
            lambda: export_training_progress(originals, progress_frames, path, mixer),
            self._document.exported.emit,
        )


def _runs() -> Iterator[Progress | tuple[Run, ...]]:
    yield Progress(0, 0, message("Reading"))
    yield tuple(find_runs())


def _deleted(run: Run) -> Iterator[Progress | tuple[Run, ...]]:
    """Delete a run and read the others; TrainingError if it is training, or cannot be deleted."""
    yield Progress(0, 0, message("Deleting"))
    lock = acquire_lock(run.path / LOCK)
    if lock is None:
        raise TrainingError(
            "Cannot delete the run “{name}”: its training is running. End the training first.", name=run.name
        )
    release(lock)
    delete_run(run)
    yield tuple(find_runs())
