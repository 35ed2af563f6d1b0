"""Releases memory when the program is idle."""

from __future__ import annotations

import gc
import linecache
import threading
import weakref
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from explorer.document.document import Document
from explorer.document.views.nearest import NEAREST
from explorer.document.views.neighbors import NEIGHBORS
from explorer.engine.served import network_server
from explorer.inference.codec import OnnxCodec
from explorer.memory import give_back
from explorer.workers.closing import Deadline
from explorer.workers.jobs import JobRunner
from explorer.workers.render_thread import RenderThread

IDLE_MS = 1_500
"""Idle time, without an answer or a job, after which freed memory is returned to the system."""

BUSY_MS = 2_000
"""Time after a job has ended at which freed memory is returned, whatever else runs."""

LONG_IDLE_MS = 30_000
"""Idle time after which the index of a hidden tab is dropped; it is rebuilt when needed."""


class Housekeeping(QObject):
    """Waits until the program is idle, then frees unused memory. Belongs to the main thread.

    `tidied`: memory was released. `rested`: nothing has happened for half a minute; what can be made again is dropped.
    """

    tidied = Signal()
    rested = Signal()

    def __init__(
        self, document: Document, render_thread: RenderThread, jobs: JobRunner, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._closed = False
        self._thread: threading.Thread | None = None
        self._timer = QTimer(self, interval=IDLE_MS, singleShot=True)
        self._timer.timeout.connect(self._on_idle)
        self._long = QTimer(self, interval=LONG_IDLE_MS, singleShot=True)
        self._long.timeout.connect(self._on_long_idle)
        self._busy = QTimer(self, interval=BUSY_MS, singleShot=True)
        self._busy.timeout.connect(self._on_busy)
        for happened in (render_thread.answered, jobs.jobs_changed):
            happened.connect(self._on_happened)
        jobs.jobs_changed.connect(self._on_jobs_changed)
        self._used: weakref.WeakSet[OnnxCodec] = weakref.WeakSet()
        document.changed.model.connect(self._on_models_changed)
        document.comparison.model_changed.connect(self._on_models_changed)

    def close(self, deadline: Deadline | None = None) -> None:
        """Stop, and wait for the thread until the deadline; an answer may still arrive afterwards."""
        self._closed = True
        self._timer.stop()
        self._long.stop()
        self._busy.stop()
        if self._thread is not None:
            self._thread.join((deadline or Deadline()).seconds)

    def begin(self) -> None:
        """Release memory at the next pause, even if nothing has happened."""
        self._timer.start()

    @Slot()
    def _on_happened(self) -> None:
        if not self._closed:
            self._timer.start()
            self._long.start()

    @Slot()
    def _on_jobs_changed(self) -> None:
        if not self._closed and not self._busy.isActive():
            self._busy.start()

    def _on_busy(self) -> None:
        self._run(give_back)

    def _on_models_changed(self) -> None:
        """Unload the networks of models that only the history still references."""
        models = (self._document.model, self._document.comparison.model)
        shown = [model.codec for model in models if model is not None]
        self._used.update(codec for codec in shown if isinstance(codec, OnnxCodec))
        for codec in list(self._used):
            if not any(codec is other for other in shown):
                codec.rest()

    def _on_idle(self) -> None:
        if self._jobs.jobs:
            return  # the end of the last job restarts the timer
        self._drop_stale_views()
        self._on_models_changed()  # a late answer may have loaded networks again
        open_models = (self._document.model, self._document.comparison.model)
        served = any(model is not None and model.card.engine == "keras" for model in open_models)
        if not self._run(partial(self._tidy, not served)):
            self._timer.start()

    def _run(self, work: Callable[[], None]) -> bool:
        """Run something on a thread, unless one runs; return whether it began."""
        if self._thread is not None and self._thread.is_alive():
            return False
        self._thread = threading.Thread(target=work, name="housekeeping", daemon=True)
        self._thread.start()
        return True

    def _on_long_idle(self) -> None:
        document = self._document
        document.close_unused()
        self.rested.emit()
        # Whatever still refers to itself; half a minute without an answer, nobody notices the tenth of a second.
        gc.collect()
        linecache.clearcache()  # source files that imports and tracebacks have read: several megabytes
        self._timer.start()
        watched = NEIGHBORS in document.views.watched or NEAREST in document.views.watched
        if document.neighbors.index is not None and not watched and not self._jobs.jobs:
            document.neighbors.put_index(None)

    def _drop_stale_views(self) -> None:
        """Drop what was found for a model or images that are no longer open: tens of megabytes each."""
        document, model, source = self._document, self._document.model, self._document.source
        if document.training.active:
            return  # those of a model in training are replaced by newer ones
        document.analysis.drop_former(model)
        index, codes = document.neighbors.index, document.analysis.codes
        if index is not None and (model is None or index.codec is not model.codec or index.source is not source):
            document.neighbors.put_index(None)
        if codes is not None and (model is None or codes.codec is not model.codec or codes.source is not source):
            document.analysis.put_codes(None)

    def _tidy(self, end_server: bool) -> None:
        """End the process that decodes with Keras if no model needs it, and return freed memory to the system."""
        if end_server:
            network_server().close()
        give_back()
        self.tidied.emit()
