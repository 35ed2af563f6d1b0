"""Steps of the tour: an image, a slider, the map, noise."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from explorer.document.views.noise import NOISE, NoiseView
from explorer.tour.guide import Tour


def image(tour: Tour) -> None:
    """Select an image in the gallery by mouse, then the next by keyboard."""
    view = tour.running.window.gallery.view
    index = tour.running.window.gallery.model.index(7)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center())
    tour.until(lambda: tour.document.state.image_index == 7, "the clicked image")
    QTest.keyClick(view, Qt.Key.Key_Right)
    tour.until(lambda: tour.document.state.image_index == 8, "the next image")
    tour.settle()
    tour.shoot("image")


def slider(tour: Tour) -> None:
    sliders = tour.running.window.latent.sliders
    before = tour.document.code
    start, end = float(sliders.values[0]), 1.8 if sliders.values[0] < 0 else -1.8
    points = [sliders.handle_position(0, start + (end - start) * step / 12) for step in range(13)]
    tour.drag(sliders.viewport(), points)
    tour.until(lambda: tour.document.code is not before, "the slider to change the code")
    tour.settle()
    tour.shoot("slider")


def walk_map(tour: Tour) -> None:
    tour.show_panel("map")
    canvas = tour.running.window.map.canvas
    low, high = tour.document.state.grid.low, tour.document.state.grid.high
    before = tour.document.code
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=_at(canvas.to_widget(low / 3, high / 3)))
    tour.until(lambda: tour.document.code is not before, "the click to change the code")
    tour.drag(canvas, [canvas.to_widget(low / 3 + step * (high - low) / 40, high / 3) for step in range(14)])
    tour.settle()
    tour.shoot("map")


def noise(tour: Tour) -> None:
    tour.show_panel("noise")
    slider = tour.find(QWidget, "noise_1_slider")
    slider.setFocus()
    for _ in range(3):
        QTest.keyClick(slider, Qt.Key.Key_PageUp)
    before = tour.document.views[NOISE]
    tour.click("noise_redraw")
    tour.until(lambda: tour.document.views[NOISE] is not before, "other noise")
    tour.settle()
    tour.shoot("noise")
    _row_of_noise(tour)


def _row_of_noise(tour: Tour) -> None:
    """Choose the published noise of the digits from the menu, and show it on several images."""
    tour.trigger("noise_preset_reference_digits")
    tour.click("noise_several")
    tour.until(lambda: [noise.mean for noise in tour.document.state.noises] == [0.5], "the published noise")
    tour.until(lambda: _images(tour) > 1, "the row of images")
    tour.shoot("noise-row")
    tour.click("noise_one")


def _images(tour: Tour) -> int:
    view = tour.document.views[NOISE]
    return len(view.clean) if isinstance(view, NoiseView) and view.of_noisy.psnr < 15 else 0


def _at(point: QPointF) -> QPoint:
    return point.toPoint()
