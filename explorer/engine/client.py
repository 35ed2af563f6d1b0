"""Starts and controls the model process; imports neither Keras nor Qt."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.engine.messages import ENDINGS, Cancel, Event, Order, Request
from explorer.errors import EngineError, IpcError
from explorer.messages import Message, message
from explorer.paths import log_dir

if TYPE_CHECKING:
    from explorer.ipc import Channel

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "1", "KERAS_BACKEND": "tensorflow"}
END_SECONDS = 2.0
"""How long to wait for a killed process."""

_LOGS_KEPT = 5
_TICK_SECONDS = 0.1

IMPORT_SECONDS = 120.0
"""Timeout between two events of an import; importing Keras on a slow machine takes longest."""


class ModelProcess:
    """Client of the model process, which is started at first use and runs one request at a time.

    Call `run` from one thread; `order`, `cancel` and `kill` may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._channel: Channel | None = None
        self._shut = False

    @property
    def log_path(self) -> Path:
        return log_dir() / f"model-process-{os.getpid()}.log"

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.is_alive() else None

    def start(self) -> None:
        """Start the process unless it is running; EngineError after `shut`.

        Returns at once; Keras is imported with the first request.
        """
        # Imported here to keep the start of the window fast.
        from explorer.engine.channel import parent_end
        from explorer.engine.process import serve

        with self._lock:
            if self._shut:
                raise EngineError("Cannot start the model process: the program is closing.")
            if self._process is not None and self._process.is_alive():
                return
            self._hang_up()
            for name, value in _QUIET.items():
                os.environ.setdefault(name, value)
            _forget_old_logs()
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(theirs, str(self.log_path)), name="model", daemon=True)
            process.start()
            theirs.close()
            self._process, self._channel = process, parent_end(ours)

    def run(self, request: Request) -> Iterator[Event]:
        """Send a request and yield its events; the last is one of `messages.ENDINGS`.

        Raises EngineError if the process ends before the request, or sends an invalid message; it is killed then.
        """
        return (event for event in self.steps(request) if event is not None)

    def steps(self, request: Request, patience_s: float | None = None) -> Iterator[Event | None]:
        """Do the same as `run`; with a timeout, also yield None ten times a second while waiting.

        `patience_s` is the timeout between two events, after which the process is killed and an EngineError raised.
        """
        self.start()
        channel, process = self._channel, self._process
        assert channel is not None
        assert process is not None
        try:
            channel.send(request)
            while True:
                yield from _waiting(channel, patience_s)
                event: Event = channel.recv()
                yield event
                if isinstance(event, ENDINGS):
                    return
        except (IpcError, TimeoutError) as error:
            self.kill()
            if isinstance(error, IpcError):
                raise
            raise EngineError(
                "The model process did not answer for {seconds:g} s and was stopped. "
                "The model may be too large for this machine, or malicious. Log: {log}",
                seconds=patience_s or 0,
                log=self.log_path,
            ) from error
        except (EOFError, OSError) as error:
            raise EngineError(
                "The model process ended unexpectedly ({exit}). Files that it wrote are kept. Log: {log}",
                exit=_exit_of(process),
                log=self.log_path,
            ) from error

    def cancel(self) -> None:
        self.order(Cancel())

    def order(self, order: Order) -> None:
        """Send an order to the running request, which obeys at its next step."""
        channel = self._channel
        if channel is not None:
            with suppress(OSError):
                channel.send(order)

    def kill(self) -> None:
        process = self._process
        if process is not None and process.is_alive():
            process.kill()

    def shut(self) -> None:
        """Kill the process and never start another; a thread in `run` gets an error."""
        with self._lock:
            self._shut = True
            self.kill()

    def close(self, seconds: float = END_SECONDS) -> None:
        """Kill the process and wait for it up to `seconds`; call it when no thread is in `run`."""
        with self._lock:
            self._hang_up(seconds)

    def _hang_up(self, seconds: float = END_SECONDS) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        # Other threads may read `pid` meanwhile.
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join(seconds)
            # On an overloaded machine a killed process may not have ended yet; it will.
            if process.exitcode is not None:
                process.close()


def _waiting(channel: Channel, patience_s: float | None) -> Iterator[None]:
    """Yield until a message arrives; without a timeout, return at once."""
    if patience_s is None:
        return
    deadline = time.monotonic() + patience_s
    while not channel.poll(_TICK_SECONDS):
        if time.monotonic() > deadline:
            raise TimeoutError
        yield


def _forget_old_logs() -> None:
    """Delete all but the last few logs; each window has its own."""
    with suppress(OSError):
        logs = sorted(log_dir().glob("model-process-*.log"), key=lambda log: log.stat().st_mtime)
        for log in logs[:-_LOGS_KEPT]:
            log.unlink(missing_ok=True)


def _exit_of(process: multiprocessing.process.BaseProcess) -> Message:
    try:
        process.join(END_SECONDS)
        code = process.exitcode
    except ValueError:
        return message("closed")
    if code is None:
        return message("still stopping")
    return message("killed by signal {signal}", signal=-code) if code < 0 else message("exit code {code}", code=code)
