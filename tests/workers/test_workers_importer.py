"""A canceled import ends, even if its process does not respond."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from explorer.engine.client import ModelProcess
from explorer.errors import EngineError
from explorer.models.third_party.request import ImportRequest
from explorer.paths import pretrained_dir
from explorer.types import Progress
from explorer.workers import importer

MODEL = pretrained_dir() / "digits-vae-2d" / "decoder.keras"


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no process can be stopped here")
@pytest.mark.parametrize("step", [importer.look, importer.write])
def test_a_process_that_stands_still_is_ended(step: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "_CANCEL_SECONDS", 0.2)
    process = ModelProcess()
    items = step(process, ImportRequest(MODEL, tmp_path / "out"))
    try:
        for item in items:
            assert isinstance(item, Progress)
            if process.pid is not None:
                break
        child = process._process
        assert child is not None
        assert child.pid is not None
        os.kill(child.pid, signal.SIGSTOP)
        items.close()
        child.join(30)
        assert child.exitcode == -signal.SIGKILL
    finally:
        process.close()


def test_an_import_whose_process_was_ended_is_refused(tmp_path: Path) -> None:
    process = ModelProcess()
    items = importer.write(process, ImportRequest(MODEL, tmp_path / "out"))
    try:
        next(items)
        process.kill()
        with pytest.raises(EngineError, match="The model process ended unexpectedly"):
            list(items)
    finally:
        process.close()
