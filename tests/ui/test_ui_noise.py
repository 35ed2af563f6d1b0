"""The noise lab: a stack of noises, strength, seed, redraw, one image and a row; and nothing at all at strength 0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explorer_testing.menus import opened, pick
from explorer_testing.window import WindowDriver, plain
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QLineEdit, QPushButton, QSlider, QSpinBox, QToolButton
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from explorer.data.corruption import CORRUPTIONS, Noise, corrupt
from explorer.data.metrics import psnr, ssim
from explorer.data.sources import open_source
from explorer.document.views.noise import NOISE, NOISE_ROW, NoiseView
from explorer.ui.images import image_to_qimage
from explorer.ui.panels.noise_images import NoiseImagePage


def noise_view(driver: WindowDriver) -> NoiseView:
    view = driver.document.views[NOISE]
    assert isinstance(view, NoiseView)
    return view


def until_shows(driver: WindowDriver, *noises: Noise) -> NoiseView:
    """Wait until the whole row is shown with these noises."""
    assert driver.document.state.noises == noises

    def shown() -> bool:
        view = driver.document.views[NOISE]
        if not isinstance(view, NoiseView) or len(view.clean) != NOISE_ROW:
            return False
        return np.array_equal(view.noisy, corrupt(view.clean, noises))

    driver.until(shown)
    return noise_view(driver)


@pytest.fixture
def lab(driver: WindowDriver) -> WindowDriver:
    driver.open()
    driver.tab("Noise")
    until_shows(driver, Noise("gaussian", 0.2, seed=0))
    driver.document.forget_history()
    return driver


def test_the_typed_strength_is_the_noise_that_is_shown(lab: WindowDriver) -> None:
    lab.type_into("noise_1_strength", "0.5")
    view = until_shows(lab, Noise("gaussian", 0.5, seed=0))
    panel = lab.window.noise
    assert panel.one.noisy.image == image_to_qimage(view.noisy[0])
    assert panel.one.clean.image == image_to_qimage(view.clean[0])
    assert panel.one.reconstruction.image == image_to_qimage(view.reconstruction[0])
    assert panel.one.difference.image is not None
    assert plain(panel.one.noisy.detail).startswith(f"PSNR {view.of_noisy.psnr:.1f} dB")
    assert f"MSE {view.of_reconstruction.mse:.4f}" in plain(panel.one.reconstruction.detail)
    gain = view.of_reconstruction.psnr - view.of_noisy.psnr
    assert f"{abs(gain):.1f} dB" in panel.one.difference.detail
    assert ("gain" in panel.one.difference.detail) == (gain >= 0)
    lab.document.undo()
    assert lab.undo_label() is None, "a typed number is one step"
    until_shows(lab, Noise("gaussian", 0.2, seed=0))


def test_figures_are_scikit_images(lab: WindowDriver) -> None:
    view = noise_view(lab)
    for images, measured in ((view.noisy, view.of_noisy), (view.reconstruction, view.of_reconstruction)):
        clean, image = view.clean[0].astype(np.float64), np.clip(images[0], 0, 1).astype(np.float64)
        assert measured.psnr == pytest.approx(peak_signal_noise_ratio(clean, image, data_range=1), abs=1e-6)
        expected = structural_similarity(clean, image, data_range=1, channel_axis=2)
        assert measured.ssim == pytest.approx(expected, abs=1e-6)


def test_a_row_is_measured_as_a_row(lab: WindowDriver) -> None:
    lab.click("noise_several")
    view = noise_view(lab)
    table = lab.window.noise.row.table
    assert [len(row) for row in table.rows] == [NOISE_ROW] * 4
    assert table.isVisible()
    assert view.of_noisy_row.psnr == pytest.approx(psnr(view.clean, view.noisy))
    assert view.of_reconstruction_row.ssim == pytest.approx(ssim(view.clean, view.reconstruction))
    words = lab.find(QLabel, "noise_row_figures").text()
    assert words.startswith(f"Mean over {NOISE_ROW} images: corrupted PSNR {view.of_noisy_row.psnr:.1f} dB")
    lab.document.choose_image(28)
    lab.until(lambda: isinstance(lab.document.views[NOISE], NoiseView) and len(noise_view(lab).clean) == 2)
    assert [len(row) for row in table.rows] == [2] * 4, "the source ends there"


def test_an_unreadable_image_of_the_row_is_named(driver: WindowDriver, tmp_path: Path) -> None:
    for number in range(4):
        Image.new("L", (12, 10), 60 * number).save(tmp_path / f"{number}.png")
    source = open_source(tmp_path)
    (tmp_path / "2.png").write_bytes(b"no image")
    driver.open(source=source)
    driver.tab("Noise")
    driver.click("noise_several")
    driver.until(lambda: isinstance(driver.document.views[NOISE], NoiseView) and len(noise_view(driver).clean) == 3)
    figures = driver.find(QLabel, "noise_row_figures")
    assert figures.text().endswith("Skipped: 2.png")
    assert figures.toolTip()


def test_noises_are_stacked_and_taken_away_again(lab: WindowDriver) -> None:
    add = lab.find(QPushButton, "noise_add").menu().findChild(QAction, "noise_add_occlusion")
    assert isinstance(add, QAction)
    add.trigger()
    occlusion = Noise("occlusion", CORRUPTIONS["occlusion"].default, seed=0)
    until_shows(lab, Noise("gaussian", 0.2, seed=0), occlusion)
    QTest.mouseClick(lab.find(QToolButton, "noise_1_remove"), Qt.MouseButton.LeftButton)
    until_shows(lab, occlusion)
    QTest.mouseClick(lab.find(QToolButton, "noise_1_remove"), Qt.MouseButton.LeftButton)
    view = until_shows(lab)
    np.testing.assert_array_equal(view.noisy, view.clean)
    assert not lab.find(QSlider, "noise_1_slider").isVisible()


@pytest.mark.parametrize(("name", "mean", "sigma"), [("reference_digits", 0.5, 0.5), ("reference_faces", 0.0, 0.1)])
def test_the_references_noises_are_presets(lab: WindowDriver, name: str, mean: float, sigma: float) -> None:
    preset = lab.find(QPushButton, "noise_add").menu().findChild(QAction, f"noise_preset_{name}")
    assert isinstance(preset, QAction)
    preset.trigger()
    until_shows(lab, Noise("gaussian", sigma, mean, 0))


def test_a_drag_of_the_strength_is_one_step(lab: WindowDriver) -> None:
    slider, before = lab.find(QSlider, "noise_1_slider"), lab.document.state.noises
    share = before[0].strength / CORRUPTIONS["gaussian"].largest
    at = QPoint(round(7 + (slider.width() - 14) * share), slider.height() // 2)
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=at)
    for _ in range(8):
        at.setX(at.x() + 8)
        QTest.mouseMove(slider, at)
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=at)
    assert lab.document.state.noises[0].strength > 2 * before[0].strength
    assert lab.find(QDoubleSpinBox, "noise_1_strength").value() == lab.document.state.noises[0].strength
    lab.document.undo()
    assert lab.document.state.noises == before
    assert lab.undo_label() is None


def test_each_noise_has_one_strength_for_mouse_and_keyboard(lab: WindowDriver) -> None:
    lab.window.noise.edit.set_text("gaussian:0.2+blur:1")
    slider = lab.find(QSlider, "noise_2_slider")
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Right)
    first, last = lab.document.state.noises
    assert (first.strength, last.kind) == (0.2, "blur")
    assert last.strength > 1
    assert lab.find(QDoubleSpinBox, "noise_2_strength").value() == last.strength
    assert not lab.find(QLineEdit, "noise").isVisible(), "the text is only shown when asked for"
    shown = [slider for slider in lab.window.noise.findChildren(QSlider) if slider.isVisible()]
    assert [slider.objectName() for slider in shown] == ["noise_1_slider", "noise_2_slider"]


def test_the_same_seed_draws_the_same_noise(lab: WindowDriver) -> None:
    images = []
    for seed in ("7", "8", "7"):
        lab.type_into("noise_seed", seed)
        images.append(until_shows(lab, Noise("gaussian", 0.2, seed=int(seed))).noisy)
    np.testing.assert_array_equal(images[0], images[2])
    assert not np.array_equal(images[0], images[1])


def test_redraw_draws_other_noise_of_the_same_strength(lab: WindowDriver) -> None:
    before = noise_view(lab)
    lab.click("noise_redraw")
    (noise,) = lab.document.state.noises
    assert (noise.kind, noise.strength) == ("gaussian", 0.2)
    view = until_shows(lab, noise)
    assert not np.array_equal(view.noisy, before.noisy)
    np.testing.assert_array_equal(view.clean, before.clean)
    lab.document.undo()
    until_shows(lab, Noise("gaussian", 0.2, seed=0))


def test_there_is_nothing_to_draw_again_where_nothing_is_random(lab: WindowDriver) -> None:
    lab.window.noise.edit.set_text("blur:1")
    assert not lab.find(QPushButton, "noise_redraw").isEnabled()
    assert not lab.find(QSpinBox, "noise_seed").isEnabled()


def test_strength_0_is_the_clean_image(lab: WindowDriver) -> None:
    slider = lab.find(QSlider, "noise_1_slider")
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Home)
    view = until_shows(lab, Noise("gaussian", 0.0, seed=0))
    np.testing.assert_array_equal(view.noisy, view.clean)
    assert lab.window.noise.one.noisy.image == lab.window.noise.one.clean.image
    assert "∞" in lab.window.noise.one.noisy.detail


def test_every_kind_of_noise_can_be_chosen(lab: WindowDriver) -> None:
    box = lab.find(QComboBox, "noise_1_kind")
    for row in range(box.count()):
        box.setCurrentIndex(row)
        box.activated.emit(row)
        (noise,) = lab.document.state.noises
        assert noise.kind == box.itemData(row)
        until_shows(lab, noise)
    assert not lab.problems


def test_what_cannot_be_read_changes_nothing(lab: WindowDriver) -> None:
    lab.window.noise.edit.set_text("gauss:")
    assert lab.document.state.noises == (Noise("gaussian", 0.2, seed=0),)
    assert "Cannot read the noise “gauss:”. Write blur:1.5" in lab.find(QLineEdit, "noise").toolTip()


def test_nothing_is_corrupted_behind_another_tab(lab: WindowDriver) -> None:
    lab.tab("Map")
    assert NOISE not in lab.document.views.watched
    lab.document.choose_image(9)
    lab.settle()
    assert lab.document.views[NOISE] is None
    lab.tab("Noise")
    until_shows(lab, Noise("gaussian", 0.2, seed=0))


def test_its_images_have_menus(driver: WindowDriver) -> None:
    driver.open()
    driver.tab("Noise")
    driver.until(lambda: isinstance(driver.document.views[NOISE], NoiseView))
    page = driver.window.noise.findChild(NoiseImagePage)
    assert page is not None
    QTest.keyClick(page.noisy, Qt.Key.Key_Menu)
    keyframe = opened(page.noisy).findChild(QAction, "image_keyframe")
    assert keyframe is not None
    assert not keyframe.isEnabled(), "a corrupted image has no code"
    opened(page.noisy).close()
    QTest.keyClick(page.clean, Qt.Key.Key_Menu)
    pick(opened(page.clean), "image_keyframe")
    start = driver.document.state.start_code
    assert start is not None
    np.testing.assert_allclose(driver.document.timeline.keys[0], start)
