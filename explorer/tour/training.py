"""Steps of the tour: two real trainings."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QSlider, QTabWidget

from explorer.document.views.image import IMAGE, ImageView
from explorer.document.views.training_progress import TRAINING_PROGRESS, TrainingProgressView
from explorer.errors import EngineError
from explorer.tour.guide import Tour

NETWORK, CURVES, PROGRESS, RUNS = range(4)


def train(tour: Tour) -> None:
    """Train a small model with live preview: screenshots early, midway and at the end, and the training progress."""
    # A model in training is opened at once unless that would remove keyframes.
    if tour.document.state.keyframes:
        tour.trigger("timeline_clear")
    tour.show_panel("train")
    _show_page(tour, NETWORK)
    tour.shoot("network")
    tour.type_number("train_epochs", 40)
    tour.type_number("train_limit", 4_000)
    _name(tour, f"tour-{time.time_ns() % 10**8}")
    tour.click("train_start")
    tour.until(lambda: _learned(tour) is not None, "the first live preview")
    tour.settle()
    tour.shoot("training-early")
    early = _error(tour)
    tour.until(lambda: tour.document.training.progress >= 10, "ten epochs")
    midway = _hold(tour)
    tour.until(lambda: _learned(tour) is None and tour.document.training.phase == "finished", "the trained model")
    _settle_again(tour)
    tour.shoot("training-end")
    late = _error(tour)
    if not late < midway < early:
        raise EngineError(
            "The reconstructions did not improve: MSE {early:.4f}, {midway:.4f}, {late:.4f}.",
            early=early,
            midway=midway,
            late=late,
        )
    _look_back(tour)


def _settle_again(tour: Tour) -> None:
    """Wait for the views of the current version of the model; older views stay until then."""
    tour.document.step_image(-1)
    tour.document.step_image(1)
    tour.settle()


def _hold(tour: Tour) -> float:
    """Pause, show the current model and the runs, and resume; return the error at that moment."""
    tour.click("train_pause")
    tour.until(lambda: tour.document.training.phase == "paused", "the training to pause")
    # A paused training has sent its current model.
    tour.until(lambda: (_learned(tour) or 0.0) >= 10, "the model after ten epochs")
    _settle_again(tour)
    tour.shoot("training-midway")
    error = _error(tour)
    _show_page(tour, RUNS)
    tour.until(lambda: len(tour.document.trainings.runs) > 0, "the list of runs")
    tour.shoot("training-paused")
    tour.click("train_pause")
    tour.until(lambda: tour.document.training.phase != "paused", "the training to resume")
    _show_page(tour, CURVES)
    return error


def _look_back(tour: Tour) -> None:
    _show_page(tour, PROGRESS)
    slider = tour.find(QSlider, "train_frames_slider")
    views = tour.document.views
    tour.until(lambda: isinstance(views[TRAINING_PROGRESS], TrainingProgressView), "the training progress")
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Home)
    for _ in range(max(1, slider.maximum() // 3)):
        QTest.keyClick(slider, Qt.Key.Key_Right)
    wanted = tour.document.training.progress_frames[slider.value()].path
    tour.until(lambda: _frame(tour) == wanted, "the selected frame")
    tour.shoot("training-progress")


def _frame(tour: Tour) -> Path | None:
    view = tour.document.views[TRAINING_PROGRESS]
    return view.path if isinstance(view, TrainingProgressView) else None


def _learned(tour: Tour) -> float | None:
    """Return the number of epochs of the live model; None if the open model is not in training."""
    model = tour.document.model
    return None if model is None else model.epochs


def _error(tour: Tour) -> float:
    view = tour.document.views[IMAGE]
    return view.mse if isinstance(view, ImageView) else float("nan")


def _name(tour: Tour, name: str) -> None:
    edit = tour.find(QLineEdit, "train_name")
    edit.selectAll()
    QTest.keyClicks(edit, name)


def _show_page(tour: Tour, number: int) -> None:
    bar = tour.find(QTabWidget, "train_pages").tabBar()
    QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(number).center())


def spatial(tour: Tour) -> None:
    """Train a network with a spatial code on faces, then paint on one of its feature maps."""
    if tour.document.state.keyframes:
        tour.trigger("timeline_clear")
    if tour.document.source is None or tour.document.source.name != "faces":
        tour.open_source("faces")
    tour.show_panel("train")
    tour.choose("train_architecture", "cae-upsample")
    tour.click("train_more")
    tour.type_number("train_batch", 16)
    tour.click("train_more")
    tour.type_number("train_epochs", 4)
    tour.type_number("train_limit", 400)
    _name(tour, f"tour-maps-{time.time_ns() % 10**8}")
    tour.click("train_start")
    tour.until(lambda: _learned(tour) is not None, "the first live preview of the spatial model")
    tour.until(lambda: _learned(tour) is None and tour.document.training.phase == "finished", "the spatial model")
    tour.settle()
    tour.show_panel("latent")
    tour.type_number("feature_channel", 7)
    tour.type_number("feature_size", 3)
    maps, before = tour.running.window.feature_maps, tour.document.code
    tour.drag(maps.canvas, [maps.canvas.cell_rect(3, column).center() for column in range(1, 7)])
    tour.until(lambda: tour.document.code is not before, "the brush to change the code")
    tour.settle()
    tour.shoot("feature-maps")
