"""The render thread: one slot for each kind of view; the latest request wins, the most urgent kind is first."""

from __future__ import annotations

import logging
import threading
import traceback
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from explorer.document.view_store import FailedView
from explorer.document.views.kind import ViewKind
from explorer.errors import ExplorerError, exception_message
from explorer.inference.sessions import Interrupt, Interrupted
from explorer.workers.closing import Deadline

T = TypeVar("T")

_log = logging.getLogger(__name__)

OVERDUE_MS = 2000
"""How long a view may still be computed after its request was withdrawn or replaced."""


@dataclass(frozen=True, eq=False)
class Answer:
    """A view, with the generation of its request; None after the last view of a kind that is requested one at a time.

    `details` are the traceback of an unexpected error, the first time it occurs; else empty.
    """

    kind: ViewKind[Any]
    generation: int
    view: Any
    details: str = ""


class UnexpectedErrors:
    """Turns errors into views. Each that is no `ExplorerError` is logged with its traceback, once per place."""

    def __init__(self) -> None:
        self._known: set[tuple[object, ...]] = set()

    def view_of(self, error: Exception, kind: ViewKind[Any]) -> tuple[FailedView, str]:
        """Return the view of an error, and its traceback the first time it occurs at that place; else an empty text."""
        view = FailedView(exception_message(error))
        if isinstance(error, ExplorerError):
            return view, ""
        place = (type(error), *((frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)))
        if place in self._known:
            return view, ""
        self._known.add(place)
        _log.error("The view %s failed.", kind.name, exc_info=error)
        return view, "".join(traceback.format_exception(error))


@dataclass
class _Running:
    generation: int
    views: Iterator[Any]


@dataclass(frozen=True)
class _Current:
    """The request that is being computed; `interrupt` ends it."""

    kind: ViewKind[Any]
    generation: int
    interrupt: Interrupt


class RenderThread(QObject):
    """Runs requests on its own thread.

    `submit`, `drop` and `close` belong to the main thread. A submitted request replaces an older one of its kind,
    waiting or running. Between two views of a long request, more urgent kinds run first.

    `answered` is emitted on the render thread; connect objects that live on the main thread. Compare the generation
    with `generation` before use: an answer may already be queued when its request is withdrawn.
    """

    answered = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._condition = threading.Condition()
        self._waiting: dict[ViewKind[Any], _Running] = {}
        self._generations: defaultdict[ViewKind[Any], int] = defaultdict(int)
        self._errors = UnexpectedErrors()
        self._closed = False
        self._current: _Current | None = None
        self._overdue = QTimer(self, singleShot=True, interval=OVERDUE_MS)
        self._overdue.timeout.connect(self._end_overdue)
        self._thread = threading.Thread(target=self._serve, name="codec", daemon=True)
        self._thread.start()

    def submit(self, kind: ViewKind[T], request: Iterator[T]) -> int:
        """Submit a request; return its generation."""
        with self._condition:
            self._generations[kind] += 1
            generation = self._generations[kind]
            self._waiting[kind] = _Running(generation, request)
            self._condition.notify()
            self._watch(kind)
        return generation

    def drop(self, kind: ViewKind[Any]) -> None:
        """Withdraw the request of a kind; queued answers become stale."""
        with self._condition:
            self._generations[kind] += 1
            self._waiting.pop(kind, None)
            self._watch(kind)

    def generation(self, kind: ViewKind[Any]) -> int:
        """Return the generation of the latest request of a kind; an answer with another is stale."""
        return self._generations[kind]

    def close(self, deadline: Deadline | None = None) -> None:
        """End the thread and wait until the deadline; a running network stops at its next operator."""
        self._overdue.stop()
        with self._condition:
            self._closed = True
            if self._current is not None:
                self._current.interrupt.set()
            self._condition.notify()
        self._thread.join((deadline or Deadline()).seconds)

    def _watch(self, kind: ViewKind[Any]) -> None:
        """Start the timer that ends an outdated computation; call it with the lock."""
        if self._current is not None and self._current.kind is kind and not self._overdue.isActive():
            self._overdue.start()

    def _end_overdue(self) -> None:
        with self._condition:
            current = self._current
            if current is not None and current.generation != self._generations[current.kind]:
                current.interrupt.set()

    def _serve(self) -> None:
        running: dict[ViewKind[Any], _Running] = {}
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._closed or self._waiting or running)
                if self._closed:
                    return
                self._take(running)
                kind = min(running, key=lambda kind: kind.priority, default=None)
                self._current = None if kind is None else _Current(kind, running[kind].generation, Interrupt())
            if self._current is not None and not self._advance(self._current, running[self._current.kind].views):
                del running[self._current.kind]

    def _take(self, running: dict[ViewKind[Any], _Running]) -> None:
        """Start waiting requests, and drop withdrawn ones; call it with the lock."""
        running |= self._waiting
        self._waiting.clear()
        for kind in [kind for kind, request in running.items() if request.generation != self._generations[kind]]:
            del running[kind]

    def _advance(self, current: _Current, views: Iterator[Any]) -> bool:
        """Compute one view; return whether there may be more. An error becomes a view, and the thread continues."""
        try:
            with current.interrupt.covering():
                view = next(views, None)
        except Interrupted:
            return False
        except Exception as error:
            failed, details = self._errors.view_of(error, current.kind)
            self.answered.emit(Answer(current.kind, current.generation, failed, details))
            return False
        if view is not None or current.kind.one_at_a_time:
            self.answered.emit(Answer(current.kind, current.generation, view))
        return view is not None
