"""The two views of a code: raw dimensions and principal components; sorting and filtering them."""

from __future__ import annotations

import gc
import re
import weakref
from typing import Any

import numpy as np
import pytest
from explorer_testing.builders import make_card, make_model, make_sample, make_source, make_spatial_model
from explorer_testing.codec import MatrixCodec
from explorer_testing.window import WindowDriver, drag
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton

from explorer.document.state import COMPONENTS_ABOVE, OpenModel
from explorer.latent.components import to_components
from explorer.types import Floats
from explorer.ui.code_views import CodeView, ComponentsView, DimensionsView
from explorer.ui.widgets.slider_painter import RANGE

PIXELS = (12, 10, 1)


def along_components(driver: WindowDriver, code: Floats | None = None) -> Floats:
    assert driver.document.model is not None
    return to_components(driver.code if code is None else code, driver.document.model.sample.statistics)


def components_shown(driver: WindowDriver) -> bool:
    return driver.find(QPushButton, "latent_axes").isChecked()


def show_components(driver: WindowDriver) -> None:
    driver.click("latent_axes")
    assert components_shown(driver)


def items(driver: WindowDriver) -> list[int]:
    sliders = driver.window.latent.sliders
    return [sliders.order.item(row) for row in range(sliders.row_count)]


def sort_by(driver: WindowDriver, title: str) -> None:
    combo = driver.find(QComboBox, "latent_sort")
    combo.setFocus()
    combo.showPopup()
    QTest.keyClick(combo.view(), Qt.Key.Key_Home)
    for _ in range(combo.findText(title)):
        QTest.keyClick(combo.view(), Qt.Key.Key_Down)
    QTest.keyClick(combo.view(), Qt.Key.Key_Return)
    assert combo.currentText() == title


def filter_by(driver: WindowDriver, text: str) -> None:
    field = driver.find(QLineEdit, "latent_filter")
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


def test_the_switch_shows_axes_and_dimensions(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=5))
    sliders = driver.window.latent.sliders
    assert not components_shown(driver)
    show_components(driver)
    np.testing.assert_allclose(sliders.values, along_components(driver), atol=1e-5)
    assert "PC 1" in sliders.accessibleDescription()
    assert "5 PCs explain 100% of the variance" in driver.find(QLabel, "latent_summary").text()
    driver.shortcut("action_code_view")
    assert not components_shown(driver)
    assert "z₀" in sliders.accessibleDescription()


def test_the_arrow_keys_turn_the_switch(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=5))
    first = driver.find(QPushButton, "latent_dimensions")
    first.setFocus()
    QTest.keyClick(first, Qt.Key.Key_Right)
    assert components_shown(driver)
    QTest.keyClick(driver.find(QPushButton, "latent_axes"), Qt.Key.Key_Left)
    assert not components_shown(driver)


def test_long_codes_begin_on_axes_and_short_ones_on_dimensions(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=COMPONENTS_ABOVE))
    assert not components_shown(driver)
    driver.open(make_model(latent_dim=COMPONENTS_ABOVE + 1))
    assert components_shown(driver)
    driver.click("latent_dimensions")
    driver.open(make_model(latent_dim=COMPONENTS_ABOVE + 1, name="again"))
    assert not components_shown(driver), "what the user chose is kept with a model of the same kind"
    driver.open(make_model(latent_dim=2))
    assert not components_shown(driver)


def test_a_model_without_axes_has_only_dimensions(driver: WindowDriver) -> None:
    codec = MatrixCodec(PIXELS, COMPONENTS_ABOVE + 1)
    lonely = make_sample(codec, count=1)
    driver.open(OpenModel(make_card(codec), lonely, codec, make_model().path))
    assert not components_shown(driver)
    assert not driver.find(QPushButton, "latent_axes").isEnabled()
    driver.shortcut("action_code_view")
    assert not components_shown(driver)


# -- moving along axes -------------------------------------------------------------------------------------------------


def test_an_axis_slider_moves_the_code_along_its_axis_only(driver: WindowDriver) -> None:
    # More dimensions than axes, so that there is something which the axes do not hold.
    driver.open(make_model(latent_dim=100))
    assert driver.document.model is not None
    statistics = driver.document.model.sample.statistics
    sliders, start = driver.window.latent.sliders, driver.code
    before = along_components(driver)
    drag(sliders.viewport(), [sliders.handle_position(2, -1 + step / 4) for step in range(9)])
    after = along_components(driver)
    assert after[2] == pytest.approx(1, abs=2 * RANGE / sliders.track_rect(2).width())
    np.testing.assert_allclose(np.delete(after, 2), np.delete(before, 2), atol=1e-3)
    moved = driver.code - start
    np.testing.assert_allclose(moved, statistics.components[2] * (moved @ statistics.components[2]), atol=1e-5)
    driver.until_edited_shows(driver.code)
    assert re.fullmatch(r"PC 3: [+−]\d+\.\d\d → [+]\d\.\d\d σ", str(driver.undo_label()))
    driver.document.undo()
    np.testing.assert_array_equal(driver.code, start)
    assert driver.undo_label() is None, "a drag is one step"


