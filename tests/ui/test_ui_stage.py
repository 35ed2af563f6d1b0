"""The stage: original, reconstruction, edited; figures, error map, keyboard; words where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model, make_source
from explorer_testing.window import WindowDriver, array_of, plain
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from explorer.data.source import ArraySource, Facts
from explorer.data.splits import random_splits
from explorer.document.views.image import IMAGE, ImageView, encode_image
from explorer.ui.color_map import heat
from explorer.ui.images import image_to_qimage
from explorer.ui.main_window import MainWindow


def image_view(driver: WindowDriver) -> ImageView:
    view = driver.document.views[IMAGE]
    assert isinstance(view, ImageView)
    return view


def test_an_empty_stage_says_what_to_do(driver: WindowDriver) -> None:
    stage = driver.window.stage
    for frame in (stage.original, stage.reconstruction, stage.edited):
        assert frame.image is None
        assert "Open a model and a dataset" in frame.text
        assert frame.accessibleDescription() == frame.text


def test_images_that_a_model_cannot_take_are_explained_once(driver: WindowDriver) -> None:
    images = np.zeros((6, 8, 8, 4), np.uint8)
    driver.document.open(make_model(), ArraySource(Facts("cells", "Cells", ""), images, random_splits(6)))
    stage = driver.window.stage
    driver.until(lambda: "4 channels cannot become" in stage.edited.text)
    assert (stage.original.text, stage.reconstruction.text) == ("Can’t read this image", "No reconstruction")


def test_it_shows_image_and_reconstruction_with_their_figures(driver: WindowDriver) -> None:
    driver.open()
    view, stage = image_view(driver), driver.window.stage
    assert stage.original.image == image_to_qimage(view.original)
    assert stage.reconstruction.image == image_to_qimage(view.reconstruction)
    assert stage.edited.image == stage.reconstruction.image
    mse = float(((view.original - view.reconstruction) ** 2).mean())
    assert f"MSE {mse:.4f}" in plain(stage.reconstruction.detail)
    clipped = float(((view.original - view.reconstruction.clip(0, 1)) ** 2).mean())
    assert f"{-10 * np.log10(clipped):.1f} dB" in plain(stage.reconstruction.detail)
    assert "SSIM" in plain(stage.reconstruction.detail)
    assert plain(stage.original.detail).startswith("10×12 · grayscale")
    assert driver.find(QLabel, "stage_heading").text() == "Tiny images · #1 of 30 · label 0"


def test_the_edited_image_tells_how_far_it_is(driver: WindowDriver) -> None:
    driver.open()
    stage = driver.window.stage
    assert stage.edited.detail == "unedited"
    model = driver.document.model
    assert model is not None
    sigma = model.sample.statistics.sigma
    driver.document.set_code(driver.code + np.array([3, 4], np.float32) * sigma)
    driver.until_edited_shows(driver.code)
    assert plain(stage.edited.detail) == "Δ 5.00 σ from original"


def test_the_error_map_shows_where_they_differ(driver: WindowDriver) -> None:
    driver.open()
    stage, view = driver.window.stage, image_view(driver)
    assert not stage.error.isVisible()
    driver.shortcut("action_stage_error")
    assert stage.error.isVisible()
    assert stage.edited.isVisible()
    difference = np.abs(view.original - view.reconstruction).mean(axis=2)
    assert stage.error.image is not None
    np.testing.assert_array_equal(array_of(stage.error.image), heat(difference))
    assert plain(stage.error.detail) == f"max {difference.max():.2f}"
    driver.shortcut("action_stage_three")
    assert not stage.error.isVisible()


def test_arrow_keys_step_through_the_images_and_stop_at_the_ends(driver: WindowDriver) -> None:
    driver.open(source=make_source(4))
    stage = driver.window.stage
    stage.setFocus()
    images = []
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Left):
        QTest.keyClick(stage, key)
        images.append(driver.document.state.image_index)
    assert images == [1, 2, 1, 0, 0]
    driver.shortcut("action_next")
    assert driver.document.state.image_index == 1
    driver.shortcut("action_previous")
    assert driver.document.state.image_index == 0


def test_every_pixel_is_painted_in_its_place(driver: WindowDriver) -> None:
    driver.open()
    frame, view = driver.window.stage.edited, image_view(driver)
    assert frame.image is not None
    painted = array_of(frame.grab().toImage())
    across, down = frame.axes(frame.image)
    assert across.scale > 2
    assert across.scale == pytest.approx(down.scale, rel=0.05)
    for row in down.pixels():
        for column in across.pixels():
            y, x = (int(along.position(place) + along.scale / 2) for along, place in ((down, row), (across, column)))
            wanted = image_to_qimage(view.reconstruction).pixelColor(column, row)
            assert painted[y, x].tolist() == [wanted.red(), wanted.green(), wanted.blue()]


def test_color_images_on_a_color_model(driver: WindowDriver) -> None:
    driver.open(make_model(image_shape=(9, 15, 3)), make_source(6, (9, 15, 3)))
    image = driver.window.stage.original.image
    assert image is not None
    assert array_of(image).shape == (9, 15, 3)
    assert plain(driver.window.stage.original.detail).startswith("15×9 · RGB")


def test_the_cursor_can_be_anywhere_and_the_reconstruction_stays(driver: WindowDriver) -> None:
    driver.open()
    before = driver.window.stage.reconstruction.image
    driver.document.set_code(as_floats(30, -30))
    driver.until_edited_shows(as_floats(30, -30))
    assert driver.window.stage.reconstruction.image == before


@pytest.mark.parametrize("shape", [(3, 4), (1, 1)])
def test_heat_runs_from_black_to_yellow(shape: tuple[int, int]) -> None:
    def level(value: float) -> list[int]:
        image = heat(np.full(shape, value, np.float32))
        assert image.shape == (*shape, 3)
        assert image.dtype == np.uint8
        return [int(part) for part in image[0, 0]]

    assert level(0) == [0, 0, 4]
    assert level(0.5) == level(0.9) == level(1) == [252, 255, 164]
    assert level(0.125) == [87, 16, 110]
    brightness = [sum(level(value)) for value in np.linspace(0, 0.5, 40)]
    assert brightness == sorted(brightness)


def test_all_three_change_with_the_encoders_answer(bare_window: MainWindow) -> None:
    model, source, document = make_model(), make_source(), bare_window.document
    document.open(model, source)
    (view,) = encode_image(model.codec, source, model.card.preprocessing, 0)
    assert isinstance(view, ImageView)
    IMAGE.put(document, view)
    stage = bare_window.stage
    assert stage.original.image == image_to_qimage(view.original)
    assert stage.reconstruction.image == image_to_qimage(view.reconstruction)
    assert stage.edited.image == stage.reconstruction.image
