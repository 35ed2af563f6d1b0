"""The stage: original, reconstruction, edited; figures, error map, keyboard; words where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model, make_source
from explorer_testing.window import Desk, array_of, plain
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from explorer.document.tasks import EncodePicture
from explorer.document.views import PictureView
from explorer.ui.color_map import heat
from explorer.ui.images import floats_to_qimage
from explorer.ui.main_window import MainWindow


def picture_view(desk: Desk) -> PictureView:
    view = desk.document.picture_view
    assert isinstance(view, PictureView)
    return view


def test_an_empty_stage_says_what_to_do(desk: Desk) -> None:
    stage = desk.window.stage
    for frame in (stage.original, stage.reconstruction, stage.edited):
        assert frame.image is None
        assert "Open a model and a dataset" in frame.text
        assert frame.accessibleDescription() == frame.text


def test_it_shows_picture_and_reconstruction_with_their_figures(desk: Desk) -> None:
    desk.open()
    view, stage = picture_view(desk), desk.window.stage
    assert stage.original.image == floats_to_qimage(view.original)
    assert stage.reconstruction.image == floats_to_qimage(view.reconstruction)
    assert stage.edited.image == stage.reconstruction.image
    mse = float(((view.original - view.reconstruction) ** 2).mean())
    assert f"MSE {mse:.4f}" in plain(stage.reconstruction.detail)
    clipped = float(((view.original - view.reconstruction.clip(0, 1)) ** 2).mean())
    assert f"{-10 * np.log10(clipped):.1f} dB" in plain(stage.reconstruction.detail)
    assert "SSIM" in plain(stage.reconstruction.detail)
    assert plain(stage.original.detail).startswith("10×12 grayscale")
    assert desk.find(QLabel, "stage_heading").text() == "Tiny pictures · #1 of 30 · label 0"


def test_the_edited_picture_tells_how_far_it_is(desk: Desk) -> None:
    desk.open()
    stage = desk.window.stage
    assert stage.edited.detail == "unedited"
    model = desk.document.model
    assert model is not None
    sigma = model.sample.statistics.sigma
    desk.document.set_code(desk.code + np.array([3, 4], np.float32) * sigma)
    desk.until_edited_shows(desk.code)
    assert plain(stage.edited.detail) == "Δ 5.00 σ from original"


def test_the_error_map_shows_where_they_differ(desk: Desk) -> None:
    desk.open()
    stage, view = desk.window.stage, picture_view(desk)
    assert not stage.error.isVisible()
    desk.click("stage_show_error")
    assert stage.error.isVisible()
    difference = np.abs(view.original - view.reconstruction).mean(axis=2)
    assert stage.error.image is not None
    np.testing.assert_array_equal(array_of(stage.error.image), heat(difference))
    assert plain(stage.error.detail) == f"max {difference.max():.2f}"
    desk.click("stage_show_error")
    assert not stage.error.isVisible()


def test_arrow_keys_step_through_the_pictures_and_stop_at_the_ends(desk: Desk) -> None:
    desk.open(source=make_source(4))
    stage = desk.window.stage
    stage.setFocus()
    pictures = []
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Left):
        QTest.keyClick(stage, key)
        pictures.append(desk.document.picture)
    assert pictures == [1, 2, 1, 0, 0]
    desk.shortcut("action_next")
    assert desk.document.picture == 1
    desk.shortcut("action_previous")
    assert desk.document.picture == 0


def test_the_picture_is_painted_in_sharp_squares(desk: Desk) -> None:
    desk.open()
    frame, view = desk.window.stage.original, picture_view(desk)
    painted = array_of(frame.grab().toImage())
    rect = frame.picture_rect()
    scale = round(rect.width() / view.original.shape[1])
    assert scale > 1
    left, top = round(rect.left()), round(rect.top())
    block = painted[top + 2 * scale : top + 3 * scale, left + 3 * scale : left + 4 * scale]
    assert (block == round(float(view.original[2, 3, 0]) * 255)).all()


def test_colour_pictures_on_a_colour_model(desk: Desk) -> None:
    desk.open(make_model(image_shape=(9, 15, 3)), make_source(6, (9, 15, 3)))
    image = desk.window.stage.original.image
    assert image is not None
    assert array_of(image).shape == (9, 15, 3)
    assert plain(desk.window.stage.original.detail).startswith("15 × 9 colour")


def test_the_cursor_can_be_anywhere_and_the_reconstruction_stays(desk: Desk) -> None:
    desk.open()
    before = desk.window.stage.reconstruction.image
    desk.document.set_code(as_floats(30, -30))
    desk.until_edited_shows(as_floats(30, -30))
    assert desk.window.stage.reconstruction.image == before


@pytest.mark.parametrize("shape", [(3, 4), (1, 1)])
def test_heat_runs_from_black_to_yellow(shape: tuple[int, int]) -> None:
    def level(value: float) -> list[int]:
        picture = heat(np.full(shape, value, np.float32))
        assert picture.shape == (*shape, 3)
        assert picture.dtype == np.uint8
        return [int(part) for part in picture[0, 0]]

    assert level(0) == [0, 0, 4]
    assert level(0.5) == level(0.9) == level(1) == [252, 255, 164]
    assert level(0.125) == [87, 16, 110]
    brightness = [sum(level(value)) for value in np.linspace(0, 0.5, 40)]
    assert brightness == sorted(brightness)


def test_all_three_change_with_the_encoders_answer(bare_window: MainWindow) -> None:
    model, source, document = make_model(), make_source(), bare_window.document
    document.open(model, source)
    task = EncodePicture(model.codec, source, model.card.preprocessing, 0)
    (view,) = task.run()
    assert isinstance(view, PictureView)
    document.put_view("picture", view)
    stage = bare_window.stage
    assert stage.original.image == floats_to_qimage(view.original)
    assert stage.reconstruction.image == floats_to_qimage(view.reconstruction)
    assert stage.edited.image == stage.reconstruction.image
