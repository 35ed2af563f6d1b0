"""The Outliers tab: ranking, threshold, gallery and files, with the threads that compute them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source, wrapped
from explorer_testing.codec import Gate
from explorer_testing.window import WindowDriver, array_of, drag, plain
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QProgressBar, QWidget

from explorer.data.metrics import Figures, mse_per_image
from explorer.data.mixer import Mix, MixedChannel, Mixer
from explorer.data.preprocessing import to_floats
from explorer.document.analysis import RankingView
from explorer.document.open_requests import OpenRequest
from explorer.paths import pretrained_dir
from explorer.types import Floats
from explorer.ui.widgets.error_histogram import ErrorHistogram


@pytest.fixture
def lab(driver: WindowDriver) -> WindowDriver:
    driver.open()
    driver.tab("Outliers")
    return driver


def ranked(lab: WindowDriver) -> RankingView:
    """Press the button and wait for another ranking."""
    before = lab.document.analysis.ranking
    lab.click("outliers_rank")
    lab.until(lambda: lab.document.analysis.ranking not in (None, before))
    return ranking(lab)


def ranking(lab: WindowDriver) -> RankingView:
    view = lab.document.analysis.ranking
    assert view is not None
    return view


def errors_of(lab: WindowDriver) -> Figures:
    model, source = lab.document.model, lab.document.source
    assert model is not None
    assert source is not None
    images = to_floats(source.read(np.arange(source.count), model.card.preprocessing))
    return mse_per_image(images, model.codec.decode(model.codec.encode(images)))


def histogram(lab: WindowDriver) -> ErrorHistogram:
    found = lab.window.outliers.histogram
    assert found is not None
    return found


def test_the_worst_come_first_beside_their_reconstructions(lab: WindowDriver) -> None:
    assert lab.find(QLabel, "outliers_empty").isVisible()
    view = ranked(lab)
    errors = errors_of(lab)
    order = np.argsort(-errors, kind="stable")
    np.testing.assert_array_equal(view.ranking.ranked, order)
    panel = lab.window.outliers
    assert panel.list.item(0).text() == f"{errors[order[0]]:.4f}"
    panel.list.setFocus()
    QTest.keyClick(panel.list, Qt.Key.Key_Home)
    QTest.mouseClick(
        panel.list.viewport(), Qt.MouseButton.LeftButton, pos=panel.list.visualItemRect(panel.list.item(1)).center()
    )
    assert lab.document.state.image_index == order[1]
    lab.click("outliers_best")
    assert panel.list.item(0).text() == f"{errors[order[-1]]:.4f}"
    assert not lab.find(QLabel, "outliers_empty").isVisible()


def test_the_threshold_is_a_share_of_the_models_own_images(lab: WindowDriver) -> None:
    ranked(lab)
    lab.type_into("outliers_usual", "50")
    view = ranking(lab)
    assert (view.ranking.reference <= view.ranking.threshold).mean() == pytest.approx(0.5, abs=0.03)
    above = (errors_of(lab) > view.ranking.threshold).sum()
    assert plain(lab.find(QLabel, "outliers_caption").text()).startswith(f"{above} of ")


def test_the_threshold_can_be_dragged_and_moved_by_keys(lab: WindowDriver) -> None:
    view = ranked(lab)
    lab.type_into("outliers_usual", "90")
    lab.settle()  # the histogram has its size
    start = ranking(lab).ranking.threshold
    plot = histogram(lab)
    wanted = (start + float(view.ranking.edges[0])) / 2
    viewport = plot.drawing.viewport()
    points = [plot.to_widget(start + (wanted - start) * step / 8) for step in range(9)]
    drag(viewport, points)
    assert plot.to_widget(ranking(lab).ranking.threshold).x() == pytest.approx(points[-1].x(), abs=2)
    dragged = ranking(lab).ranking
    share = 100 * (dragged.reference <= dragged.threshold).mean()
    assert lab.find(QDoubleSpinBox, "outliers_usual").value() == pytest.approx(share, abs=5)
    lab.find(QWidget, "outliers_plot").setFocus()
    QTest.keyClick(lab.find(QWidget, "outliers_plot"), Qt.Key.Key_Left)
    width = dragged.edges[1] - dragged.edges[0]
    assert ranking(lab).ranking.threshold == pytest.approx(dragged.threshold - width)


def test_what_is_above_goes_to_the_gallery(lab: WindowDriver) -> None:
    ranked(lab)
    lab.type_into("outliers_usual", "50")
    lab.click("outliers_pick")
    above = sorted(ranking(lab).ranking.above.tolist())
    gallery = lab.window.gallery
    assert [gallery.model.position(row) for row in range(gallery.model.rowCount())] == above
    box = lab.find(QComboBox, "gallery_label")
    assert box.currentText().startswith("MSE > ")
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    source = lab.document.source
    assert source is not None
    assert gallery.model.rowCount() == source.count


def test_other_images_have_no_ranking_and_nothing_picked_out(lab: WindowDriver) -> None:
    ranked(lab)
    lab.type_into("outliers_usual", "50")
    lab.click("outliers_pick")
    lab.document.open(source=make_source(30))
    assert lab.document.analysis.ranking is None
    assert lab.document.selection.picked is None
    assert lab.find(QLabel, "outliers_empty").isVisible()
    assert lab.window.gallery.model.rowCount() == 30


def test_a_ranking_can_be_cancelled(lab: WindowDriver) -> None:
    gate = Gate()

    def hold(call: str, values: Floats) -> None:
        if call == "encode" and len(values) > 1:
            gate.pass_through(call, values)

    lab.document.open(wrapped(make_model(name="slow"), hold))
    lab.click("outliers_rank")
    gate.wait_until_entered()
    lab.until(lab.find(QProgressBar, "outliers_progress").isVisible)
    lab.click("outliers_cancel")
    gate.open()
    lab.until(lambda: lab.document.analysis.running("ranking") is None)
    assert lab.document.analysis.ranking is None
    assert not lab.problems


def test_the_ranking_is_written_as_a_table_and_a_drawing(lab: WindowDriver, tmp_path: Path) -> None:
    view = ranked(lab)
    lab.click("outliers_save")
    lab.save_as(tmp_path / "worst.csv")
    lab.window.outliers.save(tmp_path / "worst.png")
    with (tmp_path / "worst.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["index"]) for row in rows] == view.ranking.ranked.tolist()
    with Image.open(tmp_path / "worst.png") as pil_image:
        assert pil_image.width == 1600
    lab.window.outliers.save(tmp_path / "none" / "worst.csv")
    assert "does not exist. Create it" in str(lab.problems[-1].message)


def test_clothing_is_off_a_digit_models_scale(lab: WindowDriver) -> None:
    """The model that ships, and images that ship: most clothes lie where one digit in a hundred does."""
    lab.document.open_requested.emit(OpenRequest((pretrained_dir() / "digits-vae-2d",), "model"))
    lab.until(lambda: lab.document.model is not None and lab.document.model.name == "digits-vae-2d")
    lab.document.open_requested.emit(OpenRequest(("clothing",), "images"))
    lab.until(lambda: lab.document.source is not None and lab.document.source.name == "clothing")
    view = ranked(lab)
    assert len(view.ranking.above) > 0.5 * len(view.ranking.indices)
    assert np.median(view.ranking.errors) > 2 * np.median(view.ranking.reference)


def test_the_mixer_draws_the_same_items_again(driver: WindowDriver) -> None:
    driver.open(make_model(image_shape=(12, 10, 4)), make_source(image_shape=(12, 10, 4)))
    driver.tab("Outliers")
    view, panel = ranked(driver), driver.window.outliers
    panel.list.setCurrentRow(2)
    red = Mix(channels=(MixedChannel(color="#ff0000"), *(MixedChannel(visible=False),) * 3))
    driver.document.set_mixer(Mixer(mixes=(red,)))
    assert panel.list.currentRow() == 2
    item = panel.list.item(0)
    assert item is not None
    pair = array_of(item.data(Qt.ItemDataRole.DecorationRole).toImage())
    np.testing.assert_array_equal(pair[:, :10, 0], view.images[0][0][..., 0])
    assert not pair[:, :10, 1:3].any(), "only the first channel, in red"
