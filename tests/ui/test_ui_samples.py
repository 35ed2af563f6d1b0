"""Samples and traversals: what is drawn, walked and clicked, with the threads that compute it."""

from __future__ import annotations

import numpy as np
from explorer_testing.builders import make_model
from explorer_testing.window import WindowDriver
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from explorer.document.open_requests import OpenRequest
from explorer.document.state import Sampling, Traversal
from explorer.document.views.samples import SAMPLE_COUNT, SAMPLES, SamplesView
from explorer.document.views.traversal import TRAVERSAL, TRAVERSAL_COLUMNS, TraversalView
from explorer.latent.components import to_components
from explorer.latent.sampling import FittedPrior, sample_normal
from explorer.paths import pretrained_dir
from explorer.ui.widgets.image_grid import ImageGrid


def samples(driver: WindowDriver) -> SamplesView:
    view = driver.document.views[SAMPLES]
    assert isinstance(view, SamplesView)
    return view


def until_samples(driver: WindowDriver, codes: np.ndarray) -> SamplesView:
    def shown() -> bool:
        view = driver.document.views[SAMPLES]
        return isinstance(view, SamplesView) and np.allclose(view.codes, codes, atol=1e-5)

    driver.until(shown)
    return samples(driver)


def press(table: ImageGrid, row: int, column: int) -> None:
    QTest.mouseClick(table, Qt.MouseButton.LeftButton, pos=table.cell(row, column).center())


def fitted(driver: WindowDriver, sampling: Sampling) -> np.ndarray:
    assert driver.document.model is not None
    prior = FittedPrior().fit(driver.document.model.sample.codes)
    return prior.sample(SAMPLE_COUNT, np.random.default_rng(sampling.seed), sampling.temperature)


def test_a_plain_model_is_sampled_where_its_codes_are(driver: WindowDriver) -> None:
    driver.open()
    assert driver.document.views[SAMPLES] is None, "nobody looks"
    driver.tab("Samples")
    view = until_samples(driver, fitted(driver, Sampling()))
    assert view.fitted
    assert "codes of test images" in driver.find(QLabel, "samples_hint").text()
    driver.click("samples_normal")
    until_samples(driver, sample_normal(SAMPLE_COUNT, 2, np.random.default_rng(0)))
    assert "do not follow N(0, I)" in driver.find(QLabel, "samples_hint").text()
    driver.type_into("samples_temperature", "0.5")
    until_samples(driver, sample_normal(SAMPLE_COUNT, 2, np.random.default_rng(0), 0.5))
    driver.type_into("samples_seed", "9")
    until_samples(driver, sample_normal(SAMPLE_COUNT, 2, np.random.default_rng(9), 0.5))
    driver.document.undo()
    driver.document.undo()
    driver.document.undo()
    assert driver.document.state.sampling == Sampling()


def test_a_variational_model_is_sampled_from_its_prior(driver: WindowDriver) -> None:
    driver.document.open_requested.emit(OpenRequest((pretrained_dir() / "digits-vae-2d",), "model"))
    driver.until(lambda: driver.document.model is not None)
    driver.tab("Samples")
    view = until_samples(driver, sample_normal(SAMPLE_COUNT, 2, np.random.default_rng(0)))
    assert not view.fitted
    assert driver.document.model is not None
    np.testing.assert_allclose(view.images, driver.document.model.codec.decode(view.codes), atol=1e-6)


def test_a_sample_is_taken_to_the_cursor(driver: WindowDriver) -> None:
    driver.open()
    driver.tab("Samples")
    view = until_samples(driver, fitted(driver, Sampling()))
    press(driver.window.samples.table, 2, 3)
    np.testing.assert_array_equal(driver.code, view.codes[2 * 8 + 3])
    assert driver.undo_label() == "Select sample"
    driver.until_edited_shows(driver.code)


def walked(driver: WindowDriver, wanted: object = None) -> TraversalView:
    """Wait for the rows around the cursor as it is."""

    def shown() -> bool:
        view = driver.document.views[TRAVERSAL]
        return isinstance(view, TraversalView) and (wanted is None or bool(wanted(view)))  # type: ignore[operator]

    driver.until(shown)
    view = driver.document.views[TRAVERSAL]
    assert isinstance(view, TraversalView)
    return view


def test_a_row_changes_one_dimension_and_nothing_else(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=5))
    driver.tab("Traversals")
    view, model = walked(driver), driver.document.model
    assert model is not None
    stats = model.sample.statistics
    assert view.rows.tolist() == np.argsort(-stats.sigma, kind="stable").tolist(), "those that vary most first"
    for row, dim in enumerate(view.rows.tolist()):
        expected = stats.mean[dim] + np.linspace(-3, 3, TRAVERSAL_COLUMNS) * stats.sigma[dim]
        np.testing.assert_allclose(view.codes[row, :, dim], expected, rtol=1e-4, atol=1e-5)
        others = [other for other in range(5) if other != dim]
        np.testing.assert_array_equal(view.codes[row][:, others], np.tile(driver.code[others], (TRAVERSAL_COLUMNS, 1)))
    press(driver.window.traversals.table, 1, 7)
    np.testing.assert_array_equal(driver.code, view.codes[1, 7])
    # The rows follow the cursor.
    dim = int(view.rows[0])
    other = int(view.rows[1])
    walked(driver, lambda now: now.codes[0, 0, other] == view.codes[1, 7, other] and now.rows[0] == dim)


def test_axes_are_walked_in_sigmas(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=5))
    driver.tab("Traversals")
    driver.click("traversals_axes")
    driver.type_into("traversals_reach", "2")
    view = walked(driver, lambda now: now.components and now.values[-1] == 2)
    assert driver.document.model is not None
    stats = driver.document.model.sample.statistics
    along = to_components(view.codes[1], stats)
    np.testing.assert_allclose(along[:, 1], np.linspace(-2, 2, TRAVERSAL_COLUMNS), atol=1e-3)
    np.testing.assert_allclose(along[:, 0], np.full(TRAVERSAL_COLUMNS, to_components(driver.code, stats)[0]), atol=1e-3)
    driver.document.undo()
    driver.document.undo()
    assert driver.document.state.traversal == Traversal()


def test_the_mean_code_with_each_dimension_at_its_maximum(driver: WindowDriver) -> None:
    driver.open(make_model(latent_dim=5))
    driver.tab("Traversals")
    driver.click("traversals_maximum")
    view = walked(driver, lambda now: not len(now.values))
    assert driver.document.model is not None
    stats = driver.document.model.sample.statistics
    table = view.codes.reshape(-1, 5)
    for place, dim in enumerate(view.rows.tolist()):
        expected = stats.mean.copy()
        expected[dim] = stats.quantiles[-1, dim]
        np.testing.assert_array_equal(table[place], expected)
    np.testing.assert_array_equal(table[len(view.rows)], stats.mean)


def test_without_a_model_it_is_said_what_to_do(driver: WindowDriver) -> None:
    for tab, table in (("Samples", driver.window.samples.table), ("Traversals", driver.window.traversals.table)):
        driver.tab(tab)
        assert table.rows == []
        assert "Open a model" in table.message
