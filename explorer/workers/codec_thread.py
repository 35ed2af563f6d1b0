"""The codec thread: one slot for each kind of question, the latest wins, the most urgent first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from explorer.document.tasks import SLOTS, Task
from explorer.document.views import FailedView, View
from explorer.workers.closing import Deadline


@dataclass(frozen=True, eq=False)
class Answer:
    """A view, and the question it answers."""

    slot: str
    generation: int
    view: View


@dataclass
class _Running:
    generation: int
    views: Iterator[View]


class CodecThread(QObject):
    """Runs tasks on a thread of its own.

    `submit`, `drop` and `close` belong to the main thread. A submitted task takes the place of an older one of its
    slot, whether that one waits or runs. Between two views of a long task, more urgent slots go first.

    Signals
    -------
    answered(Answer)
        Emitted on the codec thread; connect objects that live on the main thread. Compare the generation with
        `generation` before use: an answer may already be under way when its question is withdrawn.
    """

    answered = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._condition = threading.Condition()
        self._waiting: dict[str, tuple[int, Task]] = {}
        self._generations = dict.fromkeys(SLOTS, 0)
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="codec", daemon=True)
        self._thread.start()

    def submit(self, task: Task) -> int:
        """Ask; return the generation of the question."""
        with self._condition:
            self._generations[task.slot] += 1
            generation = self._generations[task.slot]
            self._waiting[task.slot] = (generation, task)
            self._condition.notify()
        return generation

    def drop(self, slot: str) -> None:
        """Withdraw what was asked in a slot; answers under way become stale."""
        with self._condition:
            self._generations[slot] += 1
            self._waiting.pop(slot, None)

    def generation(self, slot: str) -> int:
        """Return the number of the latest question of a slot; an answer with another is stale."""
        return self._generations[slot]

    def close(self, deadline: Deadline | None = None) -> None:
        """End the thread and wait for it, until the deadline; a view being computed is finished first."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        self._thread.join((deadline or Deadline()).seconds)

    def _serve(self) -> None:
        running: dict[str, _Running] = {}
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._closed or self._waiting or running)
                if self._closed:
                    return
                self._take(running)
                slot = next((slot for slot in SLOTS if slot in running), None)
            if slot is not None and not self._advance(slot, running[slot]):
                del running[slot]

    def _take(self, running: dict[str, _Running]) -> None:
        """Start what waits, and end what was withdrawn; the lock is held."""
        for slot, (generation, task) in self._waiting.items():
            running[slot] = _Running(generation, task.run())
        self._waiting.clear()
        for slot in [slot for slot, task in running.items() if task.generation != self._generations[slot]]:
            del running[slot]

    def _advance(self, slot: str, running: _Running) -> bool:
        """Compute one view; say whether there may be more. An error is a view too: the thread lives on."""
        try:
            view = next(running.views, None)
        except Exception as error:
            self.answered.emit(Answer(slot, running.generation, FailedView(str(error))))
            return False
        if view is None:
            return False
        self.answered.emit(Answer(slot, running.generation, view))
        return True
