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
from explorer_testing.window import Desk, array_of, drag
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QDoubleSpinBox, QLabel, QListWidget, QPushButton

from explorer.data.preprocessing import to_floats, to_pixels
from explorer.document.map_tiles import Tile
from explorer.document.tasks import ReadPoints
from explorer.document.views import HoverView, OverlayView, ThumbnailsView
from explorer.latent.axes import to_axes
from explorer.latent.on_data import CodeDistance
from explorer.latent.polygon import inside
from explorer.types import Floats
from explorer.ui.images import pixels_to_qimage
from explorer.ui.panels.map_pictures import MOST_THUMBNAILS
from explorer.ui.scatter_image import Scatter, scatter_image
from explorer.ui.theme import current_theme
from explorer.ui.widgets.curve import curve_color
from explorer.ui.widgets.plane_canvas import KEY_SHARE, PlaneCanvas


def canvas_of(desk: Desk) -> PlaneCanvas:
    return desk.window.map.canvas


def click(desk: Desk, x: float, y: float) -> None:
    canvas = canvas_of(desk)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.to_widget(x, y).toPoint())


def span(desk: Desk) -> float:
    """Code units that the plane is wide."""
    canvas = canvas_of(desk)
    return canvas.to_plane(QPointF(canvas.width(), 0))[0] - canvas.to_plane(QPointF(0, 0))[0]


def pixel(desk: Desk) -> float:
    """Code units that a pixel of the canvas is wide."""
    return span(desk) / canvas_of(desk).plane_rect().width()


def tile_at(desk: Desk, x: float, y: float) -> Tile:
    """Return the tile of the finest level in view that holds a point."""
    tiles = [tile for tile in desk.document.map.visible() if max(abs(tile.x - x), abs(tile.y - y)) <= tile.step / 2]
    return min(tiles, key=lambda tile: tile.step)


def decoded(desk: Desk, *code: float) -> np.ndarray:
    model = desk.document.model
    assert model is not None
    return to_pixels(model.codec.decode(np.array([code], np.float32))[0])


def wheel(desk: Desk, where: QPointF, notches: int) -> None:
    canvas = canvas_of(desk)
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


def test_a_click_sets_the_cursor_in_code_units(desk: Desk) -> None:
    desk.open()
    click(desk, 0.75, -1.25)
    np.testing.assert_allclose(desk.code, [0.75, -1.25], atol=pixel(desk))
    desk.until_edited_shows(desk.code)


def test_tiles_are_what_the_decoder_makes_of_their_middles(desk: Desk) -> None:
    """Right is more of the first number, up is more of the second: shown by a decoder that is a known matrix."""
    desk.open()
    for x, y in ((-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0)):
        tile = tile_at(desk, x, y)
        np.testing.assert_array_equal(tile.pixels, decoded(desk, tile.x, tile.y))
    canvas = canvas_of(desk)
    assert canvas.to_widget(1, 0).x() > canvas.to_widget(0, 0).x()
    assert canvas.to_widget(0, 1).y() < canvas.to_widget(0, 0).y(), "up is more"


