"""The window ends in time whatever hangs in it, and on Ctrl+C; each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from explorer_testing.programs import environment

from explorer.document.preferences import PreferencesFile
from explorer.document.session_file import read_session
from explorer.models.bundle import FIRST_MODEL
from explorer.paths import autosave_dir, pretrained_dir, settings_path

MOST_S = 3.0
"""From the request to close to the end of the process and all its children."""

PROGRAM = """
import ctypes, json, os, signal, sys, threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from PySide6.QtCore import QObject, QTimer, Signal
from explorer import app
from explorer.types import Progress

hung = sys.argv[1]
made = app.make_window
stuck = os.pipe()[0]  # nobody writes to it: a read waits for ever, in the system

class Ear(QObject):
    heard = Signal()

def ready(running, **told):
    print(json.dumps(told), flush=True)
    if hung not in {"idle", "edited", "edited, and a job"}:
        threading.Thread(target=lambda: (sys.stdin.readline(), running.ear.heard.emit()), daemon=True).start()

def endless_network():
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper
    none = helper.make_tensor_value_info("go", TensorProto.BOOL, [])
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["x", "x"], ["y"])],
        "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []), none, helper.make_tensor_value_info("x", 1, [1])],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, []), helper.make_tensor_value_info("y", 1, [1])],
    )
    graph = helper.make_graph(
        [helper.make_node("Loop", ["times", "yes", "a"], ["b"], body=body)],
        "graph",
        [helper.make_tensor_value_info("a", 1, [1])],
        [helper.make_tensor_value_info("b", 1, [1])],
        [
            helper.make_tensor("times", TensorProto.INT64, [], [2**62]),
            helper.make_tensor("yes", TensorProto.BOOL, [], [True]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"a": np.zeros(1, np.float32)})

class EndlessCodec:
    def __init__(self, codec, entered):
        self._codec, self._entered, self._run = codec, entered, endless_network()

    def __getattr__(self, name):
        return getattr(self._codec, name)

    def decode(self, codes):
        self._entered()
        self._run()

def job(entered):
    yield Progress(0, 1)
    entered()
    os.read(stuck, 1)
    yield Progress(1, 1)

def job_with_a_pool(entered):
    yield Progress(0, 1)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: (entered(), os.read(stuck, 1))).result()

def begin(running):
    document, backend, window = running.document, running.backend, running.window
    window.sessions.asks = False
    running.ear = Ear()
    running.ear.heard.connect(window.close)
    entered = lambda: ready(running)
    if hung in {"job", "edited, and a job"}:
        backend.jobs.start("Stuck", lambda: job(entered if hung == "job" else lambda: None))
    elif hung == "pool":
        backend.jobs.start("Stuck", lambda: job_with_a_pool(entered))
    elif hung == "codec":
        model = document.model
        document.open(replace(model, codec=EndlessCodec(model.codec, entered)))
    elif hung == "model process":
        def stop():
            if backend.trainer.process_id is not None:
                timer.stop()
                os.kill(backend.trainer.process_id, signal.SIGSTOP)
                ready(running, child=backend.trainer.process_id)
        timer = QTimer(window)
        timer.timeout.connect(stop)
        timer.start(10)
        backend.trainer.warm()
    elif hung == "main thread":
        window.closing.connect(lambda: os.read(stuck, 1))
        ready(running)
    elif hung == "interpreter":
        # Unlike the others it holds the interpreter's lock.
        window.closing.connect(lambda: threading.Thread(target=ctypes.PyDLL(None).sleep, args=(60,)).start())
        ready(running)
    elif hung in {"nothing", "idle"}:
        ready(running)
    if hung.startswith("edited"):
        backend.autosave.written.connect(lambda problem: ready(running))
        document.set_code([0.5, 0.25])

def make_window(*given):
    running = made(*given)
    QTimer.singleShot(0, lambda: begin(running))
    return running

app.make_window = make_window
from explorer.cli.main import main
if __name__ == "__main__":
    sys.exit(main([]))
"""


@contextmanager
def window(hung: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A window in which something hangs, once it does."""
    # The first start shows the start page, later ones the last model.
    PreferencesFile(settings_path()).put(last_model=str(pretrained_dir() / FIRST_MODEL))
    program = folder / "program.py"  # a file, since the model process imports it again
    program.write_text(PROGRAM, "utf-8")
    process = subprocess.Popen(
        [sys.executable, str(program), hung],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


@pytest.mark.parametrize(
    ("hung", "code"),
    [
        ("nothing", 0),
        ("job", 0),
        ("pool", 0),
        ("codec", 0),
        pytest.param(
            "model process", 0, marks=pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows stops none")
        ),
        ("main thread", 0),
        pytest.param(
            "interpreter", 1, marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows has no sleep there")
        ),
    ],
)
def test_closing_ends_the_process_in_time(hung: str, code: int, tmp_path: Path) -> None:
    with window(hung, tmp_path) as (process, started):
        assert process.stdin is not None
        process.stdin.write("close\n")
        process.stdin.flush()
        assert process.wait(MOST_S) == code
        if "child" in started:
            with pytest.raises(ProcessLookupError):
                os.kill(started["child"], 0)
    if hung not in {"main thread", "interpreter"}:  # which hang before the settings are written
        assert PreferencesFile(settings_path()).values.layout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl+C to a whole console")
@pytest.mark.parametrize("hung", ["idle", "edited", "edited, and a job"])
def test_ctrl_c_ends_an_idle_window_and_keeps_the_work(hung: str, tmp_path: Path) -> None:
    with window(hung, tmp_path) as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.wait(MOST_S) == 130
    copies = [read_session(copy)[0] for copy in autosave_dir().glob("*/copy.latent")]
    assert [session.arrays["cursor"].tolist() for session in copies] == ([[0.5, 0.25]] if "edited" in hung else [])
    assert PreferencesFile(settings_path()).values.layout
