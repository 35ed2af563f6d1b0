"""Trainings beside the one that `Document.training` shows: the queue, the runs that were kept, the model as it learns.

Asked for by the Train panel, served by `explorer.workers.trainer.Trainer` and `explorer.workers.run_keeper.RunKeeper`.
Belongs to the main thread.
"""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal

from explorer.document.state import OpenModel
from explorer.models.runs import FilmFrame, Run
from explorer.models.settings import TrainingRequest


class Trainings:
    """The queue, the runs, and the model that learns.

    Signals
    -------
    pause_requested, resume_requested, stop_requested
        The running training is to hold, to go on, to end and be kept.
    unqueue_requested
        A place in the queue, from 0.
    queue_changed, live_changed, runs_changed, chosen_changed
        `queue`, `live`, `runs`, `chosen` is another.
    again_requested
        A `TrainingRequest` is to be put into the form.
    runs_requested
        The runs are to be read again.
    run_resume_requested, run_delete_requested
        A `Run`.
    live_open_requested
        The model that learns is to be shown.
    frame_requested
        A frame of a film is to be read: the file of the originals, and the frame. `Document.training_film_view` takes
        it.
    film_export_requested
        The file of the originals, the frames, and the file to write.
    """

    pause_requested = Signal()
    resume_requested = Signal()
    stop_requested = Signal()
    unqueue_requested = Signal(int)
    queue_changed = Signal()
    live_changed = Signal()
    runs_requested = Signal()
    runs_changed = Signal()
    chosen_changed = Signal()
    again_requested = Signal(TrainingRequest)
    run_resume_requested = Signal(Run)
    run_delete_requested = Signal(Run)
    live_open_requested = Signal()
    frame_requested = Signal(Path, FilmFrame)
    film_export_requested = Signal(Path, tuple, Path)

    def __init__(self) -> None:
        self._queue: tuple[TrainingRequest, ...] = ()
        self._runs: tuple[Run, ...] = ()
        self._chosen: frozenset[Path] = frozenset()
        self._live: OpenModel | None = None
        self.follow = True
        """Whether a model that begins to learn is shown at once."""

    @property
    def queue(self) -> tuple[TrainingRequest, ...]:
        """What waits for the running training to end, the next first."""
        return self._queue

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs that are kept, the latest first."""
        return self._runs

    @property
    def live(self) -> OpenModel | None:
        """The model that learns, as it was last; None where none does."""
        return self._live

    @property
    def chosen(self) -> frozenset[Path]:
        """Folders of the runs that are looked at: their curves, and the film where it is one."""
        return self._chosen

    def choose(self, runs: frozenset[Path]) -> None:
        """Look at these runs."""
        if runs != self._chosen:
            self._chosen = runs
            self.chosen_changed.emit()

    def put_queue(self, queue: tuple[TrainingRequest, ...]) -> None:
        """Show what waits."""
        self._queue = queue
        self.queue_changed.emit()

    def put_runs(self, runs: tuple[Run, ...]) -> None:
        """Show which runs there are."""
        self._runs = runs
        self.runs_changed.emit()
        self.choose(self._chosen & {run.path for run in runs})

    def put_live(self, model: OpenModel | None) -> None:
        """Take the model in as it is now."""
        self._live = model
        self.live_changed.emit()