def test_a_tile_is_painted_at_its_place(desk: Desk) -> None:
    desk.open()
    canvas = canvas_of(desk)
    assert canvas.plane is not None
    painted = array_of(canvas.plane)
    tile = tile_at(desk, 0.9, 0.7)
    where = canvas.to_widget(tile.x, tile.y) - canvas.plane_rect().topLeft()
    middle = painted[round(where.y()), round(where.x())]
    rows, columns = tile.pixels.shape[:2]
    around = tile.pixels[rows // 2 - 2 : rows // 2 + 2, columns // 2 - 2 : columns // 2 + 2]
    assert around.min() - 2 <= middle.mean() <= around.max() + 2


def test_a_drag_is_one_step(desk: Desk) -> None:
    desk.open()
    before, canvas = desk.code, canvas_of(desk)
    drag(canvas, [canvas.to_widget(-1 + step / 4, -1 + step / 8) for step in range(9)])
    np.testing.assert_allclose(desk.code, [1, 0], atol=pixel(desk))
    assert desk.undo_label() == "Move on map"
    desk.document.undo()
    np.testing.assert_array_equal(desk.code, before)
    assert desk.undo_label() is None


def test_a_drag_past_the_edge_stays_in_view(desk: Desk) -> None:
    desk.open()
    canvas, rect = canvas_of(desk), canvas_of(desk).plane_rect()
    drag(canvas, [rect.center(), QPointF(canvas.width() + 50, -50)])
    seen = canvas.map_window()
    np.testing.assert_allclose(desk.code, [seen.right, seen.top], rtol=1e-6)


def test_arrow_keys_move_the_cursor(desk: Desk) -> None:
    desk.open()
    canvas, start = canvas_of(desk), desk.code
    seen = canvas.map_window()
    step = min(seen.right - seen.left, seen.top - seen.bottom) * KEY_SHARE
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    QTest.keyClick(canvas, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    np.testing.assert_allclose(desk.code - start, [step, 5 * step], rtol=1e-4)
    QTest.keyClick(canvas, Qt.Key.Key_Left)
    QTest.keyClick(canvas, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    np.testing.assert_allclose(desk.code, start, atol=1e-5)


def test_range_and_tiles_can_be_edited(desk: Desk) -> None:
    desk.open()
    desk.type_into("map_low", "-1")
    desk.type_into("map_high", "4")
    desk.type_into("map_steps", "6")
    grid = desk.document.grid
    assert (grid.low, grid.high, grid.steps) == (-1, 4, 6)
    desk.settle()
    seen = canvas_of(desk).map_window()
    assert (seen.bottom, seen.top) == pytest.approx((-1.5, 4.5)), "the middles of the outer tiles are the range's ends"
    assert {-1.0, 0.0, 1.0, 2.0, 3.0, 4.0} <= {tile.y for tile in desk.document.map.visible() if tile.step == 1}
    click(desk, 3.5, 0.5)
    np.testing.assert_allclose(desk.code, [3.5, 0.5], atol=pixel(desk))
    for _ in range(2):
        desk.document.undo()
    assert desk.document.grid.steps == 15
    assert desk.find(QDoubleSpinBox, "map_high").value() == 4


def test_a_silly_range_is_refused_with_words_that_go_when_it_is_mended(desk: Desk) -> None:
    desk.open()
    before, hint = desk.document.grid, desk.find(QLabel, "map_hint")
    desk.type_into("map_low", "9")
    assert desk.document.grid == before
    assert "minimum must be below" in hint.text()
    assert not desk.problems
    desk.type_into("map_low", "-3")
    assert desk.document.grid.low == -3
    assert "minimum must be below" not in hint.text()


def test_a_code_of_one_dimension_is_explained(desk: Desk) -> None:
    desk.open()
    desk.open(make_model(latent_dim=1, name="line"))
    canvas = canvas_of(desk)
    assert not canvas.has_image
    assert "one-dimensional" in canvas.accessibleDescription()
    before = desk.code
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton)
    np.testing.assert_array_equal(desk.code, before)
    assert not desk.find(QDoubleSpinBox, "map_low").isEnabled()


def test_a_plane_of_more_dimensions_keeps_the_others(desk: Desk) -> None:
    desk.open(make_model(latent_dim=5))
    start = desk.code
    assert "Other dimensions" in desk.find(QLabel, "map_hint").text()
    for name, row in (("map_across", 3), ("map_up", 2)):
        box = desk.find(QComboBox, name)
        box.setFocus()
        while box.currentIndex() < row:
            QTest.keyClick(box, Qt.Key.Key_Down)
    assert desk.document.grid.dims == (3, 2)
    desk.settle()
    click(desk, 0.5, -0.5)
    np.testing.assert_allclose(desk.code[[3, 2]], [0.5, -0.5], atol=pixel(desk))
    np.testing.assert_array_equal(desk.code[[0, 1, 4]], start[[0, 1, 4]])
    # Another value of a dimension that is not on the plane is another plane.
    desk.document.set_dimension(0, 1.5)
    desk.settle()
    tile = tile_at(desk, 0.5, -0.5)
    code = desk.code.copy()
    code[[3, 2]] = tile.x, tile.y
    np.testing.assert_array_equal(tile.pixels, decoded(desk, *code.tolist()))


def test_choosing_the_other_axis_dimension_swaps_them(desk: Desk) -> None:
    desk.open(make_model(latent_dim=3))
    across, up = desk.find(QComboBox, "map_across"), desk.find(QComboBox, "map_up")
    across.setFocus()
    QTest.keyClick(across, Qt.Key.Key_Down)
    assert desk.document.grid.dims == (1, 0)
    assert (across.currentIndex(), up.currentIndex()) == (1, 0)
    up.setFocus()
    QTest.keyClick(up, Qt.Key.Key_Down)
    assert desk.document.grid.dims == (0, 1)


def test_the_cursor_is_painted_where_it_is(desk: Desk) -> None:
    desk.open()
    canvas = canvas_of(desk)
    click(desk, -1, 1)
    first = array_of(canvas.grab().toImage())
    click(desk, 1, 1)
    second = array_of(canvas.grab().toImage())
    rows, columns = np.nonzero((first != second).any(axis=2))
    left, right = canvas.to_widget(-1, 1), canvas.to_widget(1, 1)
    assert columns.min() == pytest.approx(left.x() - 10, abs=6)
    assert columns.max() == pytest.approx(right.x() + 10, abs=6)
    assert rows.mean() == pytest.approx(left.y(), abs=4)


def test_the_wheel_zooms_about_the_mouse_to_finer_tiles(desk: Desk) -> None:
    desk.open()
    canvas = canvas_of(desk)
    where = canvas.to_widget(1.0, 0.5)
    coarse = tile_at(desk, 1.0, 0.5).step
    wheel(desk, where, 8)
    np.testing.assert_allclose(canvas.to_plane(where), [1.0, 0.5], atol=1e-6)
    desk.settle()
    fine = tile_at(desk, 1.0, 0.5)
    assert fine.step == coarse / 4
    np.testing.assert_array_equal(fine.pixels, decoded(desk, fine.x, fine.y))
    wheel(desk, where, -8)
    assert canvas.map_window().level == 0
    wheel(desk, where, -200)
    desk.settle()
    assert not desk.problems


def test_the_map_is_panned_by_hand_and_keys(desk: Desk) -> None:
    desk.open()
    canvas, before = canvas_of(desk), desk.code
    start = canvas.to_plane(QPointF(120, 100))
    QTest.mousePress(canvas, Qt.MouseButton.RightButton, pos=QPoint(120, 100))
    QTest.mouseMove(canvas, QPoint(90, 60))
    QTest.mouseRelease(canvas, Qt.MouseButton.RightButton, pos=QPoint(90, 60))
    np.testing.assert_allclose(canvas.to_plane(QPointF(90, 60)), start, atol=1e-6)
    desk.click("map_pan")
    drag(canvas, [QPointF(90, 60), QPointF(150, 120)])
    np.testing.assert_allclose(canvas.to_plane(QPointF(150, 120)), start, atol=1e-6)
    np.testing.assert_array_equal(desk.code, before)
    canvas.setFocus()
    left = canvas.map_window().left
    QTest.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert canvas.map_window().left > left
    QTest.keyClick(canvas, Qt.Key.Key_Plus)
    desk.click("map_zoom_in")
    assert canvas.map_window().level == 1
    QTest.keyClick(canvas, Qt.Key.Key_Minus)
    desk.click("map_zoom_out")
    desk.click("map_fit")
    seen, grid = canvas.map_window(), desk.document.grid
    assert (seen.bottom + seen.top) / 2 == pytest.approx((grid.low + grid.high) / 2)
    desk.settle()
    desk.click("map_cursor")
    click(desk, 0.5, 0.5)
    np.testing.assert_allclose(desk.code, [0.5, 0.5], atol=pixel(desk))


def test_what_was_decoded_stands_in_while_finer_tiles_are_under_way(desk: Desk) -> None:
    """No blank flicker: right after the zoom, before the codec has answered, the view is full."""
    gate = Gate()
    held = [False]

    def hold(call: str, values: Floats) -> None:
        if call == "decode" and len(values) > 1 and held[0]:
            gate.pass_through(call, values)

    desk.open(wrapped(make_model(name="slow"), hold))
    canvas = canvas_of(desk)
    held[0] = True
    wheel(desk, canvas.plane_rect().center(), 8)
    assert not desk.document.map.ready
    assert canvas.plane is not None
    painted = array_of(canvas.plane)
    stage = np.array(array_of(_blank(canvas)))[0, 0]
    assert (painted != stage).any(axis=2).all(), "every pixel is of some tile"
    gate.open()
    desk.settle()
    assert desk.document.map.ready


def _blank(canvas: PlaneCanvas) -> QImage:
    image = QImage(1, 1, QImage.Format.Format_RGB32)
    image.fill(current_theme().color("stage"))
    return image


def test_pointing_shows_what_is_there_and_moves_nothing(desk: Desk) -> None:
    desk.open()
    canvas, before = canvas_of(desk), desk.code
    where = canvas.to_widget(0.8, -0.6)
    QTest.mouseMove(canvas, where.toPoint())
    desk.until(lambda: isinstance(desk.document.hover_view, HoverView))
    view = desk.document.hover_view
    assert isinstance(view, HoverView)
    np.testing.assert_allclose(view.point, [0.8, -0.6], atol=pixel(desk))
    np.testing.assert_array_equal(to_pixels(view.image), decoded(desk, *view.point))
    np.testing.assert_array_equal(desk.code, before)
    with_preview = array_of(canvas.grab().toImage())
    QTest.mouseMove(canvas, QPoint(2, 2))  # beside the plane
    without = array_of(canvas.grab().toImage())
    assert (with_preview != without).any(axis=2).sum() > 1_000


def test_a_keyframe_is_dragged_on_the_map(desk: Desk) -> None:
    desk.open()
    canvas = canvas_of(desk)
    for x, y in ((-1.0, 0.0), (1.0, 0.0)):
        click(desk, x, y)
        desk.document.timeline.add()
    before = desk.code
    drag(canvas, [canvas.to_widget(-1.0, 0.0), canvas.to_widget(-1.0, 0.5), canvas.to_widget(-0.5, 1.0)])
    np.testing.assert_allclose(desk.document.keyframes[0].code, [-0.5, 1.0], atol=2 * pixel(desk))
    np.testing.assert_array_equal(desk.code, before)
    assert desk.undo_label() == "Drag keyframe"
    desk.document.undo()
    np.testing.assert_allclose(desk.document.keyframes[0].code, [-1.0, 0.0], atol=pixel(desk))


def test_principal_axes_span_a_plane_in_sigmas(desk: Desk) -> None:
    desk.open(make_model(latent_dim=5))
    box = desk.find(QComboBox, "map_across")
    rows = [row for row in range(box.count()) if box.itemText(row).startswith("PC ")]
    assert rows
    assert rows[0] == 5
    box.setFocus()
    while box.currentIndex() < rows[0]:
        QTest.keyClick(box, Qt.Key.Key_Down)
    grid = desk.document.grid
    assert (grid.axes, grid.dims, grid.low, grid.high) == (True, (0, 1), -3, 3)
    assert "σ" in desk.find(QLabel, "map_hint").text()
    desk.settle()
    model = desk.document.model
    assert model is not None
    statistics = model.sample.statistics
    others = to_axes(desk.code, statistics)[2:]
    click(desk, 1.0, -0.5)
    along = to_axes(desk.code, statistics)
    np.testing.assert_allclose(along[:2], [1.0, -0.5], atol=2 * pixel(desk))
    np.testing.assert_allclose(along[2:], others, atol=1e-3)


def test_the_map_is_not_decoded_behind_another_tab(desk: Desk) -> None:
    desk.open()
    desk.tab("Noise")
    assert desk.document.map.window is None
    desk.document.set_grid(replace(desk.document.grid, low=-9.0))
    desk.tab("Map")
    desk.settle()
    assert desk.document.map.ready


@pytest.fixture
def scattered(desk: Desk) -> Desk:
    desk.open()
    desk.click("map_pictures")
    desk.click("map_points")
    desk.until(lambda: desk.document.studies.codes is not None and not desk.document.jobs)
    desk.settle()
    desk.window.grab()  # the line of progress is gone, and its room is given back
    return desk


def codes(desk: Desk) -> Floats:
    view = desk.document.studies.codes
    assert view is not None
    return view.codes


def test_the_pictures_lie_at_their_codes_in_their_labels_colours(scattered: Desk) -> None:
    model, source = scattered.document.model, scattered.document.source
    assert model is not None
    assert source is not None
    assert source.labels is not None
    images = to_floats(source.read(np.arange(source.count), model.card.preprocessing))
    np.testing.assert_allclose(codes(scattered), model.codec.encode(images), atol=1e-5)
    scatter = scattered.window.map.pictures.scatter
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


def test_the_legend_hides_a_class(scattered: Desk) -> None:
    source, legend = scattered.document.source, scattered.find(QListWidget, "map_classes")
    assert source is not None
    assert source.labels is not None
    legend.setFocus()
    legend.setCurrentRow(1)
    QTest.keyClick(legend, Qt.Key.Key_Space)
    scatter = scattered.window.map.pictures.scatter
    assert scatter is not None
    np.testing.assert_array_equal(scatter.shown, source.labels != 1)


def test_a_box_picks_pictures_out_for_the_gallery(scattered: Desk) -> None:
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
    scatter = scattered.window.map.pictures.scatter
    assert scatter is not None
    assert scatter.picked is not None
    np.testing.assert_array_equal(np.flatnonzero(scatter.picked), picked.indices)


def test_a_lasso_picks_out_what_is_inside_and_shown(scattered: Desk) -> None:
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


def test_a_click_with_the_box_chooses_a_picture(scattered: Desk) -> None:
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
    assert scattered.document.picture == nearest
    assert wanted == nearest or np.allclose(points[wanted], points[nearest], atol=3 * pixel(scattered))


def press_space(desk: Desk, name: str) -> None:
    box = desk.find(QCheckBox, name)
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Space)


def test_points_without_tiles_leave_the_decoder_alone(scattered: Desk) -> None:
    press_space(scattered, "map_tiles")
    assert scattered.document.map.window is None
    press_space(scattered, "map_density")
    scatter = scattered.window.map.pictures.scatter
    assert scatter is not None
    assert scatter.density
    press_space(scattered, "map_tiles")
    scattered.settle()


def test_seventy_thousand_points_are_one_picture() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((70_000, 2)).astype(np.float32)
    colors = np.tile(np.array([[200, 30, 30]], np.uint8), (70_000, 1))
    shown = np.ones(70_000, np.bool_)
    for density in (False, True):
        scatter = Scatter(points, colors, shown, density=density)
        image = scatter_image(scatter, points * 60 + as_floats(200, 150), (400, 300), 1.0)
        drawn = image.convertToFormat(QImage.Format.Format_RGBA8888)
        pixels = np.frombuffer(drawn.constBits(), np.uint8).reshape(300, 400, 4)
        assert pixels[150, 200].tolist()[:3] == [200, 30, 30]
        assert pixels[2, 2, 3] == 0, "far from the points nothing is"
        assert (pixels[..., 3] > 0).mean() > 0.3


def test_an_overlay_is_measured_and_painted(desk: Desk) -> None:
    desk.open()
    canvas, box = canvas_of(desk), desk.find(QComboBox, "map_overlay")
    desk.window.resize(desk.window.width(), desk.window.height() + 80)  # room for the legend's words
    desk.settle()
    before = array_of(canvas.grab().toImage())
    box.setFocus()
    for kind in ("distance", "stretch", "round_trip"):
        QTest.keyClick(box, Qt.Key.Key_Down)
        assert desk.document.map.overlay == kind
        desk.until(lambda kind=kind: whole(desk, kind))
        painted = array_of(canvas.grab().toImage())
        rows = min(len(painted), len(before))
        assert (painted[:rows] != before[:rows]).mean() > 0.2
        assert desk.find(QLabel, "map_overlay_legend").text().startswith("Brightest: ")
    old = desk.document.overlay_view
    assert isinstance(old, OverlayView)
    wheel(desk, canvas.plane_rect().center(), 6)
    desk.until(lambda: whole(desk, "round_trip") and desk.document.overlay_view is not old)
    seen, view = canvas.map_window(), desk.document.overlay_view
    assert isinstance(view, OverlayView)
    desk.until(lambda: left_of(desk) == pytest.approx(seen.left))
    QTest.keyClick(box, Qt.Key.Key_Home)
    assert desk.document.map.overlay is None
    assert not desk.find(QLabel, "map_overlay_legend").isVisible()


def left_of(desk: Desk) -> float:
    view = desk.document.overlay_view
    assert isinstance(view, OverlayView)
    return view.left


def whole(desk: Desk, kind: str) -> bool:
    view = desk.document.overlay_view
    return isinstance(view, OverlayView) and view.kind == kind and bool(np.isfinite(view.values[-1]).all())


def test_the_meter_beside_the_sliders_follows_the_cursor(desk: Desk) -> None:
    desk.open()
    meter, model = desk.find(QLabel, "latent_meter"), desk.document.model
    assert model is not None
    distance = CodeDistance(model.sample.codes)
    for code, words in (
        (model.sample.codes[3], "In distribution"),
        (model.sample.codes[3] + 500, "Out of distribution"),
    ):
        desk.document.set_code(code)
        wanted = f"{words} · {distance.ratio(code[None])[0]:.1f}×"
        desk.until(lambda wanted=wanted: meter.text().endswith(wanted))


def test_what_is_seen_is_written(scattered: Desk, tmp_path: Path) -> None:
    panel, canvas, source = scattered.window.map, canvas_of(scattered), scattered.document.source
    assert source is not None
    menu = scattered.find(QPushButton, "map_save").menu()
    assert menu is not None
    menu.aboutToShow.emit()
    action = next(action for action in menu.actions() if action.objectName() == "map_save_plane")
    action.trigger()
    scattered.save_as(tmp_path / "plane.png")
    for what, name in (("axes", "axes.png"), ("points", "points.svg"), ("codes", "codes.csv")):
        panel.save(f"map_save_{what}", tmp_path / name)
    assert canvas.plane is not None
    with Image.open(tmp_path / "plane.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), array_of(canvas.plane)[..., :3])
    with Image.open(tmp_path / "axes.png") as picture:
        assert picture.size == (canvas.width(), canvas.height())
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
    panel.save("map_save_points", tmp_path / "missing" / "points.svg")
    assert "does not exist. Create it" in str(scattered.problems[-1].message)


def test_the_plane_through_three_keyframes(desk: Desk) -> None:
    desk.open(make_model(latent_dim=5))
    through = desk.find(QPushButton, "map_through")
    assert not through.isEnabled()
    chosen = []
    for picture in (3, 7, 11):
        desk.document.choose_picture(picture)
        desk.until(lambda: desk.document.code is not None)
        desk.document.timeline.add()
        chosen.append(desk.code)
    desk.click("map_through")
    desk.settle()
    plane = desk.document.plane
    assert plane is not None
    np.testing.assert_allclose(plane.coordinates(np.stack(chosen)), [[0, 0], [1, 0], [0, 1]], atol=1e-4)
    tile = tile_at(desk, 0.5, 0.5)
    (code,) = plane.codes(np.array([[tile.x, tile.y]], np.float32))
    np.testing.assert_array_equal(tile.pixels, decoded(desk, *code.tolist()))
    click(desk, 0.5, -0.25)
    np.testing.assert_allclose(plane.coordinates(desk.code), [0.5, -0.25], atol=2 * pixel(desk))
    box = desk.find(QComboBox, "map_across")
    assert box.currentIndex() == -1
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    after = desk.document.grid
    assert after.corners == ()
    desk.document.undo()
    again = desk.document.grid
    assert len(again.corners) == 3
    desk.settle()


def test_three_keyframes_on_one_line_are_no_plane(desk: Desk) -> None:
    desk.open(make_model(latent_dim=5))
    start = desk.code
    for step in range(3):
        desk.document.set_code(start + step)
        desk.document.timeline.add()
    before = desk.document.grid
    desk.click("map_through")
    assert desk.document.grid == before
    assert "collinear" in desk.find(QLabel, "map_hint").text()
    assert not desk.problems


def test_the_map_by_quantiles_of_the_prior(desk: Desk) -> None:
    desk.open()
    press_space(desk, "map_quantiles")
    grid = desk.document.grid
    assert (grid.quantiles, grid.low, grid.high) == (True, 0.05, 0.95)
    desk.settle()
    tile = tile_at(desk, 0.5, 0.9)
    normal = NormalDist()
    np.testing.assert_array_equal(tile.pixels, decoded(desk, normal.inv_cdf(tile.x), normal.inv_cdf(tile.y)))
    click(desk, 0.8, 0.3)
    expected = [normal.inv_cdf(0.8), normal.inv_cdf(0.3)]
    np.testing.assert_allclose(desk.code, expected, atol=8 * pixel(desk))
    desk.type_into("map_high", "1.5")
    assert "between 0 and 1" in desk.find(QLabel, "map_hint").text()
    assert desk.document.grid.high == 0.95
    press_space(desk, "map_quantiles")
    assert desk.document.grid.high >= 2
    desk.settle()
    assert not desk.problems


def test_few_points_are_shown_as_pictures(scattered: Desk) -> None:
    canvas, source = canvas_of(scattered), scattered.document.source
    assert source is not None
    wheel(scattered, canvas.to_widget(*codes(scattered)[5].tolist()), 24)
    seen, points = canvas.map_window(), codes(scattered)
    within = (points[:, 0] > seen.left) & (points[:, 0] < seen.right)
    within &= (points[:, 1] > seen.bottom) & (points[:, 1] < seen.top)
    expected = np.flatnonzero(within).tolist()
    assert 0 < len(expected) <= MOST_THUMBNAILS
    scattered.until(lambda: len(scattered.window.map.pictures.thumbnails(canvas.map_window())) == len(expected))
    (view,) = ReadPoints(source, np.array([5])).run()
    assert isinstance(view, ThumbnailsView)
    shown = scattered.window.map.pictures.thumbnails(canvas.map_window())
    place = expected.index(5)
    assert shown[place][2] == pixels_to_qimage(view.pixels[0])
    assert shown[place][:2] == pytest.approx(points[5].tolist())
    with_pictures = array_of(canvas.grab().toImage())
    canvas.set_thumbnails([])
    assert (array_of(canvas.grab().toImage()) != with_pictures).any()


def test_what_is_chosen_in_the_gallery_is_marked_on_the_map(scattered: Desk) -> None:
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
    assert scattered.document.picture == 7
    assert model.rowCount() == rows, "the gallery goes on showing all of them"
    scatter = scattered.window.map.pictures.scatter
    assert scatter is not None
    assert scatter.picked is not None
    assert np.flatnonzero(scatter.picked).tolist() == [1, 2, 3, 4, 7]
    press(5)
    assert scattered.document.selection.picked is None
    assert scattered.document.picture == 5
    press(8, Qt.KeyboardModifier.ControlModifier)
    scattered.document.choose_picture(2)
    assert scattered.document.selection.picked is None, "another picture, chosen elsewhere, ends it"
