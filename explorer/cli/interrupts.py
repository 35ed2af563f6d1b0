"""Ctrl+C while the model process is busy: once asks it to stop, twice kills it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from explorer.engine.client import ModelProcess

ONE_PRESS_S = 1.0
"""Signals within this many seconds count as one Ctrl+C."""


@contextmanager
def interrupts(process: ModelProcess) -> Iterator[list[float]]:
    """Start the process; the first Ctrl+C asks it to stop, the second kills it. Yields the times of the signals."""
    received: list[float] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        received.append(time.monotonic())
        # Programs that forward a signal often send it twice.
        if received[-1] - received[0] > ONE_PRESS_S:
            raise KeyboardInterrupt
        process.cancel()

    previous = signal.signal(signal.SIGINT, on_interrupt)
    try:
        with _signals_held_back():
            process.start()
        yield received
    finally:
        signal.signal(signal.SIGINT, previous)


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Block SIGINT while a child starts; a pending signal is delivered to this process afterwards.

    The child inherits the blocked signals. Otherwise a Ctrl+C during its start would kill it with a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    # Started here, because multiprocessing would unblock the signal when starting it together with the child.
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
