"""The curves of trainings over their epochs: losses, what they are made of, KL of each dimension."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.ui.theme import current_theme
from explorer.ui.widgets.curve import Curve, curve_color
from explorer.ui.widgets.empty_label import EmptyLabel
from explorer.ui.widgets.fields import name_control

_LABELS = 8


class TrainingPlot(QWidget):
    """Curves over epochs, on a linear or a logarithmic scale.

    Signals
    -------
    pointed(str)
        The values at the epoch under the mouse, or under the arrow keys; empty where there is none.
    """

    pointed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curves: tuple[Curve, ...] = ()
        self._items: list[pg.PlotDataItem] = []
        self._epoch: int | None = None
        self._log = False
        self.setAccessibleName(self.tr("Loss over epochs"))
        self._plot = pg.PlotWidget()
        name_control(
            self._plot,
            "train_plot_curves",
            self.tr("On the training pictures, and (dashed) on held-out ones. Mouse or arrow keys read values."),
        )
        self._plot.setMenuEnabled(False)
        # pyqtgraph leaves this menu without a parent: it would outlive the plot as a window of its own.
        menu = self._plot.getPlotItem().ctrlMenu
        menu.setParent(self._plot, menu.windowFlags())
        self._plot.hideButtons()
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._plot.installEventFilter(self)
        self._plot.viewport().installEventFilter(self)
        self._legend = self._plot.addLegend(offset=(-6, 6), labelTextSize="8.5pt", verSpacing=-4)
        self._plot.getAxis("left").enableAutoSIPrefix(False)
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._cursor.setVisible(False)
        self._plot.addItem(self._cursor, ignoreBounds=True)
        self._plot.scene().sigMouseMoved.connect(self._on_mouse_moved)
        self._empty = EmptyLabel("")
        self._empty.setObjectName("train_plot_empty")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        layout.addWidget(self._empty)
        self.setMinimumHeight(110)
        self._color()

    def show_curves(self, curves: Sequence[Curve], epochs: int, unit: str, empty: str) -> None:
        """Show curves on an axis as long as the whole training.

        Parameters
        ----------
        curves
            None of them empties the plot.
        epochs
            How many there are to be.
        unit
            What is measured.
        empty
            What to say where there is nothing.
        """
        self._empty.setText(empty)
        curves = tuple(curve for curve in curves if curve.epochs)
        self._plot.setVisible(bool(curves))
        self._empty.setVisible(not curves)
        same = [_look(curve) for curve in curves] == [_look(curve) for curve in self._curves]
        self._curves = curves
        if not same:
            self._make_items()
        for curve, item in zip(curves, self._items, strict=True):
            item.setData(np.array(curve.epochs), np.array(curve.values), symbolSize=5 if len(curve.epochs) < 40 else 0)
        self._plot.setLabel("left", unit)
        done = max((curve.epochs[-1] for curve in curves), default=1)
        last = max(2, done, min(epochs, 2 * done + 8))
        self._plot.setXRange(1, last, padding=0.03)
        spacing = max(1, round(last / _LABELS))
        self._plot.getAxis("bottom").setTickSpacing(spacing, spacing)
        self._point_at(self._epoch)

    def set_log(self, log: bool) -> None:
        """Choose a logarithmic scale, or a linear one."""
        self._log = log
        self._plot.setLogMode(x=False, y=log)

    @property
    def curves(self) -> tuple[Curve, ...]:
        """What is shown."""
        return self._curves

    def values_at(self, epoch: int) -> str:
        """Return the values at an epoch, in words."""
        told = [
            f"{curve.name} {curve.values[curve.epochs.index(epoch)]:.4g}"
            for curve in self._curves
            if epoch in curve.epochs
        ]
        return self.tr("Epoch %1:").replace("%1", str(epoch)) + " " + ", ".join(told) if told else ""

    def to_widget(self, epoch: float, value: float) -> QPointF:
        """Return where a point is painted, in the coordinates of the plot's viewport."""
        box = self._plot.getPlotItem().getViewBox()
        scene = box.mapViewToScene(QPointF(epoch, math.log10(value) if self._log else value))
        return QPointF(self._plot.mapFromScene(scene))

    # -- the value under the mouse -----------------------------------------------------------------------------------

    def _on_mouse_moved(self, position: QPointF) -> None:
        box = self._plot.getPlotItem().getViewBox()
        inside = bool(box.sceneBoundingRect().contains(position))
        self._point_at(round(box.mapSceneToView(position).x()) if inside else None)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Read values with the arrow keys; forget the mouse when it leaves."""
        if event.type() == QEvent.Type.Leave and watched is self._plot.viewport():
            self._point_at(None)
        if watched is self._plot and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._on_key(event.key())
        return False

    def _on_key(self, key: int) -> bool:
        epochs = sorted({epoch for curve in self._curves for epoch in curve.epochs})
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if not epochs or key not in {*steps, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Escape}:
            return False
        if key == Qt.Key.Key_Escape:
            self._point_at(None)
        elif key in steps and self._epoch in epochs:
            place = epochs.index(self._epoch) + steps[Qt.Key(key)]
            self._point_at(epochs[min(max(place, 0), len(epochs) - 1)])
        else:
            self._point_at(epochs[0] if key == Qt.Key.Key_Home else epochs[-1])
        return True

    def _point_at(self, epoch: int | None) -> None:
        text = "" if epoch is None else self.values_at(epoch)
        self._epoch = epoch if text else None
        self._cursor.setVisible(bool(text))
        if text and epoch is not None:
            self._cursor.setValue(epoch)
        self._plot.setAccessibleDescription(text)
        self.pointed.emit(text)

    # -- colours -----------------------------------------------------------------------------------------------------

    def _make_items(self) -> None:
        for item in self._items:
            self._plot.removeItem(item)
        self._items = [self._plot.plot([], [], name=curve.name if curve.told else None) for curve in self._curves]
        self._color()

    def changeEvent(self, event: QEvent) -> None:
        """Follow light and dark."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.PaletteChange, QEvent.Type.StyleChange} and hasattr(self, "_empty"):
            self._color()

    def _color(self) -> None:
        theme = current_theme()
        self._plot.setBackground(theme.base)
        for axis in ("bottom", "left"):
            item = self._plot.getAxis(axis)
            item.setPen(theme.border)
            item.setTextPen(theme.muted)
        self._cursor.setPen(pg.mkPen(theme.muted, width=1))
        self._legend.setLabelTextColor(theme.text)
        for curve, drawn in zip(self._curves, self._items, strict=True):
            color = curve_color(curve.color)
            # Short enough dashes to be seen as such in the legend, too.
            dashes = [1.5, 1.5] if curve.dashed else None
            drawn.setPen(pg.mkPen(color, width=2, dash=dashes))
            drawn.setSymbol("o")
            drawn.setSymbolBrush(color)
            drawn.setSymbolPen(None)
        for _, label in self._legend.items:
            label.setText(label.text)


def _look(curve: Curve) -> tuple[str, int, bool, bool]:
    return curve.name, curve.color, curve.dashed, curve.told
