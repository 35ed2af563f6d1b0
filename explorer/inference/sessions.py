"""ONNX Runtime sessions: without external files and custom operators, and interruptible from another thread."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import onnxruntime

from explorer.types import Floats

onnxruntime.set_default_logger_severity(3)  # errors only; warnings would reach the terminal

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"

_OPTIONS = {
    # TF32 keeps 10 of 23 bits; a search for the fastest convolution would stop the animation at every new batch size.
    CUDA: {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"},
    # The neural engine computes with 16 bits.
    "CoreMLExecutionProvider": {"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndGPU"},
}
"""Options of execution providers, from the pages of ONNX Runtime on each."""

_NOWHERE = str(Path(os.devnull) / "none")
"""A folder that cannot exist."""


class Interrupted(BaseException):
    """A run was ended by an `Interrupt`. A BaseException, so that ``except Exception`` does not catch it."""


class Interrupt:
    """Ends the current and all following runs of one thread from another, between two operators of the network."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._options: onnxruntime.RunOptions | None = None
        self._set = False

    def set(self) -> None:
        """End the current run and prevent further ones."""
        with self._lock:
            self._set = True
            if self._options is not None:
                self._options.terminate = True

    def check(self) -> None:
        if self._set:
            raise Interrupted

    @contextmanager
    def covering(self) -> Iterator[None]:
        """Make the runs of the calling thread interruptible within the block; they raise `Interrupted` then."""
        _current.interrupt = self
        try:
            yield
        finally:
            _current.interrupt = None

    @contextmanager
    def _run(self) -> Iterator[onnxruntime.RunOptions]:
        options = onnxruntime.RunOptions()
        # ONNX Runtime would log an interruption as an error; real errors are raised anyway.
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
    """Raise `Interrupted` if the calling thread is interrupted, for waits outside of runs."""
    if _current.interrupt is not None:
        _current.interrupt.check()


def open_session(content: bytes, threads: int, provider: str = CPU) -> onnxruntime.InferenceSession:
    """Return a session for an ONNX file; `threads` 0 means one per core.

    Operators that `provider` does not have run on the CPU. RuntimeError if the provider cannot be loaded. Custom
    operators are never registered. Exceptions of ONNX Runtime are not converted.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # The arena would keep the memory of the largest batch, a gigabyte for large images.
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # An ONNX file may load external weights from any path. This setting makes them unavailable.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NOWHERE)
    if provider == CPU:
        return onnxruntime.InferenceSession(content, options, providers=[CPU])
    options.enable_mem_pattern = False  # DirectML requires it
    if provider not in onnxruntime.get_available_providers():
        raise RuntimeError(f"this build of ONNX Runtime does not offer {provider}")
    with _quiet():
        if provider == CUDA:
            onnxruntime.preload_dlls()  # finds the libraries that pip has installed
        # Without its fallback, ONNX Runtime raises errors instead of printing them.
        session = onnxruntime.InferenceSession(
            content, options, providers=[(provider, _OPTIONS.get(provider, {}))], enable_fallback=0
        )
    if session.get_providers()[0] != provider:
        raise RuntimeError(f"{provider} cannot be loaded; its driver or one of its libraries is missing")
    return session


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep ONNX Runtime from writing to the terminal that a library of a provider is missing."""
    onnxruntime.set_default_logger_severity(4)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        onnxruntime.set_default_logger_severity(3)


def run_session(session: onnxruntime.InferenceSession, name: str, values: Floats) -> list[Floats]:
    """Return the outputs of one run with the input `name`; Interrupted if the thread's `Interrupt` ended it."""
    interrupt = _current.interrupt
    if interrupt is None:
        return list(session.run(None, {name: values}))
    with interrupt._run() as options:
        return list(session.run(None, {name: values}, options))
