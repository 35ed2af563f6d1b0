"""The window that a new user sees, and what its process has loaded by then."""

from __future__ import annotations

from typing import Any

import numpy as np
from explorer_testing.programs import run_python
from explorer_testing.window import WindowDriver, drag
from PySide6.QtWidgets import QLabel

from explorer.app import open_argument
from explorer.paths import pretrained_dir

OPEN_AND_PAINT = """
import json, sys
from PySide6.QtCore import QTimer
from explorer.app import make_application, make_window, open_first

app, running, painted = make_application(), make_window(), []

def on_painted():
    painted.append(sorted({"tensorflow", "keras", "sklearn", "tf2onnx"} & set(sys.modules)))
    QTimer.singleShot(0, app.quit)

running.window.stage.reconstruction_painted.connect(on_painted)
open_first(running.document)
running.window.show()
QTimer.singleShot(60_000, app.quit)
app.exec()
model = running.document.model.name
running.close()
print(json.dumps({"model": model, "painted": len(painted), "heavy": painted[0] if painted else None}))
"""


def test_the_first_paint_needs_no_tensorflow() -> None:
    result: dict[str, Any] = run_python(OPEN_AND_PAINT)
    assert result["model"] == "digits-vae-2d"
    assert result["painted"] > 0
    assert result["heavy"] == []


def test_a_new_user_sees_a_digit_with_its_code_on_the_sliders(driver: WindowDriver) -> None:
    document = driver.document
    assert document.model is not None
    assert document.source is not None
    assert (document.model.name, document.source.name, document.state.image_index) == ("digits-vae-2d", "digits", 0)
    start = document.state.start_code
    assert start is not None
    np.testing.assert_array_equal(driver.code, start)
    statistics = document.model.sample.statistics
    expected = (start - statistics.mean) / statistics.sigma
    np.testing.assert_allclose(driver.window.latent.sliders.values, expected, atol=1e-5)
    assert document.undo_label is None
    assert not driver.problems


def test_the_sliders_move_the_digit(driver: WindowDriver) -> None:
    sliders, before = driver.window.latent.sliders, driver.window.stage.edited.image
    drag(sliders.viewport(), [sliders.handle_position(0, value) for value in (0.0, 1.0, 2.0, -2.0)])
    driver.until_edited_shows(driver.code)
    assert driver.window.stage.edited.image != before


def test_every_bundle_that_ships_opens_from_the_library_with_its_images(driver: WindowDriver) -> None:
    for name, source in (("glyphs-vae-2d", "glyphs"), ("digits-deep-49", "digits"), ("digits-vae-2d", "digits")):
        before = driver.document.model
        driver.open_item(driver.window.library.item_of("model", name))
        driver.until(lambda before=before: driver.document.model is not before)
        driver.settle()
        assert driver.document.source is not None
        assert driver.document.source.name == source
        assert name in driver.find(QLabel, "status_model").text()
    assert not driver.problems


def test_a_bundle_named_on_the_command_line_opens(driver: WindowDriver) -> None:
    open_argument(driver.document, str(pretrained_dir() / "glyphs-vae-2d"))
    driver.until(lambda: driver.document.model is not None and driver.document.model.name == "glyphs-vae-2d")
    driver.settle()
    assert not driver.problems
