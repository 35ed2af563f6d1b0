"""The map: what is clicked is what the cursor decodes to; y goes up."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model, wrapped
from explorer_testing.codec import Gate
from explorer_testing.menus import opened, pick
from explorer_testing.window import WindowDriver, array_of, drag
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QImage, QNativeGestureEvent, QPointingDevice, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QLabel,
    QListWidget,
    QPushButton,
    QSpinBox,
)
from pytestqt.qtbot import QtBot

from explorer.data.preprocessing import to_floats, to_pixels
from explorer.document.closed import ClosedModel
from explorer.document.map_tiles import Tile
from explorer.document.view_store import FailedView
from explorer.document.views.hover import HOVER, HoverView
from explorer.document.views.meter import METER
from explorer.document.views.overlay import OVERLAY, OverlayView
from explorer.document.views.thumbnails import read_thumbnails
from explorer.latent import code_table
from explorer.latent.components import to_components
from explorer.latent.data_distance import CodeDistance
from explorer.latent.polygon import inside
from explorer.messages import message
from explorer.types import Floats
from explorer.ui.actions import ActionMenu
from explorer.ui.color_map import heat
from explorer.ui.images import pixels_to_qimage
from explorer.ui.motion import Motion
from explorer.ui.panels.map_images import MOST_THUMBNAILS
from explorer.ui.scatter_image import Scatter, scatter_image
from explorer.ui.theme import current_theme
from explorer.ui.widgets.color_bar import BAR_WIDTH
from explorer.ui.widgets.curve import curve_color
from explorer.ui.widgets.plane_canvas import KEY_SHARE, PlaneCanvas
from explorer.ui.widgets.plane_painter import card_size


@pytest.fixture
def driver(driver: WindowDriver) -> WindowDriver:
    """The window with the map and its options."""
    driver.window.workspaces.switch("map")
    driver.click("map_options")
    return driver


def canvas_of(driver: WindowDriver) -> PlaneCanvas:
    return driver.window.map.canvas


def click(driver: WindowDriver, x: float, y: float) -> None:
    canvas = canvas_of(driver)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.to_widget(x, y).toPoint())


def span(driver: WindowDriver) -> float:
    """Code units that the plane is wide."""
    canvas = canvas_of(driver)
    return canvas.to_plane(QPointF(canvas.width(), 0))[0] - canvas.to_plane(QPointF(0, 0))[0]


def pixel(driver: WindowDriver) -> float:
    """Code units that a pixel of the canvas is wide."""
    return span(driver) / canvas_of(driver).plane_rect().width()


def tile_at(driver: WindowDriver, x: float, y: float) -> Tile:
    """Return the tile of the finest level in view that holds a point."""
    tiles = [tile for tile in driver.document.map.visible() if max(abs(tile.x - x), abs(tile.y - y)) <= tile.step / 2]
    return min(tiles, key=lambda tile: tile.step)


def decoded(driver: WindowDriver, *code: float) -> np.ndarray:
    model = driver.document.model
    assert model is not None
    return to_pixels(model.codec.decode(np.array([code], np.float32))[0])


def wheel(driver: WindowDriver, where: QPointF, notches: int) -> None:
    canvas = canvas_of(driver)
    for _ in range(abs(notches)):
        turned = QPoint(0, 120 if notches > 0 else -120)
        event = QWheelEvent(
            where,
            QPointF(canvas.mapToGlobal(where.toPoint())),
            QPoint(),
            turned,
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(canvas, event)


def test_few_controls_are_shown_until_the_others_are_asked_for(driver: WindowDriver) -> None:
    driver.open()
    driver.click("map_options")
    panel = driver.window.map
    kinds = (QPushButton, QComboBox, QCheckBox, QDoubleSpinBox)
    shown = [part for kind in kinds for part in panel.findChildren(kind) if part.isVisible()]
    # A segmented control counts as one.
    assert sorted({"tools" if part.property("segment") else part.objectName() for part in shown}) == [
        "map_fit",
        "map_options",
        "map_zoom_in",
        "map_zoom_out",
        "tools",
    ]
    driver.click("map_options")
    assert driver.find(QComboBox, "map_overlay").isVisible()


def test_three_sigma_are_shown_in_equal_scales(driver: WindowDriver) -> None:
    driver.open()
    canvas = canvas_of(driver)
    for width in (1300, 1700):
        driver.window.resize(width, 820)
        driver.settle()
        rect, seen, grid = canvas.plane_rect(), canvas.map_window(), driver.document.state.grid
        assert rect.width() == rect.height(), "a unit is as long on both axes"
        assert seen.right - seen.left == pytest.approx(seen.top - seen.bottom)
        assert seen.right - seen.left == pytest.approx((grid.high - grid.low) * grid.steps / (grid.steps - 1))
        assert (grid.low, grid.high) == driver.document.home_range((0, 1))
        assert abs(rect.center().x() - (canvas.width() + 40) / 2) <= 1, "in the middle"


def test_the_range_follows_the_dimensions_until_it_is_set(driver: WindowDriver) -> None:
    model = make_model(latent_dim=3)
    driver.open(model)
    box = driver.find(QComboBox, "map_up")
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    grid = driver.document.state.grid
    assert grid.dims == (0, 2)
    assert (grid.low, grid.high) == driver.document.home_range((0, 2))
    driver.type_into("map_high", "40")
    QTest.keyClick(box, Qt.Key.Key_Up)
    assert driver.document.state.grid.high == 40


def test_a_click_sets_the_cursor_in_code_units(driver: WindowDriver) -> None:
    driver.open()
    click(driver, 0.75, -1.25)
    np.testing.assert_allclose(driver.code, [0.75, -1.25], atol=pixel(driver))
    driver.until_edited_shows(driver.code)


def test_tiles_are_what_the_decoder_makes_of_their_middles(driver: WindowDriver) -> None:
    """Right is more of the first number, up is more of the second: shown by a decoder that is a known matrix."""
    driver.open()
    for x, y in ((-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0)):
        tile = tile_at(driver, x, y)
        np.testing.assert_array_equal(tile.pixels, decoded(driver, tile.x, tile.y))
    canvas = canvas_of(driver)
    assert canvas.to_widget(1, 0).x() > canvas.to_widget(0, 0).x()
    assert canvas.to_widget(0, 1).y() < canvas.to_widget(0, 0).y(), "up is more"


def test_a_tile_is_painted_at_its_place(driver: WindowDriver) -> None:
    driver.open()
    canvas = canvas_of(driver)
    assert canvas.plane is not None
    painted = array_of(canvas.plane)
    tile = tile_at(driver, 0.9, 0.7)
    where = canvas.to_widget(tile.x, tile.y) - canvas.plane_rect().topLeft()
    middle = painted[round(where.y()), round(where.x())]
    rows, columns = tile.pixels.shape[:2]
    around = tile.pixels[rows // 2 - 2 : rows // 2 + 2, columns // 2 - 2 : columns // 2 + 2]
    assert around.min() - 2 <= middle.mean() <= around.max() + 2


def test_a_drag_is_one_step(driver: WindowDriver) -> None:
    driver.open()
    before, canvas = driver.code, canvas_of(driver)
    drag(canvas, [canvas.to_widget(-1 + step / 4, -1 + step / 8) for step in range(9)])
    np.testing.assert_allclose(driver.code, [1, 0], atol=pixel(driver))
    assert driver.undo_label() == "Move on map"
    driver.document.undo()
    np.testing.assert_array_equal(driver.code, before)
    assert driver.undo_label() is None


def test_a_drag_past_the_edge_stays_in_view(driver: WindowDriver) -> None:
    driver.open()
    canvas, rect = canvas_of(driver), canvas_of(driver).plane_rect()
    drag(canvas, [rect.center(), QPointF(canvas.width() + 50, -50)])
    seen = canvas.map_window()
    np.testing.assert_allclose(driver.code, [seen.right, seen.top], rtol=1e-6)


def test_arrow_keys_move_the_cursor(driver: WindowDriver) -> None:
    driver.open()
    canvas, start = canvas_of(driver), driver.code
    seen = canvas.map_window()
    step = min(seen.right - seen.left, seen.top - seen.bottom) * KEY_SHARE
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    QTest.keyClick(canvas, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    np.testing.assert_allclose(driver.code - start, [step, 5 * step], rtol=1e-4)
    QTest.keyClick(canvas, Qt.Key.Key_Left)
    QTest.keyClick(canvas, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    np.testing.assert_allclose(driver.code, start, atol=1e-5)


def test_range_and_tiles_can_be_edited(driver: WindowDriver) -> None:
    driver.open()
    driver.type_into("map_low", "-1")
    driver.type_into("map_high", "4")
    driver.type_into("map_steps", "6")
    grid = driver.document.state.grid
    assert (grid.low, grid.high, grid.steps) == (-1, 4, 6)
    driver.settle()
    seen = canvas_of(driver).map_window()
    assert (seen.bottom, seen.top) == pytest.approx((-1.5, 4.5)), "the middles of the outer tiles are the range's ends"
    assert {-1.0, 0.0, 1.0, 2.0, 3.0, 4.0} <= {tile.y for tile in driver.document.map.visible() if tile.step == 1}
    click(driver, 3.5, 0.5)
    np.testing.assert_allclose(driver.code, [3.5, 0.5], atol=pixel(driver))
    for _ in range(2):
        driver.document.undo()
    assert driver.document.state.grid.steps == 15
    assert driver.find(QDoubleSpinBox, "map_high").value() == 4


def test_a_silly_range_is_refused_with_words_that_go_when_it_is_mended(driver: WindowDriver) -> None:
    driver.open()
    before, hint = driver.document.state.grid, driver.find(QLabel, "map_hint")
    driver.type_into("map_low", "9")
    assert driver.document.state.grid == before
    assert "minimum must be below" in hint.text()
    assert not driver.problems
    driver.type_into("map_low", "-3")
    assert driver.document.state.grid.low == -3
    assert "minimum must be below" not in hint.text()


def test_a_code_of_one_dimension_is_explained(driver: WindowDriver) -> None:
    driver.open()
    driver.open(make_model(latent_dim=1, name="line"))
    canvas = canvas_of(driver)
    assert not canvas.has_image
    assert "one-dimensional" in canvas.accessibleDescription()
    before = driver.code
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton)
    np.testing.assert_array_equal(driver.code, before)
    assert not driver.find(QDoubleSpinBox, "map_low").isEnabled()


def test_a_plane_of_more_dimensions_keeps_the_others(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=5))
    start = driver.code
    assert "Other dimensions" in driver.find(QLabel, "map_hint").text()
    for name, row in (("map_across", 3), ("map_up", 2)):
        box = driver.find(QComboBox, name)
        box.setFocus()
        while box.currentIndex() < row:
            QTest.keyClick(box, Qt.Key.Key_Down)
    assert driver.document.state.grid.dims == (3, 2)
    driver.settle()
    click(driver, 0.5, -0.5)
    np.testing.assert_allclose(driver.code[[3, 2]], [0.5, -0.5], atol=pixel(driver))
    np.testing.assert_array_equal(driver.code[[0, 1, 4]], start[[0, 1, 4]])
    # Another value of a dimension that is not on the plane gives a different plane.
    driver.document.set_dimension(0, 1.5)
    driver.settle()
    tile = tile_at(driver, 0.5, -0.5)
    code = driver.code.copy()
    code[[3, 2]] = tile.x, tile.y
    np.testing.assert_array_equal(tile.pixels, decoded(driver, *code.tolist()))


def test_choosing_the_other_axis_dimension_swaps_them(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=3))
    across, up = driver.find(QComboBox, "map_across"), driver.find(QComboBox, "map_up")
    across.setFocus()
    QTest.keyClick(across, Qt.Key.Key_Down)
    assert driver.document.state.grid.dims == (1, 0)
    assert (across.currentIndex(), up.currentIndex()) == (1, 0)
    up.setFocus()
    QTest.keyClick(up, Qt.Key.Key_Down)
    assert driver.document.state.grid.dims == (0, 1)


def test_the_cursor_is_painted_where_it_is(driver: WindowDriver) -> None:
    driver.open()
    canvas = canvas_of(driver)
    click(driver, -1, 1)
    first = array_of(canvas.grab().toImage())
    click(driver, 1, 1)
    second = array_of(canvas.grab().toImage())
    rows, columns = np.nonzero((first != second).any(axis=2))
    left, right = canvas.to_widget(-1, 1), canvas.to_widget(1, 1)
    assert columns.min() == pytest.approx(left.x() - 10, abs=6)
    assert columns.max() == pytest.approx(right.x() + 10, abs=6)
    assert np.median(rows) == pytest.approx(left.y(), abs=4), "around the trail, which fades"


def test_the_wheel_zooms_about_the_mouse_to_finer_tiles(driver: WindowDriver) -> None:
    driver.open()
    canvas = canvas_of(driver)
    where = canvas.to_widget(1.0, 0.5)
    coarse = tile_at(driver, 1.0, 0.5).step
    wheel(driver, where, 8)
    np.testing.assert_allclose(canvas.to_plane(where), [1.0, 0.5], atol=1e-6)
    driver.settle()
    fine = tile_at(driver, 1.0, 0.5)
    assert fine.step == coarse / 4
    np.testing.assert_array_equal(fine.pixels, decoded(driver, fine.x, fine.y))
    wheel(driver, where, -8)
    assert canvas.map_window().level == 0
    wheel(driver, where, -200)
    driver.settle()
    assert not driver.problems


def test_a_pinch_zooms_about_the_fingers(driver: WindowDriver) -> None:
    driver.open()
    canvas = canvas_of(driver)
    where = canvas.to_widget(1.0, 0.5)
    width = canvas.map_window().right - canvas.map_window().left
    event = QNativeGestureEvent(
        Qt.NativeGestureType.ZoomNativeGesture,
        QPointingDevice.primaryPointingDevice(),
        2,
        where,
        where,
        canvas.mapToGlobal(where),
        0.25,
        QPointF(),
    )
    QApplication.sendEvent(canvas, event)
    assert canvas.map_window().right - canvas.map_window().left == pytest.approx(width / 1.25)
    np.testing.assert_allclose(canvas.to_plane(where), [1.0, 0.5], atol=1e-6)
    driver.settle()


def test_the_map_is_panned_by_hand_and_keys(driver: WindowDriver) -> None:
    driver.open()
    canvas, before = canvas_of(driver), driver.code
    middle = canvas.plane_rect().center().toPoint()
    moved = middle - QPoint(30, 40)
    start = canvas.to_plane(QPointF(middle))
    QTest.mousePress(canvas, Qt.MouseButton.RightButton, pos=middle)
    QTest.mouseMove(canvas, moved)
    QTest.mouseRelease(canvas, Qt.MouseButton.RightButton, pos=moved)
    np.testing.assert_allclose(canvas.to_plane(QPointF(moved)), start, atol=1e-6)
    assert not canvas.findChildren(ActionMenu, "image_menu"), "a drag opens no menu"
    driver.click("map_pan")
    drag(canvas, [QPointF(moved), QPointF(middle)])
    np.testing.assert_allclose(canvas.to_plane(QPointF(middle)), start, atol=1e-6)
    np.testing.assert_array_equal(driver.code, before)
    canvas.setFocus()
    left = canvas.map_window().left
    QTest.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert canvas.map_window().left > left
    QTest.keyClick(canvas, Qt.Key.Key_Plus)
    driver.click("map_zoom_in")
    assert canvas.map_window().level == 1
    QTest.keyClick(canvas, Qt.Key.Key_Minus)
    driver.click("map_zoom_out")
    driver.click("map_fit")
    seen, grid = canvas.map_window(), driver.document.state.grid
    assert (seen.bottom + seen.top) / 2 == pytest.approx((grid.low + grid.high) / 2)
    driver.settle()
    driver.click("map_cursor")
    click(driver, 0.5, 0.5)
    np.testing.assert_allclose(driver.code, [0.5, 0.5], atol=pixel(driver))


def test_what_was_decoded_stands_in_while_finer_tiles_are_under_way(driver: WindowDriver) -> None:
    """No blank flicker: right after the zoom, before the codec has answered, the view is full."""
    gate = Gate()
    held = [False]

    def hold(call: str, values: Floats) -> None:
        if call == "decode" and len(values) > 1 and held[0]:
            gate.pass_through(call, values)

    driver.open(wrapped(make_model(name="slow"), hold))
    canvas = canvas_of(driver)
    held[0] = True
    wheel(driver, canvas.plane_rect().center(), 8)
    assert not driver.document.map.ready
    assert canvas.plane is not None
    painted = array_of(canvas.plane)
    stage = np.array(array_of(_blank(canvas)))[0, 0]
    assert (painted != stage).any(axis=2).all(), "every pixel is of some tile"
    gate.open()
    driver.settle()
    assert driver.document.map.ready


def _blank(canvas: PlaneCanvas) -> QImage:
    qimage = QImage(1, 1, QImage.Format.Format_RGB32)
    qimage.fill(current_theme().color("stage"))
    return qimage


def test_pointing_shows_what_is_there_and_moves_nothing(driver: WindowDriver) -> None:
    driver.open()
    canvas, before = canvas_of(driver), driver.code
    where = canvas.to_widget(0.8, -0.6)
    QTest.mouseMove(canvas, where.toPoint())
    driver.until(lambda: isinstance(driver.document.views[HOVER], HoverView))
    view = driver.document.views[HOVER]
    assert isinstance(view, HoverView)
    np.testing.assert_allclose(view.point, [0.8, -0.6], atol=pixel(driver))
    np.testing.assert_array_equal(to_pixels(view.image), decoded(driver, *view.point))
    np.testing.assert_array_equal(driver.code, before)
    with_preview = array_of(canvas.grab().toImage())
    QTest.mouseMove(canvas, QPoint(2, 2))  # beside the plane
    without = array_of(canvas.grab().toImage())
    assert (with_preview != without).any(axis=2).sum() > 1_000


def test_the_card_names_what_is_near(driver: WindowDriver) -> None:
    driver.open()
    canvas, model = canvas_of(driver), driver.document.model
    assert model is not None
    QTest.mouseMove(canvas, canvas.to_widget(0.6, -0.4).toPoint())
    driver.until(lambda: canvas.card is not None)
    view, card = driver.document.views[HOVER], canvas.card
    assert isinstance(view, HoverView)
    assert card is not None
    codes, labels = model.sample.codes, model.sample.labels
    code = np.array(view.point, np.float32)
    ratio = CodeDistance(codes).ratio(code[None])[0]
    assert card[1][-1] == f"distance to data {ratio:.1f}×"
    if labels is not None:
        assert view.label == labels[np.hypot(*(codes - code).T).argmin()]
        assert card[1][0] == f"label {view.label}"
    empty = np.zeros((28, 28, 1), np.uint8)
    for side in (8, 28, 70, 224):
        size = card_size(pixels_to_qimage(np.resize(empty, (side, side, 1))))
        assert 96 <= size.width() <= 128


def test_the_card_follows_the_arrow_keys(driver: WindowDriver) -> None:
    driver.open()
    canvas = canvas_of(driver)
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    driver.until(lambda: canvas.card is not None)
    view = driver.document.views[HOVER]
    assert isinstance(view, HoverView)
    np.testing.assert_allclose(view.point, driver.code, atol=1e-5)
    driver.window.stage.setFocus()
    assert canvas.card is None


def test_the_trail_fades(driver: WindowDriver, qtbot: QtBot) -> None:
    driver.open()
    canvas = canvas_of(driver)
    with qtbot.waitSignal(canvas.trail_faded, timeout=20_000):
        drag(canvas, [canvas.to_widget(-1 + step / 4, 0.5) for step in range(9)])
        QTest.mouseMove(canvas, QPoint(1, 1))
        with_trail = array_of(canvas.grab().toImage())
    assert (array_of(canvas.grab().toImage()) != with_trail).any()
    click(driver, -1, -1)
    assert (array_of(canvas.grab().toImage()) != with_trail).any()


def test_with_reduced_motion_the_trail_goes_at_once(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Motion, "reduced", True)
    canvas = PlaneCanvas("")
    qtbot.addWidget(canvas)
    steps: list[None] = []
    timer = canvas.findChild(QTimer)
    assert timer is not None
    timer.timeout.connect(lambda: steps.append(None))
    with qtbot.waitSignal(canvas.trail_faded, timeout=20_000):
        canvas.set_trail([(0, 0), (1, 1)])
    assert len(steps) <= 1


def test_a_right_click_opens_the_menu_of_a_tile(driver: WindowDriver) -> None:
    driver.open()
    canvas, before = canvas_of(driver), driver.code
    QTest.mouseClick(canvas, Qt.MouseButton.RightButton, pos=canvas.to_widget(1.1, -0.4).toPoint())
    tile = tile_at(driver, *canvas.to_plane(QPointF(canvas.to_widget(1.1, -0.4).toPoint())))
    pick(opened(canvas), "image_keyframe")
    np.testing.assert_allclose(driver.document.timeline.keys, [[tile.x, tile.y]], atol=1e-6)
    QTest.mouseClick(canvas, Qt.MouseButton.RightButton, pos=canvas.to_widget(1.1, -0.4).toPoint())
    pick(opened(canvas), "image_copy")
    assert np.array_equal(array_of(QApplication.clipboard().image())[..., :1], tile.pixels)
    np.testing.assert_array_equal(driver.code, before)


def test_shift_f10_opens_the_menu_of_the_current_code(driver: WindowDriver) -> None:
    driver.open()
    canvas = canvas_of(driver)
    click(driver, 0.5, 0.5)
    driver.until_edited_shows(driver.code)
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    pick(opened(canvas), "image_bookmark")
    np.testing.assert_array_equal(driver.document.state.bookmarks[0].code, driver.code)


def test_a_press_beside_the_plane_does_nothing(driver: WindowDriver) -> None:
    driver.open()
    canvas, before = canvas_of(driver), driver.code
    drag(canvas, [QPointF(2, 2), canvas.plane_rect().center()])
    np.testing.assert_array_equal(driver.code, before)


def test_a_keyframe_is_dragged_on_the_map(driver: WindowDriver) -> None:
    driver.open()
    canvas = canvas_of(driver)
    for x, y in ((-1.0, 0.0), (1.0, 0.0)):
        click(driver, x, y)
        driver.document.timeline.add()
        QApplication.processEvents()  # the timeline opens with the first
    before = driver.code
    drag(canvas, [canvas.to_widget(-1.0, 0.0), canvas.to_widget(-1.0, 0.5), canvas.to_widget(-0.5, 1.0)])
    np.testing.assert_allclose(driver.document.state.keyframes[0].code, [-0.5, 1.0], atol=2 * pixel(driver))
    np.testing.assert_array_equal(driver.code, before)
    assert driver.undo_label() == "Drag keyframe"
    driver.document.undo()
    np.testing.assert_allclose(driver.document.state.keyframes[0].code, [-1.0, 0.0], atol=pixel(driver))


def test_principal_axes_span_a_plane_in_sigmas(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=5))
    box = driver.find(QComboBox, "map_across")
    rows = [row for row in range(box.count()) if box.itemText(row).startswith("PC ")]
    assert rows
    assert rows[0] == 5
    box.setFocus()
    while box.currentIndex() < rows[0]:
        QTest.keyClick(box, Qt.Key.Key_Down)
    grid = driver.document.state.grid
    assert (grid.components, grid.dims, grid.low, grid.high) == (True, (0, 1), -3, 3)
    assert "σ" in driver.find(QLabel, "map_hint").text()
    driver.settle()
    model = driver.document.model
    assert model is not None
    statistics = model.sample.statistics
    others = to_components(driver.code, statistics)[2:]
    click(driver, 1.0, -0.5)
    along = to_components(driver.code, statistics)
    np.testing.assert_allclose(along[:2], [1.0, -0.5], atol=2 * pixel(driver))
    np.testing.assert_allclose(along[2:], others, atol=1e-3)


def test_the_map_is_not_decoded_behind_another_tab(driver: WindowDriver) -> None:
    driver.open()
    driver.tab("Noise")
    assert driver.document.map.window is None
    driver.document.set_grid(replace(driver.document.state.grid, low=-9.0))
    driver.tab("Map")
    driver.settle()
    assert driver.document.map.ready


@pytest.fixture
def scattered(driver: WindowDriver) -> WindowDriver:
    driver.open()
    driver.click("map_images")
    driver.click("map_points")
    driver.until(lambda: driver.document.analysis.codes is not None and not driver.document.jobs)
    driver.settle()
    driver.window.grab()  # the line of progress is gone, and its room is given back
    return driver


def codes(driver: WindowDriver) -> Floats:
    view = driver.document.analysis.codes
    assert view is not None
    return view.table.values


def test_the_images_lie_at_their_codes_in_their_labels_colors(scattered: WindowDriver) -> None:
    model, source = scattered.document.model, scattered.document.source
    assert model is not None
    assert source is not None
    assert source.labels is not None
    images = to_floats(source.read(np.arange(source.count), model.card.preprocessing))
    np.testing.assert_allclose(codes(scattered), model.codec.encode(images), atol=1e-5)
    scatter = scattered.window.map.images.scatter
    assert scatter is not None
    np.testing.assert_allclose(scatter.points, codes(scattered), atol=1e-5)
    for label in np.unique(source.labels):
        color = curve_color(int(label))
        expected = [color.red(), color.green(), color.blue()]
        assert (scatter.colors[source.labels == label] == expected).all()
    canvas = canvas_of(scattered)
    before = array_of(canvas.grab().toImage())
    scattered.click("map_points")
    assert (array_of(canvas.grab().toImage()) != before).any(), "they are drawn"


def test_late_codes_of_another_model_are_no_points(scattered: WindowDriver) -> None:
    view, other = scattered.document.analysis.codes, make_model(seed=5)
    assert view is not None
    assert other.codec.latent_dim == view.codec.latent_dim
    scattered.document.analysis.put_codes(replace(view, codec=other.codec, model=ClosedModel.of(other)))
    assert scattered.window.map.images.scatter is None


def test_points_of_long_codes_are_on_planes_of_components(
    driver: WindowDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table of long codes keeps their components only: set for codes of five numbers, it is quick."""
    monkeypatch.setattr(code_table, "LONG_CODE", 4)
    monkeypatch.setattr(code_table, "MOST_WHOLE_BYTES", 0)
    driver.open(make_model(latent_dim=5))
    model, source, images = driver.document.model, driver.document.source, driver.window.map.images
    assert model is not None
    assert source is not None
    words = driver.find(QLabel, "map_images_words")
    driver.click("map_images")
    driver.click("map_points")
    driver.until(lambda: driver.document.analysis.codes is not None and not driver.document.jobs)
    assert driver.window.map.images.scatter is None
    assert "kept as principal components" in words.text()
    driver.click("map_points")
    assert not words.text()
    driver.click("map_points")
    assert "choose two of them as axes" in words.text()
    box = driver.find(QComboBox, "map_across")
    box.setCurrentIndex(box.findText("PC 1", Qt.MatchFlag.MatchStartsWith))
    box.activated.emit(box.currentIndex())
    assert not words.text()
    scatter = images.scatter
    assert scatter is not None
    pixels = to_floats(source.read(np.arange(source.count), model.card.preprocessing))
    along = to_components(model.codec.encode(pixels), model.sample.statistics)
    np.testing.assert_allclose(scatter.points, along[:, :2], atol=1e-4)
    driver.window.map.export.save_codes(tmp_path / "codes.csv")
    with (tmp_path / "codes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    np.testing.assert_allclose([float(row["pc1"]) for row in rows], along[:, 1], atol=1e-4)


def test_the_legend_hides_a_class(scattered: WindowDriver) -> None:
    source, legend = scattered.document.source, scattered.find(QListWidget, "map_classes")
    assert source is not None
    assert source.labels is not None
    legend.setFocus()
    legend.setCurrentRow(1)
    QTest.keyClick(legend, Qt.Key.Key_Space)
    scatter = scattered.window.map.images.scatter
    assert scatter is not None
    np.testing.assert_array_equal(scatter.shown, source.labels != 1)


def test_a_box_picks_images_out_for_the_gallery(scattered: WindowDriver) -> None:
    canvas, points = canvas_of(scattered), codes(scattered)
    low, high = np.quantile(points, 0.2, axis=0), np.quantile(points, 0.8, axis=0)
    scattered.click("map_box")
    before = scattered.code
    drawn: list[Floats] = []
    canvas.enclosed.connect(drawn.append)
    drag(canvas, [canvas.to_widget(*low), canvas.to_widget(0, 0), canvas.to_widget(*high)])
    (corners,) = drawn
    np.testing.assert_allclose(corners.min(axis=0), low, atol=6 * pixel(scattered))
    np.testing.assert_allclose(corners.max(axis=0), high, atol=6 * pixel(scattered))
    picked = scattered.document.selection.picked
    assert picked is not None
    inner = ((points > corners.min(axis=0)) & (points < corners.max(axis=0))).all(axis=1)
    assert picked.indices.tolist() == np.flatnonzero(inner).tolist()
    np.testing.assert_array_equal(scattered.code, before)
    gallery = scattered.window.gallery.model
    assert [gallery.position(row) for row in range(gallery.rowCount())] == picked.indices.tolist()
    scatter = scattered.window.map.images.scatter
    assert scatter is not None
    assert scatter.picked is not None
    np.testing.assert_array_equal(np.flatnonzero(scatter.picked), picked.indices)


def test_enter_picks_out_what_is_in_view(scattered: WindowDriver) -> None:
    canvas, points = canvas_of(scattered), codes(scattered)
    scattered.click("map_lasso")
    canvas.setFocus()
    for key in (*[Qt.Key.Key_Plus] * 5, Qt.Key.Key_Return):
        QTest.keyClick(canvas, key)
    seen, picked = canvas.map_window(), scattered.document.selection.picked
    within = (points > (seen.left, seen.bottom)).all(axis=1) & (points < (seen.right, seen.top)).all(axis=1)
    assert 0 < within.sum() < len(points)
    assert picked is not None
    assert picked.indices.tolist() == np.flatnonzero(within).tolist()


def test_a_lasso_picks_out_what_is_inside_and_shown(scattered: WindowDriver) -> None:
    canvas, points, source = canvas_of(scattered), codes(scattered), scattered.document.source
    assert source is not None
    assert source.labels is not None
    legend = scattered.find(QListWidget, "map_classes")
    legend.setFocus()
    legend.setCurrentRow(0)
    QTest.keyClick(legend, Qt.Key.Key_Space)
    scattered.click("map_lasso")
    x, y = points.mean(axis=0)
    reach = 2 * points.std(axis=0).max()
    corners = [(x - reach, y - reach), (x + reach, y - reach), (x, y + reach)]
    drawn: list[Floats] = []
    canvas.enclosed.connect(drawn.append)
    drag(canvas, [canvas.to_widget(*corner) for corner in corners])
    np.testing.assert_allclose(drawn[0], corners, atol=2 * pixel(scattered))
    picked = scattered.document.selection.picked
    assert picked is not None
    found = set(picked.indices.tolist())
    assert found
    assert not found & set(np.flatnonzero(source.labels == 0).tolist()), "hidden ones are left out"
    assert found == set(np.flatnonzero(inside(points, drawn[0]) & (source.labels != 0)).tolist())


def test_a_click_with_the_box_chooses_an_image(scattered: WindowDriver) -> None:
    canvas, points = canvas_of(scattered), codes(scattered)
    seen = canvas.map_window()
    within = (points[:, 0] > seen.left) & (points[:, 0] < seen.right)
    within &= (points[:, 1] > seen.bottom) & (points[:, 1] < seen.top)
    wanted = int(np.flatnonzero(within)[3])
    scattered.click("map_box")
    where = canvas.to_widget(*points[wanted].tolist()).toPoint()
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=where)
    x, y = canvas.to_plane(QPointF(where))
    nearest = int(np.hypot(points[:, 0] - x, points[:, 1] - y).argmin())
    assert scattered.document.state.image_index == nearest
    assert wanted == nearest or np.allclose(points[wanted], points[nearest], atol=3 * pixel(scattered))


