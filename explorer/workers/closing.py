"""Ends the process within a deadline, even if threads hang."""

from __future__ import annotations

import faulthandler
import logging
import multiprocessing
import os
import threading
import time
from contextlib import suppress
from typing import IO

THREADS_S = 1.8
"""Seconds that threads have to end after they were asked to."""

LEAVE_S = 2.1
"""Seconds from the click on the close button to the exit if the main thread hangs."""

LAST_S = 2.4
"""Seconds to the exit if a thread holds the GIL, so that no Python code runs."""


class Deadline:
    """A deadline that several waits share."""

    def __init__(self) -> None:
        self._end = time.monotonic() + THREADS_S

    @property
    def seconds(self) -> float:
        """Remaining seconds, at least 0."""
        return max(0.0, self._end - time.monotonic())


class ExitGuard:
    """Ends this process within a deadline after it was asked to close.

    If threads are still running, `finish` exits without waiting for them. If the main thread hangs, a watchdog thread
    exits. If a thread holds the GIL, faulthandler exits with status 1 and writes the tracebacks to `log`, an open file.
    """

    def __init__(self, log: IO[str] | None) -> None:
        self._log = log
        self._watch: threading.Thread | None = None
        self._code = 0

    def begin(self, code: int = 0) -> None:
        """Start the deadline if it is not running; `code` is the exit status."""
        if self._watch is not None:
            return
        self._code = code
        if self._log is not None and not self._log.closed:
            faulthandler.dump_traceback_later(LAST_S, exit=True, file=self._log)
        else:
            # The file must stay open until the process ends.
            faulthandler.dump_traceback_later(LAST_S, exit=True, file=open(os.devnull, "w"))  # noqa: SIM115
        self._watch = threading.Thread(target=self._leave_late, name="exit", daemon=True)
        self._watch.start()

    def finish(self) -> None:
        """Exit at once if threads are still running; the interpreter would wait for them or crash."""
        self.begin()
        running = [thread.name for thread in threading.enumerate() if self._hinders(thread)]
        if running:
            logging.getLogger(__name__).warning("closed while these threads still ran: %s", ", ".join(running))
            self._leave()

    def _hinders(self, thread: threading.Thread) -> bool:
        own = thread in {threading.main_thread(), self._watch}
        return not own and not isinstance(thread, threading._DummyThread)

    def _leave_late(self) -> None:
        time.sleep(LEAVE_S)
        self._leave()

    def _leave(self) -> None:
        for child in multiprocessing.active_children():
            with suppress(OSError, ValueError):  # it has ended, or is closed
                child.kill()
        os._exit(self._code)
