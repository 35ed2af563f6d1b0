"""Long jobs: generators on a thread each, with progress, cancel, and exactly one end."""

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
from explorer.messages import Wording
from explorer.types import Progress
from explorer.workers.closing import Deadline

CANCELED = "Canceled."
"""What is said in the place of a result where a job was canceled."""

PROGRESS_SECONDS = 0.05


@dataclass(frozen=True, eq=False)
class Early:
    """What a job yields that can be shown before it ends: a first result, which the last one will replace."""

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

    A job yields `Progress`, each a point where it can be canceled (the generator is closed there), and last its
    result, anything that is not `Progress`. Between them it may yield `Early` results.

    Signals
    -------
    jobs_changed()
        The list of `jobs` is another.
    failed(Wording, str)
        A job ended in an error: message and details.
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
            For the status bar.
        job
            Called on the job's thread; gives the generator.
        on_finished
            Called on the main thread with the result.
        on_ended
            Called on the main thread before that, and also where the job was canceled or failed.
        on_early
            Called on the main thread with each early result, unless the job was canceled by then.
        on_failed
            Called on the main thread after `on_ended` with the message of an error that ended the job.
        on_cancelled
            Called on the main thread after `on_ended` where the job was canceled.
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
        """Ask a job to stop at its next yield; a network that it runs ends at its next operator."""
        if key in self._jobs:
            self._jobs[key].cancelled.set()
            self._jobs[key].interrupt.set()

    def cancel_all(self) -> None:
        """Ask every job to stop."""
        for key in list(self._jobs):
            self.cancel(key)

    def close(self, deadline: Deadline | None = None) -> None:
        """Cancel everything and wait, until the deadline, for every thread to end; no callback comes after this."""
        deadline = deadline or Deadline()
        self.cancel_all()
        jobs, self._jobs = self._jobs, {}
        for entry in jobs.values():
            if entry.thread is not None:
                entry.thread.join(deadline.seconds)

    @property
    def jobs(self) -> tuple[JobView, ...]:
        """What runs, oldest first."""
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
            message = f"{type(error).__name__}: {error}"
            self._reported.emit(_Report(key, "failed", message=message, details=traceback.format_exc()))

    def _drain(self, key: int, items: Iterator[Any], cancelled: threading.Event) -> _Report:
        result: Any = None
        told = 0.0
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
            elif time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
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
