"""Long jobs: generators, each on its own thread, with progress, cancellation, and exactly one outcome."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, TypeAlias

from PySide6.QtCore import QObject, Signal, Slot

from explorer.document.activity import JobView
from explorer.errors import ExplorerError, exception_message
from explorer.inference.sessions import Interrupt, Interrupted
from explorer.messages import Message, message
from explorer.types import Early, Progress
from explorer.workers.closing import Deadline

CANCELED = message("Canceled.")
"""Shown in place of the result of a canceled job."""

PROGRESS_SECONDS = 0.05

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Finished:
    result: Any


@dataclass(frozen=True)
class _Canceled:
    pass


@dataclass(frozen=True)
class _Failed:
    message: Message
    details: str = ""


_Outcome: TypeAlias = _Finished | _Canceled | _Failed


@dataclass(eq=False)
class _Job:
    title: Message
    on_finished: Callable[[Any], object]
    on_failed: Callable[[Message], object]
    on_canceled: Callable[[], object]
    on_early: Callable[[Any], object]
    quiet: bool
    thread: threading.Thread = field(init=False)
    begun: float = field(default_factory=time.monotonic)
    canceled: threading.Event = field(default_factory=threading.Event)
    interrupt: Interrupt = field(default_factory=Interrupt)
    progress: Progress = field(default_factory=lambda: Progress(0, 0))


class JobRunner(QObject):
    """Runs generator jobs. `start`, `cancel` and `close` belong to the main thread, and so do all callbacks.

    A job yields `Progress`, each a point where it can be canceled (the generator is closed there), and finally its
    result, any other object. Before that it may yield `Early` results. `failed` has message and details.
    """

    jobs_changed = Signal()
    failed = Signal(object, str)
    _reported = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._keys = count(1)
        self._jobs: dict[int, _Job] = {}
        self._reported.connect(self._on_reported)

    def start(
        self,
        title: Message,
        job: Callable[[], Iterator[Any]],
        on_finished: Callable[[Any], object] = lambda result: None,
        *,
        on_failed: Callable[[Message], object] = lambda message: None,
        on_canceled: Callable[[], object] | None = None,
        on_early: Callable[[Any], object] = lambda result: None,
        quiet: bool = False,
    ) -> int:
        """Start a job; return its key.

        `job` is called on the thread of the job and returns the generator. Exactly one of `on_finished`, `on_failed`
        and `on_canceled` is called, once, as the last event of the job, on the main thread; none after `close`.
        `on_early` is called with each early result, unless the job was canceled.

        A `quiet` job does not emit `failed` for an `ExplorerError`, because `on_failed` shows it. Any other error is a
        defect of the program: it is always emitted, and logged with its traceback.
        """
        on_canceled = on_canceled or partial(on_failed, CANCELED)
        key = next(self._keys)
        entry = self._jobs[key] = _Job(title, on_finished, on_failed, on_canceled, on_early, quiet)
        entry.thread = threading.Thread(target=self._run, args=(key, job, entry), name=f"job {title}", daemon=True)
        entry.thread.start()
        self.jobs_changed.emit()
        return key

    def running(self, key: int) -> bool:
        """Return whether a job has no outcome yet, and was not asked to stop."""
        return key in self._jobs and not self._jobs[key].canceled.is_set()

    def cancel(self, key: int) -> None:
        """Ask a job to stop at its next yield; a running network stops at its next operator."""
        if key in self._jobs:
            self._jobs[key].canceled.set()
            self._jobs[key].interrupt.set()

    def cancel_all(self) -> None:
        for key in list(self._jobs):
            self.cancel(key)

    def close(self, deadline: Deadline | None = None) -> None:
        """Cancel all jobs and wait for their threads until the deadline; no callback is called afterwards."""
        deadline = deadline or Deadline()
        self.cancel_all()
        jobs, self._jobs = self._jobs, {}
        for entry in jobs.values():
            entry.thread.join(deadline.seconds)

    @property
    def jobs(self) -> tuple[JobView, ...]:
        """The running jobs, oldest first."""
        return tuple(_view(key, job) for key, job in self._jobs.items())

    def _run(self, key: int, job: Callable[[], Iterator[Any]], entry: _Job) -> None:
        outcome: _Outcome
        try:
            with entry.interrupt.covering():
                outcome = self._drain(key, job(), entry.canceled)
        except Interrupted:
            outcome = _Canceled()
        except ExplorerError as error:
            outcome = _Failed(error.message)
        except Exception as error:
            _log.exception("job “%s” failed", entry.title)
            outcome = _Failed(exception_message(error), traceback.format_exc())
        self._reported.emit(key, outcome)

    def _drain(self, key: int, items: Iterator[Any], canceled: threading.Event) -> _Outcome:
        result: Any = None
        reported = 0.0
        for item in items:
            if canceled.is_set():
                close = getattr(items, "close", None)
                if close is not None:
                    close()
                return _Canceled()
            if isinstance(item, Early):
                self._reported.emit(key, item)
            elif not isinstance(item, Progress):
                result = item
            elif time.monotonic() - reported > PROGRESS_SECONDS:
                reported = time.monotonic()
                self._reported.emit(key, item)
        return _Finished(result)

    @Slot(int, object)
    def _on_reported(self, key: int, report: Progress | Early | _Outcome) -> None:
        job = self._jobs.get(key)
        if job is None:
            return
        if isinstance(report, Progress):
            job.progress = report
            self.jobs_changed.emit()
        elif isinstance(report, Early):
            if not job.canceled.is_set():
                job.on_early(report.result)
        else:
            del self._jobs[key]
            self.jobs_changed.emit()
            self._conclude(job, report)

    def _conclude(self, job: _Job, outcome: _Outcome) -> None:
        if isinstance(outcome, _Finished):
            job.on_finished(outcome.result)
        elif isinstance(outcome, _Canceled):
            job.on_canceled()
        else:
            if outcome.details or not job.quiet:
                self.failed.emit(outcome.message, outcome.details)
            job.on_failed(outcome.message)


def _view(key: int, job: _Job) -> JobView:
    progress = job.progress
    elapsed = time.monotonic() - job.begun
    left = elapsed * (progress.total - progress.done) / progress.done if progress.total and progress.done else None
    return JobView(key, job.title, progress.done, progress.total, progress.note, left)
