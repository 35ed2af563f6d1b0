"""The sliders: a drag is one step, values are in σ of the data, the keyboard does what the mouse does."""

from __future__ import annotations

from typing import Any, SupportsIndex

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model
from explorer_testing.window import Desk, drag
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from explorer.ui.widgets.slider_list import KEY_STEP, RANGE, SliderList, SliderRows

MANY = 100_352


def in_sigma(desk: Desk) -> Any:
    model = desk.document.model
    assert model is not None
    statistics = model.sample.statistics
    return (desk.code - statistics.mean) / statistics.sigma


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


def test_a_drag_moves_the_code_and_is_one_step(desk: Desk) -> None:
    desk.open()
    sliders, before = desk.window.latent.sliders, desk.code
    drag(sliders.viewport(), [sliders.handle_position(0, -1 + step / 4) for step in range(9)])
    pixel = 2 * RANGE / sliders.track_rect(0).width()
    assert in_sigma(desk)[0] == pytest.approx(1, abs=pixel)
    assert desk.code[1] == before[1]
    desk.until_edited_shows(desk.code)
    assert desk.undo_label() == "Dimension 0"
    desk.shortcut("action_undo")
    np.testing.assert_array_equal(desk.code, before)
    assert desk.undo_label() is None
    desk.until_edited_shows(before)


def test_two_drags_are_two_steps(desk: Desk) -> None:
    desk.open()
    sliders = desk.window.latent.sliders
    drag(sliders.viewport(), [sliders.handle_position(0, value) for value in (0.0, 0.5, 1.0)])
    between = desk.code
    drag(sliders.viewport(), [sliders.handle_position(0, value) for value in (1.5, 2.0)])
    desk.document.undo()
    np.testing.assert_array_equal(desk.code, between)
    assert desk.undo_label() is not None


def test_a_drag_past_the_end_stays_on_the_track(desk: Desk) -> None:
    desk.open()
    sliders = desk.window.latent.sliders
    drag(sliders.viewport(), [sliders.handle_position(0, 0), QPointF(10_000, 10)])
    assert in_sigma(desk)[0] == pytest.approx(RANGE, abs=1e-4)


def test_a_move_without_a_button_held_does_nothing(desk: Desk) -> None:
    desk.open()
    sliders, before = desk.window.latent.sliders, desk.code
    QTest.mouseMove(sliders.viewport(), sliders.handle_position(0, 1).toPoint())
    QTest.mouseMove(sliders.viewport(), sliders.handle_position(0, 2).toPoint())
    np.testing.assert_array_equal(desk.code, before)


def test_values_are_in_sigma_of_the_data(desk: Desk) -> None:
    desk.open()
    sliders = desk.window.latent.sliders
    np.testing.assert_allclose(sliders.values, in_sigma(desk), atol=1e-5)
    drag(sliders.viewport(), [sliders.handle_position(1, -2.0), sliders.handle_position(1, -2.5)])
    np.testing.assert_allclose(sliders.values, in_sigma(desk), atol=1e-5)
    assert sliders.values[1] == pytest.approx(-2.5, abs=2 * RANGE / sliders.track_rect(1).width())


def test_they_follow_whoever_moves_the_cursor(desk: Desk) -> None:
    desk.open()
    desk.document.set_code(as_floats(0.25, -0.5))
    np.testing.assert_allclose(desk.window.latent.sliders.values, in_sigma(desk), atol=1e-5)


def test_a_double_click_sets_one_slider_back(desk: Desk) -> None:
    desk.open()
    sliders, start = desk.window.latent.sliders, desk.code
    drag(sliders.viewport(), [sliders.handle_position(0, value) for value in (0.0, 2.0)])
    drag(sliders.viewport(), [sliders.handle_position(1, value) for value in (0.0, -2.0)])
    where = sliders.handle_position(1, 1.0).toPoint()
    QTest.mouseDClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert desk.code[1] == start[1]
    assert desk.code[0] != start[0]


