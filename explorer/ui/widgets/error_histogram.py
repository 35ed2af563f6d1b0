"""Histogram of reconstruction errors with a draggable threshold."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QGraphicsView, QWidget

from explorer.models.outliers import Outliers
from explorer.ui.theme import current_theme
from explorer.ui.widgets.curve import curve_color
from explorer.ui.widgets.layouts import vbox
from explorer.ui.widgets.static_plot import StaticPlot

_USUAL, _FOUND = 0, 1
"""Numbers of the colors."""


class ErrorHistogram(QWidget):
    """Histograms of reconstruction errors: this dataset as bars, the validation set of the model as a line.

    `threshold_moved(float)`: the threshold was moved to this error, with mouse or arrow keys.
    """

    threshold_moved = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ranking: Outliers | None = None
        self.setObjectName("outliers_histogram")
        about = self.tr("Bars: this dataset. Line: validation set. Drag the threshold or press arrow keys to move it.")
        self._plot = StaticPlot("outliers_plot", about, self)
        self._plot.viewport().setCursor(Qt.CursorShape.SizeHorCursor)
        self._bars = pg.BarGraphItem(x0=[], x1=[], height=[], name=self.tr("This dataset"))
        self._plot.addItem(self._bars)
        self._usual = self._plot.plot([], [], stepMode="right", name=self.tr("Validation set"))
        self._line = pg.InfiniteLine(angle=90, movable=False)
        self._line.setZValue(10)
        self._plot.addItem(self._line, ignoreBounds=True)
        self._plot.getPlotItem().getViewBox().setLimits(yMin=0)
        self.setLayout(vbox(self._plot, margins=0))
        self.setMinimumHeight(160)
        self._color()

    def show_ranking(self, ranking: Outliers) -> None:
        self._ranking = ranking
        edges = ranking.edges
        found = ranking.counts / max(1, ranking.counts.sum())
        usual = ranking.reference_counts / max(1, ranking.reference_counts.sum())
        self._bars.setOpts(x0=edges[:-1], x1=edges[1:], height=100 * found)
        self._usual.setData(edges[:-1], 100 * usual)
        self._plot.setLabel("left", self.tr("% of images"))
        self._plot.setLabel("bottom", self.tr("Reconstruction error (MSE)"))
        self._plot.setXRange(0, float(edges[-1]), padding=0.02)
        self._line.setValue(ranking.threshold)

    @property
    def drawing(self) -> QGraphicsView:
        """The plot, for export to a file."""
        view: QGraphicsView = self._plot
        return view

    def to_widget(self, error: float) -> QPointF:
        """Return the center of the threshold line at an error, in viewport coordinates of the plot."""
        box = self._plot.getPlotItem().getViewBox()
        middle = box.viewRect().center().y()
        return QPointF(self._plot.mapFromScene(box.mapViewToScene(QPointF(error, middle))))

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Move the threshold to the mouse while its button is pressed, or by one bar with the arrow keys."""
        if watched is self._plot.viewport() and isinstance(event, QMouseEvent):
            return self._on_mouse(event)
        if watched is self._plot and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
            if self._ranking is not None and event.key() in steps:
                width = float(self._ranking.edges[1] - self._ranking.edges[0])
                self._move(self._ranking.threshold + steps[Qt.Key(event.key())] * width)
                return True
        return False

    def _on_mouse(self, event: QMouseEvent) -> bool:
        """Handle the left button here: dragging of pyqtgraph lines stops when `setValue` moves them."""
        left = Qt.MouseButton.LeftButton
        moved = event.type() == QEvent.Type.MouseMove and bool(event.buttons() & left)
        ends = event.type() in {QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease}
        if not moved and not (ends and event.button() == left):
            return False
        self._plot.setFocus(Qt.FocusReason.MouseFocusReason)
        box = self._plot.getPlotItem().getViewBox()
        self._move(float(box.mapSceneToView(self._plot.mapToScene(event.position().toPoint())).x()))
        return True

    def _move(self, threshold: float) -> None:
        if self._ranking is not None:
            self.threshold_moved.emit(float(np.clip(threshold, 0, self._ranking.edges[-1])))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in {QEvent.Type.PaletteChange, QEvent.Type.StyleChange} and hasattr(self, "_line"):
            self._color()

    def _color(self) -> None:
        self._plot.color()
        found = curve_color(_FOUND)
        found.setAlphaF(0.7)
        self._bars.setOpts(brush=found, pen=pg.mkPen(None))
        self._usual.setPen(pg.mkPen(curve_color(_USUAL), width=2))
        self._line.setPen(pg.mkPen(current_theme().accent, width=2))
