"""The parent's end of the model process; free of Keras and of Qt."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from explorer.engine.messages import ENDINGS, Cancel, Event, Order, Request
from explorer.errors import EngineError
from explorer.paths import log_dir

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "1", "KERAS_BACKEND": "tensorflow"}
_END_SECONDS = 2.0
_LOGS_KEPT = 5


class ModelProcess:
    """Starts the model process when it is first needed, sends it one request at a time, and reads its events.

    `run` belongs to one thread; `order`, `cancel` and `kill` may be called from any other.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
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
            self._process, self._connection = process, ours

    def run(self, request: Request) -> Iterator[Event]:
        """Send a request and yield its events; the last is one of `messages.ENDINGS`.

        Raises
        ------
        EngineError
            If the process ends before the request does.
        """
        self.start()
        connection, process = self._connection, self._process
        assert connection is not None
        assert process is not None
        try:
            connection.send(request)
            while True:
                event: Event = connection.recv()
                yield event
                if isinstance(event, ENDINGS):
                    return
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
        connection = self._connection
        if connection is not None:
            with suppress(OSError):
                connection.send(order)

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

    def close(self) -> None:
        """End the process and wait for it; call it when no thread is in `run`."""
        with self._lock:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        # Others may ask for its number meanwhile.
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.join(_END_SECONDS)
            # On a machine that is all but standing still a killed process may not have ended by now; it will.
            if process.exitcode is not None:
                process.close()


def _forget_old_logs() -> None:
    """Keep the logs of the last few processes; each window has one of its own."""
    with suppress(OSError):
        logs = sorted(log_dir().glob("model-process-*.log"), key=lambda log: log.stat().st_mtime)
        for log in logs[:-_LOGS_KEPT]:
            log.unlink(missing_ok=True)


def _exit_of(process: multiprocessing.process.BaseProcess) -> str:
    try:
        process.join(_END_SECONDS)
        code = process.exitcode
    except ValueError:
        return "closed"
    if code is None:
        return "still ending"
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
