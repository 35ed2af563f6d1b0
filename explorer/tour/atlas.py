"""Steps of the tour: the map, its overlays and points, samples and traversals."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QPushButton

from explorer.document.views.hover import HOVER, HoverView
from explorer.document.views.overlay import OVERLAY, OverlayView
from explorer.document.views.samples import SAMPLES, SamplesView
from explorer.document.views.traversal import TRAVERSAL, TraversalView
from explorer.errors import EngineError
from explorer.tour.guide import Tour
from explorer.ui.widgets.plane_canvas import PlaneCanvas


def letters(tour: Tour) -> None:
    """Zoom into the map of the letters, hover over it, and show the distance to the data as an overlay."""
    tour.open_model("glyphs-vae-2d")
    canvas = _map(tour)
    _zoom(tour, 8)
    tour.settle()
    QTest.mouseMove(canvas, canvas.rect().center() - QPoint(canvas.height() // 8, canvas.height() // 8))
    tour.until(lambda: isinstance(tour.document.views[HOVER], HoverView), "the hover preview")
    tour.shoot("map-zoomed")
    QTest.mouseMove(canvas, QPoint(1, 1))
    tour.click("map_fit")
    box = tour.find(QComboBox, "map_overlay")
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    tour.until(lambda: _measured(tour), "the overlay")
    tour.settle()
    tour.shoot("map-overlay")
    QTest.keyClick(box, Qt.Key.Key_Home)


def points(tour: Tour) -> None:
    """Show the digits as points, and select some with the lasso."""
    tour.open_model("digits-vae-2d")
    canvas = _map(tour)
    tour.click("map_images")
    _press(tour, "map_points")
    tour.until(lambda: tour.document.analysis.codes is not None, "the codes of the images")
    tour.settle()
    tour.shoot("map-points")
    tour.click("map_lasso")
    corners = [(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)]
    tour.drag(canvas, [canvas.to_widget(*corner) for corner in corners])
    picked = tour.document.selection.picked
    if picked is None:
        raise EngineError("The lasso selected no images.")
    tour.settle()
    tour.shoot("map-picked")
    tour.document.selection.put(None)
    _press(tour, "map_points")
    tour.click("map_plane")
    tour.click("map_cursor")


def planes(tour: Tour) -> None:
    """Show the plane of the first two principal components of a 49-dimensional code."""
    tour.open_model("digits-deep-49")
    _map(tour)
    box = tour.find(QComboBox, "map_across")
    box.setFocus()
    while not tour.document.state.grid.components:
        QTest.keyClick(box, Qt.Key.Key_Down)
    tour.settle()
    tour.shoot("map-components")


def samples(tour: Tour) -> None:
    """Draw samples of an autoencoder from its fitted prior and from N(0, I)."""
    tour.open_model("digits-deep-49")
    tour.show_panel("samples")
    tour.until(lambda: _sampled(tour, fitted=True), "samples from the fitted prior")
    tour.shoot("samples-fitted")
    tour.click("samples_normal")
    tour.until(lambda: _sampled(tour, fitted=False), "samples from N(0, I)")
    tour.shoot("samples-normal")


def traversals(tour: Tour) -> None:
    """Traverse every dimension, and click a cell."""
    tour.show_panel("traversals")
    tour.until(lambda: isinstance(tour.document.views[TRAVERSAL], TraversalView), "the rows of images")
    table, before = tour.running.window.traversals.table, tour.document.code
    tour.shoot("traversals")
    QTest.mouseClick(table, Qt.MouseButton.LeftButton, pos=table.cell(0, 8).center())
    if tour.document.code is before:
        raise EngineError("Clicking a cell did not change the current code.")
    tour.settle()
    tour.click("traversals_maximum")
    tour.until(lambda: not _walks(tour), "the mean code, one dimension at its maximum")
    tour.shoot("mean-to-max")
    tour.click("traversals_dimensions")


def _map(tour: Tour) -> PlaneCanvas:
    tour.show_panel("map")
    if not tour.find(QPushButton, "map_options").isChecked():
        tour.click("map_options")
    tour.settle()
    return tour.running.window.map.canvas


def _zoom(tour: Tour, notches: int) -> None:
    canvas = tour.running.window.map.canvas
    where = canvas.plane_rect().center()
    for _ in range(notches):
        event = QWheelEvent(
            where,
            QPointF(canvas.mapToGlobal(where.toPoint())),
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(canvas, event)


def _press(tour: Tour, name: str) -> None:
    box = tour.find(QCheckBox, name)
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Space)


def _measured(tour: Tour) -> bool:
    view = tour.document.views[OVERLAY]
    return isinstance(view, OverlayView) and view.done


def _sampled(tour: Tour, *, fitted: bool) -> bool:
    view = tour.document.views[SAMPLES]
    return isinstance(view, SamplesView) and view.fitted == fitted


def _walks(tour: Tour) -> bool:
    view = tour.document.views[TRAVERSAL]
    return not isinstance(view, TraversalView) or len(view.values) > 0
