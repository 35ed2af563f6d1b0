"""Steps of the tour: neighbors, attribute directions, code arithmetic, model comparison, statistics."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QListWidget

from explorer.document.views.cloud import CLOUD
from explorer.document.views.compare import COMPARE, CompareView
from explorer.document.views.nearest import NEAREST
from explorer.document.views.neighbors import NEIGHBORS, NeighborsView
from explorer.errors import EngineError
from explorer.tour.guide import Tour

_DIGITS, _FACES, _SHORT_FACES = "digits-deep-49", "faces-denoise", "faces-conv-16"


def neighbors(tour: Tour) -> None:
    """Find similar digits by code and by pixels, select one of them; then faces."""
    window = tour.running.window
    tour.open_model(_DIGITS)
    tour.show_panel("neighbors")
    _found(tour)
    tour.shoot("neighbors-digits")
    row = window.neighbors.by_code
    place = row.visualItemRect(row.item(2)).center()
    wanted = int(row.item(2).data(Qt.ItemDataRole.UserRole))
    QTest.mouseClick(row.viewport(), Qt.MouseButton.LeftButton, pos=place)
    tour.until(lambda: tour.document.state.image_index == wanted, "the clicked neighbor")
    if not tour.has_model(_FACES):
        return
    tour.open_model(_FACES)
    _found(tour)
    tour.choose("neighbors_metric", "cosine")
    _found(tour)
    tour.shoot("neighbors-faces")
    tour.choose("neighbors_metric", "l2")


def directions(tour: Tour) -> None:
    """Find the directions of sunglasses and of a smile, add both as sliders, and move them."""
    if not tour.has_model(_FACES):
        return
    tour.open_model(_FACES)
    tour.settle()
    tour.trigger("action_find_directions")
    dialog = tour.running.window.latent.find_directions()
    for attribute, value in (("eyes", "sunglasses"), ("mouth", "big smile")):
        _find(tour, attribute, value)
        tour.click("directions_keep")
    tour.shoot("directions-dialog", dialog)
    tour.click("directions_close")
    sliders = tour.running.window.latent.sliders
    for number in range(2):
        start = float(sliders.values[number])
        points = [sliders.handle_position(number, start + step * (1.8 - start) / 10) for step in range(11)]
        tour.drag(sliders.viewport(), points)
        if sliders.values[number] <= start:
            raise EngineError("Moving the slider of a direction did not change the code.")
    tour.settle()
    tour.shoot("directions")
    tour.document.direction_search.drop(range(len(tour.document.state.directions)))


def arithmetic(tour: Tour) -> None:
    """Compute a − b + c on three faces, then variations of the result."""
    if not tour.has_model(_SHORT_FACES):
        return
    tour.open_model(_SHORT_FACES)
    tour.show_panel("arithmetic")
    for letter, image in (("a", 4), ("b", 9), ("c", 12)):
        tour.document.choose_image(image)
        tour.settle()
        tour.click(f"slot_{letter}_add")
    tour.until(lambda: tour.document.state.arithmetic.result() is not None, "the result")
    tour.until(lambda: isinstance(tour.document.views[NEAREST], NeighborsView), "the nearest image of the dataset")
    tour.settle()
    tour.shoot("arithmetic")
    tour.click("arithmetic_more")
    tour.until(lambda: tour.document.views[CLOUD] is not None, "the variations")
    tour.settle()
    tour.shoot("more-like-this")
    tour.click("arithmetic_sum")


def compare(tour: Tour) -> None:
    """Compare a deep model of the digits with PCA of the same latent dimension, and benchmark both."""
    tour.open_model(_DIGITS)
    tour.show_panel("compare")
    tour.click("compare_pca")
    _compared(tour)
    tour.shoot("compare-pca")
    tour.click("compare_measure")
    tour.until(lambda: len(tour.document.comparison.table) == 2, "the metrics of both models")
    # The compression metrics are at the bottom.
    tour.running.window.compare.table.scrollToBottom()
    tour.shoot("compare-table")
    tour.click("compare_images")


def statistics(tour: Tour) -> None:
    """Show latent statistics, correlations and the linear probe of a 49-dimensional code."""
    tour.open_model(_DIGITS)
    tour.settle()
    dialog = tour.running.window.latent.show_statistics()
    tour.click("statistics_correlations")
    tour.shoot("statistics-correlations", dialog)
    tour.click("statistics_labels")
    tour.click("statistics_probe")
    tour.until(lambda: len(tour.document.analysis.probes) > 0, "the linear probe of the labels")
    tour.shoot("statistics-labels", dialog)
    tour.click("statistics_dimensions")
    tour.click("statistics_close")


def _found(tour: Tour) -> None:
    tour.settle()
    tour.until(lambda: not tour.document.jobs, "the index")
    tour.until(lambda: isinstance(tour.document.views[NEIGHBORS], NeighborsView), "the neighbors")


def _find(tour: Tour, attribute: str, value: str) -> None:
    box, values = tour.find(QComboBox, "directions_attribute"), tour.find(QListWidget, "directions_values")
    if box.currentData() != attribute:
        tour.choose("directions_attribute", attribute)
    found = values.findItems(value, Qt.MatchFlag.MatchExactly)
    if not found:
        raise EngineError("The attribute {name} has no value {value}.", name=attribute, value=value)
    item = found[0]
    values.scrollToItem(item)
    QTest.mouseClick(values.viewport(), Qt.MouseButton.LeftButton, pos=values.visualItemRect(item).center())
    before = tour.document.direction_search.found
    tour.click("directions_find")
    tour.until(lambda: tour.document.direction_search.found is not before, f"the direction of {value}")


def _compared(tour: Tour) -> None:
    tour.until(
        lambda: tour.document.comparison.code is not None and not tour.document.jobs, "the code of the second model"
    )
    tour.until(lambda: isinstance(tour.document.views[COMPARE], CompareView), "both images")
    view = tour.document.views[COMPARE]
    if not isinstance(view, CompareView) or not np.isfinite(view.mse).all():
        raise EngineError("The comparison has no metrics.")
    tour.settle()
