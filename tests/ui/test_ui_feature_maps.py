"""Feature maps of a spatial code: what is painted on them reaches the codec and the stage."""

from __future__ import annotations

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source, make_spatial_model
from explorer_testing.window import WindowDriver, array_of, drag, type_into
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAction, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDoubleSpinBox, QLabel, QPushButton, QSpinBox

from explorer.latent.feature_maps import map_statistics
from explorer.types import Floats
from explorer.ui.main_window import MainWindow
from explorer.ui.panels.feature_maps import NUDGE
from explorer.ui.theme import choose_scheme, current_theme
from explorer.ui.widgets.feature_map_canvas import FeatureMapCanvas

SMALL = (7, 7, 1)
DEEP = (28, 28, 128)


def open_maps(driver: WindowDriver, shape: tuple[int, int, int] = SMALL, count: int = 40) -> None:
    driver.open(make_spatial_model(shape, count=count), make_source(30, (shape[0], shape[1], 1)))


def canvas(driver: WindowDriver) -> FeatureMapCanvas:
    return driver.window.feature_maps.canvas


def maps(driver: WindowDriver, code: Floats | None = None) -> Floats:
    assert driver.document.model is not None
    return (driver.code if code is None else code).reshape(driver.document.model.card.latent_shape)


def changed(driver: WindowDriver, before: Floats) -> set[tuple[int, ...]]:
    return {tuple(int(part) for part in place) for place in np.argwhere(maps(driver) != maps(driver, before))}


def middle(driver: WindowDriver, row: int, column: int) -> QPointF:
    return canvas(driver).cell_rect(row, column).center()


def stroke(driver: WindowDriver, *cells: tuple[int, int]) -> None:
    drag(canvas(driver), [middle(driver, *cell) for cell in cells])


def painted_value(driver: WindowDriver, in_sigma: float, channel: int = 0) -> float:
    model = driver.document.model
    assert model is not None
    statistics = map_statistics(model.sample.statistics, model.card.latent_shape)
    return float(statistics.mean[channel] + in_sigma * statistics.sigma[channel])


# -- where it is shown -------------------------------------------------------------------------------------------------


def test_it_is_there_only_for_codes_of_maps(driver: WindowDriver) -> None:
    panel = driver.window.feature_maps
    paint = driver.window.findChild(QAction, "action_paint")
    assert paint is not None
    assert (panel.isVisible(), paint.isEnabled()) == (False, False)
    open_maps(driver)
    assert (panel.isVisible(), paint.isEnabled()) == (True, True)
    assert panel.width() <= 330, "the dock does not grow with it"
    driver.document.open(make_model(), make_source())
    assert (panel.isVisible(), paint.isEnabled()) == (False, False)
    driver.document.undo()
    driver.until(lambda: driver.document.code is not None)
    assert panel.isVisible()
    assert canvas(driver).image is not None


def test_one_channel_needs_no_grid(driver: WindowDriver) -> None:
    open_maps(driver)
    assert not driver.window.feature_maps.grid.isVisible()
    assert not driver.find(QSpinBox, "feature_channel").isVisible()
    open_maps(driver, (6, 5, 3))
    assert driver.window.feature_maps.grid.isVisible()
    assert driver.find(QSpinBox, "feature_channel").maximum() == 2


def test_it_waits_for_a_code(bare_window: MainWindow) -> None:
    document = bare_window.document
    document.open(make_spatial_model(SMALL), make_source(30, (7, 7, 1)))
    panel = bare_window.feature_maps
    assert panel.isVisible()
    assert panel.canvas.image is None
    assert not panel.canvas.isEnabled()
    panel.grab()
    QTest.mouseClick(panel.canvas, Qt.MouseButton.LeftButton)
    QTest.keyClick(panel.canvas, Qt.Key.Key_Space)
    assert document.code is None


def colors(driver: WindowDriver) -> NDArray[np.uint8]:
    image = canvas(driver).image
    assert image is not None
    return array_of(image)


