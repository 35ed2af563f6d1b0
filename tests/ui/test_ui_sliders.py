"""The sliders: a drag is one step, values are in σ of the data, the keyboard does what the mouse does."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model
from explorer_testing.window import WindowDriver, drag
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QAccessibleActionInterface, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from explorer.types import Floats
from explorer.ui.actions import ActionMenu
from explorer.ui.widgets.slider_list import KEY_STEP, SliderList
from explorer.ui.widgets.slider_painter import RANGE
from explorer.ui.widgets.slider_rows import RowOrder, SliderRows
from explorer.ui.widgets.value_editor import parse_sigma

MANY = 100_352


def in_sigma(driver: WindowDriver) -> Any:
    model = driver.document.model
    assert model is not None
    statistics = model.sample.statistics
    return (driver.code - statistics.mean) / statistics.sigma


def wheel(sliders: SliderList, where: QPointF, delta: int, modifiers: Qt.KeyboardModifier) -> None:
    viewport = sliders.viewport()
    event = QWheelEvent(
        where,
        viewport.mapToGlobal(where),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, event)


def slider_menu(driver: WindowDriver, row: int | None) -> ActionMenu:
    """Open the menu of a row by right click, or of the current one by keys."""
    sliders = driver.window.latent.sliders
    if row is None:
        sliders.setFocus()
        QTest.keyClick(sliders, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    else:
        where = sliders.viewport().mapTo(driver.window, sliders.row_rect(row).center())
        handle, no_key = driver.window.windowHandle(), Qt.KeyboardModifier.NoModifier
        QTest.mouseClick(handle, Qt.MouseButton.RightButton, no_key, where)
    (found,) = [menu for menu in sliders.findChildren(ActionMenu) if menu.isVisible()]
    found.close()
    QApplication.processEvents()
    return found


def test_a_menu_resets_a_slider_and_edits_its_value(driver: WindowDriver) -> None:
    driver.open()
    sliders, start = driver.window.latent.sliders, driver.code
    for row, value in ((0, 1.0), (1, 2.0)):
        drag(sliders.viewport(), [sliders.handle_position(row, step) for step in (0.0, value)])
    moved = driver.code
    slider_menu(driver, 0).actions()[0].trigger()
    assert (driver.code[0], driver.code[1]) == (start[0], moved[1])
    driver.shortcut("action_undo")
    np.testing.assert_array_equal(driver.code, moved)
    slider_menu(driver, None).actions()[1].trigger()
    driver.type_into("slider_value", "-1")
    assert in_sigma(driver)[0] == pytest.approx(-1, abs=1e-5)


def test_a_drag_moves_the_code_and_is_one_step(driver: WindowDriver) -> None:
    driver.open()
    sliders, before = driver.window.latent.sliders, driver.code
    drag(sliders.viewport(), [sliders.handle_position(0, -1 + step / 4) for step in range(9)])
    pixel = 2 * RANGE / sliders.track_rect(0).width()
    assert in_sigma(driver)[0] == pytest.approx(1, abs=pixel)
    assert driver.code[1] == before[1]
    driver.until_edited_shows(driver.code)
    assert re.fullmatch(r"z₀: [+−]\d\.\d\d → [+](0\.9|1\.0)\d σ", str(driver.undo_label()))
    driver.shortcut("action_undo")
    np.testing.assert_array_equal(driver.code, before)
    assert driver.undo_label() is None
    driver.until_edited_shows(before)


def test_two_drags_are_two_steps(driver: WindowDriver) -> None:
    driver.open()
    sliders = driver.window.latent.sliders
    drag(sliders.viewport(), [sliders.handle_position(0, value) for value in (0.0, 0.5, 1.0)])
    between = driver.code
    drag(sliders.viewport(), [sliders.handle_position(0, value) for value in (1.5, 2.0)])
    driver.document.undo()
    np.testing.assert_array_equal(driver.code, between)
    assert driver.undo_label() is not None


def test_a_drag_past_the_end_stays_on_the_track(driver: WindowDriver) -> None:
    driver.open()
    sliders = driver.window.latent.sliders
    drag(sliders.viewport(), [sliders.handle_position(0, 0), QPointF(10_000, 10)])
    assert in_sigma(driver)[0] == pytest.approx(RANGE, abs=1e-4)


def test_a_move_without_a_button_held_does_nothing(driver: WindowDriver) -> None:
    driver.open()
    sliders, before = driver.window.latent.sliders, driver.code
    QTest.mouseMove(sliders.viewport(), sliders.handle_position(0, 1).toPoint())
    QTest.mouseMove(sliders.viewport(), sliders.handle_position(0, 2).toPoint())
    np.testing.assert_array_equal(driver.code, before)


def test_values_are_in_sigma_of_the_data(driver: WindowDriver) -> None:
    driver.open()
    sliders = driver.window.latent.sliders
    np.testing.assert_allclose(sliders.values, in_sigma(driver), atol=1e-5)
    drag(sliders.viewport(), [sliders.handle_position(1, -2.0), sliders.handle_position(1, -2.5)])
    np.testing.assert_allclose(sliders.values, in_sigma(driver), atol=1e-5)
    assert sliders.values[1] == pytest.approx(-2.5, abs=2 * RANGE / sliders.track_rect(1).width())


def test_they_follow_whoever_moves_the_cursor(driver: WindowDriver) -> None:
    driver.open()
    driver.document.set_code(as_floats(0.25, -0.5))
    np.testing.assert_allclose(driver.window.latent.sliders.values, in_sigma(driver), atol=1e-5)


def test_a_double_click_sets_one_slider_back(driver: WindowDriver) -> None:
    driver.open()
    sliders, start = driver.window.latent.sliders, driver.code
    drag(sliders.viewport(), [sliders.handle_position(0, value) for value in (0.0, 2.0)])
    drag(sliders.viewport(), [sliders.handle_position(1, value) for value in (0.0, -2.0)])
    where = sliders.handle_position(1, 1.0).toPoint()
    QTest.mouseDClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert driver.code[1] == start[1]
    assert driver.code[0] != start[0]


def test_left_and_right_turn_the_slider_and_delete_sets_it_back(driver: WindowDriver) -> None:
    driver.open()
    sliders, start = driver.window.latent.sliders, driver.code
    QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=sliders.handle_position(0, 0).toPoint())
    at = float(in_sigma(driver)[0])
    QTest.keyClick(sliders, Qt.Key.Key_Right)
    QTest.keyClick(sliders, Qt.Key.Key_Right)
    assert in_sigma(driver)[0] == pytest.approx(at + 2 * KEY_STEP, abs=1e-4)
    QTest.keyClick(sliders, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert in_sigma(driver)[0] == pytest.approx(at - 8 * KEY_STEP, abs=1e-4)
    driver.document.undo()
    assert in_sigma(driver)[0] == pytest.approx(at, abs=1e-4), "presses of one key after another are one step"
    QTest.keyClick(sliders, Qt.Key.Key_Delete)
    np.testing.assert_array_equal(driver.code, start)


def test_up_and_down_choose_the_slider(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=3))
    sliders, start = driver.window.latent.sliders, driver.code
    sliders.setFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Up):
        QTest.keyClick(sliders, key)
    assert sliders.current_item == 1
    QTest.keyClick(sliders, Qt.Key.Key_Right)
    assert list(np.flatnonzero(driver.code != start)) == [1]


def test_a_screen_reader_reads_sets_and_focuses_the_current_slider(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=3))
    sliders = driver.window.latent.sliders
    sliders.setFocus()
    QTest.keyClick(sliders, Qt.Key.Key_Down)
    driver.window.stage.setFocus()
    seen = QAccessible.queryAccessibleInterface(sliders)
    assert seen.role() == QAccessible.Role.Slider
    assert seen.text(QAccessible.Text.Name) == "Sliders of the latent code"
    value = seen.valueInterface()
    assert value.currentValue() == pytest.approx(in_sigma(driver)[1], abs=1e-5)
    assert (value.minimumValue(), value.maximumValue()) == (-RANGE, RANGE)
    start = driver.code
    value.setCurrentValue(1.25)
    assert in_sigma(driver)[1] == pytest.approx(1.25, abs=1e-5)
    assert seen.text(QAccessible.Text.Value) == "+1.25 σ"
    assert seen.text(QAccessible.Text.Description).startswith("z₁")
    value.setCurrentValue(100)
    assert in_sigma(driver)[1] == pytest.approx(RANGE, abs=1e-4), "not beyond the track"
    driver.document.undo()
    driver.document.undo()
    np.testing.assert_array_equal(driver.code, start)
    seen.actionInterface().doAction(QAccessibleActionInterface.setFocusAction())
    assert sliders.hasFocus()
    assert seen.state().focused


def test_keys_stop_at_the_end_of_the_track(driver: WindowDriver) -> None:
    driver.open()
    sliders = driver.window.latent.sliders
    for _ in range(12):
        QTest.keyClick(sliders, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert in_sigma(driver)[0] == pytest.approx(RANGE, abs=1e-4)


def test_the_wheel_turns_a_slider_only_with_ctrl(driver: WindowDriver) -> None:
    driver.open()
    sliders, start, at = driver.window.latent.sliders, driver.code, float(in_sigma(driver)[1])
    where = sliders.handle_position(1, 0)
    wheel(sliders, where, 120, Qt.KeyboardModifier.NoModifier)
    np.testing.assert_array_equal(driver.code, start)
    for _ in range(3):
        wheel(sliders, where, 120, Qt.KeyboardModifier.ControlModifier)
    assert in_sigma(driver)[1] == pytest.approx(at + 3 * KEY_STEP, abs=1e-4)
    assert driver.code[0] == start[0]


def test_reset_and_shuffle(driver: WindowDriver) -> None:
    driver.open()
    start = driver.code
    driver.click("latent_shuffle")
    assert not np.array_equal(driver.code, start)
    driver.until_edited_shows(driver.code)
    driver.click("latent_reset")
    np.testing.assert_array_equal(driver.code, start)
    driver.shortcut("action_shuffle")
    assert not np.array_equal(driver.code, start)
    driver.shortcut("action_reset")
    np.testing.assert_array_equal(driver.code, start)


def test_without_a_model_there_is_nothing_to_turn(driver: WindowDriver) -> None:
    sliders = driver.window.latent.sliders
    assert sliders.row_count == 0
    assert not sliders.isEnabled()
    assert "No model" in driver.find(QLabel, "latent_summary").text()


class Asked:
    """Sliders that remember which of them were looked at."""

    def __init__(self) -> None:
        self.names: list[int] = []
        self.histograms: list[int] = []
        self.rows = SliderRows(MANY, self._name, lambda item: "", self._codes)

    def _name(self, item: int) -> str:
        self.names.append(item)
        return f"z{item}"

    def _codes(self, item: int) -> Floats:
        self.histograms.append(item)
        return np.random.default_rng(item).standard_normal(4).astype(np.float32)


def test_a_hundred_thousand_sliders_scroll_and_only_those_in_view_are_painted(themed: object, qtbot: QtBot) -> None:
    sliders = SliderList()
    qtbot.addWidget(sliders)
    sliders.resize(280, 400)
    asked = Asked()
    sliders.set_rows(asked.rows)
    sliders.set_values(np.zeros(MANY, np.float32), None)
    sliders.show()
    qtbot.waitExposed(sliders)
    asked.names.clear()
    asked.histograms.clear()
    top = sliders.grab().toImage()
    assert set(asked.names) == set(range(11))
    assert len(asked.names) < 40
    assert len(asked.histograms) <= 12
    bar = sliders.verticalScrollBar()
    wheel(sliders, QPointF(100, 100), -120, Qt.KeyboardModifier.NoModifier)
    assert bar.value() > 0
    bar.setValue(bar.maximum())
    assert sliders.grab().toImage() != top
    assert max(asked.names) == MANY - 1
    assert len(asked.names) < 120
    assert len(asked.histograms) < 60
    moved: list[tuple[int, float]] = []
    sliders.moved.connect(lambda row, value, gesture: moved.append((row, value)))
    where = sliders.handle_position(MANY - 1, 2.0).toPoint()
    QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert [row for row, _ in moved] == [MANY - 1]
    assert moved[0][1] == pytest.approx(2.0, abs=0.1)


def test_a_hand_on_one_of_many_sliders_has_that_one_painted(themed: object, qtbot: QtBot) -> None:
    sliders = SliderList()
    qtbot.addWidget(sliders)
    sliders.resize(280, 400)
    asked = Asked()
    sliders.set_rows(asked.rows)
    sliders.set_values(np.zeros(MANY, np.float32), None)
    sliders.show()
    qtbot.waitExposed(sliders)
    qtbot.waitUntil(lambda: 3 in asked.histograms)
    asked.names.clear()
    moved = np.zeros(MANY, np.float32)
    moved[3] = 1
    sliders.set_values(moved, None)
    # The first row is current, whose words are told to screen readers.
    qtbot.waitUntil(lambda: 3 in asked.names)
    assert set(asked.names) <= {0, 2, 3, 4}
    asked.names.clear()
    sliders.set_values(moved, np.zeros(MANY, np.float32))
    qtbot.waitUntil(lambda: set(range(11)) <= set(asked.names))


def test_sorted_and_filtered_rows_stand_for_their_own_sliders(themed: object, qtbot: QtBot) -> None:
    sliders = SliderList()
    qtbot.addWidget(sliders)
    sliders.resize(280, 400)
    sliders.set_rows(SliderRows(6, lambda item: f"z{item}", lambda item: f"n{item}", lambda item: as_floats()))
    sliders.set_values(as_floats(0, 1, 2, 3, 0.5, 0.25), None)
    sliders.set_order(RowOrder(np.array([4, 1, 5], np.int64), 6))
    sliders.show()
    qtbot.waitExposed(sliders)
    moved: list[tuple[int, float]] = []
    back: list[int] = []

    def last() -> tuple[int, float]:
        return moved[-1][0], round(moved[-1][1], 4)

    sliders.moved.connect(lambda item, value, gesture: moved.append((item, value)))
    sliders.reset_requested.connect(lambda item, gesture: back.append(item))
    assert sliders.row_count == 3
    assert sliders.accessibleDescription() == "z4, n4: +0.50 σ"
    QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=sliders.handle_position(2, -1).toPoint())
    assert [item for item, _ in moved] == [5]
    assert sliders.accessibleDescription() == "z5, n5: +0.25 σ"
    QTest.keyClick(sliders, Qt.Key.Key_Up)
    assert sliders.accessibleDescription() == "z1, n1: +1.00 σ"
    QTest.keyClick(sliders, Qt.Key.Key_Right)
    assert last() == (1, 1 + KEY_STEP)
    QTest.keyClick(sliders, Qt.Key.Key_Delete)
    assert back == [1]
    wheel(sliders, sliders.handle_position(0, 0), 120, Qt.KeyboardModifier.ControlModifier)
    assert last() == (4, 0.5 + KEY_STEP)
    sliders.set_order(RowOrder(np.zeros(0, np.int64), 6), "Nothing is left.")
    assert (sliders.row_count, sliders.words, sliders.accessibleDescription()) == (0, *["Nothing is left."] * 2)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Delete, Qt.Key.Key_Return, Qt.Key.Key_5):
        QTest.keyClick(sliders, key)
    assert len(moved) == 3
    assert back == [1]


def value_field(driver: WindowDriver) -> QLineEdit:
    """The field of these sliders; Compare has sliders, too."""
    found = driver.window.latent.sliders.findChild(QLineEdit, "slider_value")
    assert found is not None
    return found


def test_a_number_can_be_typed(driver: WindowDriver) -> None:
    driver.open()
    sliders, start = driver.window.latent.sliders, driver.code
    sliders.setFocus()
    QTest.keyClick(sliders, Qt.Key.Key_Down)
    QTest.keyClick(sliders, Qt.Key.Key_Return)
    field = value_field(driver)
    assert field.isVisible()
    QTest.keyClicks(field, "-1,25")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert in_sigma(driver)[1] == pytest.approx(-1.25, abs=1e-5)
    assert not field.isVisible()
    assert sliders.hasFocus()
    QTest.keyClicks(sliders, "6")
    QTest.keyClick(field, Qt.Key.Key_Enter)
    assert in_sigma(driver)[1] == pytest.approx(6, abs=1e-4), "beyond the track too"
    driver.document.undo()
    assert in_sigma(driver)[1] == pytest.approx(-1.25, abs=1e-5)
    driver.document.undo()
    np.testing.assert_array_equal(driver.code, start)


def test_a_number_half_typed_can_be_left(driver: WindowDriver) -> None:
    driver.open()
    sliders, start = driver.window.latent.sliders, driver.code
    sliders.setFocus()
    QTest.keyClicks(sliders, "3")
    field = value_field(driver)
    assert (field.text(), field.isVisible()) == ("3", True)
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert not field.isVisible()
    QTest.keyClick(sliders, Qt.Key.Key_Return)
    QTest.keyClicks(field, "1.2.3")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.isVisible(), "no number: it stays to be mended"
    assert field.property("problem")
    driver.window.stage.setFocus()
    assert not field.isVisible()
    np.testing.assert_array_equal(driver.code, start)


def test_a_double_click_on_the_number_types_and_a_click_there_moves_nothing(driver: WindowDriver) -> None:
    driver.open()
    sliders, start = driver.window.latent.sliders, driver.code
    where = QPointF(sliders.viewport().width() - 12, sliders.track_rect(1).center().y()).toPoint()
    QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=where)
    np.testing.assert_array_equal(driver.code, start)
    QTest.mouseDClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=where)
    field = value_field(driver)
    QTest.keyClicks(field, "2")
    sliders.verticalScrollBar().setFocus()
    driver.window.latent.find_sliders()
    assert in_sigma(driver)[1] == pytest.approx(2, abs=1e-5), "going elsewhere takes it"
    assert driver.code[0] == start[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-1.5", -1.5),
        ("−3 σ", -3.0),
        ("+2,25", 2.25),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("a", None),
    ],
)
def test_what_counts_as_a_number(text: str, value: float | None) -> None:
    assert parse_sigma(text) == value


def test_a_drag_goes_on_when_the_model_learns_meanwhile(driver: WindowDriver) -> None:
    run = Path("/nowhere/run")
    driver.open(replace(make_model(latent_dim=40), run=run, epochs=1.0))
    sliders = driver.window.latent.sliders
    bar = sliders.verticalScrollBar()
    bar.setValue(bar.maximum())
    scrolled = bar.value()
    assert scrolled > 0
    item = 38
    path = [sliders.handle_position(item, value).toPoint() for value in (float(sliders.values[item]), 0.5, 1.0, 1.5)]
    QTest.mousePress(sliders.viewport(), Qt.MouseButton.LeftButton, pos=path[0])
    QTest.mouseMove(sliders.viewport(), path[1])
    before = driver.document.code
    newer = replace(make_model(latent_dim=40, seed=1), run=run, epochs=2.0)
    driver.document.refine_model(newer)
    driver.settle()
    assert bar.value() == scrolled, "the list was pulled away"
    QTest.mouseMove(sliders.viewport(), path[3])
    assert driver.document.code is not before
    assert float(sliders.values[item]) == pytest.approx(1.5, abs=0.1)
    QTest.mouseRelease(sliders.viewport(), Qt.MouseButton.LeftButton, pos=path[3])
    subscript = str(item).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
    assert re.fullmatch(rf"z{subscript}: [+−]\d\.\d\d → [+]1\.[456]\d σ", str(driver.undo_label()))
    driver.document.undo()
    assert driver.document.undo_label is None, "the drag was to be one step"
    assert driver.document.model is newer
