"""The map: what is clicked is what the cursor decodes to; y goes up."""

from __future__ import annotations

import numpy as np
import pytest
from explorer_testing.builders import make_model
from explorer_testing.window import Desk, array_of, drag
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLabel

from explorer.data.preprocessing import to_floats, to_pixels
from explorer.document.views import GridView
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


def grid_view(desk: Desk) -> GridView:
    view = desk.document.grid_view
    assert isinstance(view, GridView)
    return view


def test_a_click_sets_the_cursor_in_code_units(desk: Desk) -> None:
    desk.open()
    click(desk, 0.75, -1.25)
    np.testing.assert_allclose(desk.code, [0.75, -1.25], atol=pixel(desk))
    desk.until_edited_shows(desk.code)


def test_the_clicked_tile_is_what_the_stage_then_shows(desk: Desk) -> None:
    desk.open()
    view, rect = grid_view(desk), canvas_of(desk).plane_rect()
    steps, (row, column) = len(view.xs), (1, 11)  # the second row from the top
    side = rect.width() / steps
    where = QPointF(rect.left() + (column + 0.5) * side, rect.top() + (row + 0.5) * side)
    QTest.mouseClick(canvas_of(desk), Qt.MouseButton.LeftButton, pos=where.toPoint())
    assert desk.code[1] > 0, "up is more"
    model = desk.document.model
    assert model is not None
    shown = model.codec.decode(desk.code[None])[0]
    distances = np.abs(to_floats(view.pixels) - shown.clip(0, 1)).mean(axis=(2, 3, 4))
    assert np.unravel_index(distances.argmin(), distances.shape) == (row, column)
    assert distances.min() < pixel(desk)


def test_the_top_row_is_the_highest(desk: Desk) -> None:
    desk.open()
    view = grid_view(desk)
    assert view.ys[0] > view.ys[-1]
    model = desk.document.model
    assert model is not None
    corner = np.array([[view.xs[-1], view.ys[0]]], np.float32)
    np.testing.assert_array_equal(view.pixels[0, -1], to_pixels(model.codec.decode(corner)[0]))


def test_a_drag_is_one_step(desk: Desk) -> None:
    desk.open()
    before, canvas = desk.code, canvas_of(desk)
    drag(canvas, [canvas.to_widget(-1 + step / 4, -1 + step / 8) for step in range(9)])
    np.testing.assert_allclose(desk.code, [1, 0], atol=pixel(desk))
    assert desk.undo_label() == "Move on the map"
    desk.document.undo()
    np.testing.assert_array_equal(desk.code, before)
    assert desk.undo_label() is None


def test_a_drag_past_the_edge_stays_on_the_plane(desk: Desk) -> None:
    desk.open()
    canvas, rect = canvas_of(desk), canvas_of(desk).plane_rect()
    drag(canvas, [rect.center(), QPointF(canvas.width() + 50, -50)])
    np.testing.assert_allclose(desk.code, [span(desk) / 2] * 2, rtol=1e-6)


def test_arrow_keys_move_the_cursor(desk: Desk) -> None:
    desk.open()
    canvas, start = canvas_of(desk), desk.code
    step = span(desk) * KEY_SHARE
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
    np.testing.assert_allclose(grid_view(desk).xs, [-1, 0, 1, 2, 3, 4])
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
    assert "must be below" in hint.text()
    assert not desk.problems
    desk.type_into("map_low", "-3")
    assert desk.document.grid.low == -3
    assert "must be below" not in hint.text()


def test_a_code_of_one_dimension_is_explained(desk: Desk) -> None:
    desk.open()
    desk.open(make_model(latent_dim=1, name="line"))
    canvas = canvas_of(desk)
    assert not canvas.has_image
    assert "one dimension" in canvas.accessibleDescription()
    before = desk.code
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton)
    np.testing.assert_array_equal(desk.code, before)
    assert not desk.find(QDoubleSpinBox, "map_low").isEnabled()


def test_a_plane_of_more_dimensions_keeps_the_others(desk: Desk) -> None:
    desk.open(make_model(latent_dim=5))
    start = desk.code
    assert "other dimensions" in desk.find(QLabel, "map_hint").text()
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
    model = desk.document.model
    assert model is not None

    def corner_is_decoded() -> bool:
        view = grid_view(desk)
        corner = desk.code.copy()
        corner[[3, 2]] = view.xs[0], view.ys[0]
        return bool(np.array_equal(view.pixels[0, 0], to_pixels(model.codec.decode(corner[None])[0])))

    desk.until(corner_is_decoded)


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
