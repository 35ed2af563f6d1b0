"""Quality over noise strength in the noise lab, and the cloud around the cursor; with the threads that compute them."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source, wrapped
from explorer_testing.codec import Gate
from explorer_testing.window import WindowDriver, plain
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QMenu, QProgressBar, QPushButton

from explorer.data.corruption import Noise
from explorer.document.state import Jitter
from explorer.document.views.cloud import CLOUD, CLOUD_SIZE, CloudView
from explorer.models.quality import QualityCurve, curve_strengths, quality_curve
from explorer.types import Floats
from explorer.ui.panels.noise_curve import NoiseCurvePage


@pytest.fixture
def lab(driver: WindowDriver) -> WindowDriver:
    driver.open(make_model(name="first"))
    driver.tab("Noise")
    driver.click("noise_curves")
    return driver


def page(lab: WindowDriver) -> NoiseCurvePage:
    curve = lab.window.noise.curve
    assert curve is not None
    return curve


def measured(lab: WindowDriver, count: int = 1) -> tuple[QualityCurve, ...]:
    """Press the button and wait for that many curves."""
    before = lab.document.analysis.quality
    lab.click("noise_measure")
    lab.until(lambda: lab.document.analysis.quality is not before)
    curves = lab.document.analysis.quality.curves
    assert len(curves) == count
    return curves


def expected(lab: WindowDriver, noises: tuple[Noise, ...]) -> QualityCurve:
    """Measure the open model as the command line would."""
    model, source = lab.document.model, lab.document.source
    assert model is not None
    assert source is not None
    *_, last = quality_curve(
        model.codec,
        source,
        source.splits.select("test", 300),
        model.card.preprocessing,
        noises,
        curve_strengths(noises[-1].kind),
        varied=len(noises) - 1,
        label=model.name,
    )
    assert isinstance(last, QualityCurve)
    return last


def test_the_curve_is_that_of_the_command_line(lab: WindowDriver) -> None:
    assert "Run" in lab.find(QLabel, "noise_plot_empty").text()
    assert not lab.find(QPushButton, "noise_save").isEnabled()
    (curve,) = measured(lab)
    reference = expected(lab, (Noise("gaussian", 0.2),))
    np.testing.assert_array_equal(curve.strengths, reference.strengths)
    np.testing.assert_allclose(curve.reconstructed.psnr, reference.reconstructed.psnr)
    np.testing.assert_allclose(curve.corrupted.ssim, reference.corrupted.ssim)
    corrupted, drawn = page(lab).plot.curves
    assert corrupted.dashed
    assert corrupted.xs == tuple(reference.strengths[1:]), "an infinite PSNR, that of no noise, has no place"
    assert drawn.name == "first"
    assert drawn.values == pytest.approx(reference.reconstructed.psnr)


def test_another_figure_is_another_curve(lab: WindowDriver) -> None:
    (curve,) = measured(lab)
    box = lab.find(QComboBox, "noise_metric")
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert box.currentData() == "ssim"
    corrupted, drawn = page(lab).plot.curves
    assert corrupted.values[0] == 1.0
    assert drawn.values == pytest.approx(curve.reconstructed.ssim)


def test_models_are_laid_over_one_another_where_they_compare(lab: WindowDriver) -> None:
    measured(lab)
    lab.document.open(make_model(name="second", seed=9))
    first, second = measured(lab, 2)
    assert (first.label, second.label) == ("first", "second")
    assert [curve.name for curve in page(lab).plot.curves] == ["corrupted", "first", "second"]
    measured(lab, 2)  # the same model again takes the place of its old curve
    lab.document.set_noises([Noise("blur", 1.0), Noise("gaussian", 0.4, seed=3)])
    (alone,) = measured(lab)
    assert [noise.kind for noise in alone.noises] == ["blur", "gaussian"]
    caption = plain(lab.find(QLabel, "noise_curve_values").text())
    assert caption.startswith("Gaussian noise from 0 to 1 on ")
    assert caption.endswith(", after blur:1")
    lab.click("noise_clear")
    assert page(lab).plot.curves == ()


def test_a_model_of_the_library_is_measured_without_being_opened(lab: WindowDriver) -> None:
    lab.document.open(source=make_source(20, (28, 28, 1)))
    menu = lab.find(QMenu, "noise_others_menu")
    menu.aboutToShow.emit()
    action = menu.findChild(QAction, "noise_other_digits-vae-2d")
    assert action is not None
    action.trigger()
    lab.until(lambda: bool(lab.document.analysis.quality.curves))
    assert lab.document.analysis.quality.curves[0].label == "digits-vae-2d"
    assert lab.document.model is not None
    assert lab.document.model.name == "first"


def test_a_measurement_shows_how_far_it_is_and_can_be_cancelled(lab: WindowDriver) -> None:
    gate = Gate()

    def hold(call: str, values: Floats) -> None:
        if call == "encode" and len(values) > 1:
            gate.pass_through(call, values)

    lab.document.open(wrapped(make_model(name="slow"), hold))
    lab.click("noise_measure")
    gate.wait_until_entered()
    lab.until(lab.find(QProgressBar, "noise_curve_progress").isVisible)
    lab.click("noise_curve_cancel")
    gate.open()
    lab.until(lambda: lab.document.analysis.running("quality") is None)
    assert not lab.find(QProgressBar, "noise_curve_progress").isVisible()
    assert lab.document.analysis.quality.curves == ()
    assert not lab.problems


def test_curves_are_written_as_image_drawing_and_table(lab: WindowDriver, tmp_path: Path) -> None:
    (curve,) = measured(lab)
    lab.click("noise_save")
    lab.save_as(tmp_path / "curve.png")
    for name in ("curve.svg", "curve.csv"):
        page(lab).save(tmp_path / name)
    with Image.open(tmp_path / "curve.png") as pil_image:
        assert pil_image.width == 1600
        assert len(pil_image.convert("RGB").getcolors(1 << 24) or []) > 10, "something is drawn"
    root = ET.parse(tmp_path / "curve.svg").getroot()
    assert root.tag.endswith("svg")
    assert "first" in "".join(root.itertext())
    with (tmp_path / "curve.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["strength"]) for row in rows] == pytest.approx(curve.strengths)
    assert [float(row["reconstructed_psnr"]) for row in rows] == pytest.approx(curve.reconstructed.psnr)
    page(lab).save(tmp_path / "missing" / "curve.svg")
    assert "does not exist. Create it" in str(lab.problems[-1].message)
    page(lab).save(tmp_path / "curve.bmp")
    assert "must end in .png or .svg" in str(lab.problems[-1].message)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curve.csv", "curve.png", "curve.svg"]


def cloud(lab: WindowDriver) -> CloudView:
    view = lab.document.views[CLOUD]
    assert isinstance(view, CloudView)
    return view


def until_cloud(lab: WindowDriver, jitter: Jitter) -> CloudView:
    """Wait for the cloud that belongs to the cursor and that jitter."""
    model, code = lab.document.model, lab.document.code
    assert model is not None
    assert code is not None
    noise = np.random.default_rng(jitter.seed).standard_normal((CLOUD_SIZE, len(code)), np.float32)
    noise[0] = 0
    codes = code + np.float32(jitter.sigma) * model.sample.statistics.sigma * noise

    def shown() -> bool:
        view = lab.document.views[CLOUD]
        return isinstance(view, CloudView) and np.allclose(view.codes, codes, atol=1e-6)

    lab.until(shown)
    np.testing.assert_allclose(cloud(lab).images, model.codec.decode(cloud(lab).codes), atol=1e-6)
    return cloud(lab)


def test_the_cloud_is_thrown_around_the_cursor_in_sigmas_of_the_data(lab: WindowDriver) -> None:
    assert lab.document.views[CLOUD] is None, "nobody sees it"
    lab.click("noise_code")
    view = until_cloud(lab, Jitter())
    assert view.spread == pytest.approx(np.sqrt(((view.images[1:] - view.images[0]) ** 2).mean()), rel=1e-5)
    lab.type_into("cloud_sigma", "1.5")
    wide = until_cloud(lab, Jitter(1.5))
    assert wide.spread > view.spread
    lab.type_into("cloud_seed", "7")
    until_cloud(lab, Jitter(1.5, 7))
    lab.document.set_code(lab.code + 1)
    until_cloud(lab, Jitter(1.5, 7))
    lab.document.undo()
    lab.document.undo()
    lab.document.undo()
    assert lab.document.state.jitter == Jitter()


def test_an_image_of_the_cloud_takes_the_cursor_to_its_code(lab: WindowDriver) -> None:
    lab.click("noise_code")
    view = until_cloud(lab, Jitter())
    table = lab.window.noise.cloud.table
    QTest.mouseClick(table, Qt.MouseButton.LeftButton, pos=table.cell(1, 2).center())
    np.testing.assert_array_equal(lab.code, view.codes[8])
    view = until_cloud(lab, Jitter())
    table.setFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Return):
        QTest.keyClick(table, key)
    np.testing.assert_array_equal(lab.code, view.codes[13])
    assert lab.undo_label() == "Select variation"


def test_no_spread_is_the_cursor_itself(lab: WindowDriver) -> None:
    lab.click("noise_code")
    lab.type_into("cloud_sigma", "0")
    assert until_cloud(lab, Jitter(0.0)).spread == 0
