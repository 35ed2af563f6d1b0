"""A model file that its library reads for ever does not hold the window up."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from explorer_testing.window import WindowDriver

from explorer.models.third_party.request import ImportRequest
from explorer.reader import client

HANG = Path(__file__).parents[1] / "hostile" / "files" / "hdf5-hang.h5"


def test_the_window_stays_alive_while_it_is_read(
    driver: WindowDriver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(client, "PROGRESS_SECONDS", 2.0)
    driver.open()
    imports = driver.document.imports
    imports.look_requested.emit(ImportRequest(HANG, tmp_path / "out"))
    turns = 0
    began = time.monotonic()
    while imports.view.phase == "looking":
        driver.bot.wait(5)
        turns += 1
    assert time.monotonic() - began > client.PROGRESS_SECONDS, "it was read until the deadline"
    assert imports.view.phase == "failed"
    assert "hdf5-hang.h5" in str(imports.view.message)
    assert turns > 20, "the window's loop went on"


def test_reading_it_can_be_given_up_at_once(driver: WindowDriver, tmp_path: Path) -> None:
    driver.open()
    imports = driver.document.imports
    imports.look_requested.emit(ImportRequest(HANG, tmp_path / "out"))
    driver.until(lambda: bool(client._running))
    imports.left.emit()
    driver.until(lambda: not client._running)
    assert imports.view.phase == "idle"


def test_the_window_closes_while_it_is_read(driver: WindowDriver, tmp_path: Path) -> None:
    driver.open()
    driver.document.imports.look_requested.emit(ImportRequest(HANG, tmp_path / "out"))
    driver.until(lambda: bool(client._running))
    driver.window.close()
    driver.until(lambda: not client._running)
