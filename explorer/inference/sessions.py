"""Sessions of ONNX Runtime: made in one way, without other files or operators, and ended from another thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnxruntime

from explorer.types import Floats

_NOWHERE = str(Path(os.devnull) / "none")
"""A folder that cannot be."""


class Interrupted(BaseException):
    """A run was ended by an `Interrupt`; no error, and so not caught where errors are."""


class Interrupt:
    """Ends the runs of one thread from another: the one that is under way, and all that follow.

    A run ends between two operators of its network.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._options: onnxruntime.RunOptions | None = None
        self._set = False

    def set(self) -> None:
        """End the run that is under way, and let no other begin."""
        with self._lock:
            self._set = True
            if self._options is not None:
                self._options.terminate = True

    def check(self) -> None:
        """Raise `Interrupted` if this is set."""
        if self._set:
            raise Interrupted

    @contextmanager
    def covering(self) -> Iterator[None]:
        """Within the block, let this end the runs of the calling thread.

        Raises
        ------
        Interrupted
            By the run that was ended, or that may not begin.
        """
        _current.interrupt = self
        try:
            yield
        finally:
            _current.interrupt = None

    @contextmanager
    def _run(self) -> Iterator[onnxruntime.RunOptions]:
        options = onnxruntime.RunOptions()
        # That a run was ended is no error to be printed; what went wrong is raised.
        options.log_severity_level = 4
        with self._lock:
            if self._set:
                raise Interrupted
            self._options = options
        try:
            yield options
        except Exception as error:
            if self._set:
                raise Interrupted from error
            raise
        finally:
            with self._lock:
                self._options = None


class _Current(threading.local):
    interrupt: Interrupt | None = None


_current = _Current()


def check_interrupt() -> None:
    """Raise `Interrupted` where the calling thread's runs are to end: for what it waits for instead."""
    if _current.interrupt is not None:
        _current.interrupt.check()


def open_session(content: bytes, threads: int) -> onnxruntime.InferenceSession:
    """Return a session for an ONNX file; `threads` 0 means one for each core.

    No library of custom operators is ever registered. Whatever ONNX Runtime raises, passes.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # An arena keeps all that the largest batch ever took, a gigabyte for large images.
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # A file may say that its weights lie in another one, and name any. Ours never do, and here nothing is found.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NOWHERE)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def run_session(session: onnxruntime.InferenceSession, name: str, values: Floats) -> list[Floats]:
    """Return the outputs of one run on the input of that name.

    Raises
    ------
    Interrupted
        If the thread's `Interrupt` ended it.
    """
    interrupt = _current.interrupt
    if interrupt is None:
        return list(session.run(None, {name: values}))
    with interrupt._run() as options:
        return list(session.run(None, {name: values}, options))
