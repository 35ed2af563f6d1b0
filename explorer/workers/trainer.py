"""The supervisor of the model process: a worker thread that turns its events into Qt signals."""

from __future__ import annotations

import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from explorer.document.activity import CurvePoint, TrainingView
from explorer.engine.client import ModelProcess
from explorer.engine.messages import (
    Advice,
    Cancelled,
    Checkpoint,
    Epoch,
    Event,
    Failed,
    Finished,
    Started,
    Step,
    Train,
    Warm,
    Working,
)
from explorer.errors import ExplorerError
from explorer.models.settings import TrainingRequest, checkpoint_folder


class Trainer(QObject):
    """Runs one training at a time in the model process.

    Methods belong to the main thread. The process is started by `warm` or `train`, and again after it was killed.

    Signals
    -------
    changed(TrainingView)
        The training went on.
    finished(Path)
        A bundle was written.
    failed(str, str)
        The training ended in an error: message and details.
    """

    changed = Signal(object)
    finished = Signal(object)
    failed = Signal(str, str)
    _arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process = ModelProcess()
        self._thread: threading.Thread | None = None
        self._view = TrainingView()
        self._begun = 0.0
        self._out = Path()
        self._first_epoch = 1
        self._closed = False
        self._warm = False
        self._cancelled = threading.Event()
        self._arrived.connect(self._on_event_arrived)

    @property
    def view(self) -> TrainingView:
        """How far the training is."""
        return self._view

    @property
    def process_id(self) -> int | None:
        """Number of the model process, or None where it does not run."""
        return self._process.pid

    @property
    def log_path(self) -> Path:
        """Where the model process' output goes."""
        return self._process.log_path

    def warm(self) -> None:
        """Start the model process and import Keras there, unless that is done or under way."""
        if not (self._warm and self._process.pid) and not self._busy():
            self._warm = True
            self._start(Warm())

    def train(self, request: TrainingRequest) -> None:
        """Start a training; where the process is still warming up, the request waits in its pipe."""
        if self._view.active:
            self.failed.emit("Another training runs. Wait for it, or cancel it.", "")
            return
        self._show(TrainingView(phase="starting", title=request.out.name, note="Starting", epochs=request.epochs or 0))
        self._out = request.out
        self._cancelled.clear()
        self._start(Train(request))

    def cancel(self) -> None:
        """Ask the running training to stop, or one that still waits for the process not to begin."""
        if self._view.active:
            self._cancelled.set()
            self._process.cancel()
            self._show(replace(self._view, note="Cancelling"))

    def close(self) -> None:
        """End the model process and the thread, and wait for both."""
        self._closed = True
        self._process.shut()
        if self._thread is not None:
            self._thread.join()
        self._process.close()

    def _busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _start(self, request: Train | Warm) -> None:
        previous = self._thread
        self._thread = threading.Thread(target=self._supervise, args=(request, previous), name="trainer", daemon=True)
        self._thread.start()

    def _supervise(self, request: Train | Warm, previous: threading.Thread | None) -> None:
        """Read the events of one request; runs on the worker thread."""
        if previous is not None:
            previous.join()
        if isinstance(request, Train) and self._cancelled.is_set():
            self._arrived.emit(Cancelled(""))
            return
        try:
            for event in self._process.run(request):
                self._arrived.emit(event)
        except ExplorerError as error:
            if not self._closed:
                self._arrived.emit(Failed(str(error)))
        except Exception as error:
            if not self._closed:
                self._arrived.emit(Failed(f"{type(error).__name__}: {error}", traceback.format_exc()))

    @Slot(object)
    def _on_event_arrived(self, event: Event) -> None:
        view = self._view
        if self._closed or not view.active:
            return
        match event:
            case Started():
                self._begun, self._first_epoch = time.monotonic(), event.first_epoch
                self._show(replace(view, phase="running", note="Training", epochs=event.epochs))
            case Working():
                phase = "finishing" if view.curve else view.phase
                self._show(replace(view, phase=phase, note=event.note.capitalize()))
            case Step():
                progress = event.epoch - 1 + event.step / event.steps
                self._show(
                    replace(
                        view,
                        note=f"Epoch {event.epoch}, loss {event.loss:.4g}",
                        epoch=event.epoch,
                        step=event.step,
                        steps=event.steps,
                        seconds_left=self._left(progress),
                    )
                )
            case Epoch():
                point = CurvePoint(event.epoch, event.loss, event.val_loss)
                note = f"Epoch {event.epoch}, loss {event.loss:.4g}, validation {event.val_loss:.4g}"
                left = self._left(event.epoch)
                curve = (*view.curve, point)
                self._show(replace(view, note=note, epoch=event.epoch, step=0, curve=curve, seconds_left=left))
            case Checkpoint() | Advice():  # the Train panel gives the advice before
                pass
            case _:
                self._on_end(event)

    def _on_end(self, event: Event) -> None:
        done = replace(self._view, seconds_left=None)
        match event:
            case Finished():
                mse = event.metrics.get("mse", float("nan"))
                self._show(replace(done, phase="finished", note=f"Finished, test MSE {mse:.4g}", path=event.path))
                self.finished.emit(Path(event.path))
            case Cancelled():
                kept = " The last checkpoint is kept." if event.checkpoint else ""
                self._show(replace(done, phase="cancelled", note=f"Cancelled.{kept}"))
            case Failed():
                message = event.message + self._kept()
                self._show(replace(done, phase="failed", note=message))
                self.failed.emit(message, event.details)

    def _kept(self) -> str:
        """Say where the last checkpoint is, if one had been written."""
        folder = checkpoint_folder(self._out)
        return f" Its last checkpoint is in {folder}." if folder.is_dir() else ""

    def _left(self, epochs_done: float) -> float | None:
        fresh = epochs_done - (self._first_epoch - 1)
        remaining = self._view.epochs - epochs_done
        return (time.monotonic() - self._begun) / fresh * remaining if fresh > 0 else None

    def _show(self, view: TrainingView) -> None:
        self._view = view
        self.changed.emit(view)