def test_an_axis_goes_back_to_where_the_image_is(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=100))
    sliders, start = driver.window.latent.sliders, driver.code
    at = along_components(driver)
    for row in (0, 3):
        QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=sliders.handle_position(row, 3).toPoint())
    where = sliders.handle_position(3, 3).toPoint()
    QTest.mouseDClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert along_components(driver)[3] == pytest.approx(at[3], abs=1e-3)
    assert along_components(driver)[0] == pytest.approx(3, abs=0.1)
    sliders.setFocus()
    for _ in range(3):
        QTest.keyClick(sliders, Qt.Key.Key_Up)
    QTest.keyClick(sliders, Qt.Key.Key_Delete)
    np.testing.assert_allclose(driver.code, start, atol=1e-4)


def test_a_double_click_is_one_step(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=5))
    show_components(driver)
    sliders = driver.window.latent.sliders
    sliders.setFocus()
    QTest.keyClick(sliders, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    edited, label = driver.code, driver.undo_label()
    where = sliders.handle_position(1, 2).toPoint()
    QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=where)
    QTest.mouseDClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert along_components(driver)[1] == pytest.approx(along_components(driver, edited)[1], abs=1e-4)
    driver.document.undo()
    np.testing.assert_array_equal(driver.code, edited)
    assert driver.undo_label() == label


def test_keys_move_an_axis_and_a_number_can_be_typed(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=5))
    show_components(driver)
    sliders, at = driver.window.latent.sliders, along_components(driver)
    sliders.setFocus()
    QTest.keyClick(sliders, Qt.Key.Key_Down)
    QTest.keyClick(sliders, Qt.Key.Key_Right)
    assert along_components(driver)[1] == pytest.approx(at[1] + 0.1, abs=1e-4)
    QTest.keyClicks(sliders, "2")
    QTest.keyClick(driver.find(QLineEdit, "slider_value"), Qt.Key.Key_Return)
    np.testing.assert_allclose(along_components(driver), [at[0], 2.0, *at[2:]], atol=1e-4)


# -- sorting and filtering ---------------------------------------------------------------------------------------------


def test_sorting_by_spread_and_order(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=6))
    assert driver.document.model is not None
    sigma = driver.document.model.sample.statistics.sigma
    assert items(driver) == list(range(6))
    sort_by(driver, "Std. dev.")
    assert items(driver) == list(np.argsort(-sigma))
    sliders, start = driver.window.latent.sliders, driver.code
    drag(sliders.viewport(), [sliders.handle_position(0, value) for value in (0.0, 1.0, 2.5)])
    assert list(np.flatnonzero(driver.code != start)) == [np.argmax(sigma)]
    sort_by(driver, "Index")
    assert items(driver) == list(range(6))


def test_only_a_variational_model_is_sorted_by_kl(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=6))
    combo = driver.find(QComboBox, "latent_sort")
    assert combo.findText("KL") < 0
    driver.open(variational_model())
    assert driver.document.model is not None
    kl = driver.document.model.sample.statistics.kl
    assert kl is not None
    sort_by(driver, "KL")
    assert items(driver) == list(np.argsort(-kl, kind="stable"))
    assert f"KL {kl.max():.1f}" in driver.window.latent.sliders.accessibleDescription()


def test_sorting_by_change_waits_until_the_hand_is_elsewhere(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=6))
    sliders = driver.window.latent.sliders
    sort_by(driver, "Edit size")
    assert items(driver) == list(range(6)), "nothing has changed yet"
    drag(sliders.viewport(), [sliders.handle_position(4, value) for value in (0.0, 3.5)])
    assert items(driver) == list(range(6)), "a row does not run away under the hand"
    moved = driver.code.copy()
    moved[2] += 100
    driver.document.set_code(moved)
    driver.until(lambda: items(driver)[:2] == [2, 4])
    sort_by(driver, "Index")
    assert items(driver) == list(range(6))


