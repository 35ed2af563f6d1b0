"""The model process: the main loop of the child."""

from __future__ import annotations

import contextlib
import gc
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import ClassVar

from explorer.engine import messages
from explorer.engine.channel import child_end
from explorer.engine.control import Order
from explorer.engine.messages import (
    Cancel,
    Cancelled,
    Event,
    Examine,
    Failed,
    Import,
    Pause,
    Request,
    Resume,
    Serve,
    Stop,
    Train,
    Warm,
    Warmed,
)
from explorer.errors import ExplorerError, IpcError, exception_message
from explorer.ipc import Channel
from explorer.memory import give_back
from explorer.messages import Message, message

NICENESS = 10
"""So low that the window stays responsive; measured in ``docs/decisions/0001-model-process.md``."""

_BELOW_NORMAL_PRIORITY_CLASS = 0x4000

_NO_MEMORY = message("Not enough memory for the training. Choose a smaller image size, batch size or model.")
_MODEL_TOO_LARGE = message("The model needs too much memory for its file size. Import a smaller model.")


def serve(connection: Connection, log_path: str) -> None:
    """Answer requests until the parent closes the pipe or dies; native libraries write to the log file, too."""
    # Ctrl+C reaches the whole process group; the parent handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _redirect_output(Path(log_path))
    lower_priority()
    watch_parent()
    channel = child_end(connection)
    with contextlib.suppress(EOFError, OSError):
        while True:
            try:
                request = channel.recv()
                for event in _answer(request, channel):
                    channel.send(event)
                if not isinstance(request, Serve):
                    _tidy()
            except IpcError as error:
                channel.send(Failed(error.message))


def _answer(request: Request | messages.Order, channel: Channel) -> Iterator[Event]:
    """Run one request; every error becomes its last event."""
    try:
        if isinstance(request, Warm):
            yield _warm()
        elif isinstance(request, Train):
            from explorer.engine.train import train

            yield from train(request.request, _PipeControl(channel), live=request.live)
        elif isinstance(request, Examine | Import):
            yield from _import(request, _PipeControl(channel))
        elif isinstance(request, Serve):
            from explorer.engine.third_party.serving import serve_networks

            yield serve_networks(request)
        # An order without a running request came too late; it is ignored.
    except ExplorerError as error:
        yield Failed(error.message, "\n".join(getattr(error, "__notes__", ())))
    except MemoryError:
        yield Failed(_no_memory(request))
    except (EOFError, ConnectionError):
        raise
    except Exception as error:
        exhausted = type(error).__name__ == "ResourceExhaustedError"
        yield Failed(_no_memory(request) if exhausted else _failure(request, error), traceback.format_exc())


def _tidy() -> None:
    """Clear the state that Keras keeps after a request, and return the memory to the system."""
    keras = sys.modules.get("keras")
    if keras is not None:
        keras.backend.clear_session()
    gc.collect()
    if keras is not None and not gc.get_freeze_count():
        gc.freeze()  # 300,000 objects of Keras and TensorFlow, which each collection would look at
    give_back()


def _import(request: Examine | Import, control: _PipeControl) -> Iterator[Event]:
    """Examine or import a model; it can be canceled between steps, and leaves no files then."""
    from explorer.engine.third_party.importing import examine, import_model
    from explorer.engine.third_party.memory_limit import limit_memory
    from explorer.models.third_party.files import files_of

    limit_memory(files_of(request.request))
    running = examine(request.request) if isinstance(request, Examine) else import_model(request.request)
    for event in running:
        if control.order() == "cancel":
            # Closed before the event is sent: this deletes the partial folder and releases the reservation.
            running.close()
            yield Cancelled("")
            return
        yield event


def _no_memory(request: Request | messages.Order) -> Message:
    return _MODEL_TOO_LARGE if isinstance(request, Examine | Import | Serve) else _NO_MEMORY


def _failure(request: Request | messages.Order, error: Exception) -> Message:
    reason = exception_message(error)
    if isinstance(request, Train):
        return message("The training failed: {reason}", reason=reason)
    return message("The model process failed: {reason}", reason=reason)


class _PipeControl:
    """Orders from the pipe (see `explorer.engine.control.Control`)."""

    _ORDERS: ClassVar[dict[type, Order]] = {Pause: "pause", Resume: "resume", Stop: "stop", Cancel: "cancel"}

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def order(self) -> Order | None:
        return self.wait() if self._channel.poll() else None

    def wait(self) -> Order:
        while True:
            order = self._ORDERS.get(type(self._channel.recv()))
            if order is not None:
                return order


def _warm() -> Warmed:
    from explorer.engine.provenance import library_versions

    # Loads Keras, and with it all that the first request needs.
    importlib.import_module("explorer.engine.train")
    return Warmed(library_versions())


def _redirect_output(log_path: Path) -> None:
    """Redirect standard output and error, also of native code, to the log."""
    try:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    except OSError:
        log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    # A window started without a console has no streams at all.
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)


def lower_priority() -> None:
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    elif sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), _BELOW_NORMAL_PRIORITY_CLASS)


def watch_parent() -> None:
    """Exit when the parent ends, even if it is killed during a training step."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, name="watch-parent", daemon=True).start()
