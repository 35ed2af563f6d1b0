"""Statistics: a line for each dimension, correlations that can be walked, probes of labels, tables on disk."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source
from explorer_testing.window import WindowDriver
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QTableView, QTreeWidget

from explorer.data.preprocessing import Preprocessing, Reading
from explorer.document.open_requests import OpenRequest
from explorer.ui.dialogs.statistics import StatisticsDialog


@pytest.fixture
def opened(driver: WindowDriver) -> tuple[WindowDriver, StatisticsDialog]:
    """The window with the digits and their 49-dimensional model, and the dialog."""
    driver.document.open_requested.emit(OpenRequest(("digits",), "images"))
    driver.until(lambda: driver.document.source is not None)
    driver.open_item(driver.window.library.item_of("model", "digits-deep-49"))
    driver.until(lambda: driver.document.model is not None and driver.document.jobs == ())
    driver.settle()
    driver.shortcut("action_statistics")
    return driver, driver.find(StatisticsDialog, "statistics_dialog")


def cells(driver: WindowDriver, column: int) -> list[str]:
    model = driver.find(QTableView, "statistics_table").model()
    return [str(model.index(row, column).data()) for row in range(model.rowCount())]


def table_in(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def text(driver: WindowDriver, name: str) -> str:
    return driver.find(QLabel, name).text()


def test_every_dimension_has_a_line_and_a_title_sorts(opened: tuple[WindowDriver, StatisticsDialog]) -> None:
    driver, _ = opened
    model = driver.document.model
    assert model is not None
    statistics = model.sample.statistics
    assert cells(driver, 0) == [str(number) for number in range(49)]
    assert float(cells(driver, 2)[7]) == pytest.approx(statistics.sigma[7], abs=6e-4)
    header = driver.find(QTableView, "statistics_table").horizontalHeader()
    middle = header.sectionViewportPosition(2) + header.sectionSize(2) // 2
    for ordered in (np.argsort(statistics.sigma, kind="stable"), np.argsort(-statistics.sigma, kind="stable")):
        QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(middle, 8))
        assert cells(driver, 0) == [str(number) for number in ordered]
    active = int((model.sample.codes.var(axis=0) > 0.01).sum())
    assert f"{active} of 49 dimensions active" in text(driver, "statistics_about")


def test_kl_of_a_variational_model(opened: tuple[WindowDriver, StatisticsDialog]) -> None:
    driver, dialog = opened
    assert "KL" not in dialog.dimensions.titles
    driver.open_item(driver.window.library.item_of("model", "digits-vae-2d"))
    driver.until(lambda: driver.document.model is not None and driver.document.model.name == "digits-vae-2d")
    driver.settle()
    model = driver.document.model
    assert model is not None
    kl = model.sample.statistics.kl
    assert kl is not None
    assert dialog.dimensions.titles[6] == "KL"
    assert cells(driver, 6) == [f"{value:.3f}" for value in kl]
    assert f"Total KL: {kl.sum():.2f} nats" in text(driver, "statistics_about")


def test_correlations_are_numpys_and_can_be_walked(opened: tuple[WindowDriver, StatisticsDialog]) -> None:
    driver, dialog = opened
    driver.click("statistics_correlations")
    model = driver.document.model
    assert model is not None
    codes = model.sample.codes
    wanted = np.array(np.corrcoef(codes.astype(np.float64).T), np.float64)
    np.testing.assert_allclose(dialog.map.table, wanted, atol=1e-5)
    driver.until(lambda: dialog.map.height() > 300)
    # Through the dialog's own window: the offscreen platform cannot raise it over the one that lies below.
    place = dialog.map.mapTo(dialog, dialog.map.cell_rect(5, 8).center().toPoint())
    QTest.mouseMove(dialog.windowHandle(), place)
    driver.bot.waitUntil(lambda: text(driver, "statistics_cell") != "")
    assert text(driver, "statistics_cell").startswith("z₅ · z₈:")
    assert f"{wanted[5, 8]:+.2f}".lstrip("+-") in text(driver, "statistics_cell")
    dialog.map.setFocus()
    QTest.keyClick(dialog.map, Qt.Key.Key_Down)
    QTest.keyClick(dialog.map, Qt.Key.Key_Right)
    assert text(driver, "statistics_cell").startswith("z₆ · z₉:")
    np.fill_diagonal(wanted, 0)
    assert f"{np.abs(wanted).max():.2f}" in dialog.pairs.item(0).text()


def test_a_probe_tells_the_digits(opened: tuple[WindowDriver, StatisticsDialog], tmp_path: Path) -> None:
    driver, dialog = opened
    driver.click("statistics_labels")
    assert driver.find(QComboBox, "statistics_attribute").currentText() == "Label"
    driver.click("statistics_probe")
    driver.until(lambda: len(driver.document.analysis.probes) == 1)
    driver.until(lambda: driver.document.jobs == ())
    (probe,) = driver.document.analysis.probes
    assert (probe.classes, probe.count) == (10, 10_000)
    assert probe.accuracy > 0.85
    assert 0.1 < probe.majority_class < 0.2
    item = driver.find(QTreeWidget, "statistics_probes").topLevelItem(0)
    assert item is not None
    assert [item.text(0), item.text(1)] == ["Label", "10"]
    dialog.save(tmp_path / "probes.csv")
    rows = table_in(tmp_path / "probes.csv")
    assert rows[1][:3] == ["label", "10", "10000"]
    assert float(rows[1][3]) == probe.accuracy
    driver.document.open(make_model(), make_source())
    assert driver.find(QTreeWidget, "statistics_probes").topLevelItemCount() == 0, "of another model nothing was told"


def test_tables_on_disk(opened: tuple[WindowDriver, StatisticsDialog], tmp_path: Path) -> None:
    driver, dialog = opened
    driver.click("statistics_save")
    driver.save_as(tmp_path / "dimensions.csv")
    driver.until((tmp_path / "dimensions.csv").exists)
    rows = table_in(tmp_path / "dimensions.csv")
    assert rows[0][:3] == ["z", "Mean", "σ"]
    model = driver.document.model
    assert model is not None
    np.testing.assert_allclose([float(row[2]) for row in rows[1:]], model.sample.statistics.sigma, rtol=1e-6)
    driver.click("statistics_correlations")
    dialog.save(tmp_path / "correlations.csv")
    table = [[float(value) for value in row[1:]] for row in table_in(tmp_path / "correlations.csv")[1:]]
    np.testing.assert_allclose(table, dialog.map.table, atol=1e-6)
    (tmp_path / "file").write_text("")
    dialog.save(tmp_path / "file" / "correlations.csv")
    driver.until(lambda: len(driver.problems) == 1)


def test_each_channel_has_a_line(driver: WindowDriver, tmp_path: Path) -> None:
    figures = tuple({"mse": 0.001 * number, "psnr": 30.0 - number, "ssim": 0.9} for number in range(1, 5))
    reading = Reading(low=0, high=4095, depth=16)
    model = make_model(image_shape=(12, 10, 4), name="cells")
    changes = {
        "channel_metrics": figures,
        "preprocessing": Preprocessing.standard((12, 10, 4), reading=reading),
    }
    driver.open(replace(model, card=model.card.model_copy(update=changes)), make_source(image_shape=(12, 10, 4)))
    dialog = driver.window.latent.show_statistics()
    driver.click("statistics_channels")
    table = driver.find(QTreeWidget, "statistics_channel_table")
    lines = [table.topLevelItem(row) for row in range(table.topLevelItemCount())]
    assert [[line.text(column) for column in range(4)] for line in lines if line is not None][1] == [
        "2",
        "0.002",
        "28.0 dB",
        "0.900",
    ]
    assert text(driver, "statistics_about") == (
        "cells: quality of each channel on test images, for values from 0 to 1. Values 0–4,095 of the files are 0–1."
    )
    dialog.save(tmp_path / "channels.csv")
    assert table_in(tmp_path / "channels.csv")[4] == ["4", "0.004", "26.0", "0.9"]
    driver.document.open(make_model(), make_source())
    assert not driver.find(QPushButton, "statistics_channels").isVisible()
    assert driver.find(QPushButton, "statistics_dimensions").isChecked()


def test_a_probe_can_be_asked_for_once_a_model_is_open(driver: WindowDriver) -> None:
    driver.document.open(source=make_source())
    driver.window.latent.show_statistics()
    assert not driver.find(QPushButton, "statistics_probe").isEnabled()
    driver.document.open(make_model())
    assert driver.find(QPushButton, "statistics_probe").isEnabled()


def test_without_a_model_it_says_what_to_do(driver: WindowDriver) -> None:
    dialog = driver.window.latent.show_statistics()
    assert text(driver, "statistics_about") == "Open a model to see its latent statistics."
    assert dialog.dimensions.rowCount() == 0
    driver.click("statistics_correlations")
    assert dialog.map.table.shape == (0, 0)
    QTest.keyClick(dialog.map, Qt.Key.Key_Down)
    assert text(driver, "statistics_cell") == ""