def test_the_filter_shows_numbers_and_ranges(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=40))
    driver.shortcut("action_filter")
    field = driver.find(QLineEdit, "latent_filter")
    assert field.hasFocus()
    QTest.keyClicks(field, "3, 10-12")
    assert items(driver) == [3, 10, 11, 12]
    assert "4 shown" in driver.find(QLabel, "latent_summary").text()
    sliders, start = driver.window.latent.sliders, driver.code
    QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=sliders.handle_position(2, 3).toPoint())
    assert list(np.flatnonzero(driver.code != start)) == [11]
    filter_by(driver, "")
    assert items(driver) == list(range(40))


def test_the_filter_counts_principal_components_from_one(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=5))
    show_components(driver)
    filter_by(driver, "1, 3-4")
    assert items(driver) == [0, 2, 3]
    filter_by(driver, "0")
    assert items(driver) == []


def test_an_empty_result_says_so(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=6))
    sliders = driver.window.latent.sliders
    filter_by(driver, "50-60")
    assert items(driver) == []
    assert sliders.words == "No sliders match “50-60”"
    full = sliders.grab().toImage()
    filter_by(driver, "seven")
    assert "“seven”" in sliders.words
    assert sliders.grab().toImage() != full
    filter_by(driver, "0-")
    assert sliders.words == ""


def test_active_ones_are_those_that_vary(driver: WindowDriver) -> None:
    codec = MatrixCodec(PIXELS, 4)
    codec.basis[:, 1] = 0
    driver.open(make_model(codec))
    filter_by(driver, "active")
    assert items(driver) == [0, 2, 3]
    filter_by(driver, "active 0-1")
    assert items(driver) == [0]


def test_a_spatial_code_is_filtered_by_place_and_channel(driver: WindowDriver) -> None:
    driver.open(make_spatial_model((4, 3, 2)), make_source(30, (4, 3, 1)))
    filter_by(driver, "c1")
    assert items(driver) == list(range(1, 24, 2))
    filter_by(driver, "2,1,0")
    assert items(driver) == [(2 * 3 + 1) * 2]
    assert "2,1,0" in driver.window.latent.sliders.accessibleDescription()


def test_another_kind_of_model_begins_without_a_filter(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=6))
    filter_by(driver, "3")
    driver.open(make_model(latent_dim=6, name="again"))
    assert items(driver) == [3]
    driver.open(make_model(latent_dim=5))
    assert items(driver) == list(range(5))


def test_a_hundred_thousand_dimensions_open_on_axes_and_scroll(
    driver: WindowDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    named: list[int] = []

    def counted(index: int) -> str:
        named.append(index)
        return f"z{index}"

    monkeypatch.setattr("explorer.ui.code_views.dimension_name", counted)
    driver.open(make_spatial_model((28, 28, 128), count=12), make_source(30, (28, 28, 1)))
    sliders = driver.window.latent.sliders
    assert components_shown(driver)
    assert sliders.row_count == 11
    driver.click("latent_dimensions")
    assert sliders.row_count == 100_352
    sliders.verticalScrollBar().setValue(sliders.verticalScrollBar().maximum())
    sliders.grab()
    assert len(named) < 200
    start = driver.code
    where = sliders.handle_position(100_351, 2).toPoint()
    QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert list(np.flatnonzero(driver.code != start)) == [100_351]


# -- shuffling ---------------------------------------------------------------------------------------------------------


def test_a_shuffled_spatial_code_varies_as_the_data_do(driver: WindowDriver) -> None:
    driver.open(make_spatial_model((7, 7, 3)), make_source(30, (7, 7, 1)))
    assert driver.document.model is not None
    sample, codec = driver.document.model.sample, driver.document.model.codec
    driver.click("latent_shuffle")
    # All channels of this model's codes are multiples of one another; dimensions drawn one by one would not be.
    off = driver.code - codec.encode(codec.decode(driver.code[None]))[0]
    assert np.abs(off).max() < 1e-4
    assert np.abs(driver.code - sample.statistics.mean).max() > 1e-2
    rest: Any = driver.code - sample.statistics.mean
    inside = sample.statistics.components.T @ (sample.statistics.components @ rest)
    np.testing.assert_allclose(inside, rest, atol=1e-4)


def test_points_far_beside_the_rows_do_nothing(driver: WindowDriver) -> None:
    driver.open()
    sliders, start = driver.window.latent.sliders, driver.code
    below = QPointF(100, sliders.row_rect(1).bottom() + 60).toPoint()
    QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=below)
    QTest.mouseDClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=below)
    np.testing.assert_array_equal(driver.code, start)


@pytest.mark.parametrize("kind", [DimensionsView, ComponentsView])
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
