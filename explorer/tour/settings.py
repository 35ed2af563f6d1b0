"""Steps of the tour: training settings."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDoubleSpinBox, QLabel

from explorer.errors import EngineError
from explorer.tour.guide import Tour
from explorer.ui.widgets.network_drawing import NetworkDrawing


def settings(tour: Tour) -> None:
    """Choose a preset, add noise, select layers of the network diagram, enter an invalid value, and reset."""
    source = tour.document.source
    tour.show_panel("train")
    tour.choose("train_preset", "lfw_denoising")
    tour.click("train_more")
    tour.trigger("train_noise_add_occlusion")
    tour.until(lambda: tour.find(QDoubleSpinBox, "train_noise_2_strength").isVisible(), "a row for the second noise")
    drawing = tour.find(NetworkDrawing, "network_drawing")
    drawing.setFocus()
    for _ in range(2):
        QTest.keyClick(drawing, Qt.Key.Key_Right)
    tour.shoot("train-settings")
    tour.click("train_more")
    tour.type_number("train_latent", 5_000)
    if not tour.find(QLabel, "train_facts").property("problem"):
        raise EngineError("5,000 latent dimensions were accepted, but should be rejected.")
    tour.choose("train_preset", "quick")
    if source is not None:
        tour.choose("train_data", source.spec)
