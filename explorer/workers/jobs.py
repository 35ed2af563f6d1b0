"""Long jobs: generators, each on its own thread, with progress, cancellation, and exactly one end."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

from PySide6.QtCore import QObject, Signal, Slot

from explorer.document.activity import JobView
from explorer.errors import ExplorerError
from explorer.inference.sessions import Interrupt, Interrupted
from explorer.messages import Wording, message
from explorer.types import Progress
from explorer.workers.closing import Deadline

CANCELED = message("Canceled.")
"""Shown in place of the result of a canceled job."""

PROGRESS_SECONDS = 0.05


@dataclass(frozen=True, eq=False)
class Early:
    """A preliminary result of a job, which the final one will replace."""

    result: Any


@dataclass(frozen=True, eq=False)
class _Report:
    key: int
    kind: Literal["progress", "early", "finished", "cancelled", "failed"]
    progress: Progress | None = None
    result: Any = None
    message: Wording = ""
    details: str = ""


@dataclass(eq=False)
class _Job:
    title: Wording
    cancelled: threading.Event
    begun: float
    on_finished: Callable[[Any], None]
    on_ended: Callable[[], None]
    on_early: Callable[[Any], None]
    on_failed: Callable[[Wording], None]
    progress: Progress
    interrupt: Interrupt
    thread: threading.Thread | None = None
    on_cancelled: Callable[[], None] = lambda: None


class JobRunner(QObject):
    """Runs generator jobs. `start`, `cancel` and `close` belong to the main thread, and so do all callbacks.

    A job yields `Progress`, each a point where it can be canceled (the generator is closed there), and finally its
    result, any other object. Before that it may yield `Early` results.

    Signals
    -------
    jobs_changed()
        The list of `jobs` changed.
    failed(Wording, str)
        A job failed: message and details.
    """

    jobs_changed = Signal()
    failed = Signal(object, str)
    _reported = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._keys = count(1)
        self._jobs: dict[int, _Job] = {}
        self._reported.connect(self._on_reported)

    def start(
        self,
        title: Wording,
        job: Callable[[], Iterator[Any]],
        on_finished: Callable[[Any], None] = lambda result: None,
        on_ended: Callable[[], None] = lambda: None,
        on_early: Callable[[Any], None] = lambda result: None,
        on_failed: Callable[[Wording], None] = lambda message: None,
        on_cancelled: Callable[[], None] = lambda: None,
    ) -> int:
        """Start a job; return its key.

        Parameters
        ----------
        title
            Shown in the status bar.
        job
            Called on the thread of the job; returns the generator.
        on_finished
            Called on the main thread with the result.
        on_ended
            Called on the main thread before that, and also if the job was canceled or failed.
        on_early
            Called on the main thread with each early result, unless the job was canceled.
        on_failed
            Called on the main thread after `on_ended` with the error message of a failed job.
        on_cancelled
            Called on the main thread after `on_ended` if the job was canceled.
        """
        key = next(self._keys)
        entry = _Job(
            title,
            threading.Event(),
            time.monotonic(),
            on_finished,
            on_ended,
            on_early,
            on_failed,
            Progress(0, 0),
            Interrupt(),
        )
        entry.thread = threading.Thread(target=self._run, args=(key, job, entry), name=f"job {title}", daemon=True)
        entry.on_cancelled = on_cancelled
        self._jobs[key] = entry
        entry.thread.start()
        self.jobs_changed.emit()
        return key

    def cancel(self, key: int) -> None:
        """Ask a job to stop at its next yield; a running network stops at its next operator."""
        if key in self._jobs:
            self._jobs[key].cancelled.set()
            self._jobs[key].interrupt.set()

    def cancel_all(self) -> None:
        """Ask every job to stop."""
        for key in list(self._jobs):
            self.cancel(key)

    def close(self, deadline: Deadline | None = None) -> None:
        """Cancel all jobs and wait for their threads until the deadline; no callback is called afterwards."""
        deadline = deadline or Deadline()
        self.cancel_all()
        jobs, self._jobs = self._jobs, {}
        for entry in jobs.values():
            if entry.thread is not None:
                entry.thread.join(deadline.seconds)

    @property
    def jobs(self) -> tuple[JobView, ...]:
        """The running jobs, oldest first."""
        return tuple(_view(key, job) for key, job in self._jobs.items())

    def _run(self, key: int, job: Callable[[], Iterator[Any]], entry: _Job) -> None:
        try:
            with entry.interrupt.covering():
                report = self._drain(key, job(), entry.cancelled)
            self._reported.emit(report)
        except Interrupted:
            self._reported.emit(_Report(key, "cancelled"))
        except ExplorerError as error:
            self._reported.emit(_Report(key, "failed", message=error.message))
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            self._reported.emit(_Report(key, "failed", message=problem, details=traceback.format_exc()))

    def _drain(self, key: int, items: Iterator[Any], cancelled: threading.Event) -> _Report:
        result: Any = None
        reported = 0.0
        for item in items:
            if cancelled.is_set():
                close = getattr(items, "close", None)
                if close is not None:
                    close()
                return _Report(key, "cancelled")
            if isinstance(item, Early):
                self._reported.emit(_Report(key, "early", result=item.result))
            elif not isinstance(item, Progress):
                result = item
            elif time.monotonic() - reported > PROGRESS_SECONDS:
                reported = time.monotonic()
                self._reported.emit(_Report(key, "progress", item))
        return _Report(key, "finished", result=result)

    @Slot(object)
    def _on_reported(self, report: _Report) -> None:
        job = self._jobs.get(report.key)
        if job is None:
            return
        if report.kind == "progress" and report.progress is not None:
            job.progress = report.progress
            self.jobs_changed.emit()
            return
        if report.kind == "early":
            if not job.cancelled.is_set():
                job.on_early(report.result)
            return
        del self._jobs[report.key]
        self.jobs_changed.emit()
        job.on_ended()
        if report.kind == "finished":
            job.on_finished(report.result)
        elif report.kind == "cancelled":
            job.on_cancelled()
        elif report.kind == "failed":
            job.on_failed(report.message)
            self.failed.emit(report.message, report.details)


def _view(key: int, job: _Job) -> JobView:
    progress = job.progress
    elapsed = time.monotonic() - job.begun
    left = elapsed * (progress.total - progress.done) / progress.done if progress.total and progress.done else None
    return JobView(key, job.title, progress.done, progress.total, progress.note, left)
