"""Supervises the model process: a worker thread turns its events into Qt signals."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from explorer.document.activity import TrainingView
from explorer.document.state import OpenModel
from explorer.engine.client import ModelProcess
from explorer.engine.messages import (
    Advice,
    Cancelled,
    Checkpoint,
    Epoch,
    Event,
    Failed,
    Finished,
    Live,
    Order,
    Pause,
    Paused,
    Resume,
    Resumed,
    Started,
    Step,
    Stop,
    Train,
    Trouble,
    Warm,
    Working,
)
from explorer.errors import ExplorerError, exception_message
from explorer.inference.codec import OnnxCodec
from explorer.messages import Message, message
from explorer.models.reservation import Reservation
from explorer.models.runs import CurvePoint, ProgressFrame, Run, RunWriter, even_frames
from explorer.models.settings import TrainingRequest, checkpoint_folder
from explorer.workers.closing import Deadline
from explorer.workers.locks import acquire_lock, release
from explorer.workers.run_log import log_event

IDLE_MS = 30_000
"""Idle time after which the model process is ended; it takes half a gigabyte or more."""

LOCK = "lock"
"""Lock file in the folder of a run while a window trains it."""


@dataclass(frozen=True, eq=False)
class _Shown:
    """The live model, opened on the worker thread, and the frames of its training progress."""

    model: OpenModel
    progress_frames: tuple[ProgressFrame, ...]


@dataclass(frozen=True, eq=False)
class _Begun:
    """The folder of the run was created."""

    run: Path


@dataclass(frozen=True, eq=False)
class _Asked:
    """A requested training, the run to resume or None, and the reserved folder of its model."""

    request: TrainingRequest
    run: Run | None
    reserved: Reservation


class Trainer(QObject):
    """Runs trainings one at a time in the model process, with a queue.

    Methods belong to the main thread. `warm` and `train` start the process, also after it was killed or ended because
    it was idle. `failed`: a problem, which may have ended the training, and its details; `advised`: a note during
    training.
    """

    changed = Signal(object)
    live = Signal(object)
    queue_changed = Signal()
    finished = Signal(object)
    failed = Signal(object, str)
    advised = Signal(object)
    _arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process = ModelProcess()
        self._thread: threading.Thread | None = None
        self._view = TrainingView()
        self._asked: _Asked | None = None
        self._waiting: list[_Asked] = []
        self._pace = _Pace()
        self._closed = False
        self._warm = False
        self._cancelled = threading.Event()
        self._arrived.connect(self._on_event_arrived)
        self._idle = QTimer(self, interval=IDLE_MS, singleShot=True)
        self._idle.timeout.connect(self._on_idle)

    @property
    def view(self) -> TrainingView:
        return self._view

    @property
    def queue(self) -> tuple[TrainingRequest, ...]:
        return tuple(asked.request for asked in self._waiting)

    @property
    def process_id(self) -> int | None:
        return self._process.pid

    @property
    def log_path(self) -> Path:
        return self._process.log_path

    # -- requests ------------------------------------------------------------------------------------------------------

    def warm(self) -> None:
        """Start the model process and import Keras in it, unless that has been done."""
        if not (self._warm and self._process.pid) and not self._busy():
            self._warm = True
            self._start(Warm())
        if not self._view.active:
            self._idle.start()

    def train(self, request: TrainingRequest) -> None:
        self._ask(request)

    def resume_run(self, run: Run) -> None:
        """Resume a run from its last checkpoint."""
        if run.path == self._view.run and self._view.active:
            return
        self._ask(run.request.model_copy(update={"resume": True}), run)

    def unqueue(self, place: int) -> None:
        if 0 <= place < len(self._waiting):
            self._waiting.pop(place).reserved.release()
            self.queue_changed.emit()

    def pause(self) -> None:
        """Pause the running training at its next step."""
        self._order(Pause(), message("Pausing"), {"running"})

    def resume(self) -> None:
        self._order(Resume(), message("Resuming"), {"paused"})

    def stop(self) -> None:
        """Stop the running training at its next step, and save its model."""
        self._order(Stop(), message("Stopping"), {"running", "paused"})

    def cancel(self) -> None:
        """Cancel the training, running or still waiting for the process."""
        if self._view.active:
            self._cancelled.set()
            self._process.cancel()
            self._show(replace(self._view, note=message("Canceling")))

    def close(self, deadline: Deadline | None = None) -> None:
        """End the model process and the thread, and wait for both until the deadline."""
        deadline = deadline or Deadline()
        self._closed = True
        self._idle.stop()
        while self._waiting:
            self._waiting.pop().reserved.release()
        self._process.shut()
        if self._thread is not None:
            self._thread.join(deadline.seconds)
        self._process.close(deadline.seconds)

    def _order(self, order: Order, note: Message, phases: set[str]) -> None:
        if self._view.phase in phases:
            self._process.order(order)
            self._show(replace(self._view, note=note))

    def _ask(self, request: TrainingRequest, run: Run | None = None) -> None:
        taken = [waiting.request.out for waiting in self._waiting]
        if self._view.active and self._asked is not None:
            taken.append(self._asked.request.out)
        if request.out in taken:
            name = request.out.name
            self.failed.emit(
                message("A training named “{name}” is running or queued. Choose another name.", name=name), ""
            )
            return
        try:
            asked = _Asked(request, run, Reservation(request.out))
        except ExplorerError as error:
            self.failed.emit(error.message, "")
            return
        if self._view.active:
            self._waiting.append(asked)
            self.queue_changed.emit()
        else:
            self._begin(asked)

    def _begin(self, asked: _Asked) -> None:
        """Start a training; if the process is still warming up, the request waits in its pipe."""
        request, run = asked.request, asked.run
        view = TrainingView(
            phase="starting", title=request.out.name, note=message("Starting"), epochs=request.epochs or 0
        )
        if run is not None:
            view = replace(view, curve=run.curve, progress_frames=run.progress_frames)
        self._asked = asked
        self._idle.stop()
        self._pace = _Pace()
        self._cancelled.clear()
        self._show(view)
        self._start(asked)

    def _busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    # -- on the worker thread ------------------------------------------------------------------------------------------

    def _start(self, request: _Asked | Warm | None) -> None:
        """Run a request on a worker thread after the previous one; None ends the process."""
        previous = self._thread
        self._thread = threading.Thread(target=self._supervise, args=(request, previous), name="trainer", daemon=True)
        self._thread.start()

    def _supervise(self, asked: _Asked | Warm | None, previous: threading.Thread | None) -> None:
        if previous is not None:
            previous.join()
        if asked is None:
            self._process.close()
        else:
            self._guarded(self._warm_up if isinstance(asked, Warm) else lambda: self._run(asked))

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except ExplorerError as error:
            if not self._closed:
                self._arrived.emit(Failed(error.message))
        except Exception as error:
            if not self._closed:
                self._arrived.emit(Failed(exception_message(error), traceback.format_exc()))

    def _warm_up(self) -> None:
        for event in self._process.run(Warm()):
            self._arrived.emit(event)

    def _run(self, asked: _Asked) -> None:
        # The model process reserves the folder itself.
        asked.reserved.release()
        if self._cancelled.is_set():
            self._arrived.emit(Cancelled(""))
            return
        writer = RunWriter.create(asked.request, datetime.now()) if asked.run is None else RunWriter(asked.run.path)
        lock = acquire_lock(writer.path / LOCK)
        if lock is None:
            self._arrived.emit(Failed(message("The run “{run}” is training in another window.", run=writer.path.name)))
            return
        self._arrived.emit(_Begun(writer.path))
        try:
            for event in self._process.run(Train(asked.request, live=True)):
                log_event(writer, event)
                self._arrived.emit(_shown(event, writer, asked.request.out) if isinstance(event, Live) else event)
        except ExplorerError as error:
            if not self._closed:
                writer.log("failed", message=str(error))
            raise
        finally:
            release(lock)

    # -- on the main thread --------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_event_arrived(self, event: Event | _Shown | _Begun) -> None:
        view = self._view
        if self._closed or not view.active:
            return
        match event:
            case _Begun():
                self._show(replace(view, run=event.run))
            case _Shown():
                self._show(replace(view, progress_frames=event.progress_frames))
                self.live.emit(event.model)
            case Started():
                self._pace.start(event)
                curve = tuple(point for point in view.curve if point.epoch < event.first_epoch)
                self._show(replace(view, phase="running", note=message("Training"), epochs=event.epochs, curve=curve))
            case Working():
                # This event does not occur between epochs.
                phase = "finishing" if self._pace.moved else view.phase
                self._show(replace(view, phase=phase, note=event.note))
            case Step() | Epoch():
                self._on_progress(event)
            case Paused():
                self._pace.pause()
                self._show(replace(view, phase="paused", note=message("Paused"), seconds_left=None, rate=None))
            case Resumed():
                self._pace.resume()
                self._show(replace(view, phase="running", note=message("Training")))
            case Advice():
                self.advised.emit(event.note)
            case Trouble():
                self.failed.emit(event.note, "")
            case Checkpoint():
                pass
            case _:
                self._on_end(event)

    def _on_progress(self, event: Step | Epoch) -> None:
        view = self._view
        if isinstance(event, Step):
            left = self._pace.left(event.epoch - 1 + event.step / event.steps)
            note = message("Epoch {epoch}, loss {loss:.4g}", epoch=event.epoch, loss=event.loss)
            view = replace(view, note=note, epoch=event.epoch, step=event.step, steps=event.steps)
        else:
            point = CurvePoint(
                event.epoch, event.loss, event.val_loss, event.seconds, event.rate, event.parts, event.kl_per_dim
            )
            left = self._pace.left(event.epoch)
            note = message(
                "Epoch {epoch}, loss {loss:.4g}, validation loss {val_loss:.4g}",
                epoch=event.epoch,
                loss=event.loss,
                val_loss=event.val_loss,
            )
            view = replace(view, note=note, epoch=event.epoch, step=0, curve=(*view.curve, point))
        self._show(replace(view, rate=event.rate, seconds_left=left))

    def _on_end(self, event: Event) -> None:
        frames = even_frames(self._view.progress_frames)
        done = replace(self._view, seconds_left=None, rate=None, progress_frames=frames)
        match event:
            case Finished():
                mse = event.metrics.get("mse", float("nan"))
                note = message("Finished, test MSE {mse:.4g}", mse=mse)
                self._show(replace(done, phase="finished", note=note, path=event.path))
                self.finished.emit(Path(event.path))
            case Cancelled():
                kept = message("Canceled. The last checkpoint was kept.") if event.checkpoint else message("Canceled.")
                self._show(replace(done, phase="cancelled", note=kept))
            case Failed():
                failure = self._with_checkpoint(event.message)
                self._show(replace(done, phase="failed", note=failure))
                self.failed.emit(failure, event.details)
        if not self._view.active and self._waiting:
            following = self._waiting.pop(0)
            self.queue_changed.emit()
            self._begin(following)
        elif not self._view.active:
            self._idle.start()

    def _on_idle(self) -> None:
        """End the process; it is restarted when needed."""
        if self._busy():
            self._idle.start()
        elif not self._view.active and not self._closed:
            self._start(None)

    def _with_checkpoint(self, failure: Message) -> Message:
        """Return the message of a failure, with a note if there is a checkpoint."""
        asked = self._asked
        if asked is None or not checkpoint_folder(asked.request.out).is_dir():
            return failure
        return message("{failure} The last checkpoint was kept: resume it in the list of runs.", failure=failure)

    def _show(self, view: TrainingView) -> None:
        self._view = view
        self.changed.emit(view)


class _Pace:
    """Estimates the remaining time of a training from the elapsed time without pauses.

    `moved` is whether a step was completed.
    """

    def __init__(self) -> None:
        self._begun = 0.0
        self._paused: float | None = None
        self._first = self._last = 0
        self.moved = False

    def start(self, event: Started) -> None:
        self._begun = time.monotonic()
        self._first, self._last = event.first_epoch - 1, event.epochs

    def pause(self) -> None:
        self._paused = time.monotonic()

    def resume(self) -> None:
        if self._paused is not None:
            self._begun += time.monotonic() - self._paused
            self._paused = None

    def left(self, epochs_done: float) -> float | None:
        """Return the remaining seconds, or None if unknown."""
        self.moved = True
        fresh, remaining = epochs_done - self._first, self._last - epochs_done
        return (time.monotonic() - self._begun) / fresh * remaining if fresh > 0 else None


def _shown(event: Live, writer: RunWriter, out: Path) -> _Shown:
    """Open the live model on this thread, and add its images to the training progress."""
    codec = OnnxCodec.from_contents(event.card, event.encoder.tobytes(), event.decoder.tobytes())
    progress_frames = writer.add_frame(event.progress, event.originals, event.reconstructions)
    return _Shown(OpenModel(event.card, event.sample, codec, out, writer.path, event.progress), progress_frames)
