"""The two views of a code: raw dimensions and principal axes; sorting and filtering them."""

from __future__ import annotations

import gc
import re
import weakref
from typing import Any

import numpy as np
import pytest
from explorer_testing.builders import make_card, make_model, make_sample, make_source, make_spatial_model
from explorer_testing.codec import MatrixCodec
from explorer_testing.window import Desk, drag
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton

from explorer.document.state import AXES_ABOVE, OpenModel
from explorer.latent.axes import to_axes
from explorer.types import Floats
from explorer.ui.code_views import AxesView, CodeView, DimensionsView
from explorer.ui.widgets.slider_painter import RANGE

PIXELS = (12, 10, 1)


def along_axes(desk: Desk, code: Floats | None = None) -> Floats:
    assert desk.document.model is not None
    return to_axes(desk.code if code is None else code, desk.document.model.sample.statistics)


def axes_shown(desk: Desk) -> bool:
    return desk.find(QPushButton, "latent_axes").isChecked()


def show_axes(desk: Desk) -> None:
    desk.click("latent_axes")
    assert axes_shown(desk)


def items(desk: Desk) -> list[int]:
    sliders = desk.window.latent.sliders
    return [sliders.order.item(row) for row in range(sliders.row_count)]


def sort_by(desk: Desk, title: str) -> None:
    combo = desk.find(QComboBox, "latent_sort")
    combo.setFocus()
    combo.showPopup()
    QTest.keyClick(combo.view(), Qt.Key.Key_Home)
    for _ in range(combo.findText(title)):
        QTest.keyClick(combo.view(), Qt.Key.Key_Down)
    QTest.keyClick(combo.view(), Qt.Key.Key_Return)
    assert combo.currentText() == title


def filter_by(desk: Desk, text: str) -> None:
    field = desk.find(QLineEdit, "latent_filter")
    field.setFocus()
    field.selectAll()
    QTest.keyClick(field, Qt.Key.Key_Backspace)
    QTest.keyClicks(field, text)


def variational_model(latent_dim: int = 6) -> OpenModel:
    codec = MatrixCodec(PIXELS, latent_dim, variational=True)
    plain = make_model(codec)
    sample = make_sample(codec, variational=True)
    return OpenModel(make_card(codec, variational=True), sample, codec, plain.path)


# -- the switch --------------------------------------------------------------------------------------------------------


def test_the_switch_shows_axes_and_dimensions(desk: Desk) -> None:
    desk.open(make_model(latent_dim=5))
    sliders = desk.window.latent.sliders
    assert not axes_shown(desk)
    show_axes(desk)
    np.testing.assert_allclose(sliders.values, along_axes(desk), atol=1e-5)
    assert "PC 1" in sliders.accessibleDescription()
    assert "5 PCs, 100% explained variance" in desk.find(QLabel, "latent_summary").text()
    desk.shortcut("action_code_view")
    assert not axes_shown(desk)
    assert "z₀" in sliders.accessibleDescription()


def test_the_arrow_keys_turn_the_switch(desk: Desk) -> None:
    desk.open(make_model(latent_dim=5))
    first = desk.find(QPushButton, "latent_dimensions")
    first.setFocus()
    QTest.keyClick(first, Qt.Key.Key_Right)
    assert axes_shown(desk)
    QTest.keyClick(desk.find(QPushButton, "latent_axes"), Qt.Key.Key_Left)
    assert not axes_shown(desk)


def test_long_codes_begin_on_axes_and_short_ones_on_dimensions(desk: Desk) -> None:
    desk.open(make_model(latent_dim=AXES_ABOVE))
    assert not axes_shown(desk)
    desk.open(make_model(latent_dim=AXES_ABOVE + 1))
    assert axes_shown(desk)
    desk.click("latent_dimensions")
    desk.open(make_model(latent_dim=AXES_ABOVE + 1, name="again"))
    assert not axes_shown(desk), "what the user chose is kept with a model of the same kind"
    desk.open(make_model(latent_dim=2))
    assert not axes_shown(desk)


