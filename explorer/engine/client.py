"""The parent's end of the model process; free of Keras and of Qt."""

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
from explorer.paths import log_dir

if TYPE_CHECKING:
    from explorer.ipc import Channel

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "1", "KERAS_BACKEND": "tensorflow"}
END_SECONDS = 2.0
"""How long a process that was killed is waited for."""

_LOGS_KEPT = 5
_TICK_SECONDS = 0.1

IMPORT_SECONDS = 120.0
"""How long an import may take from one step to the next: to import Keras on a slow machine is the longest of them."""


class ModelProcess:
    """Starts the model process when it is first needed, sends it one request at a time, and reads its events.

    `run` belongs to one thread; `order`, `cancel` and `kill` may be called from any other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._channel: Channel | None = None
        self._shut = False

    @property
    def log_path(self) -> Path:
        """Where the model process' output goes."""
        return log_dir() / f"model-process-{os.getpid()}.log"

    @property
    def pid(self) -> int | None:
        """Process number, or None where it does not run."""
        process = self._process
        return process.pid if process is not None and process.is_alive() else None

    def start(self) -> None:
        """Start the process unless it runs. Returns at once; Keras is imported with the first request.

        Raises
        ------
        EngineError
            After `shut`.
        """
        # Here and not above: the window starts without them.
        from explorer.engine.channel import parent_end
        from explorer.engine.process import serve

        with self._lock:
            if self._shut:
                raise EngineError("a model process", "a program that is closing")
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

        Raises
        ------
        EngineError
            If the process ends before the request does, or sends what it should not; then it is ended.
        """
        return (event for event in self.steps(request) if event is not None)

    def steps(self, request: Request, patience_s: float | None = None) -> Iterator[Event | None]:
        """Do as `run`; with patience, yield None ten times a second while nothing comes, but not for ever.

        Parameters
        ----------
        request
            What to do.
        patience_s
            Seconds from one event to the next, after which the process is ended; None to wait for ever.

        Raises
        ------
        EngineError
            Also where it was ended for that.
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
                "the model process to go on",
                f"nothing for {patience_s:g} s, so that it was ended",
                f"The model may be too large for this machine, or made to do harm. Its log: {self.log_path}",
            ) from error
        except (EOFError, OSError) as error:
            raise EngineError(
                "the model process to go on",
                f"its end ({_exit_of(process)})",
                f"What it had written is kept. Its log: {self.log_path}",
            ) from error

    def cancel(self) -> None:
        """Ask the running request to stop at its next step."""
        self.order(Cancel())

    def order(self, order: Order) -> None:
        """Tell the running request something; it is done at its next step."""
        channel = self._channel
        if channel is not None:
            with suppress(OSError):
                channel.send(order)

    def kill(self) -> None:
        """End the process now, whatever it does."""
        process = self._process
        if process is not None and process.is_alive():
            process.kill()

    def shut(self) -> None:
        """End the process now, and never start another; a thread in `run` gets its error."""
        with self._lock:
            self._shut = True
            self.kill()

    def close(self, seconds: float = END_SECONDS) -> None:
        """End the process and wait for it, so many seconds; call it when no thread is in `run`."""
        with self._lock:
            self._hang_up(seconds)

    def _hang_up(self, seconds: float = END_SECONDS) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        # Others may ask for its number meanwhile.
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join(seconds)
            # On a machine that is all but standing still a killed process may not have ended by now; it will.
            if process.exitcode is not None:
                process.close()


def _waiting(channel: Channel, patience_s: float | None) -> Iterator[None]:
    """Yield until something comes; not at all where there is no limit to the waiting."""
    if patience_s is None:
        return
    deadline = time.monotonic() + patience_s
    while not channel.poll(_TICK_SECONDS):
        if time.monotonic() > deadline:
            raise TimeoutError
        yield


def _forget_old_logs() -> None:
    """Keep the logs of the last few processes; each window has one of its own."""
    with suppress(OSError):
        logs = sorted(log_dir().glob("model-process-*.log"), key=lambda log: log.stat().st_mtime)
        for log in logs[:-_LOGS_KEPT]:
            log.unlink(missing_ok=True)


def _exit_of(process: multiprocessing.process.BaseProcess) -> str:
    try:
        process.join(END_SECONDS)
        code = process.exitcode
    except ValueError:
        return "closed"
    if code is None:
        return "still ending"
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
