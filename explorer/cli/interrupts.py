"""Ctrl+C while the model process works: once asks it to stop, twice ends it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from explorer.engine.client import ModelProcess

ONE_PRESS_S = 1.0
"""Signals that come within so many seconds are one Ctrl+C."""


@contextmanager
def interrupts(process: ModelProcess) -> Iterator[list[float]]:
    """Start the process, let the first Ctrl+C ask it to stop and the second end it; yield when they came."""
    received: list[float] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        received.append(time.monotonic())
        # Programs that pass a signal on often send it twice.
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
    """Let no Ctrl+C reach a child that is started here; one that comes meanwhile reaches this process afterwards.

    A child inherits what is blocked. Otherwise it would die of the signal in its first moments, with a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    # When multiprocessing starts this helper itself, it lifts the block before it starts the child.
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
