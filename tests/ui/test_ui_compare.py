"""The Compare tab: two models on one image, errors on one scale, sliders of the second, noise for both, a table."""

from __future__ import annotations

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source
from explorer_testing.menus import opened, pick
from explorer_testing.window import WindowDriver, array_of, drag
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QPushButton, QTreeWidget

from explorer.data.corruption import Noise
from explorer.data.metrics import mse
from explorer.data.preprocessing import to_floats
from explorer.document.open_requests import OpenRequest
from explorer.document.views.compare import COMPARE, CompareView
from explorer.models.evaluation import Evaluation, evaluate
from explorer.models.pca_codec import PcaCodec
from explorer.ui.color_map import heat
from explorer.ui.images import image_to_qimage, pixels_to_qimage
from explorer.ui.text import decibels


@pytest.fixture
def compared(driver: WindowDriver) -> WindowDriver:
    """The window with 30 small images, the tab open, and PCA beside the model."""
    driver.open()
    driver.tab("Compare")
    assert driver.window.compare.frames[3].text == "Select a model to compare."
    driver.click("compare_pca")
    until_compared(driver)
    return driver


def until_compared(driver: WindowDriver) -> None:
    document = driver.document
    driver.until(lambda: document.jobs == () and document.comparison.code is not None)
    driver.until(lambda: isinstance(document.views[COMPARE], CompareView))
    driver.settle()


def view_of(driver: WindowDriver) -> CompareView:
    view = driver.document.views[COMPARE]
    assert isinstance(view, CompareView)
    return view


def clean(driver: WindowDriver, image_index: int) -> np.ndarray:
    model, source = driver.document.model, driver.document.source
    assert model is not None
    assert source is not None
    return to_floats(source.read(np.array([image_index]), model.card.preprocessing))


def test_pca_of_the_same_size_is_one_click_away(compared: WindowDriver) -> None:
    document, panel = compared.document, compared.window.compare
    beside, model, source = document.comparison.model, document.model, document.source
    assert beside is not None
    assert model is not None
    assert source is not None
    assert isinstance(beside.codec, PcaCodec)
    assert beside.latent_dim == model.latent_dim
    assert compared.find(QComboBox, "compare_with").currentText() == f"PCA {model.latent_dim}"
    train = to_floats(source.read(source.splits.train, model.card.preprocessing))
    fitted = PcaCodec(train, model.latent_dim)
    given = clean(compared, 0)
    np.testing.assert_allclose(view_of(compared).made[1], fitted.decode(fitted.encode(given))[0], atol=1e-4)
    np.testing.assert_allclose(view_of(compared).mse[1], mse(given, fitted.decode(fitted.encode(given))), atol=1e-6)
    assert panel.frames[0].image == image_to_qimage(given[0])
    assert panel.frames[3].title == beside.name


def test_errors_are_on_one_scale(compared: WindowDriver) -> None:
    compared.document.choose_image(4)
    until_compared(compared)
    view, frames = view_of(compared), compared.window.compare.frames
    largest = max(view.errors[0].max(), view.errors[1].max())
    assert view.errors[0].max() != view.errors[1].max()
    for frame, error in ((frames[2], view.errors[0]), (frames[4], view.errors[1])):
        assert frame.image == pixels_to_qimage(heat((error / largest).astype(np.float32)))
        assert f"{error.max():.2f}" in frame.detail


def test_both_get_the_unedited_image_unless_asked(compared: WindowDriver) -> None:
    document, before = compared.document, view_of(compared)
    beside, model = document.comparison.model, document.model
    assert beside is not None
    assert model is not None
    given = clean(compared, 0)
    edited = compared.code + 1
    document.set_code(edited)
    compared.until(lambda: document.views[COMPARE] is not before and isinstance(document.views[COMPARE], CompareView))
    for place, codec in enumerate((model.codec, beside.codec)):
        made = codec.decode(codec.encode(given))[0]
        np.testing.assert_allclose(view_of(compared).made[place], made, atol=1e-4)
    assert "edited" not in compared.window.compare.frames[1].detail
    compared.click("compare_edited")
    made = model.codec.decode(edited[None])[0]
    compared.until(lambda: np.allclose(view_of(compared).made[0], made, atol=1e-6))
    assert compared.window.compare.frames[1].detail.startswith("edited")