def test_a_model_without_axes_has_only_dimensions(desk: Desk) -> None:
    codec = MatrixCodec(PIXELS, AXES_ABOVE + 1)
    lonely = make_sample(codec, count=1)
    desk.open(OpenModel(make_card(codec), lonely, codec, make_model().path))
    assert not axes_shown(desk)
    assert not desk.find(QPushButton, "latent_axes").isEnabled()
    desk.shortcut("action_code_view")
    assert not axes_shown(desk)


# -- moving along axes -------------------------------------------------------------------------------------------------


def test_an_axis_slider_moves_the_code_along_its_axis_only(desk: Desk) -> None:
    # More dimensions than axes, so that there is something which the axes do not hold.
    desk.open(make_model(latent_dim=100))
    assert desk.document.model is not None
    statistics = desk.document.model.sample.statistics
    sliders, start = desk.window.latent.sliders, desk.code
    before = along_axes(desk)
    drag(sliders.viewport(), [sliders.handle_position(2, -1 + step / 4) for step in range(9)])
    after = along_axes(desk)
    assert after[2] == pytest.approx(1, abs=2 * RANGE / sliders.track_rect(2).width())
    np.testing.assert_allclose(np.delete(after, 2), np.delete(before, 2), atol=1e-3)
    moved = desk.code - start
    np.testing.assert_allclose(moved, statistics.axes[2] * (moved @ statistics.axes[2]), atol=1e-5)
    desk.until_edited_shows(desk.code)
    assert re.fullmatch(r"PC 3: [+−]\d+\.\d\d → [+]\d\.\d\d σ", str(desk.undo_label()))
    desk.document.undo()
    np.testing.assert_array_equal(desk.code, start)
    assert desk.undo_label() is None, "a drag is one step"


def test_an_axis_goes_back_to_where_the_picture_is(desk: Desk) -> None:
    desk.open(make_model(latent_dim=100))
    sliders, start = desk.window.latent.sliders, desk.code
    at = along_axes(desk)
    for row in (0, 3):
        QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=sliders.handle_position(row, 3).toPoint())
    where = sliders.handle_position(3, 3).toPoint()
    QTest.mouseDClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert along_axes(desk)[3] == pytest.approx(at[3], abs=1e-3)
    assert along_axes(desk)[0] == pytest.approx(3, abs=0.1)
    sliders.setFocus()
    for _ in range(3):
        QTest.keyClick(sliders, Qt.Key.Key_Up)
    QTest.keyClick(sliders, Qt.Key.Key_Delete)
    np.testing.assert_allclose(desk.code, start, atol=1e-4)


def test_a_double_click_is_one_step(desk: Desk) -> None:
    desk.open(make_model(latent_dim=5))
    show_axes(desk)
    sliders = desk.window.latent.sliders
    sliders.setFocus()
    QTest.keyClick(sliders, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    edited, label = desk.code, desk.undo_label()
    where = sliders.handle_position(1, 2).toPoint()
    QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=where)
    QTest.mouseDClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert along_axes(desk)[1] == pytest.approx(along_axes(desk, edited)[1], abs=1e-4)
    desk.document.undo()
    np.testing.assert_array_equal(desk.code, edited)
    assert desk.undo_label() == label


def test_keys_move_an_axis_and_a_number_can_be_typed(desk: Desk) -> None:
    desk.open(make_model(latent_dim=5))
    show_axes(desk)
    sliders, at = desk.window.latent.sliders, along_axes(desk)
    sliders.setFocus()
    QTest.keyClick(sliders, Qt.Key.Key_Down)
    QTest.keyClick(sliders, Qt.Key.Key_Right)
    assert along_axes(desk)[1] == pytest.approx(at[1] + 0.1, abs=1e-4)
    QTest.keyClicks(sliders, "2")
    QTest.keyClick(desk.find(QLineEdit, "slider_value"), Qt.Key.Key_Return)
    np.testing.assert_allclose(along_axes(desk), [at[0], 2.0, *at[2:]], atol=1e-4)


