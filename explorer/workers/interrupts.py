"""Ctrl+C while the main thread waits in the event loop of Qt, where Python handles no signals."""

from __future__ import annotations

import signal
import socket
from contextlib import suppress

from PySide6.QtCore import QObject, QSocketNotifier, Signal


class Interrupts(QObject):
    """Emits `received` in the event loop for each Ctrl+C until `close`; belongs to the main thread.

    The interpreter writes the number of each signal to a socket, which wakes the event loop, on Windows too.
    """

    received = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._read, self._written = socket.socketpair()
        self._read.setblocking(False)
        self._written.setblocking(False)
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_woken)
        # A handler that does nothing; the default one would raise at an arbitrary place.
        self._handler = signal.signal(signal.SIGINT, lambda number, frame: None)
        self._wakeup = signal.set_wakeup_fd(self._written.fileno(), warn_on_full_buffer=False)

    def close(self) -> None:
        signal.set_wakeup_fd(self._wakeup)
        signal.signal(signal.SIGINT, self._handler)
        self._notifier.setEnabled(False)
        self._read.close()
        self._written.close()

    def _on_woken(self) -> None:
        with suppress(BlockingIOError):
            if signal.SIGINT in self._read.recv(4096):
                self.received.emit()
