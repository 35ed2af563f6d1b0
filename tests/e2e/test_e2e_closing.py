"""Closing the window while it is at work; the guards see every thread and process that is left."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from explorer_testing.builders import as_floats
from explorer_testing.codec import Gate, WrappedCodec
from explorer_testing.window import WindowDriver

from explorer.document.timeline import Export
from explorer.types import Floats


def test_closing_during_an_export_ends_it_and_leaves_nothing(driver: WindowDriver, tmp_path: Path) -> None:
    reached = Gate()
    reached.open()

    def note_jobs(call: str, values: Floats) -> None:
        if threading.current_thread().name.startswith("job"):
            reached.pass_through(call, values)

    model = driver.document.model
    assert model is not None
    driver.document.open(replace(model, codec=WrappedCodec(model.codec, note_jobs)))
    driver.settle()
    for code in (as_floats(-1, 0), as_floats(1, 0)):
        driver.document.set_code(code)
        driver.document.timeline.add()
    driver.type_into("timeline_steps", "1000")
    driver.document.timeline.export_requested.emit(Export(tmp_path / "long.gif"))
    reached.wait_until_entered()
    driver.window.close()
    assert list(tmp_path.iterdir()) == []
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith(("job", "codec", "trainer"))]


def test_closing_while_a_model_opens(driver: WindowDriver) -> None:
    driver.open_item(driver.window.library.item_of("model", "glyphs-vae-2d"))
    before = driver.document.model
    driver.window.close()
    assert driver.document.model is before
    assert not driver.problems


def test_closing_twice_is_closing_once(driver: WindowDriver) -> None:
    driver.window.close()
    driver.running.close()
    assert not driver.window.isVisible()
