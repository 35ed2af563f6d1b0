"""The queue of trainings, the kept runs, and the live model in training.

Requested by the Train panel, served by `explorer.workers.trainer.Trainer` and `explorer.workers.runs.RunJobs`.
Main thread only. The state of the current training is `Document.training`.
"""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal

from explorer.document.state import OpenModel
from explorer.models.runs import ProgressFrame, Run
from explorer.models.settings import TrainingRequest


class Trainings:
    """The queue, the runs, and the live model.

    `stop_requested` keeps the model. `unqueue_requested` has a position in the queue, from 0; `again_requested` a
    `TrainingRequest` to fill the form with. `frame_requested` has the file of the originals, and the frame to read
    (`explorer.document.views.training_progress`); `progress_export_requested` that file, the frames, and the file to
    write.
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
    frame_requested = Signal(Path, ProgressFrame)
    progress_export_requested = Signal(Path, tuple, Path)

    def __init__(self) -> None:
        self._queue: tuple[TrainingRequest, ...] = ()
        self._runs: tuple[Run, ...] = ()
        self._chosen: frozenset[Path] = frozenset()
        self._live: OpenModel | None = None
        self.follow = True
        """Whether a model is shown as soon as its training starts."""

    @property
    def queue(self) -> tuple[TrainingRequest, ...]:
        """The next first."""
        return self._queue

    @property
    def runs(self) -> tuple[Run, ...]:
        """The latest first."""
        return self._runs

    @property
    def live(self) -> OpenModel | None:
        return self._live

    @property
    def chosen(self) -> frozenset[Path]:
        """Folders of the selected runs, whose curves are shown."""
        return self._chosen

    def choose(self, runs: frozenset[Path]) -> None:
        if runs != self._chosen:
            self._chosen = runs
            self.chosen_changed.emit()

    def put_queue(self, queue: tuple[TrainingRequest, ...]) -> None:
        self._queue = queue
        self.queue_changed.emit()

    def put_runs(self, runs: tuple[Run, ...]) -> None:
        self._runs = runs
        self.runs_changed.emit()
        self.choose(self._chosen & {run.path for run in runs})

    def put_live(self, model: OpenModel | None) -> None:
        self._live = model
        self.live_changed.emit()
