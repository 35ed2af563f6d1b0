"""The render thread: one slot for each kind of request; the latest request wins, the most urgent slot is first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal

from explorer.document.tasks import SLOTS, Task
from explorer.document.views import FailedView, View
from explorer.errors import ExplorerError
from explorer.inference.sessions import Interrupt, Interrupted
from explorer.workers.closing import Deadline

OVERDUE_MS = 2000
"""How long a view may still be computed after its request was withdrawn or replaced."""


@dataclass(frozen=True, eq=False)
class Answer:
    """A view, with the slot and generation of its request."""

    slot: str
    generation: int
    view: View


@dataclass
class _Running:
    generation: int
    views: Iterator[View]


@dataclass(frozen=True)
class _Current:
    """The request that is being computed; `interrupt` ends it."""

    slot: str
    generation: int
    interrupt: Interrupt


class RenderThread(QObject):
    """Runs tasks on its own thread.

    `submit`, `drop` and `close` belong to the main thread. A submitted task replaces an older one of its slot, waiting
    or running. Between two views of a long task, more urgent slots run first.

    Signals
    -------
    answered(Answer)
        Emitted on the render thread; connect objects that live on the main thread. Compare the generation with
        `generation` before use: an answer may already be queued when its request is withdrawn.
    """

    answered = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._condition = threading.Condition()
        self._waiting: dict[str, tuple[int, Task]] = {}
        self._generations = dict.fromkeys(SLOTS, 0)
        self._closed = False
        self._current: _Current | None = None
        self._overdue = QTimer(self, singleShot=True, interval=OVERDUE_MS)
        self._overdue.timeout.connect(self._end_overdue)
        self._thread = threading.Thread(target=self._serve, name="codec", daemon=True)
        self._thread.start()

    def submit(self, task: Task) -> int:
        """Submit a task; return the generation of the request."""
        with self._condition:
            self._generations[task.slot] += 1
            generation = self._generations[task.slot]
            self._waiting[task.slot] = (generation, task)
            self._condition.notify()
            self._watch(task.slot)
        return generation

    def drop(self, slot: str) -> None:
        """Withdraw the request of a slot; queued answers become stale."""
        with self._condition:
            self._generations[slot] += 1
            self._waiting.pop(slot, None)
            self._watch(slot)

    def generation(self, slot: str) -> int:
        """Return the generation of the latest request of a slot; an answer with another is stale."""
        return self._generations[slot]

    def close(self, deadline: Deadline | None = None) -> None:
        """End the thread and wait until the deadline; a running network stops at its next operator."""
        self._overdue.stop()
        with self._condition:
            self._closed = True
            if self._current is not None:
                self._current.interrupt.set()
            self._condition.notify()
        self._thread.join((deadline or Deadline()).seconds)

    def _watch(self, slot: str) -> None:
        """Start the timer that ends an outdated computation; call it with the lock."""
        if self._current is not None and self._current.slot == slot and not self._overdue.isActive():
            self._overdue.start()

    def _end_overdue(self) -> None:
        with self._condition:
            current = self._current
            if current is not None and current.generation != self._generations[current.slot]:
                current.interrupt.set()

    def _serve(self) -> None:
        running: dict[str, _Running] = {}
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._closed or self._waiting or running)
                if self._closed:
                    return
                self._take(running)
                slot = next((slot for slot in SLOTS if slot in running), None)
                self._current = None if slot is None else _Current(slot, running[slot].generation, Interrupt())
            if self._current is not None and not self._advance(self._current, running[self._current.slot].views):
                del running[self._current.slot]

    def _take(self, running: dict[str, _Running]) -> None:
        """Start waiting tasks, and drop withdrawn ones; call it with the lock."""
        for slot, (generation, task) in self._waiting.items():
            running[slot] = _Running(generation, task.run())
        self._waiting.clear()
        for slot in [slot for slot, task in running.items() if task.generation != self._generations[slot]]:
            del running[slot]

    def _advance(self, current: _Current, views: Iterator[View]) -> bool:
        """Compute one view; return whether there may be more. An error becomes a view, and the thread continues."""
        try:
            with current.interrupt.covering():
                view = next(views, None)
        except Interrupted:
            return False
        except Exception as error:
            wording = error.message if isinstance(error, ExplorerError) else str(error)
            self.answered.emit(Answer(current.slot, current.generation, FailedView(wording)))
            return False
        if view is None:
            return False
        self.answered.emit(Answer(current.slot, current.generation, view))
        return True
