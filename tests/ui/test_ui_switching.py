"""Another model, other images, another image, while the codec is at work: what is shown is never stale or mixed."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model, make_source, wrapped
from explorer_testing.codec import Gate
from explorer_testing.window import WindowDriver
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from explorer.data.preprocessing import to_floats, to_pixels
from explorer.document.state import OpenModel
from explorer.document.views.cursor import CURSOR
from explorer.document.views.image import IMAGE
from explorer.document.views.tiles import TILES, TilesView
from explorer.errors import ModelError
from explorer.types import Floats
from explorer.ui.images import image_to_qimage

GATE_OF_PATIENCE_S = Gate.PATIENCE_S


def slow_model(gate: Gate, *, name: str = "slow", latent_dim: int = 2) -> OpenModel:
    """Return a model every call of which waits at the gate."""
    return wrapped(make_model(name=name, seed=11, latent_dim=latent_dim), gate.pass_through)


class Watch:
    """Every image that the stage shows from now on."""

    def __init__(self, driver: WindowDriver) -> None:
        self._stage = driver.window.stage
        self.original: list[QImage] = []
        self.reconstruction: list[QImage] = []
        self.edited: list[QImage] = []
        # Connected behind the stage, so that the stage shows the view already.
        driver.document.views.changed(IMAGE).connect(self._note)
        driver.document.views.changed(CURSOR).connect(self._note)

    def _note(self) -> None:
        for kept, frame in (
            (self.original, self._stage.original),
            (self.reconstruction, self._stage.reconstruction),
            (self.edited, self._stage.edited),
        ):
            if frame.image is not None:
                kept.append(frame.image)


def assert_only(driver: WindowDriver, watch: Watch) -> None:
    """Assert that all images seen are those of the open model, source and image."""
    model, source, image_index = driver.document.model, driver.document.source, driver.document.state.image_index
    assert model is not None
    assert source is not None
    assert image_index is not None
    original = to_floats(source.read([image_index], model.card.preprocessing))
    again = image_to_qimage(model.codec.decode(model.codec.encode(original))[0])
    assert watch.original
    assert all(qimage == image_to_qimage(original[0]) for qimage in watch.original)
    assert all(qimage == again for qimage in watch.reconstruction)
    assert all(qimage == again for qimage in watch.edited)


def other_model(driver: WindowDriver) -> None:
    driver.document.open(make_model(name="quick", seed=3))


def other_source(driver: WindowDriver) -> None:
    driver.document.open(source=make_source(20, name="other", seed=9))


def other_image(driver: WindowDriver) -> None:
    driver.document.choose_image(13)


def both(driver: WindowDriver) -> None:
    driver.document.open(
        make_model(image_shape=(9, 14, 3), name="color", seed=3), make_source(8, (9, 14, 3), name="colors", seed=2)
    )


CHANGES = [other_model, other_source, other_image, both]


@pytest.mark.parametrize("change", CHANGES)
def test_an_answer_that_is_being_computed_is_dropped(
    driver: WindowDriver, change: Callable[[WindowDriver], None]
) -> None:
    gate = Gate()
    driver.document.open(slow_model(gate), make_source())
    gate.wait_until_entered()
    change(driver)
    watch = Watch(driver)
    gate.open()
    driver.settle()
    assert_only(driver, watch)


@pytest.mark.parametrize("change", CHANGES)
def test_an_answer_that_is_on_its_way_is_dropped(driver: WindowDriver, change: Callable[[WindowDriver], None]) -> None:
    answers = threading.Semaphore(0)
    driver.open()
    # On the codec thread itself: the answer then waits in the window's event queue, behind the change.
    driver.running.backend.render_thread.answered.connect(
        lambda answer: answers.release(), Qt.ConnectionType.DirectConnection
    )
    driver.document.choose_image(5)
    assert answers.acquire(timeout=GATE_OF_PATIENCE_S)
    change(driver)
    watch = Watch(driver)
    driver.settle()
    assert_only(driver, watch)


def test_the_stage_is_blank_and_not_the_old_image_while_it_waits(driver: WindowDriver) -> None:
    gate = Gate()
    driver.open()
    driver.document.open(slow_model(gate))
    stage = driver.window.stage
    assert stage.original.image is None
    assert stage.reconstruction.image is None
    assert stage.edited.image is None
    assert "Encoding" in stage.original.text
    gate.open()
    driver.settle()


def test_a_map_half_done_is_dropped(driver: WindowDriver) -> None:
    grid_gate = Gate()

    def hold_grids(call: str, values: Floats) -> None:
        if call == "decode" and len(values) > 1:
            grid_gate.pass_through(call, values)

    driver.tab("Map")
    driver.document.open(wrapped(make_model(name="slow", seed=11), hold_grids), make_source())
    grid_gate.wait_until_entered()
    other_model(driver)
    seen: list[TilesView] = []
    document = driver.document

    def note() -> None:
        view = document.views[TILES]
        if isinstance(view, TilesView):
            seen.append(view)

    document.views.changed(TILES).connect(note)
    grid_gate.open()
    driver.settle()
    model = document.model
    assert model is not None
    assert seen
    for view in seen:
        codes = view.plane.codes(view.tile_grid.middles(view.level, view.tiles))
        np.testing.assert_array_equal(view.pixels, to_pixels(model.codec.decode(codes)))


def test_while_the_codec_is_busy_only_the_latest_code_waits(driver: WindowDriver) -> None:
    gate, decoded = Gate(), []

    def hold(call: str, values: Floats) -> None:
        if call == "decode" and len(values) == 1:
            decoded.append(values[0].copy())
            gate.pass_through(call, values)

    driver.open(make_model())
    driver.document.open(wrapped(make_model(name="slow"), hold))
    gate.wait_until_entered()  # the image's reconstruction
    for step in range(50):
        driver.document.set_code(as_floats(step / 10, 0.0), gesture="drag")
    gate.open()
    driver.until_edited_shows(as_floats(4.9, 0.0))
    on_the_way = [code for code in decoded if code[1] == 0.0 and 0 <= code[0] < 4.85]
    assert on_the_way == []


def test_a_codec_that_fails_says_so_where_the_image_would_be_and_the_next_one_works(driver: WindowDriver) -> None:
    def refuse(call: str, values: Floats) -> None:
        raise ModelError("The network does not compute. Train it again.")

    driver.open()
    driver.document.open(wrapped(make_model(name="broken"), refuse))
    stage = driver.window.stage
    driver.until(lambda: "The network does not compute" in stage.edited.text)
    assert stage.original.image is None
    driver.tab("Noise")  # the noise lab, which nothing is corrupted for while nobody looks
    driver.until(lambda: "The network does not compute" in driver.window.noise.one.clean.text)
    driver.document.open(make_model(name="good", seed=3))
    watch = Watch(driver)
    driver.settle()
    assert_only(driver, watch)


def test_undo_brings_the_old_model_back_with_its_code_and_keyframes(driver: WindowDriver) -> None:
    driver.open()
    old = driver.document.model
    driver.document.set_code(as_floats(0.5, -0.5))
    driver.document.timeline.add()
    other_model(driver)
    driver.settle()
    assert not driver.document.state.keyframes
    driver.document.undo()
    assert driver.document.model is old
    assert len(driver.document.state.keyframes) == 1
    driver.settle()
    driver.until_edited_shows(as_floats(0.5, -0.5))
