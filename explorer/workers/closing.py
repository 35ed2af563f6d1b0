"""The end of the program: it comes in time, whatever hangs."""

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
"""How long threads have to end by themselves once all were told."""

LEAVE_S = 2.1
"""When the process ends although its main thread hangs, counted from the click on the close button."""

LAST_S = 2.4
"""When it ends although a thread holds the interpreter, so that no Python code runs."""


class Deadline:
    """A moment that several waits share: what one takes, the next has not."""

    def __init__(self, seconds: float = THREADS_S) -> None:
        self._end = time.monotonic() + seconds

    @property
    def seconds(self) -> float:
        """What is left, or 0."""
        return max(0.0, self._end - time.monotonic())


class ExitGuard:
    """Ends this process in time once it was told to close.

    There are three ways, each for what the one before cannot do. Where threads did not end, `finish` leaves without
    waiting for them. Where the main thread hangs, a thread leaves for it. Where a thread holds the interpreter, its
    watchdog ends the process, with status 1, and writes down what hung.

    Parameters
    ----------
    log
        The open file for that; None for nowhere.
    """

    def __init__(self, log: IO[str] | None) -> None:
        self._log = log
        self._watch: threading.Thread | None = None
        self._code = 0

    def begin(self, code: int = 0) -> None:
        """Start the clock, if it does not run; `code` is the exit status."""
        if self._watch is not None:
            return
        self._code = code
        if self._log is not None and not self._log.closed:
            faulthandler.dump_traceback_later(LAST_S, exit=True, file=self._log)
        else:
            # The file must stay open for as long as the process lives.
            faulthandler.dump_traceback_later(LAST_S, exit=True, file=open(os.devnull, "w"))  # noqa: SIM115
        self._watch = threading.Thread(target=self._leave_late, name="exit", daemon=True)
        self._watch.start()

    def finish(self) -> None:
        """End the process at once where threads still run; the interpreter would wait for them, or fall over them."""
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
