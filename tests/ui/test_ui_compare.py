"""The Compare tab: two models on one picture, errors on one scale, sliders of the second, noise for both, a table."""

from __future__ import annotations

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source
from explorer_testing.window import Desk, drag
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QPushButton, QTreeWidget

from explorer.data.corruption import Noise
from explorer.data.metrics import mse
from explorer.data.preprocessing import to_floats
from explorer.document.views import CompareView
from explorer.models.pca_codec import PcaCodec
from explorer.ui.color_map import heat
from explorer.ui.images import floats_to_qimage, pixels_to_qimage


@pytest.fixture
def compared(desk: Desk) -> Desk:
    """The window with 30 small pictures, the tab open, and PCA beside the model."""
    desk.open()
    desk.tab("Compare")
    assert desk.window.compare.frames[3].text == "Select a model to compare."
    desk.click("compare_pca")
    until_compared(desk)
    return desk


def until_compared(desk: Desk) -> None:
    document = desk.document
    desk.until(lambda: document.jobs == () and document.beside.code is not None)
    desk.until(lambda: isinstance(document.compare_view, CompareView))
    desk.settle()


def view_of(desk: Desk) -> CompareView:
    view = desk.document.compare_view
    assert isinstance(view, CompareView)
    return view


def clean(desk: Desk, picture: int) -> np.ndarray:
    model, source = desk.document.model, desk.document.source
    assert model is not None
    assert source is not None
    return to_floats(source.read(np.array([picture]), model.card.preprocessing))


def test_pca_of_the_same_size_is_one_click_away(compared: Desk) -> None:
    document, panel = compared.document, compared.window.compare
    beside, model, source = document.beside.model, document.model, document.source
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
    assert panel.frames[0].image == floats_to_qimage(given[0])
    assert panel.frames[3].title == beside.name


def test_errors_are_on_one_scale(compared: Desk) -> None:
    compared.document.choose_picture(4)
    until_compared(compared)
    view, frames = view_of(compared), compared.window.compare.frames
    largest = max(view.errors[0].max(), view.errors[1].max())
    assert view.errors[0].max() != view.errors[1].max()
    for frame, error in ((frames[2], view.errors[0]), (frames[4], view.errors[1])):
        assert frame.image == pixels_to_qimage(heat((error / largest).astype(np.float32)))
        assert f"{error.max():.2f}" in frame.detail


def test_each_has_sliders_of_its_own(compared: Desk) -> None:
    document, sliders = compared.document, compared.window.compare.sliders
    own, other = compared.code, document.beside.code
    before = view_of(compared)
    start = float(sliders.values[0])
    drag(sliders.viewport(), [sliders.handle_position(0, value) for value in np.linspace(start, start + 1.0, 6)])
    compared.until(lambda: document.compare_view is not before)
    moved = document.beside.code
    assert moved is not None
    assert other is not None
    assert np.flatnonzero(moved != other).tolist() == [0]
    assert compared.code is own, "the one latent cursor stands still"
    beside = document.beside.model
    assert beside is not None
    wanted = beside.codec.decode(moved[None])[0]
    compared.until(lambda: np.allclose(view_of(compared).made[1], wanted, atol=1e-6))
    np.testing.assert_allclose(view_of(compared).made[0], before.made[0])
    document.set_code(own + 1)
    compared.until(lambda: not np.allclose(view_of(compared).made[0], before.made[0]))
    compared.click("compare_reset")
    assert document.beside.code is other


def test_both_are_given_the_same_noise(compared: Desk) -> None:
    document = compared.document
    document.set_noises((Noise("gaussian", 0.4, seed=3),))
    before = view_of(compared)
    compared.click("compare_noisy")
    compared.until(lambda: document.compare_view is not before and isinstance(document.compare_view, CompareView))
    view = view_of(compared)
    np.testing.assert_array_equal(view.given[0], view.given[1])
    assert not np.allclose(view.given[0], before.given[0])
    beside = document.beside.model
    assert beside is not None
    np.testing.assert_allclose(
        view.made[1], beside.codec.decode(beside.codec.encode(view.given[1][None]))[0], atol=1e-6
    )
    assert not compared.window.compare.sliders.isEnabled()


def test_the_table_measures_both(compared: Desk) -> None:
    document = compared.document
    assert not compared.find(QTreeWidget, "compare_table").isVisible()
    compared.click("compare_measure")
    compared.until(lambda: len(document.beside.table) == 2)
    compared.until(lambda: document.jobs == ())
    table = compared.find(QTreeWidget, "compare_table")
    assert table.isVisible()
    titles = [table.topLevelItem(row).text(0) for row in range(table.topLevelItemCount())]  # type: ignore[union-attr]
    assert titles[1:5] == ["MSE", "PSNR", "SSIM", "BCE"]
    item = table.topLevelItem(1)
    assert item is not None
    first, second = document.beside.table
    assert [item.text(1), item.text(2)] == [f"{first.mse:.4f}", f"{second.mse:.4f}"]
    better = 1 if first.mse < second.mse else 2
    assert item.font(better).weight() > item.font(3 - better).weight()
    compared.click("compare_pca")
    compared.until(lambda: document.jobs == () and document.beside.table == ())
    assert table.topLevelItemCount() == 0


def test_a_model_of_the_library_stands_beside(desk: Desk) -> None:
    desk.window.library.tree.setFocus()
    desk.document.open_source_requested.emit("digits")
    desk.until(lambda: desk.document.source is not None)
    desk.click_item(desk.window.library.item_of("model", "digits-deep-49"))
    desk.until(lambda: desk.document.model is not None and desk.document.jobs == ())
    desk.tab("Compare")
    box = desk.find(QComboBox, "compare_with")
    place = box.findText("digits-denoise")
    assert place > 0
    box.setFocus()
    for _ in range(place):
        QTest.keyClick(box, Qt.Key.Key_Down)
    desk.until(lambda: desk.document.beside.model is not None)
    until_compared(desk)
    view = view_of(desk)
    assert view.mse[0] < view.mse[1], "without noise the one that was not trained to take noise away is better"
    assert desk.window.compare.frames[3].title == "digits-denoise"


def test_without_pictures_there_is_nothing_to_compare(desk: Desk) -> None:
    desk.tab("Compare")
    assert not desk.find(QPushButton, "compare_pca").isEnabled()
    assert not desk.find(QPushButton, "compare_measure").isEnabled()
    assert all(frame.image is None for frame in desk.window.compare.frames)


def test_another_model_beside_a_model_keeps_the_first(compared: Desk) -> None:
    other = make_model(seed=3)
    compared.document.open(other, make_source())
    compared.settle()
    assert compared.document.beside.model is not None
    until_compared(compared)
    made = other.codec.decode(compared.code[None])[0]
    compared.until(lambda: np.allclose(view_of(compared).made[0], made, atol=1e-6))
