"""Looking closely on the stage: how large the image is, modes, zoom, pan, swipe, flip, and keys."""

from __future__ import annotations

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model, make_source
from explorer_testing.window import array_of, drag
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QColor, QImage, QNativeGestureEvent, QPointingDevice, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.document.document import Document
from explorer.document.views.image import IMAGE, encode_image
from explorer.types import ImageShape
from explorer.ui.panels.stage import StagePanel
from explorer.ui.widgets.image_frame import ImageFrame
from explorer.ui.widgets.image_scaling import Axis, enlarged
from explorer.ui.widgets.stage_canvas import MODES
from explorer.ui.widgets.stage_image import StageImage

MAGENTA = QColor(255, 0, 255)


class Stage:
    """A stage alone, over a document that nobody serves."""

    def __init__(self, bot: QtBot) -> None:
        self.bot = bot
        self.document = Document()
        self.panel = StagePanel(self.document)
        bot.addWidget(self.panel)

    def open(self, shape: ImageShape = (28, 28, 1), size: tuple[int, int] = (900, 560)) -> StagePanel:
        """Open a model and images of a shape, with the edited image all magenta."""
        model, source = make_model(image_shape=shape), make_source(6, shape)
        self.document.open(model, source)
        (view,) = encode_image(model.codec, source, model.card.preprocessing, 0)
        IMAGE.put(self.document, view)
        self.panel.resize(*size)
        self.panel.show()
        self.bot.waitExposed(self.panel)
        self.panel.activateWindow()
        self.bot.waitUntil(self.panel.isActiveWindow)
        self.panel.setFocus()
        magenta = QImage(shape[1], shape[0], QImage.Format.Format_RGB888)
        magenta.fill(MAGENTA)
        self.panel.edited.show_image(magenta)
        return self.panel


@pytest.fixture
def stage(themed: QApplication, qtbot: QtBot) -> Stage:
    return Stage(qtbot)


def magenta(panel: StagePanel) -> tuple[int, int]:
    """Return width and height of what is painted in magenta."""
    painted = array_of(panel.grab().toImage())
    rows, columns = np.nonzero((painted == (255, 0, 255)).all(axis=2))
    return (int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1) if len(rows) else (0, 0)