# -- sorting and filtering ---------------------------------------------------------------------------------------------


def test_sorting_by_spread_and_order(desk: Desk) -> None:
    desk.open(make_model(latent_dim=6))
    assert desk.document.model is not None
    sigma = desk.document.model.sample.statistics.sigma
    assert items(desk) == list(range(6))
    sort_by(desk, "Std. dev.")
    assert items(desk) == list(np.argsort(-sigma))
    sliders, start = desk.window.latent.sliders, desk.code
    drag(sliders.viewport(), [sliders.handle_position(0, value) for value in (0.0, 1.0, 2.5)])
    assert list(np.flatnonzero(desk.code != start)) == [np.argmax(sigma)]
    sort_by(desk, "Index")
    assert items(desk) == list(range(6))


def test_only_a_variational_model_is_sorted_by_kl(desk: Desk) -> None:
    desk.open(make_model(latent_dim=6))
    combo = desk.find(QComboBox, "latent_sort")
    assert combo.findText("KL") < 0
    desk.open(variational_model())
    assert desk.document.model is not None
    kl = desk.document.model.sample.statistics.kl
    assert kl is not None
    sort_by(desk, "KL")
    assert items(desk) == list(np.argsort(-kl, kind="stable"))
    assert f"KL {kl.max():.1f}" in desk.window.latent.sliders.accessibleDescription()


def test_sorting_by_change_waits_until_the_hand_is_elsewhere(desk: Desk) -> None:
    desk.open(make_model(latent_dim=6))
    sliders = desk.window.latent.sliders
    sort_by(desk, "Edit size")
    assert items(desk) == list(range(6)), "nothing has changed yet"
    drag(sliders.viewport(), [sliders.handle_position(4, value) for value in (0.0, 3.5)])
    assert items(desk) == list(range(6)), "a row does not run away under the hand"
    moved = desk.code.copy()
    moved[2] += 100
    desk.document.set_code(moved)
    desk.until(lambda: items(desk)[:2] == [2, 4])
    sort_by(desk, "Index")
    assert items(desk) == list(range(6))


def test_the_filter_shows_numbers_and_ranges(desk: Desk) -> None:
    desk.open(make_model(latent_dim=40))
    desk.shortcut("action_filter")
    field = desk.find(QLineEdit, "latent_filter")
    assert field.hasFocus()
    QTest.keyClicks(field, "3, 10-12")
    assert items(desk) == [3, 10, 11, 12]
    assert "4 shown" in desk.find(QLabel, "latent_summary").text()
    sliders, start = desk.window.latent.sliders, desk.code
    QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=sliders.handle_position(2, 3).toPoint())
    assert list(np.flatnonzero(desk.code != start)) == [11]
    filter_by(desk, "")
    assert items(desk) == list(range(40))


def test_the_filter_counts_principal_components_from_one(desk: Desk) -> None:
    desk.open(make_model(latent_dim=5))
    show_axes(desk)
    filter_by(desk, "1, 3-4")
    assert items(desk) == [0, 2, 3]
    filter_by(desk, "0")
    assert items(desk) == []


def test_an_empty_result_says_so(desk: Desk) -> None:
    desk.open(make_model(latent_dim=6))
    sliders = desk.window.latent.sliders
    filter_by(desk, "50-60")
    assert items(desk) == []
    assert sliders.words == "No sliders match “50-60”"
    full = sliders.grab().toImage()
    filter_by(desk, "seven")
    assert "“seven”" in sliders.words
    assert sliders.grab().toImage() != full
    filter_by(desk, "0-")
    assert sliders.words == ""