def test_each_has_sliders_of_its_own(compared: WindowDriver) -> None:
    document, sliders = compared.document, compared.window.compare.sliders
    assert not sliders.isEnabled()
    compared.click("compare_edited")
    own, other = compared.code, document.comparison.code
    before = view_of(compared)
    start = float(sliders.values[0])
    drag(sliders.viewport(), [sliders.handle_position(0, value) for value in np.linspace(start, start + 1.0, 6)])
    compared.until(lambda: document.views[COMPARE] is not before)
    moved = document.comparison.code
    assert moved is not None
    assert other is not None
    assert np.flatnonzero(moved != other).tolist() == [0]
    assert compared.code is own, "the one latent cursor stands still"
    beside = document.comparison.model
    assert beside is not None
    wanted = beside.codec.decode(moved[None])[0]
    compared.until(lambda: np.allclose(view_of(compared).made[1], wanted, atol=1e-6))
    np.testing.assert_allclose(view_of(compared).made[0], before.made[0])
    document.set_code(own + 1)
    compared.until(lambda: not np.allclose(view_of(compared).made[0], before.made[0]))
    compared.click("compare_reset")
    assert document.comparison.code is other


def test_both_are_given_the_same_noise(compared: WindowDriver) -> None:
    document = compared.document
    document.set_noises((Noise("gaussian", 0.4, seed=3),))
    before = view_of(compared)
    compared.click("compare_noisy")
    compared.until(lambda: document.views[COMPARE] is not before and isinstance(document.views[COMPARE], CompareView))
    view = view_of(compared)
    np.testing.assert_array_equal(view.given[0], view.given[1])
    assert not np.allclose(view.given[0], before.given[0])
    beside = document.comparison.model
    assert beside is not None
    np.testing.assert_allclose(
        view.made[1], beside.codec.decode(beside.codec.encode(view.given[1][None]))[0], atol=1e-6
    )
    assert not compared.window.compare.sliders.isEnabled()


def test_the_table_measures_both(compared: WindowDriver) -> None:
    document = compared.document
    assert not compared.find(QTreeWidget, "compare_table").isVisible()
    compared.click("compare_measure")
    compared.until(lambda: len(document.comparison.table) == 2)
    compared.until(lambda: document.jobs == ())
    table = compared.find(QTreeWidget, "compare_table")
    assert table.isVisible()
    titles = [table.topLevelItem(row).text(0) for row in range(table.topLevelItemCount())]  # type: ignore[union-attr]
    assert titles[1:5] == ["MSE", "PSNR", "SSIM", "BCE"]
    item = table.topLevelItem(1)
    assert item is not None
    first, second = document.comparison.table
    assert [item.text(1), item.text(2)] == [f"{first.mse:.4f}", f"{second.mse:.4f}"]
    better = 1 if first.mse < second.mse else 2
    assert item.font(better).weight() > item.font(3 - better).weight()
    compared.click("compare_pca")
    compared.until(lambda: document.jobs == () and document.comparison.table == ())
    assert table.topLevelItemCount() == 0


def test_the_table_measures_each_of_several_channels(driver: WindowDriver) -> None:
    model, source = make_model(image_shape=(12, 10, 4)), make_source(image_shape=(12, 10, 4))
    driver.open(model, source)
    driver.tab("Compare")
    driver.click("compare_measure")
    driver.until(lambda: len(driver.document.comparison.table) == 2)
    *_, expected = evaluate(model.codec, source, source.splits.test, model.card.preprocessing)
    assert isinstance(expected, Evaluation)
    table = driver.find(QTreeWidget, "compare_table")
    items = [table.topLevelItem(row) for row in range(table.topLevelItemCount())]
    shown = {item.text(0): item.text(1) for item in items if item is not None}
    assert list(shown)[2:7] == ["PSNR", *(f"PSNR, channel {number}" for number in (1, 2, 3, 4))]
    for number, figures in enumerate(expected.channels, start=1):
        assert shown[f"PSNR, channel {number}"] == decibels(figures["psnr"])