def press(panel: StagePanel, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press a key where the keyboard is."""
    focus = panel.focusWidget()
    assert focus is not None
    QTest.keyClick(focus, key, held)


def turn(frame: StageImage, where: QPointF, notches: int = 1) -> None:
    """Turn the wheel over an image."""
    none, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
    turned, keys = QPoint(0, 120 * notches), Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(where, frame.mapToGlobal(where), QPoint(), turned, none, keys, phase, False)
    QApplication.sendEvent(frame, event)


def center_of(frame: StageImage) -> tuple[float, float]:
    assert frame.image is not None
    across, down = frame.axes(frame.image)
    return across.center, down.center


# -- size --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "least"), [((900, 560), 480), ((720, 440), 340), ((1500, 850), 760)])
def test_the_edited_image_is_large(stage: Stage, size: tuple[int, int], least: int) -> None:
    panel = stage.open(size=size)
    width, height = magenta(panel)
    assert width == height >= least
    assert 130 <= panel.original.width() == panel.reconstruction.width() <= max(170, 0.32 * size[1])


@pytest.mark.parametrize("shape", [(16, 64, 3), (64, 16, 1), (21, 40, 3)])
def test_an_oblong_image_fills_its_place_in_one_direction(stage: Stage, shape: ImageShape) -> None:
    panel = stage.open(shape)
    width, height = magenta(panel)
    place = panel.edited
    assert width == place.width() or height == place.height() - place.caption_height(0)
    assert width / height == pytest.approx(shape[1] / shape[0], rel=0.05)


def test_the_least_stage_keeps_the_large_image(stage: Stage) -> None:
    panel = stage.open()
    panel.resize(panel.minimumSize())
    for mode in MODES:
        panel.set_mode(mode)
        QApplication.processEvents()
        assert panel.canvas.hero.image_rect().height() >= 70


def test_a_low_stage_shows_all_images(stage: Stage) -> None:
    panel = stage.open(size=(300, 240))
    for mode in MODES:
        panel.set_mode(mode)
        QApplication.processEvents()
        assert max(magenta(panel)) >= (48 if mode == "error" else 100)


# -- modes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        ("one", {"edited"}),
        ("two", {"original", "edited"}),
        ("three", {"original", "reconstruction", "edited"}),
        ("swipe", {"edited"}),
        ("error", {"original", "reconstruction", "error", "edited"}),
    ],
)
def test_a_mode_shows_its_images(stage: Stage, mode: str, shown: set[str]) -> None:
    panel = stage.open()
    panel.set_mode("one" if mode == "three" else "three")
    action = next(action for action in panel.commands.menu_actions() if action.name == f"action_stage_{mode}")
    assert action.checked is not None
    assert not action.checked.holds()
    with stage.bot.waitSignal(panel.mode_changed):
        action.run()
    assert action.checked.holds()
    frames = {
        "original": panel.original,
        "reconstruction": panel.reconstruction,
        "error": panel.error,
        "edited": panel.edited,
    }
    assert {name for name, frame in frames.items() if frame.isVisible()} == shown
    assert panel.edited.divider.isVisible() is (mode == "swipe")


def test_an_unknown_mode_is_ignored(stage: Stage) -> None:
    panel = stage.open()
    panel.set_mode("four")
    assert panel.mode == "three"


def test_the_error_map_has_a_scale_with_numbers(stage: Stage) -> None:
    panel = stage.open()
    panel.set_mode("error")
    frame = panel.error
    painted = array_of(frame.grab().toImage()).astype(int)
    rect = frame.image_rect()
    bar = painted[round(rect.top()) + 2 : round(rect.bottom()) - 2, round(rect.right()) + 14].sum(axis=1)
    assert bar[0] > 600, "bright at the top"
    assert bar[-1] < 40
    assert (np.diff(bar) <= 0).all(), "darker downward, whatever the eye makes of the colors"
    beside = painted[:, round(rect.right()) + 22 :]
    assert (np.abs(beside - painted[2, -2]).max(axis=2) > 60).sum() > 50, "the numbers"


# -- swipe and flip ----------------------------------------------------------------------------------------------------


def share_of_magenta(panel: StagePanel) -> float:
    """Return the share of columns of the edited image that are magenta from top to bottom."""
    rect = panel.edited.image_rect().toRect()
    painted = array_of(panel.edited.grab(rect).toImage())
    return float((painted[4:-4] == (255, 0, 255)).all(axis=2).all(axis=0).mean())


def test_the_divider_is_dragged(stage: Stage) -> None:
    panel = stage.open()
    panel.set_mode("swipe")
    divider = panel.edited.divider
    assert 0.4 < share_of_magenta(panel) < 0.5, "the divider and its right half"
    middle = QPointF(divider.rect().center())
    drag(divider, [middle, middle + QPointF(0.25 * panel.edited.image_rect().width(), 0)])
    assert divider.value() == 75
    assert 0.2 < share_of_magenta(panel) < 0.25
    left = panel.edited.grab(panel.edited.image_rect().toRect()).toImage()
    assert panel.original.image is not None
    first = panel.original.image.pixelColor(0, 0)
    assert left.pixelColor(4, 4) == first, "the original is on the left"


def test_the_divider_by_keyboard(stage: Stage) -> None:
    panel = stage.open()
    panel.set_mode("swipe")
    panel.setFocus()
    divider = panel.edited.divider
    assert divider.hasFocus()
    press(panel, Qt.Key.Key_Right)
    assert divider.value() == 52
    press(panel, Qt.Key.Key_Home)
    assert divider.value() == 0
    assert stage.document.state.image_index == 0, "the arrow keys are the divider's"
    node = QAccessible.queryAccessibleInterface(divider)
    assert node is not None
    assert node.role() == QAccessible.Role.Slider
    assert "Divider" in node.text(QAccessible.Text.Name)
    assert node.text(QAccessible.Text.Value) == "0"
    press(panel, Qt.Key.Key_Plus)
    assert panel.canvas.viewport.zoomed, "the other keys are the stage's"


def test_space_shows_the_original_until_pressed_again_or_the_code_changes(stage: Stage) -> None:
    panel = stage.open()
    panel.setFocus()
    press(panel, Qt.Key.Key_Space)
    assert panel.canvas.flipped
    assert panel.edited.title == panel.edited.accessibleName() == "Original"
    assert magenta(panel) == (0, 0)
    press(panel, Qt.Key.Key_Space)
    assert panel.edited.title == "Edited"
    assert min(magenta(panel)) > 400
    press(panel, Qt.Key.Key_Space)
    stage.document.set_code(as_floats(1, 1))
    assert not panel.canvas.flipped


def test_swipe_returns_after_a_flip(stage: Stage) -> None:
    panel = stage.open()
    panel.set_mode("swipe")
    press(panel, Qt.Key.Key_Space)
    assert not panel.edited.divider.isVisible()
    assert share_of_magenta(panel) == 0
    press(panel, Qt.Key.Key_Space)
    assert panel.edited.divider.isVisible()
    assert share_of_magenta(panel) > 0.4


# -- zoom --------------------------------------------------------------------------------------------------------------


def test_the_wheel_zooms_all_images_about_the_pointer(stage: Stage) -> None:
    panel = stage.open()
    frame = panel.edited
    assert frame.image is not None
    rect = frame.image_rect()
    where = QPointF(rect.left() + 0.7 * rect.width(), rect.top() + 0.4 * rect.height())
    before = [along.share(place) for along, place in zip(frame.axes(frame.image), (where.x(), where.y()), strict=True)]
    turn(frame, where, 4)
    assert panel.canvas.viewport.zoom == pytest.approx(1.25**4)
    after = [along.share(place) for along, place in zip(frame.axes(frame.image), (where.x(), where.y()), strict=True)]
    np.testing.assert_allclose(after, before, atol=0.01)
    for other in (panel.original, panel.reconstruction):
        assert other.image is not None
        across, down = other.axes(other.image)
        assert across.whole / other.image_rect().width() == pytest.approx(1.25**4, rel=0.02)
        np.testing.assert_allclose((across.center, down.center), center_of(frame), atol=0.12)
        assert "%" in other.accessibleDescription()
    turn(frame, where, -10)
    assert not panel.canvas.viewport.zoomed
    assert "%" not in frame.accessibleDescription()


def test_a_zoomed_image_is_dragged_and_a_double_click_shows_all(stage: Stage) -> None:
    panel = stage.open()
    frame = panel.edited
    middle = frame.image_rect().center()
    turn(frame, middle, 4)
    before = center_of(frame)
    drag(frame, [middle, middle + QPointF(-30, -10), middle + QPointF(-60, -20)])
    across, down = center_of(frame)
    assert frame.image is not None
    whole = frame.axes(frame.image)[0].whole
    assert across - before[0] == pytest.approx(60 / whole, abs=0.01)
    assert down - before[1] == pytest.approx(20 / whole, abs=0.01)
    drag(frame, [middle, middle + QPointF(5000, 0)])
    assert frame.axes(frame.image)[0].start == 0, "not beyond the edge"
    QTest.mouseDClick(panel.original, Qt.MouseButton.LeftButton, pos=panel.original.rect().center())
    assert not panel.canvas.viewport.zoomed


def test_zoom_and_pan_by_keyboard(stage: Stage) -> None:
    panel = stage.open()
    panel.setFocus()
    assert panel.edited.hasFocus()
    press(panel, Qt.Key.Key_Plus)
    press(panel, Qt.Key.Key_Plus)
    assert panel.canvas.viewport.zoom == pytest.approx(2)
    before = center_of(panel.edited)
    press(panel, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    press(panel, Qt.Key.Key_Up, Qt.KeyboardModifier.ControlModifier)
    across, down = center_of(panel.edited)
    assert across > before[0]
    assert down < before[1]
    press(panel, Qt.Key.Key_Minus)
    assert panel.canvas.viewport.zoom == pytest.approx(2**0.5)
    press(panel, Qt.Key.Key_0)
    assert not panel.canvas.viewport.zoomed
    for _ in range(20):
        press(panel, Qt.Key.Key_Plus)
    assert panel.edited.image is not None
    assert len(panel.edited.axes(panel.edited.image)[1].pixels()) in {5, 6, 7}, "at most as far as five pixels"


def test_two_fingers_zoom(stage: Stage) -> None:
    panel = stage.open()
    frame = panel.edited
    where = frame.image_rect().center()
    for kind, value, zoomed in (
        (Qt.NativeGestureType.ZoomNativeGesture, 0.5, True),
        (Qt.NativeGestureType.SmartZoomNativeGesture, 1.0, False),
    ):
        device = QPointingDevice.primaryPointingDevice()
        event = QNativeGestureEvent(kind, device, 2, where, where, frame.mapToGlobal(where), value, QPointF())
        QApplication.sendEvent(frame, event)
        assert panel.canvas.viewport.zoomed is zoomed


def test_a_grid_and_values_appear_when_pixels_are_large(stage: Stage) -> None:
    panel = stage.open()
    frame = panel.edited
    assert magenta(panel)[0] > 400
    assert share_of_magenta(panel) == 1, "no grid on the whole image"
    turn(frame, frame.image_rect().center(), 2)
    painted = array_of(frame.grab(frame.image_rect().toRect()).toImage())
    plain = (painted == (255, 0, 255)).all(axis=2).mean()
    assert 0.85 < plain < 0.99, "a line between any two pixels"
    turn(frame, frame.image_rect().center(), 20)
    assert frame.image is not None
    assert frame.axes(frame.image)[0].scale >= 40
    painted = array_of(frame.grab(frame.image_rect().toRect()).toImage()).astype(int)
    white = (painted.min(axis=2) > 200).sum() + (painted.max(axis=2) < 60).sum()
    assert white > 300, "three numbers in every pixel"


def test_images_of_another_size_are_seen_as_a_whole(stage: Stage) -> None:
    panel = stage.open()
    press(panel, Qt.Key.Key_Plus)
    panel.canvas.set_image_size(64, 32)
    assert not panel.canvas.viewport.zoomed


# -- keys --------------------------------------------------------------------------------------------------------------


def test_single_keys(stage: Stage) -> None:
    panel = stage.open()
    panel.setFocus()
    press(panel, Qt.Key.Key_K)
    assert len(stage.document.state.keyframes) == 1
    with stage.bot.waitSignal(panel.commands.alone_requested):
        press(panel, Qt.Key.Key_F)
    press(panel, Qt.Key.Key_K, Qt.KeyboardModifier.AltModifier)
    assert len(stage.document.state.keyframes) == 1, "a key with another one is another key"


def test_the_same_image_is_enlarged_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = stage.open()
    calls: list[QImage] = []

    def counted(qimage: QImage, across: Axis, down: Axis, former: QImage | None) -> QImage:
        calls.append(qimage)
        return enlarged(qimage, across, down, former)

    panel.grab()
    monkeypatch.setattr("explorer.ui.widgets.image_frame.enlarged", counted)
    panel.grab()
    panel.grab()
    assert not calls
    panel.resize(901, 570)
    panel.grab()
    assert calls


def test_a_title_without_room_is_shortened_and_stays_whole_for_readers(qtbot: QtBot) -> None:
    frames = [
        ImageFrame("Reconstruction", "", short="Recon."),
        ImageFrame("Recon.", ""),
        ImageFrame("Reconstruction", ""),
    ]
    for frame in frames:
        qtbot.addWidget(frame)
        frame.resize(84, 120)
    shortened, short, whole = (array_of(frame.grab().toImage()) for frame in frames)
    assert np.array_equal(shortened, short)
    for frame in frames:
        frame.resize(200, 240)
    assert frames[0].accessibleName() == "Reconstruction"
    assert np.array_equal(array_of(frames[0].grab().toImage()), array_of(frames[2].grab().toImage()))
    assert not np.array_equal(shortened, whole)
