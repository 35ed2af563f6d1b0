"""Plot of curves with the values under the mouse: loss by epoch, quality by noise strength."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGraphicsView, QWidget

from explorer.ui.theme import current_theme
from explorer.ui.widgets.curve import Curve, curve_color
from explorer.ui.widgets.empty_label import EmptyLabel
from explorer.ui.widgets.fields import name_widget
from explorer.ui.widgets.layouts import vbox
from explorer.ui.widgets.static_plot import StaticPlot

_LABELS = 8


class CurvePlot(QWidget):
    """Curves with a linear or logarithmic y axis.

    `name` is the prefix of the object names, `about` the tooltip, `axis` the name of the x axis in the values under the
    mouse, such as “Epoch”. `pointed(str)`: the values at the position of the mouse or the arrow keys, as text; empty
    for none.
    """

    pointed = Signal(str)

    def __init__(self, name: str, about: str, axis: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axis = axis
        self._curves: tuple[Curve, ...] = ()
        self._items: list[pg.PlotDataItem] = []
        self._x: float | None = None
        self._log = False
        name_widget(self, name, about)
        self._plot = StaticPlot(
            f"{name}_curves", f"{about} " + self.tr("Hover or press arrow keys to read values."), self
        )
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._cursor.setVisible(False)
        self._plot.addItem(self._cursor, ignoreBounds=True)
        self._plot.scene().sigMouseMoved.connect(self._on_mouse_moved)
        self._empty = EmptyLabel(f"{name}_empty")
        self.setLayout(vbox(self._plot, self._empty, margins=0))
        self.setMinimumHeight(160)
        self._color()

    def show_curves(self, curves: Sequence[Curve], ends: tuple[float, float], unit: str, empty: str) -> None:
        """Show curves, or without any the text `empty`; `ends` is the range of the x axis, `unit` labels the y axis."""
        self._empty.setText(empty)
        curves = tuple(curve for curve in curves if curve.xs)
        self._plot.setVisible(bool(curves))
        self._empty.setVisible(not curves)
        same = [_look(curve) for curve in curves] == [_look(curve) for curve in self._curves]
        self._curves = curves
        if not same:
            self._make_items()
        for curve, item in zip(curves, self._items, strict=True):
            item.setData(np.array(curve.xs), np.array(curve.values), symbolSize=5 if len(curve.xs) < 40 else 0)
        self._plot.setLabel("left", unit)
        low, high = ends
        self._plot.setXRange(low, high, padding=0.03)
        bottom = self._plot.getAxis("bottom")
        if all(float(x).is_integer() for curve in curves for x in curve.xs):
            spacing = max(1, round((high - low) / _LABELS))
            bottom.setTickSpacing(spacing, spacing)
        else:
            bottom.setTickSpacing()
        self._point_at(self._x)

    def set_log(self, log: bool) -> None:
        self._log = log
        self._plot.setLogMode(x=False, y=log)

    @property
    def curves(self) -> tuple[Curve, ...]:
        return self._curves

    def values_at(self, x: float) -> str:
        readings = [f"{curve.name} {curve.values[curve.xs.index(x)]:.4g}" for curve in self._curves if x in curve.xs]
        return f"{self._axis} {x:g}: " + ", ".join(readings) if readings else ""

    def to_widget(self, x: float, value: float) -> QPointF:
        """In the coordinates of the viewport of the plot."""
        box = self._plot.getPlotItem().getViewBox()
        scene = box.mapViewToScene(QPointF(x, math.log10(value) if self._log else value))
        return QPointF(self._plot.mapFromScene(scene))

    @property
    def drawing(self) -> QGraphicsView:
        """The plot, for export to a file."""
        view: QGraphicsView = self._plot
        return view

    def _xs(self) -> list[float]:
        return sorted({x for curve in self._curves for x in curve.xs})

    # -- the value under the mouse -----------------------------------------------------------------------------------

    def _on_mouse_moved(self, position: QPointF) -> None:
        box = self._plot.getPlotItem().getViewBox()
        xs = self._xs()
        inside = bool(xs) and bool(box.sceneBoundingRect().contains(position))
        x = float(box.mapSceneToView(position).x())
        self._point_at(min(xs, key=lambda near: abs(near - x)) if inside else None)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Read values with the arrow keys; clear them when the mouse leaves."""
        if event.type() == QEvent.Type.Leave and watched is self._plot.viewport():
            self._point_at(None)
        if watched is self._plot and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._on_key(event.key())
        return False

    def _on_key(self, key: int) -> bool:
        xs = self._xs()
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if not xs or key not in {*steps, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Escape}:
            return False
        if key == Qt.Key.Key_Escape:
            self._point_at(None)
        elif key in steps and self._x in xs:
            place = xs.index(self._x) + steps[Qt.Key(key)]
            self._point_at(xs[min(max(place, 0), len(xs) - 1)])
        else:
            self._point_at(xs[0] if key == Qt.Key.Key_Home else xs[-1])
        return True

    def _point_at(self, x: float | None) -> None:
        text = "" if x is None else self.values_at(x)
        self._x = x if text else None
        self._cursor.setVisible(bool(text))
        if text and x is not None:
            self._cursor.setValue(x)
        self._plot.setAccessibleDescription(text)
        self.pointed.emit(text)

    # -- colors ------------------------------------------------------------------------------------------------------

    def _make_items(self) -> None:
        for item in self._items:
            self._plot.removeItem(item)
        self._items = [self._plot.plot([], [], name=curve.name if curve.in_legend else None) for curve in self._curves]
        self._color()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in {QEvent.Type.PaletteChange, QEvent.Type.StyleChange} and hasattr(self, "_empty"):
            self._color()

    def _color(self) -> None:
        self._plot.color()
        self._cursor.setPen(pg.mkPen(current_theme().muted, width=1))
        for curve, drawn in zip(self._curves, self._items, strict=True):
            color = curve_color(curve.color)
            # Short dashes, so that they are visible in the legend, too.
            dashes = [1.5, 1.5] if curve.dashed else None
            drawn.setPen(pg.mkPen(color, width=2, dash=dashes))
            drawn.setSymbol("o")
            drawn.setSymbolBrush(color)
            drawn.setSymbolPen(None)


def _look(curve: Curve) -> tuple[str, int, bool, bool]:
    return curve.name, curve.color, curve.dashed, curve.in_legend
