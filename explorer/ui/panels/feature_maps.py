"""The feature maps of a spatial code, edited with a brush."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QSignalBlocker
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from explorer.document.document import Document
from explorer.latent.feature_maps import MapStatistics, map_statistics
from explorer.messages import message
from explorer.types import Floats
from explorer.ui.actions import Action, Section, When
from explorer.ui.color_map import colored, ramp_reach
from explorer.ui.images import pixels_to_qimage
from explorer.ui.plain_text import PlainLabel
from explorer.ui.text import filled, number, sigmas
from explorer.ui.widgets.channel_grid import ChannelGrid
from explorer.ui.widgets.elided_label import ElidedLabel
from explorer.ui.widgets.feature_map_canvas import FeatureMapCanvas
from explorer.ui.widgets.feature_map_legend import FeatureMapLegend
from explorer.ui.widgets.fields import button, decimal_box, label, name_widget, spin_box
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox

NUDGE = 0.5
"""Step of + and − on a cell, in σ of its channel."""

_MOST_SIGMA = 10.0


class FeatureMapsPanel(QWidget):
    """All channels as thumbnails, the current one large, with a brush; hidden unless the code is spatial."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._statistics: MapStatistics | None = None
        self._maps: Floats | None = None
        self._start: Floats | None = None
        self._edited: NDArray[np.bool_] | None = None
        self._make_maps()
        self._make_controls()
        self._lay_out()
        self._connect()
        self._on_model_changed()

    def _make_maps(self) -> None:
        name_widget(self, "feature_maps_panel", self.tr("Feature maps"))
        self._heading = ElidedLabel("feature_heading", look="heading")
        self.canvas = FeatureMapCanvas(self.tr("Select an image."))
        name_widget(
            self.canvas,
            "feature_map",
            self.tr("Current feature map"),
            self.tr(
                "One channel of the code. Left button: paint; right button or Shift: restore original values.\n"
                "Keys: arrows, +, −, Space, Delete, Page Up, Page Down."
            ),
        )
        self.grid = ChannelGrid()
        name_widget(
            self.grid,
            "feature_channels",
            self.tr("Channels of the code"),
            self.tr("Every channel of the code, color-scaled per channel; a dot marks edited ones"),
        )
        self.legend = FeatureMapLegend()
        name_widget(
            self.legend,
            "feature_legend",
            self.tr("Color bar"),
            self.tr("Color scale in code units: the channel’s range over the dataset"),
        )

    def _make_controls(self) -> None:
        about = self.tr("Channel of the code (feature map) shown large")
        self.channel = spin_box("feature_channel", about, 0, 0, 0)
        self.channel.setPrefix("c")
        self._size = spin_box("feature_size", self.tr("Brush diameter in cells"), 1, 1, 1)
        tip = self.tr("Painted value, in σ of the channel from its mean")
        self._value = decimal_box("feature_value", tip, (-_MOST_SIGMA, _MOST_SIGMA), NUDGE, 1)
        self._value.setSuffix(" σ")
        self._value.setValue(3.0)
        back = self.tr("Restore the original values of this channel")
        self._back = button("feature_back", self.tr("Reset channel"), back, self.tr("restore channel, undo painting"))
        for box, width in ((self._size, 58), (self._value, 84)):
            box.setMaximumWidth(width)
        self._readout = label("feature_cell", wrap=False)

    def _lay_out(self) -> None:
        self.setLayout(
            vbox(
                hbox((self._heading, 1), self.channel),
                (hbox((self.canvas, 2), (self.grid, 1), spacing=6), 1),
                self.legend,
                self._readout,
                hbox(PlainLabel(self.tr("Brush")), self._size, self._value, (STRETCH, 1), self._back),
                spacing=5,
                margins=(8, 8, 8, 6),
            )
        )

    def _connect(self) -> None:
        document = self._document
        self.grid.chosen.connect(self.channel.setValue)
        self.channel.valueChanged.connect(self._on_channel_changed)
        self._size.valueChanged.connect(lambda size: self.canvas.set_brush_size(float(size)))
        self._back.clicked.connect(self._on_back_clicked)
        self.canvas.brushed.connect(self._on_brushed)
        self.canvas.nudged.connect(self._on_nudged)
        self.canvas.cell_changed.connect(self._show_cell)
        self.canvas.channel_stepped.connect(lambda by: self.channel.setValue(self.channel.value() + by))
        document.changed.model.connect(self._on_model_changed)
        document.changed.code.connect(self._on_code_changed)

    def begin_painting(self) -> None:
        if self._statistics is not None:
            self.canvas.setFocus()

    def menu_actions(self) -> Iterator[Action]:
        yield Action(
            "action_paint",
            self.tr("Paint feature ma&p"),
            self.begin_painting,
            Section.SLIDERS,
            shortcut="Ctrl+B",
            tip=self.tr("Edit a spatial code by painting on one of its channels."),
            synonyms=self.tr("brush, draw, channel, spatial code"),
            enabled=When(lambda: self._statistics is not None, (self._document.changed.model,)),
        )

    # -- what is shown ---------------------------------------------------------------------------------------------

    def _on_model_changed(self) -> None:
        model = self._document.model
        shape = () if model is None else model.card.latent_shape
        if model is None or len(shape) != 3:
            self._statistics = self._maps = None
            self.hide()
            return
        height, width, channels = shape
        self._statistics = map_statistics(model.sample.statistics, shape)
        self._heading.setText(self.tr("Feature maps") + f"  {height}×{width}×{channels}")
        with QSignalBlocker(self.channel):
            self.channel.setMaximum(channels - 1)
        self.channel.setVisible(channels > 1)
        self.grid.setVisible(channels > 1)
        if self._size.maximum() != max(height, width):
            self._size.setMaximum(max(height, width))
            self._size.setValue(max(1, round(max(height, width) / 9)))
        self._on_code_changed()
        self.grid.set_channels(channels, self._image, self._is_edited)
        self.grid.set_current(self.channel.value())
        self.show()

    def _on_code_changed(self) -> None:
        if self._statistics is None:
            return
        code, start = self._document.code, self._document.state.start_code
        self._edited = None
        shape = None if self._document.model is None else self._document.model.card.latent_shape
        self._maps = None if code is None or shape is None else code.reshape(shape)
        self._start = None if start is None or shape is None else start.reshape(shape)
        for control in (self.canvas, self.grid, self._value, self._size, self._back):
            control.setEnabled(self._maps is not None)
        self._show_map()

    def _show_map(self) -> None:
        if self._maps is None:
            self.canvas.set_image(None)
            self.legend.set_reach(None)
        else:
            channel = self.channel.value()
            self.canvas.set_image(self._image(channel))
            self.legend.set_reach(self._reach(channel))
        self._back.setEnabled(self._is_edited(self.channel.value()))
        self._show_cell()
        self.grid.viewport().update()

    def _show_cell(self) -> None:
        if self._maps is None or self._statistics is None:
            self._readout.clear()
            return
        (row, column), channel = self.canvas.cell, self.channel.value()
        value = float(self._maps[row, column, channel])
        in_sigma = (value - float(self._statistics.mean[channel])) / float(self._statistics.sigma[channel])
        place = filled(self.tr("row %1, column %2"), row, column)
        text = f"{place}:  {number(value)}  ({sigmas(in_sigma)})"
        self._readout.setText(text)
        self.canvas.setAccessibleDescription(f"c{channel}, {text}")

    def _image(self, channel: int) -> QImage:
        if self._maps is None:
            return QImage(1, 1, QImage.Format.Format_ARGB32_Premultiplied)
        return pixels_to_qimage(colored(self._maps[:, :, channel], self._reach(channel)))

    def _reach(self, channel: int) -> tuple[float, float]:
        """Return the channel's range over the dataset, extended to the current values."""
        assert self._maps is not None
        assert self._statistics is not None
        plane = self._maps[:, :, channel]
        low = min(float(self._statistics.low[channel]), float(plane.min()))
        return ramp_reach(low, max(float(self._statistics.high[channel]), float(plane.max())))

    def _is_edited(self, channel: int) -> bool:
        if self._maps is None or self._start is None:
            return False
        if self._edited is None:
            self._edited = (self._maps != self._start).any(axis=(0, 1))
        return bool(self._edited[channel])

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._statistics is not None:
            self._show_map()

    # -- hands ---------------------------------------------------------------------------------------------------

    def _on_channel_changed(self, channel: int) -> None:
        self.grid.set_current(channel)
        self._show_map()

    def _on_brushed(self, cells: NDArray[np.bool_], back: bool, gesture: str) -> None:
        if self._maps is None or self._statistics is None or (back and self._start is None):
            return
        channel = self.channel.value()
        maps = self._maps.copy()
        if back and self._start is not None:
            maps[cells, channel] = self._start[cells, channel]
        else:
            maps[cells, channel] = self._in_code_units(self._value.value())
        self._put(maps, gesture)

    def _on_nudged(self, direction: int, gesture: str) -> None:
        if self._maps is not None and self._statistics is not None:
            channel = self.channel.value()
            maps = self._maps.copy()
            maps[(*self.canvas.cell, channel)] += direction * NUDGE * self._statistics.sigma[channel]
            self._put(maps, f"{gesture}-{channel}")

    def _on_back_clicked(self) -> None:
        if self._maps is not None and self._start is not None:
            maps = self._maps.copy()
            maps[:, :, self.channel.value()] = self._start[:, :, self.channel.value()]
            self._put(maps, None)

    def _in_code_units(self, in_sigma: float) -> float:
        assert self._statistics is not None
        channel = self.channel.value()
        return float(self._statistics.mean[channel]) + in_sigma * float(self._statistics.sigma[channel])

    def _put(self, maps: Floats, gesture: str | None) -> None:
        label = message("Paint feature map c{number}", number=self.channel.value())
        self._document.set_code(maps.reshape(-1), label, gesture)