def test_signs_are_seen_and_zero_is_the_background(driver: WindowDriver) -> None:
    open_maps(driver)
    code = np.zeros(49, np.float32)
    code[:2] = -0.4, 0.4
    driver.document.set_code(code)
    theme, shown = current_theme(), colors(driver)
    zero = theme.color("base")
    np.testing.assert_allclose(shown[3, 3], [zero.red(), zero.green(), zero.blue()], atol=1)
    for cell, name in (((0, 0), "accent"), ((0, 1), "warn")):
        wanted, middle_ = theme.color(name), shown[3, 3].astype(int)
        towards = np.array([wanted.red(), wanted.green(), wanted.blue()]) - middle_
        assert (shown[cell].astype(int) - middle_) @ towards > 0.5 * (towards @ towards)
    reach = driver.window.feature_maps.legend.reach
    assert reach is not None
    assert reach[0] == -reach[1]
    code[0] = -3.0
    driver.document.set_code(code)
    assert driver.window.feature_maps.legend.reach == (-3.0, 3.0), "the range goes as far as the code does"


def test_it_follows_the_colors_of_the_scheme(driver: WindowDriver, light_again: None, themed: object) -> None:
    open_maps(driver)
    driver.document.set_code(np.zeros(49, np.float32))
    seen = []
    for scheme in (Qt.ColorScheme.Light, Qt.ColorScheme.Dark):
        choose_scheme(themed, scheme)  # type: ignore[arg-type]
        QApplication.processEvents()
        seen.append(int(colors(driver)[0, 0].mean()))
    assert seen[0] > 200
    assert seen[1] < 60


# -- painting ----------------------------------------------------------------------------------------------------------


def test_a_stroke_edits_the_code_live_and_is_one_step(driver: WindowDriver) -> None:
    open_maps(driver)
    start = driver.code
    type_into(driver.find(QDoubleSpinBox, "feature_value"), "2.5")
    stroke(driver, (1, 1), (1, 3), (4, 3))
    assert changed(driver, start) == {(1, 1, 0), (1, 2, 0), (1, 3, 0), (2, 3, 0), (3, 3, 0), (4, 3, 0)}
    np.testing.assert_allclose(maps(driver)[2, 3, 0], painted_value(driver, 2.5), rtol=1e-5)
    driver.until_edited_shows(driver.code)
    assert driver.undo_label() == "Paint feature map c0"
    assert canvas(driver).image is not None
    driver.shortcut("action_undo")
    np.testing.assert_array_equal(driver.code, start)
    assert driver.undo_label() is None
    driver.until_edited_shows(start)


def test_every_move_of_the_mouse_is_reported_at_once(driver: WindowDriver) -> None:
    open_maps(driver)
    start, where = driver.code, canvas(driver)
    QTest.mousePress(where, Qt.MouseButton.LeftButton, pos=middle(driver, 0, 0).toPoint())
    assert changed(driver, start) == {(0, 0, 0)}
    QTest.mouseMove(where, middle(driver, 0, 1).toPoint())
    assert changed(driver, start) == {(0, 0, 0), (0, 1, 0)}
    QTest.mouseRelease(where, Qt.MouseButton.LeftButton, pos=middle(driver, 0, 1).toPoint())
    QTest.mouseMove(where, middle(driver, 3, 3).toPoint())
    assert changed(driver, start) == {(0, 0, 0), (0, 1, 0)}, "let go"


@pytest.mark.parametrize(
    ("button", "modifier"),
    [
        (Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier),
        (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier),
    ],
)
def test_the_images_own_values_come_back(
    driver: WindowDriver, button: Qt.MouseButton, modifier: Qt.KeyboardModifier
) -> None:
    open_maps(driver)
    start = driver.code
    stroke(driver, (1, 1), (1, 4))
    painted = driver.code
    QTest.mousePress(canvas(driver), button, modifier, middle(driver, 1, 2).toPoint())
    QTest.mouseRelease(canvas(driver), button, modifier, middle(driver, 1, 2).toPoint())
    assert changed(driver, start) == {(1, 1, 0), (1, 3, 0), (1, 4, 0)}
    driver.document.undo()
    np.testing.assert_array_equal(driver.code, painted)


def test_a_broad_brush_touches_a_disc(driver: WindowDriver) -> None:
    open_maps(driver)
    start = driver.code
    type_into(driver.find(QSpinBox, "feature_size"), "3")
    stroke(driver, (3, 3))
    assert changed(driver, start) == {(row, column, 0) for row in (2, 3, 4) for column in (2, 3, 4)}