def press_space(driver: WindowDriver, name: str) -> None:
    box = driver.find(QCheckBox, name)
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Space)


def test_points_without_tiles_leave_the_decoder_alone(scattered: WindowDriver) -> None:
    press_space(scattered, "map_tiles")
    assert scattered.document.map.window is None
    press_space(scattered, "map_density")
    scatter = scattered.window.map.images.scatter
    assert scatter is not None
    assert scatter.density
    canvas = canvas_of(scattered)
    right = canvas.plane_rect().right()
    assert right + BAR_WIDTH <= canvas.width(), "there is room for its color bar"
    painted = array_of(canvas.grab().toImage())
    scale = painted.shape[1] / canvas.width()
    column = painted[:, round((right + 14) * scale)].reshape(-1, 3).astype(int).sum(axis=1)
    rect = canvas.plane_rect()
    top, bottom = round((rect.top() + 8) * scale), round((rect.bottom() - 8) * scale)
    assert column[top] > column[(top + bottom) // 2] > column[bottom], "from dark to bright"
    press_space(scattered, "map_tiles")
    scattered.settle()


def test_seventy_thousand_points_are_one_image() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((70_000, 2)).astype(np.float32)
    colors = np.tile(np.array([[200, 30, 30]], np.uint8), (70_000, 1))
    shown = np.ones(70_000, np.bool_)
    for density in (False, True):
        scatter = Scatter(points, colors, shown, density=density)
        image, most = scatter_image(scatter, points * 60 + as_floats(200, 150), (400, 300), 1.0)
        drawn = image.convertToFormat(QImage.Format.Format_RGBA8888)
        pixels = np.frombuffer(drawn.constBits(), np.uint8).reshape(300, 400, 4)
        if density:
            # The cell with most points has the brightest color.
            assert most > 100
            assert pixels[..., :3].sum(axis=2).max() == heat(np.full((1, 1), 0.5, np.float32)).sum()
        else:
            assert most == 0
            assert pixels[150, 200].tolist()[:3] == [200, 30, 30]
        assert pixels[2, 2, 3] == 0, "far from the points nothing is"
        assert (pixels[..., 3] > 0).mean() > 0.3


def test_an_overlay_is_measured_and_painted(driver: WindowDriver) -> None:
    driver.open()
    canvas, box = canvas_of(driver), driver.find(QComboBox, "map_overlay")
    driver.window.resize(driver.window.width(), driver.window.height() + 80)  # room for the legend's words
    driver.settle()
    before = array_of(canvas.grab().toImage())
    box.setFocus()
    for kind in ("distance", "stretch", "round_trip"):
        QTest.keyClick(box, Qt.Key.Key_Down)
        assert driver.document.map.overlay == kind
        driver.until(lambda kind=kind: whole(driver, kind))
        painted = array_of(canvas.grab().toImage())
        rows = min(len(painted), len(before))
        assert (painted[:rows] != before[:rows]).mean() > 0.2
        bar = canvas.color_bar
        assert bar is not None
        assert bar.ticks[0][1] == "0"
        assert bar.ticks[-1][1].startswith("≥ ")
        assert driver.find(QLabel, "map_overlay_legend").isVisible()
    old = driver.document.views[OVERLAY]
    assert isinstance(old, OverlayView)
    wheel(driver, canvas.plane_rect().center(), 6)
    driver.until(lambda: whole(driver, "round_trip") and driver.document.views[OVERLAY] is not old)
    seen, view = canvas.map_window(), driver.document.views[OVERLAY]
    assert isinstance(view, OverlayView)
    driver.until(lambda: left_of(driver) == pytest.approx(seen.left))
    QTest.keyClick(box, Qt.Key.Key_Home)
    assert driver.document.map.overlay is None
    assert canvas.color_bar is None
    assert not driver.find(QLabel, "map_overlay_legend").isVisible()


def left_of(driver: WindowDriver) -> float:
    view = driver.document.views[OVERLAY]
    assert isinstance(view, OverlayView)
    return view.window.left


def whole(driver: WindowDriver, kind: str) -> bool:
    view = driver.document.views[OVERLAY]
    return isinstance(view, OverlayView) and view.kind == kind and view.done


def test_the_meter_beside_the_sliders_follows_the_cursor(driver: WindowDriver) -> None:
    driver.open()
    meter, model = driver.find(QLabel, "latent_meter"), driver.document.model
    assert model is not None
    distance = CodeDistance(model.sample.codes)
    for code, words in (
        (model.sample.codes[3], "In distribution"),
        (model.sample.codes[3] + 500, "Out of distribution"),
    ):
        driver.document.set_code(code)
        wanted = f"{words} · {distance.ratio(code[None])[0]:.1f}×"
        driver.until(lambda wanted=wanted: meter.text().endswith(wanted))
    METER.put(driver.document, FailedView(message("No <codes> to compare with.")))
    assert meter.text() == "No &lt;codes&gt; to compare with."
    assert meter.textFormat() == Qt.TextFormat.RichText


def test_what_is_seen_is_written(scattered: WindowDriver, tmp_path: Path) -> None:
    panel, canvas, source = scattered.window.map, canvas_of(scattered), scattered.document.source
    assert source is not None
    menu = scattered.find(QPushButton, "map_save").menu()
    assert menu is not None
    menu.aboutToShow.emit()
    action = next(action for action in menu.actions() if action.objectName() == "map_save_plane")
    action.trigger()
    side_box = scattered.find(QSpinBox, "image_size_side")
    side_box.setFocus()
    side_box.selectAll()
    QTest.keyClicks(side_box, "600")
    scattered.until(lambda: scattered.find(QLabel, "image_size_words").text().startswith("600×600 px, about "))
    scattered.click("image_size_write")
    scattered.save_as(tmp_path / "plane.png")
    scattered.until((tmp_path / "plane.png").exists)
    next(action for action in menu.actions() if action.objectName() == "map_save_axes").trigger()
    scattered.until(lambda: len(scattered.window.findChildren(QDialog, "image_size_dialog")) == 1)
    scattered.click("image_size_write")
    scattered.save_as(tmp_path / "axes.png")
    scattered.until((tmp_path / "axes.png").exists)
    panel.export.save_points(tmp_path / "points.svg")
    panel.export.save_codes(tmp_path / "codes.csv")
    side = round(canvas.plane_rect().width())
    with Image.open(tmp_path / "plane.png") as pil_image:
        assert pil_image.size == (600, 600)
    assert canvas.plane is not None
    alike = canvas.image(scattered.document.map.visible(), side, axes=False)
    np.testing.assert_array_equal(array_of(alike), array_of(canvas.plane))
    with Image.open(tmp_path / "axes.png") as pil_image:
        assert max(pil_image.size) == 1024
    seen, points = canvas.map_window(), codes(scattered)
    inside_view = (points[:, 0] >= seen.left) & (points[:, 0] <= seen.right)
    inside_view &= (points[:, 1] >= seen.bottom) & (points[:, 1] <= seen.top)
    root = ET.parse(tmp_path / "points.svg").getroot()
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == inside_view.sum()
    with (tmp_path / "codes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["index"]) for row in rows] == list(range(source.count))
    np.testing.assert_allclose([[float(row["z0"]), float(row["z1"])] for row in rows], points, rtol=1e-6)
    panel.export.save_points(tmp_path / "missing" / "points.svg")
    assert "does not exist. Create it" in str(scattered.problems[-1].message)


def test_the_plane_through_three_keyframes(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=5))
    through = driver.find(QPushButton, "map_through")
    assert not through.isEnabled()
    chosen = []
    for image in (3, 7, 11):
        driver.document.choose_image(image)
        driver.until(lambda: driver.document.code is not None)
        driver.document.timeline.add()
        chosen.append(driver.code)
    driver.click("map_through")
    driver.settle()
    plane = driver.document.plane
    assert plane is not None
    np.testing.assert_allclose(plane.coordinates(np.stack(chosen)), [[0, 0], [1, 0], [0, 1]], atol=1e-4)
    tile = tile_at(driver, 0.5, 0.5)
    (code,) = plane.codes(np.array([[tile.x, tile.y]], np.float32))
    np.testing.assert_array_equal(tile.pixels, decoded(driver, *code.tolist()))
    click(driver, 0.5, -0.25)
    np.testing.assert_allclose(plane.coordinates(driver.code), [0.5, -0.25], atol=2 * pixel(driver))
    box = driver.find(QComboBox, "map_across")
    assert box.currentIndex() == -1
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    after = driver.document.state.grid
    assert after.corners == ()
    driver.document.undo()
    again = driver.document.state.grid
    assert len(again.corners) == 3
    driver.settle()


def test_three_keyframes_on_one_line_are_no_plane(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=5))
    start = driver.code
    for step in range(3):
        driver.document.set_code(start + step)
        driver.document.timeline.add()
    before = driver.document.state.grid
    driver.click("map_through")
    assert driver.document.state.grid == before
    assert "collinear" in driver.find(QLabel, "map_hint").text()
    assert not driver.problems