def test_active_ones_are_those_that_vary(desk: Desk) -> None:
    codec = MatrixCodec(PIXELS, 4)
    codec.basis[:, 1] = 0
    desk.open(make_model(codec))
    filter_by(desk, "active")
    assert items(desk) == [0, 2, 3]
    filter_by(desk, "active 0-1")
    assert items(desk) == [0]


def test_a_spatial_code_is_filtered_by_place_and_channel(desk: Desk) -> None:
    desk.open(make_spatial_model((4, 3, 2)), make_source(30, (4, 3, 1)))
    filter_by(desk, "c1")
    assert items(desk) == list(range(1, 24, 2))
    filter_by(desk, "2,1,0")
    assert items(desk) == [(2 * 3 + 1) * 2]
    assert "2,1,0" in desk.window.latent.sliders.accessibleDescription()


def test_another_kind_of_model_begins_without_a_filter(desk: Desk) -> None:
    desk.open(make_model(latent_dim=6))
    filter_by(desk, "3")
    desk.open(make_model(latent_dim=6, name="again"))
    assert items(desk) == [3]
    desk.open(make_model(latent_dim=5))
    assert items(desk) == list(range(5))


def test_a_hundred_thousand_dimensions_open_on_axes_and_scroll(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    named: list[int] = []

    def counted(index: int) -> str:
        named.append(index)
        return f"z{index}"

    monkeypatch.setattr("explorer.ui.code_views.dimension_name", counted)
    desk.open(make_spatial_model((28, 28, 128), count=12), make_source(30, (28, 28, 1)))
    sliders = desk.window.latent.sliders
    assert axes_shown(desk)
    assert sliders.row_count == 11
    desk.click("latent_dimensions")
    assert sliders.row_count == 100_352
    sliders.verticalScrollBar().setValue(sliders.verticalScrollBar().maximum())
    sliders.grab()
    assert len(named) < 200
    start = desk.code
    where = sliders.handle_position(100_351, 2).toPoint()
    QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert list(np.flatnonzero(desk.code != start)) == [100_351]


# -- shuffling ---------------------------------------------------------------------------------------------------------


def test_a_shuffled_spatial_code_varies_as_the_data_do(desk: Desk) -> None:
    desk.open(make_spatial_model((7, 7, 3)), make_source(30, (7, 7, 1)))
    assert desk.document.model is not None
    sample, codec = desk.document.model.sample, desk.document.model.codec
    desk.click("latent_shuffle")
    # All channels of this model's codes are multiples of one another; dimensions drawn one by one would not be.
    off = desk.code - codec.encode(codec.decode(desk.code[None]))[0]
    assert np.abs(off).max() < 1e-4
    assert np.abs(desk.code - sample.statistics.mean).max() > 1e-2
    rest: Any = desk.code - sample.statistics.mean
    inside = sample.statistics.axes.T @ (sample.statistics.axes @ rest)
    np.testing.assert_allclose(inside, rest, atol=1e-4)


def test_points_far_beside_the_rows_do_nothing(desk: Desk) -> None:
    desk.open()
    sliders, start = desk.window.latent.sliders, desk.code
    below = QPointF(100, sliders.row_rect(1).bottom() + 60).toPoint()
    QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=below)
    QTest.mouseDClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=below)
    np.testing.assert_array_equal(desk.code, start)


@pytest.mark.parametrize("kind", [DimensionsView, AxesView])
def test_a_view_goes_with_its_last_user_and_its_model_with_it(kind: type[CodeView]) -> None:
    gc.disable()  # a cycle would keep the model and its networks until the collector happens to run
    try:
        model = make_model(latent_dim=6)
        view = kind(model)
        rows = view.rows
        assert rows.name(0)
        gone = weakref.ref(view), weakref.ref(model)
        del view, rows, model
        assert [reference() for reference in gone] == [None, None]
    finally:
        gc.enable()