def test_outside_the_map_nothing_begins(driver: WindowDriver) -> None:
    open_maps(driver)
    start, rect = driver.code, canvas(driver).map_rect()
    outside = QPoint(int(rect.left()) // 2, int(rect.center().y()))
    assert not rect.contains(QPointF(outside))
    QTest.mouseClick(canvas(driver), Qt.MouseButton.LeftButton, pos=outside)
    np.testing.assert_array_equal(driver.code, start)


def test_the_keyboard_does_it_all(driver: WindowDriver) -> None:
    open_maps(driver)
    start = driver.code
    driver.shortcut("action_paint")
    where = canvas(driver)
    assert where.hasFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Left, Qt.Key.Key_Left):
        QTest.keyClick(where, key)
    assert where.cell == (1, 0)
    assert driver.find(QLabel, "feature_cell").text().startswith("row 1, column 0:")
    QTest.keyClick(where, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert where.cell == (1, 5)
    step = painted_value(driver, NUDGE) - painted_value(driver, 0)
    QTest.keyClick(where, Qt.Key.Key_Plus)
    QTest.keyClick(where, Qt.Key.Key_Plus)
    QTest.keyClick(where, Qt.Key.Key_Minus)
    assert changed(driver, start) == {(1, 5, 0)}
    assert maps(driver)[1, 5, 0] == pytest.approx(float(maps(driver, start)[1, 5, 0]) + step, rel=1e-4)
    driver.document.undo()
    assert not changed(driver, start), "presses on one cell, one after another, are one step"
    QTest.keyClick(where, Qt.Key.Key_Space)
    assert maps(driver)[1, 5, 0] == pytest.approx(painted_value(driver, 3.0), rel=1e-4)
    QTest.keyClick(where, Qt.Key.Key_Delete)
    np.testing.assert_array_equal(driver.code, start)


# -- channels ----------------------------------------------------------------------------------------------------------


def test_channels_are_chosen_and_painted_one_by_one(driver: WindowDriver) -> None:
    open_maps(driver, (6, 5, 9))
    panel, start = driver.window.feature_maps, driver.code
    where = panel.grid.visualRect(panel.grid.model().index(3, 0)).center()
    QTest.mouseClick(panel.grid.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert panel.channel.value() == 3
    QTest.keyClick(panel.grid, Qt.Key.Key_Right)
    assert panel.channel.value() == 4
    QTest.keyClick(panel.grid, Qt.Key.Key_End)
    assert panel.channel.value() == 8
    QTest.keyClick(canvas(driver), Qt.Key.Key_PageUp)
    assert (panel.channel.value(), panel.grid.currentIndex().row()) == (7, 7)
    stroke(driver, (0, 0))
    assert changed(driver, start) == {(0, 0, 7)}
    np.testing.assert_allclose(maps(driver)[0, 0, 7], painted_value(driver, 3.0, 7), rtol=1e-5)


def test_one_channel_goes_back_to_the_image(driver: WindowDriver) -> None:
    open_maps(driver, (6, 5, 3))
    panel, start = driver.window.feature_maps, driver.code
    back = driver.find(QPushButton, "feature_back")
    assert not back.isEnabled()
    stroke(driver, (0, 0), (0, 3))
    panel.channel.setValue(1)
    stroke(driver, (2, 2))
    edited = driver.code
    driver.click("feature_back")
    assert {place[2] for place in changed(driver, start)} == {0}
    assert not back.isEnabled()
    driver.document.undo()
    np.testing.assert_array_equal(driver.code, edited)


def test_only_the_channels_in_view_are_painted(driver: WindowDriver) -> None:
    open_maps(driver, DEEP, count=8)
    panel = driver.window.feature_maps
    asked: list[int] = []
    image = panel._image

    def counted(channel: int) -> QImage:
        asked.append(channel)
        return image(channel)

    panel.grid.set_channels(128, counted, lambda channel: False)
    panel.grid.grab()
    assert asked
    assert max(asked) < 40
    panel.grid.verticalScrollBar().setValue(panel.grid.verticalScrollBar().maximum())
    asked.clear()
    panel.grid.grab()
    assert min(asked) > 80
    assert max(asked) == 127


def test_a_large_code_is_painted_and_a_stroke_keeps_one_old_code(driver: WindowDriver) -> None:
    open_maps(driver, DEEP, count=8)
    start = driver.code
    driver.window.feature_maps.channel.setValue(100)
    type_into(driver.find(QSpinBox, "feature_size"), "2")
    stroke(driver, (3, 3), (3, 20), (20, 20), (25, 4))
    places = changed(driver, start)
    assert {place[2] for place in places} == {100}
    assert len(places) > 60
    driver.until_edited_shows(driver.code)
    driver.document.undo()
    np.testing.assert_array_equal(driver.code, start)
    assert driver.undo_label() is None
