"""The window is closed while it works, in a process of its own: within three seconds nothing of it is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.programs import environment

MOST_S = 3.0
"""From the click on the window's close button to the end of its process and all its children."""

AT_WORK = """
import json, sys, threading
from pathlib import Path
import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtTest import QTest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton, QSpinBox
from explorer.document.open_requests import OpenRequest
from explorer.app import make_application, make_window, open_first
from explorer.document.timeline import Export

given = json.loads(sys.argv[1])
app, running = make_application(), make_window()
document, window = running.document, running.window
open_first(document)
window.show()
told = []

class Ear(QObject):
    heard = Signal()

ear = Ear()
ear.heard.connect(window.close)

def tell():
    if not told:
        told.append(True)
        print(json.dumps({"children": [running.backend.trainer.process_id]}), flush=True)
        threading.Thread(target=lambda: (sys.stdin.readline(), ear.heard.emit()), daemon=True).start()

def on_jobs():
    if any(str(job.title).startswith(given["job"]) and job.done > 0 for job in document.jobs):
        tell()

def on_training():
    if document.training.step > 0:
        tell()

def begin():
    if given["work"] == "training":
        window.show_panel("train")
        for name, value in (("train_epochs", "100000"), ("train_name", "closed")):
            field = window.findChild(QSpinBox, name) or window.findChild(QLineEdit, name)
            field.setFocus()
            field.selectAll()
            QTest.keyClicks(field, value)
            QTest.keyClick(field, Qt.Key.Key_Return)
        QTest.mouseClick(window.findChild(QPushButton, "train_start"), Qt.MouseButton.LeftButton)
        document.training_changed.connect(on_training)
    elif given["work"] == "export":
        for x in (-1, 0, 1):
            document.set_code([x, 0.5])
            document.timeline.add()
        window.findChild(QSpinBox, "timeline_steps").setValue(10_000)
        document.jobs_changed.connect(on_jobs)
        document.timeline.export_requested.emit(Export(Path(given["out"]), side=512))
    else:
        document.jobs_changed.connect(on_jobs)
        document.changed.source.connect(lambda: window.show_panel("neighbors"))
        document.open_requested.emit(OpenRequest((given["data"],), "images"))

QTimer.singleShot(0, begin)
app.exec()
"""


@pytest.mark.engine
@pytest.mark.parametrize("work", ["training", "export", "indexing"])
def test_closing_ends_everything_in_time(work: str, tmp_path: Path, explorer_home: Path) -> None:
    out, data = tmp_path / "out" / "long.gif", tmp_path / "many.npz"
    out.parent.mkdir()
    if work == "indexing":
        np.savez(data, x=np.random.default_rng(0).integers(0, 256, (60_000, 28, 28), dtype=np.uint8))
    given: dict[str, Any] = {
        "work": work,
        "job": {"training": "", "export": "Exporting", "indexing": "Building the neighbor index"}[work],
        "out": str(out),
        "data": str(data),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", AT_WORK, json.dumps(given)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        result = json.loads(process.stdout.readline())
        children = [pid for pid in result["children"] if pid is not None]
        assert bool(children) == (work == "training")
        process.stdin.write("close\n")
        process.stdin.flush()
        # The deadline is awaited: a process that is still there by then is the failure.
        assert process.wait(MOST_S) == 0
        for pid in children:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        assert list(out.parent.iterdir()) == []
        assert not (explorer_home / "models" / "closed" / "card.json").exists()
    finally:
        with suppress(OSError):
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