def test_without_a_second_model_the_table_measures_pca(driver: WindowDriver) -> None:
    driver.open()
    driver.tab("Compare")
    driver.click("compare_measure")
    driver.until(lambda: len(driver.document.comparison.table) == 2)
    assert driver.document.comparison.table[1].name.startswith("PCA")


def test_a_model_of_the_library_stands_beside(driver: WindowDriver) -> None:
    driver.window.library.tree.setFocus()
    driver.document.open_requested.emit(OpenRequest(("digits",), "images"))
    driver.until(lambda: driver.document.source is not None)
    driver.open_item(driver.window.library.item_of("model", "digits-deep-49"))
    driver.until(lambda: driver.document.model is not None and driver.document.jobs == ())
    driver.tab("Compare")
    box = driver.find(QComboBox, "compare_with")
    place = box.findText("digits-denoise")
    assert place > 0
    box.setFocus()
    for _ in range(place):
        QTest.keyClick(box, Qt.Key.Key_Down)
    driver.until(lambda: driver.document.comparison.model is not None)
    until_compared(driver)
    view = view_of(driver)
    assert view.mse[0] < view.mse[1], "without noise the one that was not trained to take noise away is better"
    assert driver.window.compare.frames[3].title == "digits-denoise"


def test_without_images_there_is_nothing_to_compare(driver: WindowDriver) -> None:
    driver.tab("Compare")
    assert not driver.find(QPushButton, "compare_pca").isEnabled()
    assert not driver.find(QPushButton, "compare_measure").isEnabled()
    assert all(frame.image is None for frame in driver.window.compare.frames)


def test_another_model_beside_a_model_keeps_the_first(compared: WindowDriver) -> None:
    other = make_model(seed=3)
    compared.document.open(other, make_source())
    compared.settle()
    assert compared.document.comparison.model is not None
    until_compared(compared)
    made = other.codec.decode(compared.code[None])[0]
    compared.until(lambda: np.allclose(view_of(compared).made[0], made, atol=1e-6))


def test_its_images_have_menus(compared: WindowDriver) -> None:
    given, first, first_error, *_ = compared.window.compare.frames
    start = compared.document.state.start_code
    assert start is not None
    for frame in (given, first):
        QTest.keyClick(frame, Qt.Key.Key_Menu)
        pick(opened(frame), "image_bookmark")
    assert [bookmark.code.tolist() for bookmark in compared.document.state.bookmarks] == [start.tolist()] * 2
    QTest.keyClick(first_error, Qt.Key.Key_Menu)
    keyframe = opened(first_error).findChild(QAction, "image_keyframe")
    assert keyframe is not None
    assert not keyframe.isEnabled(), "an error map has no code"
    pick(opened(first_error), "image_copy")
    assert first_error.image is not None
    np.testing.assert_array_equal(array_of(QApplication.clipboard().image()), array_of(first_error.image))


def test_it_says_that_a_pca_is_being_fitted(driver: WindowDriver) -> None:
    driver.open()
    driver.tab("Compare")
    second = driver.window.compare.frames[3]
    assert second.text == "Select a model to compare."
    driver.click("compare_pca")
    assert second.text == "Fitting PCA…"
    driver.until(lambda: second.image is not None)


def test_a_pca_of_former_images_is_not_kept(compared: WindowDriver) -> None:
    document = compared.document
    compared.click("compare_measure")
    compared.until(lambda: len(document.comparison.table) == 2)
    source = make_source(9, name="others")
    document.open(source=source)
    compared.settle()
    assert document.comparison.model is None
    assert document.comparison.table == ()
    assert compared.window.compare.frames[3].text == "Select a model to compare."
