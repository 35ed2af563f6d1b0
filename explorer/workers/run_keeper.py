"""Runs, films, and the model that learns: what `explorer.document.trainings.Trainings` asks for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject

from explorer.data.source import Source
from explorer.document.activity import TrainingView
from explorer.document.document import Document
from explorer.document.state import OpenModel
from explorer.errors import TrainingError
from explorer.models.runs import FilmFrame, Run, delete_run, find_runs
from explorer.types import Progress
from explorer.workers.jobs import JobRunner
from explorer.workers.loading import load_home, open_model
from explorer.workers.locks import held_lock, release
from explorer.workers.trainer import LOCK, Trainer
from explorer.workers.training_film import export_training_film


class RunKeeper(QObject):
    """Serves the trainings of a document. Lives on the main thread."""

    def __init__(self, document: Document, trainer: Trainer, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._trainer = trainer
        self._jobs = jobs
        self._reading = 0
        self._followed: Path | None = None
        trainings = document.trainings
        trainings.pause_requested.connect(trainer.pause)
        trainings.resume_requested.connect(trainer.resume)
        trainings.stop_requested.connect(trainer.stop)
        trainings.unqueue_requested.connect(trainer.unqueue)
        trainings.runs_requested.connect(self.read_runs)
        trainings.run_resume_requested.connect(trainer.go_on)
        trainings.run_delete_requested.connect(self._on_run_delete_requested)
        trainings.live_open_requested.connect(self._on_live_open_requested)
        trainings.film_export_requested.connect(self._on_film_export_requested)
        document.training_requested.connect(trainer.train)
        document.training_cancel_requested.connect(trainer.cancel)
        document.training_expected.connect(trainer.warm)
        trainer.queue_changed.connect(lambda: trainings.put_queue(trainer.queue))
        trainer.changed.connect(self._on_training_changed)
        trainer.live.connect(self._on_live)
        trainer.finished.connect(self._on_finished)
        trainer.failed.connect(document.report)
        trainer.advised.connect(document.announced.emit)

    # -- the model that learns -------------------------------------------------------------------------------------

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
        """Take a newer version in; the first one is shown, unless that would take keyframes away."""
        document = self._document
        document.trainings.put_live(model)
        if model.continues(document.model):
            document.refine_model(model)
        elif model.run != self._followed and document.trainings.follow and not document.keyframes:
            self._on_live_open_requested()
        self._followed = model.run

    def _on_live_open_requested(self) -> None:
        """Show the model that learns, with its own images where none of the user's are open."""
        live = self._document.trainings.live
        if live is not None:
            self._jobs.start(f"Opening {live.name}", lambda: load_home(live), self._on_home_loaded)

    def _on_home_loaded(self, source: Source | None) -> None:
        document = self._document
        live = document.trainings.live
        if live is None or live.continues(document.model):
            return
        document.open(live, source if wants_home(document, source) else None)

    def _on_finished(self, path: Path) -> None:
        """Put the finished model in the place of the one that learnt; one that was never shown is shown now."""
        document = self._document
        run, live = document.training.run, document.trainings.live
        document.trainings.put_live(None)
        document.library_changed.emit()
        shown = live is not None and live.continues(document.model)
        # Whoever went on to another model meanwhile, or has keyframes, is not called back.
        if not shown and (document.keyframes or live is not None):
            document.announced.emit(self.tr("%1 is trained; open it from the library").replace("%1", path.name))
            return
        self._jobs.start(
            f"Opening {path.name}", lambda: _load_finished(path, run), lambda model: self._on_loaded(model, live)
        )

    def _on_loaded(self, model: OpenModel, live: OpenModel | None) -> None:
        document = self._document
        if model.continues(document.model):
            document.refine_model(model)
        elif live is None:
            document.open(model)

    # -- runs ------------------------------------------------------------------------------------------------------

    def read_runs(self) -> None:
        """Read the list of runs; only the last asked for counts."""
        self._jobs.cancel(self._reading)
        self._reading = self._jobs.start(self.tr("Reading the runs"), _runs, self._document.trainings.put_runs)

    def _on_run_delete_requested(self, run: Run) -> None:
        self._jobs.start(self.tr("Deleting the run"), lambda: _deleted(run), self._document.trainings.put_runs)

    def _on_film_export_requested(self, originals: Path, film: tuple[FilmFrame, ...], path: Path) -> None:
        self._jobs.start(
            f"Exporting {path.name}",
            lambda: export_training_film(originals, film, path),
            self._document.exported.emit,
        )


def wants_home(document: Document, home: Source | None) -> bool:
    """Say whether a model's own images are to be opened with it: never in the place of the user's own."""
    current = document.source
    if home is None or (current is not None and current.name == home.name):
        return False
    return current is None or current.status == "embedded"


def _load_finished(path: Path, run: Path | None) -> Iterator[Progress | OpenModel]:
    yield Progress(0, 0, "opening the model")
    yield open_model(path, run)


def _runs() -> Iterator[Progress | tuple[Run, ...]]:
    yield Progress(0, 0, "reading")
    yield tuple(find_runs())


def _deleted(run: Run) -> Iterator[Progress | tuple[Run, ...]]:
    """Delete a run that no window trains, and read the others.

    Raises
    ------
    TrainingError
        If it goes on, or cannot be deleted.
    """
    yield Progress(0, 0, "deleting")
    lock = held_lock(run.path / LOCK)
    if lock is None:
        raise TrainingError("a run that has ended", f"{run.name}, which goes on", "Cancel its training first.")
    release(lock)
    delete_run(run)
    yield tuple(find_runs())
