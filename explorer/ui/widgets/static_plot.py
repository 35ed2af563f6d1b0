"""A static plot: menu, buttons and panning of pyqtgraph are disabled."""

from __future__ import annotations

from html import escape

import pyqtgraph as pg
from PySide6.QtCore import QObject, QSize, Qt

from explorer.ui.theme import current_theme
from explorer.ui.widgets.fields import name_control

_LEGEND_OPACITY = 0.85


class PlainLegend(pg.LegendItem):  # type: ignore[misc]
    """A legend that shows names as plain text; pyqtgraph would interpret HTML."""

    def addItem(self, item: object, name: str) -> None:
        super().addItem(item, escape(name))


class StaticPlot(pg.PlotWidget):  # type: ignore[misc]
    """A plot with a legend in the upper right corner, above the curves, in the colors of the theme.

    `about` is the text for tooltip and screen reader; `watcher` the event filter of the plot and of its viewport.
    """

    def __init__(self, name: str, about: str, watcher: QObject) -> None:
        super().__init__()
        name_control(self, name, about)
        self.viewport().setAccessibleName(about)
        self.setMenuEnabled(False)
        # pyqtgraph gives this menu no parent, so that it would remain as a window after the plot is deleted.
        menu = self.getPlotItem().ctrlMenu
        menu.setParent(self, menu.windowFlags())
        self.hideButtons()
        self.setMouseEnabled(x=False, y=False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.installEventFilter(watcher)
        self.viewport().installEventFilter(watcher)
        self.legend = PlainLegend(offset=(-6, 6), labelTextSize="8.5pt", verSpacing=-4)
        self.legend.setParentItem(self.getPlotItem().getViewBox())
        self.getPlotItem().legend = self.legend
        self.legend.setZValue(20)
        for side in ("left", "bottom"):
            self.getAxis(side).enableAutoSIPrefix(False)

    def sizeHint(self) -> QSize:
        """In a scrolling panel a larger one would hide its own axis."""
        return QSize(320, 200)

    def setLabel(self, side: str, text: str | None) -> None:
        """Label an axis with plain text."""
        self.getPlotItem().setLabel(side, escape(text) if text else None)

    def color(self) -> None:
        """Apply the colors of the theme to background, axes and legend."""
        theme = current_theme()
        self.setBackground(theme.base)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(theme.border)
            axis.setTextPen(theme.muted)
        # Curves behind the legend stay faintly visible.
        behind = theme.color("base")
        behind.setAlphaF(_LEGEND_OPACITY)
        self.legend.setBrush(behind)
        self.legend.setLabelTextColor(theme.text)
        for _, label in self.legend.items:
            label.setText(label.text)
