"""The map: the plane of a code space, decoded; a click sets the latent cursor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QHideEvent, QImage, QPainter, QShowEvent
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from explorer.document.document import GRID_LIMIT, Document
from explorer.document.state import OpenModel
from explorer.document.views import FailedView, GridView
from explorer.export.sheet import mosaic
from explorer.types import Pixels
from explorer.ui.images import pixels_to_qimage
from explorer.ui.text import dimension_name
from explorer.ui.widgets.fields import combo_box, decimal_box, spin_box
from explorer.ui.widgets.plane_canvas import PlaneCanvas

_LISTED = 256
"""Most dimensions that the boxes list."""


class MapPanel(QWidget):
    """The decoded grid of two dimensions of the code, with the cursor and the morph's way on it."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._plane: QImage | None = None
        self._painted_pixels: Pixels | None = None
        self._painted_rows = 0
        self._plane_model: OpenModel | None = None
        self.setObjectName("map_panel")
        self.setAccessibleName(self.tr("Map"))
        self.canvas = PlaneCanvas(self.tr("Open a model with at least two latent dimensions."))
        self.canvas.setObjectName("map_canvas")
        self.canvas.setAccessibleName(self.tr("Map of the latent plane"))
        self.canvas.setToolTip(
            self.tr("Each tile is what its place in the code space decodes to. Click or drag to go there.")
        )
        limits = (-1000.0, 1000.0)
        self._low = decimal_box("map_low", self.tr("Lowest value of both coordinates"), limits, 0.5, 1)
        self._high = decimal_box("map_high", self.tr("Highest value of both coordinates"), limits, 0.5, 1)
        self._steps = spin_box("map_steps", self.tr("Pictures a side, both ends counted"), 2, GRID_LIMIT, 15)
        self._across = combo_box("map_across", self.tr("Dimension from left to right"), [])
        self._up = combo_box("map_up", self.tr("Dimension from bottom to top"), [])
        self._hint = QLabel()
        self._hint.setObjectName("map_hint")
        self._hint.setProperty("muted", True)
        self._hint.setWordWrap(True)
        self._lay_out()
        self._low.editingFinished.connect(self._on_settings_edited)
        self._high.editingFinished.connect(self._on_settings_edited)
        self._steps.editingFinished.connect(self._on_settings_edited)
        self._across.activated.connect(self._on_settings_edited)
        self._up.activated.connect(self._on_settings_edited)
        self.canvas.cursor_moved.connect(self._on_cursor_moved)
        document.model_changed.connect(self._on_model_changed)
        document.grid_changed.connect(self._on_grid_changed)
        document.grid_view_changed.connect(self._on_grid_view_changed)
        document.code_changed.connect(self._on_code_changed)
        document.keyframes_changed.connect(self._on_keyframes_changed)
        self._on_model_changed()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.addRow(self.tr("From"), self._low)
        form.addRow(self.tr("To"), self._high)
        form.addRow(self.tr("Tiles"), self._steps)
        form.addRow(self.tr("Across"), self._across)
        form.addRow(self.tr("Up"), self._up)
        side = QVBoxLayout()
        side.addLayout(form)
        side.addWidget(self._hint)
        side.addStretch()
        holder = QWidget()
        holder.setLayout(side)
        holder.setFixedWidth(168)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(holder)

    def _on_model_changed(self) -> None:
        model = self._document.model
        usable = model is not None and model.latent_dim > 1
        for box in (self._low, self._high, self._steps):
            box.setEnabled(usable)
        listed = min(model.latent_dim, _LISTED) if model else 0
        for combo in (self._across, self._up):
            if combo.count() != listed:
                combo.clear()
                combo.addItems([dimension_name(index) for index in range(listed)])
            combo.setEnabled(model is not None and model.latent_dim > 2)
        self._show_hint()
        self._on_grid_changed()

    def _show_hint(self) -> None:
        model = self._document.model
        more = model is not None and model.latent_dim > 2
        self._hint.setText(self.tr("The other dimensions stay where the cursor is.") if more else "")

    def _on_grid_changed(self) -> None:
        grid = self._document.grid
        for box, value in ((self._low, grid.low), (self._high, grid.high)):
            with QSignalBlocker(box):
                box.setValue(value)
        with QSignalBlocker(self._steps):
            self._steps.setValue(grid.steps)
        self._across.setCurrentIndex(grid.dims[0])
        self._up.setCurrentIndex(grid.dims[1])
        self._on_code_changed()

    def _on_settings_edited(self) -> None:
        low, high = self._low.value(), self._high.value()
        if low >= high:
            self._on_grid_changed()
            self._hint.setText(self.tr("“From” must be below “To”."))
            return
        self._show_hint()
        grid = self._document.grid
        dims = grid.dims
        if min(self._across.currentIndex(), self._up.currentIndex()) >= 0:
            dims = (self._across.currentIndex(), self._up.currentIndex())
        if dims[0] == dims[1]:
            # Whoever asks for the other axis' dimension wants them exchanged.
            dims = (grid.dims[1], grid.dims[0])
        self._document.set_grid(replace(grid, low=low, high=high, steps=self._steps.value(), dims=dims))

    def _on_grid_view_changed(self) -> None:
        view = self._document.grid_view
        if isinstance(view, GridView):
            names = (dimension_name(view.dims[0]), dimension_name(view.dims[1]))
            self.canvas.show_plane(self._painted(view), float(view.xs[0]), float(view.xs[-1]), len(view.xs), names)
        elif isinstance(view, FailedView):
            self.canvas.show_text(view.message)
        else:
            model = self._document.model
            # A new range is decoded over the old plane; another model starts on an empty one.
            if self._plane_model is model and self._plane is not None:
                return
            self._plane, self._plane_model = None, model
            small = model is not None and model.latent_dim < 2
            self.canvas.show_text(
                self.tr("This model's code has one dimension: there is no plane to show.")
                if small
                else self.tr("Decoding the map …")
            )

    def _painted(self, view: GridView) -> QImage:
        """Paint the rows that are new over the plane that was there, so that it never goes blank."""
        rows, columns, height, width, channels = view.pixels.shape
        fits = self._plane is not None and self._plane.size() == QSize(columns * width, rows * height)
        if self._plane is None or not fits:
            self._plane = QImage(columns * width, rows * height, QImage.Format.Format_RGB32)
            self._plane.fill(Qt.GlobalColor.black)
        first = self._painted_rows if view.pixels is self._painted_pixels else 0
        if first < view.ready:
            new = view.pixels[first : view.ready].reshape(-1, height, width, channels)
            painter = QPainter(self._plane)
            painter.drawImage(0, first * height, pixels_to_qimage(mosaic(new, columns)))
            painter.end()
        self._painted_pixels, self._painted_rows = view.pixels, view.ready
        return self._plane

    def showEvent(self, event: QShowEvent) -> None:
        """Have the map decoded from now on."""
        super().showEvent(event)
        self._document.watch_map(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Have the map decoded no longer."""
        super().hideEvent(event)
        self._document.watch_map(False)

    def _on_code_changed(self) -> None:
        code = self._document.code
        across, up = self._document.grid.dims
        if code is None or len(code) <= max(across, up):
            self.canvas.set_cursor(None)
        else:
            self.canvas.set_cursor((float(code[across]), float(code[up])))

    def _on_keyframes_changed(self) -> None:
        across, up = self._document.grid.dims
        codes = [keyframe.code for keyframe in self._document.keyframes if len(keyframe.code) > max(across, up)]
        self.canvas.set_keyframes([(float(code[across]), float(code[up])) for code in codes])

    def _on_cursor_moved(self, x: float, y: float, gesture: str) -> None:
        code = self._document.code
        if code is not None:
            moved = np.array(code, np.float32)
            moved[list(self._document.grid.dims)] = x, y
            self._document.set_code(moved, "Move on the map", gesture)
