"""Training and validation loss over epochs."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.models.runs import CurvePoint
from explorer.ui.theme import current_theme
from explorer.ui.widgets.empty_label import EmptyLabel
from explorer.ui.widgets.fields import name_control

_LABELS = 8


class LossPlot(QWidget):
    """Two curves, training and validation, one point an epoch."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Loss over epochs"))
        self.setToolTip(
            self.tr("Loss after each epoch, on the training pictures and on held-out ones. Lower is better.")
        )
        self._plot = pg.PlotWidget()
        name_control(self._plot, "train_plot_curves", self.toolTip())
        self._plot.setMenuEnabled(False)
        # pyqtgraph leaves this menu without a parent: it would outlive the plot as a window of its own.
        menu = self._plot.getPlotItem().ctrlMenu
        menu.setParent(self._plot, menu.windowFlags())
        self._plot.hideButtons()
        self._plot.setMouseEnabled(x=False, y=False)
        self._legend = self._plot.addLegend(offset=(-8, 8))
        self._train = self._plot.plot([], [], name=self.tr("training"), symbol="o", symbolSize=5)
        self._validation = self._plot.plot([], [], name=self.tr("validation"), symbol="o", symbolSize=5)
        self._plot.setLabel("bottom", self.tr("epoch"))
        self._plot.setLabel("left", self.tr("loss"))
        self._plot.getAxis("left").enableAutoSIPrefix(False)
        self._empty = EmptyLabel(self.tr("The loss of each epoch appears here once a training has started."))
        self._empty.setObjectName("train_plot_empty")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        layout.addWidget(self._empty)
        self.setMinimumHeight(120)
        self._color()
        self.show_curve((), 1)

    def show_curve(self, curve: Sequence[CurvePoint], epochs: int) -> None:
        """Show the losses so far, on an axis as long as the whole training."""
        self._plot.setVisible(bool(curve))
        self._empty.setVisible(not curve)
        numbers = [point.epoch for point in curve]
        self._train.setData(numbers, [point.loss for point in curve])
        self._validation.setData(numbers, [point.val_loss for point in curve])
        last = max(2, min(epochs, 2 * len(curve) + 8))
        self._plot.setXRange(1, last, padding=0.03)
        spacing = max(1, round(last / _LABELS))
        self._plot.getAxis("bottom").setTickSpacing(spacing, spacing)

    def changeEvent(self, event: QEvent) -> None:
        """Follow light and dark."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.PaletteChange, QEvent.Type.StyleChange} and hasattr(self, "_train"):
            self._color()

    def _color(self) -> None:
        theme = current_theme()
        self._plot.setBackground(theme.base)
        for axis in ("bottom", "left"):
            item = self._plot.getAxis(axis)
            item.setPen(theme.border)
            item.setTextPen(theme.muted)
        self._legend.setLabelTextColor(theme.text)
        for curve, color in ((self._train, theme.accent), (self._validation, theme.warn)):
            curve.setPen(pg.mkPen(color, width=2))
            curve.setSymbolBrush(color)
            curve.setSymbolPen(None)
        for _, label in self._legend.items:
            label.setText(label.text)