def test_left_and_right_turn_the_slider_and_delete_sets_it_back(desk: Desk) -> None:
    desk.open()
    sliders, start = desk.window.latent.sliders, desk.code
    QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=sliders.handle_position(0, 0).toPoint())
    at = float(in_sigma(desk)[0])
    QTest.keyClick(sliders, Qt.Key.Key_Right)
    QTest.keyClick(sliders, Qt.Key.Key_Right)
    assert in_sigma(desk)[0] == pytest.approx(at + 2 * KEY_STEP, abs=1e-4)
    QTest.keyClick(sliders, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert in_sigma(desk)[0] == pytest.approx(at - 8 * KEY_STEP, abs=1e-4)
    desk.document.undo()
    assert in_sigma(desk)[0] == pytest.approx(at, abs=1e-4), "presses of one key after another are one step"
    QTest.keyClick(sliders, Qt.Key.Key_Delete)
    np.testing.assert_array_equal(desk.code, start)


def test_up_and_down_choose_the_slider(desk: Desk) -> None:
    desk.open(make_model(latent_dim=3))
    sliders, start = desk.window.latent.sliders, desk.code
    sliders.setFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Up):
        QTest.keyClick(sliders, key)
    assert sliders.current_row == 1
    QTest.keyClick(sliders, Qt.Key.Key_Right)
    assert list(np.flatnonzero(desk.code != start)) == [1]


def test_keys_stop_at_the_end_of_the_track(desk: Desk) -> None:
    desk.open()
    sliders = desk.window.latent.sliders
    for _ in range(12):
        QTest.keyClick(sliders, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert in_sigma(desk)[0] == pytest.approx(RANGE, abs=1e-4)


def test_the_wheel_turns_a_slider_only_with_ctrl(desk: Desk) -> None:
    desk.open()
    sliders, start, at = desk.window.latent.sliders, desk.code, float(in_sigma(desk)[1])
    where = sliders.handle_position(1, 0)
    wheel(sliders, where, 120, Qt.KeyboardModifier.NoModifier)
    np.testing.assert_array_equal(desk.code, start)
    for _ in range(3):
        wheel(sliders, where, 120, Qt.KeyboardModifier.ControlModifier)
    assert in_sigma(desk)[1] == pytest.approx(at + 3 * KEY_STEP, abs=1e-4)
    assert desk.code[0] == start[0]


def test_reset_and_shuffle(desk: Desk) -> None:
    desk.open()
    start = desk.code
    desk.click("latent_shuffle")
    assert not np.array_equal(desk.code, start)
    desk.until_edited_shows(desk.code)
    desk.click("latent_reset")
    np.testing.assert_array_equal(desk.code, start)
    desk.shortcut("action_shuffle")
    assert not np.array_equal(desk.code, start)
    desk.shortcut("action_reset")
    np.testing.assert_array_equal(desk.code, start)


def test_without_a_model_there_is_nothing_to_turn(desk: Desk) -> None:
    sliders = desk.window.latent.sliders
    assert sliders.row_count == 0
    assert not sliders.isEnabled()
    assert "No model" in desk.find(QLabel, "latent_summary").text()


class AskedFor(tuple[str, ...]):
    """Names that remember which of them were looked at."""

    rows: set[int]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, SupportsIndex):
            self.rows.add(int(key))
        return super().__getitem__(key)


def test_a_hundred_thousand_sliders_scroll_and_only_those_in_view_are_painted(themed: object, qtbot: QtBot) -> None:
    sliders = SliderList()
    qtbot.addWidget(sliders)
    sliders.resize(280, 400)
    names = AskedFor([f"z{row}" for row in range(MANY)])
    names.rows = set()
    codes = np.random.default_rng(0).standard_normal((4, MANY)).astype(np.float32)
    sliders.set_rows(SliderRows(names, codes, ("",) * MANY))
    sliders.set_values(np.zeros(MANY, np.float32), None)
    sliders.show()
    qtbot.waitExposed(sliders)
    top = sliders.grab().toImage()
    assert max(names.rows) < 20
    bar = sliders.verticalScrollBar()
    wheel(sliders, QPointF(100, 100), -120, Qt.KeyboardModifier.NoModifier)
    assert bar.value() > 0
    bar.setValue(bar.maximum())
    assert sliders.grab().toImage() != top
    assert max(names.rows) == MANY - 1
    assert len(names.rows) < 60
    moved: list[tuple[int, float]] = []
    sliders.moved.connect(lambda row, value, gesture: moved.append((row, value)))
    where = sliders.handle_position(MANY - 1, 2.0).toPoint()
    QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert [row for row, _ in moved] == [MANY - 1]
    assert moved[0][1] == pytest.approx(2.0, abs=0.1)
