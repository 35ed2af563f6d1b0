"""The noise lab: strength, seed, redraw, and nothing at all at strength 0."""

from __future__ import annotations

import numpy as np
from explorer_testing.window import Desk, plain
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSlider

from explorer.data.corruption import Noise, corrupt
from explorer.document.views import NoiseView
from explorer.ui.images import floats_to_qimage


def noise_view(desk: Desk) -> NoiseView:
    view = desk.document.noise_view
    assert isinstance(view, NoiseView)
    return view


def until_other(desk: Desk, before: NoiseView) -> NoiseView:
    desk.until(lambda: desk.document.noise_view is not before and isinstance(desk.document.noise_view, NoiseView))
    return noise_view(desk)


def test_the_typed_strength_is_the_noise_that_is_shown(desk: Desk) -> None:
    desk.open()
    desk.tab(1)
    before = noise_view(desk)
    desk.type_into("noise_strength", "0.5")
    assert desk.find(QDoubleSpinBox, "noise_strength").value() == 0.5
    view = until_other(desk, before)
    np.testing.assert_array_equal(view.noisy, corrupt(view.clean[None], (Noise("gaussian", 0.5, 0.0, 0),))[0])
    panel = desk.window.noise
    assert panel.noisy.image == floats_to_qimage(view.noisy)
    assert panel.clean.image == floats_to_qimage(view.clean)
    assert panel.reconstruction.image == floats_to_qimage(view.reconstruction)
    assert f"{view.noisy_psnr:.1f} dB" in plain(panel.noisy.detail)
    assert f"PSNR {view.reconstruction_psnr:.1f} dB" in plain(panel.reconstruction.detail)
    assert desk.find(QSlider, "noise_slider").value() == 50
    desk.document.undo()
    assert desk.document.undo_label is None, "a typed number is one step"


def test_a_drag_of_the_strength_is_one_step(desk: Desk) -> None:
    desk.open()
    desk.tab(1)
    slider, before = desk.find(QSlider, "noise_slider"), desk.document.noise
    assert before.strength == 0.2
    at = QPoint(round(7 + (slider.width() - 14) * 0.2), slider.height() // 2)
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=at)
    for _ in range(8):
        at.setX(at.x() + 10)
        QTest.mouseMove(slider, at)
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=at)
    assert desk.document.noise.strength > 0.5
    desk.document.undo()
    assert desk.document.noise == before
    assert slider.value() == 20
    assert desk.document.undo_label is None


def test_the_slider_obeys_the_keyboard(desk: Desk) -> None:
    desk.open()
    desk.tab(1)
    slider = desk.find(QSlider, "noise_slider")
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert desk.document.noise.strength == 0.21


def test_the_same_seed_draws_the_same_noise(desk: Desk) -> None:
    desk.open()
    desk.tab(1)
    pictures = []
    for seed in ("7", "8", "7"):
        before = noise_view(desk)
        desk.type_into("noise_seed", seed)
        pictures.append(until_other(desk, before).noisy)
    np.testing.assert_array_equal(pictures[0], pictures[2])
    assert not np.array_equal(pictures[0], pictures[1])


def test_redraw_draws_other_noise_of_the_same_strength(desk: Desk) -> None:
    desk.open()
    desk.tab(1)
    before, strength = noise_view(desk), desk.document.noise.strength
    desk.click("noise_redraw")
    view = until_other(desk, before)
    assert desk.document.noise.strength == strength
    assert not np.array_equal(view.noisy, before.noisy)
    np.testing.assert_array_equal(view.clean, before.clean)
    desk.document.undo()
    desk.until(lambda: np.array_equal(noise_view(desk).noisy, before.noisy))


def test_strength_0_is_the_clean_picture(desk: Desk) -> None:
    desk.open()
    desk.tab(1)
    slider, before = desk.find(QSlider, "noise_slider"), noise_view(desk)
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Home)
    view = until_other(desk, before)
    np.testing.assert_array_equal(view.noisy, view.clean)
    assert desk.window.noise.noisy.image == desk.window.noise.clean.image
    assert "∞" in desk.window.noise.noisy.detail


def test_a_mean_above_0_brightens(desk: Desk) -> None:
    desk.open()
    desk.tab(1)
    before = noise_view(desk)
    desk.type_into("noise_mean", "0.5")
    assert until_other(desk, before).noisy.mean() > before.noisy.mean() + 0.2


def test_every_kind_of_noise_can_be_chosen(desk: Desk) -> None:
    desk.open()
    desk.tab(1)
    box = desk.find(QComboBox, "noise_kind")
    box.setFocus()
    for row in range(box.count()):
        box.setCurrentIndex(row)
        box.activated.emit(row)
        desk.settle()
        assert desk.document.noise.kind == box.itemData(row)
    assert not desk.problems
