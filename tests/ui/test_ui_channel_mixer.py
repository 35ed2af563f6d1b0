"""The channel mixer: colors and ranges of channels, on every image of the window, undone and kept in the session."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source
from explorer_testing.menus import opened, pick
from explorer_testing.window import WindowDriver, array_of, drag, type_into
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QColorDialog, QDoubleSpinBox, QPushButton, QWidget

from explorer.data.mixer import DEFAULT_MIXER, Mix, MixedChannel, Mixer, shown
from explorer.data.source import ArraySource, Facts, Found
from explorer.data.splits import random_splits
from explorer.document.mixing import fitted_mix
from explorer.document.session_file import read_session, write_session
from explorer.document.session_state import session_of, state_of
from explorer.document.timeline import Export
from explorer.document.views.cursor import CURSOR, CursorView
from explorer.document.views.image import IMAGE, ImageView
from explorer.document.views.neighbors import NEIGHBORS, NeighborsView
from explorer.document.views.noise import NOISE, NoiseView
from explorer.document.views.samples import SAMPLES, SamplesView
from explorer.document.views.traversal import TRAVERSAL, TraversalView
from explorer.export.recipe_file import read_recipe
from explorer.ui.dialogs.channel_mixer import MixerDialog
from explorer.ui.main_window import MainWindow
from explorer.ui.widgets.range_slider import RangeSlider

SHAPE = (12, 10, 4)
FOUR = Mix.default(4).channels


def mixer_of(*channels: MixedChannel) -> Mixer:
    return Mixer(mixes=(Mix(channels=channels),))


WITHOUT_GRAY = mixer_of(*FOUR[:3], FOUR[3].model_copy(update={"visible": False}))


def make_cells(channels: int = 4, count: int = 30) -> ArraySource:
    """Return images of 16 bits with values 0 to 4,095 in their files."""
    random = np.random.default_rng(0)
    images = random.integers(0, 65536, (count, 12, 10, channels)).astype(np.uint16)
    found = Found("uint16", (0.0, 4095.0), channels=channels)
    return ArraySource(Facts("cells", "Cells", "/nowhere/cells", found=found), images, random_splits(count))


@pytest.fixture
def cells(driver: WindowDriver) -> WindowDriver:
    """The window with images and a model of four channels."""
    driver.open(make_model(image_shape=SHAPE, latent_dim=3), make_cells())
    return driver


def open_mixer(driver: WindowDriver) -> MixerDialog:
    driver.click("stage_mixer")
    dialog = driver.find(MixerDialog, "mixer_dialog")
    assert dialog.isVisible()
    return dialog


def mixer(driver: WindowDriver) -> Mixer:
    return driver.document.state.mixer


def mix(driver: WindowDriver) -> Mix:
    return mixer(driver).mix(4)


def until_shown(driver: WindowDriver) -> None:
    """Wait until the stage and the gallery show the images through the current mixer."""
    view = driver.document.views[IMAGE]
    assert isinstance(view, ImageView)
    stage, wanted = driver.window.stage, mixer(driver)
    assert stage.original.image is not None
    np.testing.assert_array_equal(array_of(stage.original.image), shown(view.original, wanted))
    assert stage.reconstruction.image is not None
    np.testing.assert_array_equal(array_of(stage.reconstruction.image), shown(view.reconstruction, wanted))
    gallery = driver.window.gallery
    driver.until(lambda: not gallery.model.missing(*gallery.visible_range()))


def steps(driver: WindowDriver) -> int:
    return len(driver.document.history)


def thumbnail(driver: WindowDriver, row: int = 0) -> np.ndarray:
    model = driver.window.gallery.model
    pixmap = model.data(model.index(row), Qt.ItemDataRole.DecorationRole)
    return array_of(pixmap.toImage())  # type: ignore[attr-defined]


def offers(driver: WindowDriver) -> tuple[bool, bool]:
    """Return whether the button and the action are there."""
    action = next(one for one in driver.window.registry.actions() if one.objectName() == "action_channel_mixer")
    return driver.find(QPushButton, "stage_mixer").isVisible(), action.available


def test_only_images_that_need_it_have_the_mixer(driver: WindowDriver) -> None:
    assert offers(driver) == (False, False)
    driver.open()
    assert offers(driver) == (False, True), "of gray images of 8 bits only the menu has it"
    driver.open(make_model(image_shape=SHAPE), make_cells())
    assert offers(driver) == (True, True)
    driver.open(make_model(image_shape=(12, 10, 3)), make_source(image_shape=(12, 10, 3)))
    assert offers(driver) == (False, True)
    darker = MixedChannel(color="#ff0000", high=0.5)
    driver.document.set_mixer(mixer_of(darker, *Mix.default(3).channels[1:]))
    assert offers(driver) == (True, True), "what was changed is seen"


def test_deep_gray_images_have_a_range(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=3), make_cells(1))
    open_mixer(driver)
    assert driver.find(QDoubleSpinBox, "mixer_high_0").value() == 4095
    assert not driver.find(QPushButton, "mixer_color_0").isVisible(), "gray stays gray"
    type_into(driver.find(QDoubleSpinBox, "mixer_high_0"), "2048")
    until_shown(driver)
    image = driver.window.stage.original.image
    view = driver.document.views[IMAGE]
    assert image is not None
    assert isinstance(view, ImageView)
    wanted = np.rint(np.clip(view.original * np.float32(4095 / 2048), 0, 1) * 255)
    assert np.abs(array_of(image).astype(int) - wanted).max() <= 1
    assert image.isGrayscale()


def test_a_hidden_channel_is_hidden_everywhere(cells: WindowDriver) -> None:
    until_shown(cells)
    before = thumbnail(cells)
    open_mixer(cells)
    cells.click("mixer_visible_3")
    assert [one.visible for one in mix(cells).channels] == [True, True, True, False]
    assert cells.undo_label() == "Channel mixer"
    until_shown(cells)
    assert thumbnail(cells).mean() < before.mean() - 10, "the gray channel no longer adds to the others"
    cells.document.undo()
    assert mixer(cells) == DEFAULT_MIXER
    until_shown(cells)
    np.testing.assert_array_equal(thumbnail(cells), before)


def test_views_of_other_panels_go_through_the_mixer(cells: WindowDriver) -> None:
    cells.document.set_mixer(WITHOUT_GRAY)
    views = cells.document.views
    cells.tab("Samples")
    cells.until(lambda: isinstance(views[SAMPLES], SamplesView))
    samples = views[SAMPLES]
    assert isinstance(samples, SamplesView)
    np.testing.assert_array_equal(
        array_of(cells.window.samples.table.rows[0][0]), shown(samples.images[0], mixer(cells))
    )
    cells.tab("Noise")
    cells.until(lambda: isinstance(views[NOISE], NoiseView))
    noise = views[NOISE]
    assert isinstance(noise, NoiseView)
    image = cells.window.noise.findChild(QWidget, "noise_clean").image  # type: ignore[union-attr]
    np.testing.assert_array_equal(array_of(image), shown(noise.clean[0], mixer(cells)))
    cells.tab("Neighbors")
    cells.until(lambda: isinstance(views[NEIGHBORS], NeighborsView))
    neighbors, source, model = views[NEIGHBORS], cells.document.source, cells.document.model
    assert isinstance(neighbors, NeighborsView)
    assert source is not None
    assert model is not None
    read = source.read(neighbors.indices, model.card.preprocessing)
    np.testing.assert_array_equal(neighbors.images, shown(read, mixer(cells)))


def test_the_copied_image_is_the_shown_one(cells: WindowDriver) -> None:
    cells.document.set_mixer(WITHOUT_GRAY)
    cells.shortcut("action_copy_image")
    copied = QApplication.clipboard().image()
    assert copied == cells.window.stage.edited.image


def test_a_saved_image_says_how_its_channels_were_mixed(cells: WindowDriver, tmp_path: Path) -> None:
    cells.document.set_mixer(WITHOUT_GRAY)
    cells.shortcut("action_save_image")
    cells.save_as(tmp_path / "cells.png")
    cells.until((tmp_path / "cells.png").is_file)
    with Image.open(tmp_path / "cells.png") as saved:
        assert saved.text["channels"] == "1 #0000ff 0-1, 2 #00ff00 0-1, 3 #ff0000 0-1"


def test_an_exported_animation_goes_through_the_mixer(driver: WindowDriver, tmp_path: Path) -> None:
    model = make_model(image_shape=SHAPE, latent_dim=3)
    cells, card = driver, model.card.model_copy(update={"files": {"decoder.onnx": "1" * 64}})
    driver.open(replace(model, card=card), make_cells())
    cells.document.timeline.insert(np.array([[0, 0, 0], [1, 2, 0]], np.float32), 0)
    cells.document.set_mixer(WITHOUT_GRAY)
    path = tmp_path / "cells.png"
    cells.document.timeline.export_requested.emit(Export(path, side=12))
    cells.until(path.is_file)
    recipe = read_recipe(path)
    assert recipe is not None
    assert recipe.channels == "1 #0000ff 0…1, 2 #00ff00 0…1, 3 #ff0000 0…1"


def test_values_are_those_of_the_files(cells: WindowDriver) -> None:
    open_mixer(cells)
    low, high = (cells.find(QDoubleSpinBox, f"mixer_{end}_1") for end in ("low", "high"))
    assert (low.value(), high.value()) == (0, 4095)
    assert high.text() == "4095"
    type_into(high, "819")
    assert mix(cells).channels[1].high == pytest.approx(0.2)
    type_into(low, "2000")
    second = mix(cells).channels[1]
    assert second.low < second.high, "one end pushes the other"
    assert low.value() == pytest.approx(2000)


def test_the_steps_of_a_field_are_one_step_of_undo(cells: WindowDriver) -> None:
    open_mixer(cells)
    high = cells.find(QDoubleSpinBox, "mixer_high_0")
    high.setFocus()
    for _ in range(3):
        QTest.keyClick(high, Qt.Key.Key_Down)
    assert high.value() == pytest.approx(4095 - 3 * 41, abs=1)
    assert len(cells.document.history) == 1
    cells.document.undo()
    assert high.value() == 4095


def test_a_drag_of_the_slider_is_one_step_of_undo(cells: WindowDriver) -> None:
    open_mixer(cells)
    slider = cells.find(RangeSlider, "mixer_range_2")
    _, upper = slider.handles()
    drag(slider, [upper, upper - QPointF(20, 0), upper - QPointF(slider.width() / 2, 0)])
    assert mix(cells).channels[2].high == pytest.approx(0.5, abs=0.1)
    assert mix(cells).channels[2].low == 0
    assert steps(cells) == 1
    lower, _ = slider.handles()
    drag(slider, [lower, lower + QPointF(slider.width() * 2, 0)])
    third = mix(cells).channels[2]
    assert third.low < third.high, "the ends stay in order"
    assert steps(cells) == 2
    until_shown(cells)


def test_a_color_is_chosen(cells: WindowDriver) -> None:
    dialog = open_mixer(cells)
    button = cells.find(QPushButton, "mixer_color_0")
    assert button.accessibleName() == "Color of channel 1: #0000ff"
    cells.click("mixer_color_0")
    colors = dialog.findChild(QColorDialog)
    assert colors is not None
    colors.setCurrentColor(QColor("#ff8000"))
    QTest.keyClick(colors, Qt.Key.Key_Return)
    assert mix(cells).channels[0].color == "#ff8000"
    assert button.accessibleName() == "Color of channel 1: #ff8000"
    until_shown(cells)


def test_a_color_is_not_chosen_for_a_channel_that_is_gone(cells: WindowDriver) -> None:
    dialog = open_mixer(cells)
    cells.click("mixer_color_3")
    colors = dialog.findChild(QColorDialog)
    assert colors is not None
    assert colors.isVisible()
    cells.document.open(make_model(image_shape=(12, 10, 2)), make_cells(2))
    assert not dialog.findChildren(QColorDialog) or not colors.isVisible()
    cells.settle()


def test_auto_fits_the_ranges_to_the_selected_image(cells: WindowDriver) -> None:
    open_mixer(cells)
    cells.click("mixer_auto")
    view = cells.document.views[IMAGE]
    assert isinstance(view, ImageView)
    values = view.original.reshape(-1, 4)
    for channel, low, high in zip(mix(cells).channels, *np.percentile(values, (0.2, 99.8), axis=0), strict=True):
        assert channel.low == pytest.approx(low, abs=1e-3)
        assert channel.high == pytest.approx(high, abs=1e-3)
    assert len(cells.document.history) == 1
    cells.click("mixer_reset")
    assert mixer(cells) == DEFAULT_MIXER
    assert not cells.find(QPushButton, "mixer_reset").isEnabled()


def test_the_ranges_of_a_flat_image_are_not_empty() -> None:
    flat = fitted_mix(Mix.default(4), np.ones((3, 3, 4), np.float32))
    assert all(channel.low < channel.high for channel in flat.channels)


def test_each_number_of_channels_keeps_its_own_mix(cells: WindowDriver) -> None:
    open_mixer(cells)
    cells.click("mixer_visible_3")
    four = mix(cells)
    cells.open(make_model(image_shape=(12, 10, 2), name="pairs"), make_cells(2))
    assert cells.find(QCheckBox, "mixer_visible_1").isChecked(), "two channels have the default colors"
    cells.click("mixer_visible_1")
    assert [one.visible for one in mixer(cells).mix(2).channels] == [True, False]
    cells.open(make_model(image_shape=SHAPE, latent_dim=3), make_cells())
    assert mix(cells) == four
    assert not cells.find(QCheckBox, "mixer_visible_3").isChecked()
    until_shown(cells)
    cells.click("mixer_reset")
    assert mix(cells).is_default
    assert [one.visible for one in mixer(cells).mix(2).channels] == [True, False], "the other one stays"
    cells.document.undo()
    assert mix(cells) == four


def test_another_number_of_channels_has_its_own_rows(driver: WindowDriver) -> None:
    driver.open(make_model(image_shape=(12, 10, 2)), make_cells(2))
    dialog = open_mixer(driver)
    driver.document.open(make_model(image_shape=(12, 10, 16)), make_cells(16))
    names = [f"mixer_visible_{number}" for number in range(16)]
    assert all(dialog.findChild(QWidget, name) is not None for name in names)
    driver.settle()
    driver.document.open(make_model(), make_source())
    driver.settle()
    rows = [one for one in dialog.findChildren(QWidget) if one.objectName().startswith("mixer_visible")]
    assert [row.objectName() for row in rows] == ["mixer_visible_0"]


def test_the_session_keeps_the_mixer(cells: WindowDriver, tmp_path: Path) -> None:
    open_mixer(cells)
    cells.click("mixer_visible_1")
    state = cells.document.state
    write_session(tmp_path / "cells.latent", session_of(state))
    session, _ = read_session(tmp_path / "cells.latent")
    assert state_of(session, state.model, state.source).mixer == state.mixer
    assert state.mixer != DEFAULT_MIXER


@pytest.mark.parametrize("word", ["fluorescence", "lookup table", "contrast"])
def test_the_palette_finds_it(bare_window: MainWindow, word: str) -> None:
    bare_window.document.open(make_model(image_shape=SHAPE), make_cells())
    palette = bare_window.app_actions.show_palette()
    QTest.keyClicks(palette.field, word)
    rows = [str(palette.list.model().index(row, 0).data()) for row in range(palette.list.model().rowCount())]
    assert any("Channel mixer" in row for row in rows)


def test_the_caption_says_how_many_channels(cells: WindowDriver) -> None:
    assert cells.window.stage.original.detail.replace("\N{NO-BREAK SPACE}", " ") == "10×12 · 4 channels"


def test_it_is_reached_by_keyboard(cells: WindowDriver) -> None:
    cells.shortcut("action_channel_mixer")
    dialog = cells.find(MixerDialog, "mixer_dialog")
    assert dialog.isVisible()
    box = cells.find(QWidget, "mixer_visible_0")
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Space)
    assert not mix(cells).channels[0].visible
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_a_value_beyond_the_range_is_its_end_and_the_session_opens(cells: WindowDriver, tmp_path: Path) -> None:
    open_mixer(cells)
    low, high = (cells.find(QDoubleSpinBox, f"mixer_{end}_1") for end in ("low", "high"))
    type_into(low, "5000")
    second = mix(cells).channels[1]
    assert second.low < second.high <= 1
    type_into(high, "0")
    second = mix(cells).channels[1]
    assert 0 <= second.low < second.high, "the lowest values are black"
    state = cells.document.state
    write_session(tmp_path / "cells.latent", session_of(state))
    session, _ = read_session(tmp_path / "cells.latent")
    assert state_of(session, state.model, state.source).mixer == state.mixer


def test_the_other_end_keeps_its_digits(cells: WindowDriver) -> None:
    first = FOUR[0].model_copy(update={"high": 0.7351})
    cells.document.set_mixer(mixer_of(first, *FOUR[1:]))
    open_mixer(cells)
    type_into(cells.find(QDoubleSpinBox, "mixer_low_0"), "100")
    assert mix(cells).channels[0].high == 0.7351


def test_edits_of_a_field_after_a_pause_are_steps_of_their_own(
    cells: WindowDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.document.history.PAUSE_SECONDS", -1.0)
    open_mixer(cells)
    type_into(cells.find(QDoubleSpinBox, "mixer_high_0"), "3000")
    type_into(cells.find(QDoubleSpinBox, "mixer_high_0"), "2000")
    assert steps(cells) == 2


def test_small_values_have_enough_digits(driver: WindowDriver) -> None:
    source = make_cells()
    source.found = Found("float32", (0.0, 0.003), channels=4)
    driver.open(make_model(image_shape=SHAPE, latent_dim=3), source)
    open_mixer(driver)
    high = driver.find(QDoubleSpinBox, "mixer_high_0")
    type_into(high, "0.00123")
    assert mix(driver).channels[0].high == pytest.approx(0.41)
    assert high.value() == pytest.approx(0.00123)


def test_the_map_is_decoded_again(cells: WindowDriver) -> None:
    cells.window.workspaces.switch("map")
    cells.settle()
    tiles = cells.document.map
    assert tiles.ready
    assert any(tile.pixels[..., 0].max() for tile in tiles.visible())
    green = (MixedChannel(color="#00ff00", high=0.5), *(MixedChannel(visible=False),) * 3)
    cells.document.set_mixer(mixer_of(*green))
    assert list(tiles.visible()), "the old tiles stay until the new ones are decoded"
    assert len(tiles.missing()) > 0
    cells.until(lambda: tiles.ready)
    assert not any(tile.pixels[..., 0].max() for tile in tiles.visible())
    assert any(tile.pixels[..., 1].max() for tile in tiles.visible())


@pytest.mark.parametrize("tab", ["Map", "Traversals"])
def test_a_saved_image_of_a_panel_says_how_its_channels_were_mixed(
    cells: WindowDriver, tmp_path: Path, tab: str
) -> None:
    cells.document.set_mixer(WITHOUT_GRAY)
    cells.tab(tab)
    views, table, canvas = cells.document.views, cells.window.traversals.table, cells.window.map.canvas
    if tab == "Traversals":
        cells.until(lambda: isinstance(views[TRAVERSAL], TraversalView))
    cells.settle()
    widget, where = (canvas, canvas.plane_rect().center()) if tab == "Map" else (table, table.cell(1, 2).center())
    where = QPoint(round(where.x()), round(where.y()))
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, widget.mapToGlobal(where))
    QApplication.sendEvent(widget, event)
    pick(opened(widget), "image_save")
    cells.save_as(tmp_path / "mine.png")
    cells.until((tmp_path / "mine.png").is_file)
    with Image.open(tmp_path / "mine.png") as saved:
        assert saved.text["channels"] == "1 #0000ff 0-1, 2 #00ff00 0-1, 3 #ff0000 0-1"


def test_pixels_show_the_values_of_their_channels(cells: WindowDriver) -> None:
    frame, painted = cells.window.stage.edited, []
    for values in ((0, 0, 0, 0.5), (0.5, 0.5, 0.5, 0)):
        CURSOR.put(cells.document, CursorView(np.full((12, 10, 4), values, np.float32), 0.0))
        assert frame.image is not None
        assert frame.image.pixelColor(0, 0) == QColor(128, 128, 128), "one color for both"
        frame.zoom_by(100)
        assert frame.axes(frame.image)[0].scale >= 56
        painted.append(frame.grab().toImage())
    assert painted[0] != painted[1], "the numbers differ"


def test_the_original_shows_its_own_values_in_place_of_the_edited_image(cells: WindowDriver) -> None:
    stage, view = cells.window.stage, cells.document.views[IMAGE]
    assert isinstance(view, ImageView)
    stage.edited.zoom_by(100)
    stage.canvas.flip(True)
    painted = []
    for values in ((0, 0, 0, 0.5), (0.5, 0.5, 0.5, 0)):
        IMAGE.put(cells.document, replace(view, original=np.full((12, 10, 4), values, np.float32)))
        painted.append(stage.edited.grab().toImage())
    assert painted[0] != painted[1], "the numbers differ"
