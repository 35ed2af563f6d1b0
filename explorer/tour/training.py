"""Steps of the tour: two real trainings."""

from __future__ import annotations

import time

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from explorer.tour.guide import Tour


def train(tour: Tour) -> None:
    """Train a small model for real, screenshots early and at its end; it opens by itself."""
    # A finished model opens by itself unless it would take keyframes away.
    tour.click("timeline_clear")
    tour.tab(tour.running.window.train)
    tour.type_number("train_epochs", 4)
    tour.type_number("train_limit", 4_000)
    tour.find(QLineEdit, "train_name").selectAll()
    QTest.keyClicks(tour.find(QLineEdit, "train_name"), f"tour-{time.time_ns() % 10**8}")
    model = tour.document.model
    tour.click("train_start")
    tour.until(lambda: len(tour.document.training.curve) >= 1, "the first epoch")
    tour.shoot("training")
    tour.until(lambda: tour.document.training.phase == "finished", "the end of the training")
    tour.until(lambda: tour.document.model is not model, "the trained model to open")
    tour.settle()
    tour.shoot("trained")


def spatial(tour: Tour) -> None:
    """Train a network on faces whose code is a stack of feature maps, then paint on one of them."""
    tour.click("timeline_clear")
    if tour.document.source is None or tour.document.source.name != "faces":
        tour.open_source("faces")
    tour.tab(tour.running.window.train)
    tour.choose("train_architecture", "cae-upsample")
    tour.click("train_more")
    tour.type_number("train_batch", 16)
    tour.click("train_more")
    tour.type_number("train_epochs", 4)
    tour.type_number("train_limit", 400)
    tour.find(QLineEdit, "train_name").selectAll()
    QTest.keyClicks(tour.find(QLineEdit, "train_name"), f"tour-maps-{time.time_ns() % 10**8}")
    model = tour.document.model
    tour.click("train_start")
    tour.until(lambda: tour.document.model is not model, "the spatial model to be trained and to open")
    tour.settle()
    tour.type_number("feature_channel", 7)
    tour.type_number("feature_size", 3)
    maps, before = tour.running.window.feature_maps, tour.document.code
    tour.drag(maps.canvas, [maps.canvas.cell_rect(3, column).center() for column in range(1, 7)])
    tour.until(lambda: tour.document.code is not before, "the brush to change the code")
    tour.settle()
    tour.shoot("feature-maps")