def test_the_map_by_quantiles_of_the_prior(driver: WindowDriver) -> None:
    driver.open()
    press_space(driver, "map_quantiles")
    grid = driver.document.state.grid
    assert (grid.quantiles, grid.low, grid.high) == (True, 0.05, 0.95)
    driver.settle()
    tile = tile_at(driver, 0.5, 0.9)
    normal = NormalDist()
    np.testing.assert_array_equal(tile.pixels, decoded(driver, normal.inv_cdf(tile.x), normal.inv_cdf(tile.y)))
    click(driver, 0.8, 0.3)
    expected = [normal.inv_cdf(0.8), normal.inv_cdf(0.3)]
    np.testing.assert_allclose(driver.code, expected, atol=8 * pixel(driver))
    driver.type_into("map_high", "1.5")
    assert "between 0 and 1" in driver.find(QLabel, "map_hint").text()
    assert driver.document.state.grid.high == 0.95
    press_space(driver, "map_quantiles")
    assert driver.document.state.grid.high >= 2
    driver.settle()
    assert not driver.problems


def test_few_points_are_shown_as_images(scattered: WindowDriver) -> None:
    canvas, source = canvas_of(scattered), scattered.document.source
    assert source is not None
    wheel(scattered, canvas.to_widget(*codes(scattered)[5].tolist()), 24)
    seen, points = canvas.map_window(), codes(scattered)
    within = (points[:, 0] > seen.left) & (points[:, 0] < seen.right)
    within &= (points[:, 1] > seen.bottom) & (points[:, 1] < seen.top)
    expected = np.flatnonzero(within).tolist()
    assert 0 < len(expected) <= MOST_THUMBNAILS
    scattered.until(lambda: len(scattered.window.map.images.thumbnails(canvas.map_window())) == len(expected))
    (view,) = read_thumbnails(source, np.array([5]))
    shown = scattered.window.map.images.thumbnails(canvas.map_window())
    place = expected.index(5)
    assert shown[place][2] == pixels_to_qimage(view.pixels[0])
    assert shown[place][:2] == pytest.approx(points[5].tolist())
    with_images = array_of(canvas.grab().toImage())
    canvas.set_thumbnails([])
    assert (array_of(canvas.grab().toImage()) != with_images).any()


def test_what_is_chosen_in_the_gallery_is_marked_on_the_map(scattered: WindowDriver) -> None:
    view, model = scattered.window.gallery.view, scattered.window.gallery.model
    rows = model.rowCount()

    def press(row: int, key: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        place = view.visualRect(model.index(row)).center()
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, key, place)

    press(1)
    press(4, Qt.KeyboardModifier.ShiftModifier)
    press(7, Qt.KeyboardModifier.ControlModifier)
    picked = scattered.document.selection.picked
    assert picked is not None
    assert picked.indices.tolist() == [1, 2, 3, 4, 7]
    assert scattered.document.state.image_index == 7
    assert model.rowCount() == rows, "the gallery goes on showing all of them"
    scatter = scattered.window.map.images.scatter
    assert scatter is not None
    assert scatter.picked is not None
    assert np.flatnonzero(scatter.picked).tolist() == [1, 2, 3, 4, 7]
    press(5)
    assert scattered.document.selection.picked is None
    assert scattered.document.state.image_index == 5
    press(8, Qt.KeyboardModifier.ControlModifier)
    scattered.document.choose_image(2)
    assert scattered.document.selection.picked is None, "another image, chosen elsewhere, ends it"
