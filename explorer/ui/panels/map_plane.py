"""Settings of the map's plane: its range, grid and axes, and what is laid over it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QFormLayout, QSizePolicy, QWidget

from explorer.document.document import Document
from explorer.document.state import GRID_LIMIT, OpenModel
from explorer.document.view_store import FailedView
from explorer.document.views.overlay import OVERLAY, OverlayView
from explorer.errors import ExplorerError
from explorer.messages import message_text
from explorer.ui.text import component_name, dimension_name, percent
from explorer.ui.widgets.fields import button, check_box, combo_box, decimal_box, label, spin_box
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox

_LISTED = 256
"""Maximum number of dimensions in the axis selectors."""

_BOX_WIDTH = 60

_AROUND = (-0.5, 1.5)
"""Range of a plane through three codes, which are at 0 and 1."""

_QUANTILES = (0.05, 0.95)
_COMPONENT_RANGE = (-3.0, 3.0)
"""Initial range of principal components, in σ."""


class MapPlane(QWidget):
    """The page of the map's options for the decoded grid."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._model: OpenModel | None = None
        self.setAccessibleName(self.tr("Decoded grid"))
        self._make_controls()
        self._lay_out()
        for box in (self._low, self._high, self._steps):
            box.editingFinished.connect(self._on_settings_edited)
        self._across.activated.connect(lambda row: self._on_direction_chosen(self._across))
        self._up.activated.connect(lambda row: self._on_direction_chosen(self._up))
        self._through.clicked.connect(self._on_through_clicked)
        self._quantiles.toggled.connect(self._on_quantiles_toggled)
        self._overlay.activated.connect(lambda row: self._document.map.lay_over(self._overlay.currentData()))
        document.changed.model.connect(self._on_model_changed)
        document.changed.grid.connect(self._on_grid_changed)
        document.changed.keyframes.connect(self._on_keyframes_changed)
        document.views.changed(OVERLAY).connect(self._on_overlay_changed)
        document.map.overlay_changed.connect(self._on_overlay_changed)
        self._on_model_changed()

    def _make_controls(self) -> None:
        limits = (-1000.0, 1000.0)
        self._low = decimal_box("map_low", self.tr("Minimum of both axes"), limits, 0.5, 2)
        self._high = decimal_box("map_high", self.tr("Maximum of both axes"), limits, 0.5, 2)
        self._steps = spin_box("map_steps", self.tr("Decoded images per side"), 2, GRID_LIMIT, 15)
        for box in (self._low, self._high, self._steps):
            # Their limits have more digits than their values.
            box.setMinimumWidth(_BOX_WIDTH)
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._across = combo_box("map_across", self.tr("Dimension or principal component on the X axis"), [])
        self._up = combo_box("map_up", self.tr("Dimension or principal component on the Y axis"), [])
        self._through = button(
            "map_through",
            self.tr("Keyframe plane"),
            self.tr("Plane through keyframes 1–3"),
            self.tr("plane through keyframes, three keyframes"),
        )
        self._quantiles = check_box(
            "map_quantiles",
            self.tr("Prior quantiles"),
            self.tr("Space the grid by quantiles of the prior N(0, I): 0.05 to 0.95 covers 90%"),
        )
        self._overlay = combo_box(
            "map_overlay",
            self.tr("Overlay: where decoded images are reliable, and how fast they change"),
            [
                (self.tr("None"), None),
                (self.tr("Distance to data"), "distance"),
                (self.tr("Decoder sensitivity"), "stretch"),
                (self.tr("Cycle error"), "round_trip"),
            ],
        )
        self._legend = label("map_overlay_legend")
        self._legend.hide()
        self._hint = label("map_hint")

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.setVerticalSpacing(4)
        form.addRow(self.tr("Range"), hbox(self._low, self._high, spacing=4))
        form.addRow(self.tr("Grid"), self._steps)
        form.addRow(self._through)
        form.addRow(self.tr("X axis"), self._across)
        form.addRow(self.tr("Y axis"), self._up)
        form.addRow(self._quantiles)
        form.addRow(self.tr("Overlay"), self._overlay)
        self.setLayout(vbox(form, self._legend, self._hint, STRETCH, spacing=4, margins=0))

    # -- following the document --------------------------------------------------------------------------------------

    def _on_model_changed(self) -> None:
        before, self._model = self._model, self._document.model
        model = self._model
        usable = model is not None and model.latent_dim > 1
        for control in (self._low, self._high, self._steps):
            control.setEnabled(usable)
        if model is None or model.epochs is None or not model.continues(before):
            self._fill_directions(model if usable else None)
            self._on_grid_changed()

    def _fill_directions(self, model: OpenModel | None) -> None:
        """List the dimensions, then the principal components with their explained variance."""
        entries: list[tuple[str, tuple[bool, int]]] = []
        if model is not None:
            entries = [(dimension_name(dim), (False, dim)) for dim in range(min(model.latent_dim, _LISTED))]
        if model is not None and model.latent_dim > 2:
            statistics = model.sample.statistics
            shares = zip(statistics.explained, statistics.component_sigma, strict=True)
            entries += [
                (f"{component_name(axis)} · {percent(float(share))}", (True, axis))
                for axis, (share, sigma) in enumerate(shares)
                if sigma > 0
            ]
        for box in (self._across, self._up):
            if [box.itemText(row) for row in range(box.count())] != [text for text, _ in entries]:
                box.clear()
                for text, value in entries:
                    box.addItem(text, value)
            box.setEnabled(model is not None and model.latent_dim > 2)

    def _on_grid_changed(self) -> None:
        grid = self._document.state.grid
        for box, value in ((self._low, grid.low), (self._high, grid.high)):
            with QSignalBlocker(box):
                box.setValue(value)
        with QSignalBlocker(self._steps), QSignalBlocker(self._quantiles):
            self._steps.setValue(grid.steps)
            self._quantiles.setChecked(grid.quantiles)
        for combo, number in ((self._across, grid.dims[0]), (self._up, grid.dims[1])):
            combo.setCurrentIndex(-1 if grid.corners else _row_of(combo, (grid.components, number)))
        self._show_hint()
        self._on_keyframes_changed()

    def _on_keyframes_changed(self) -> None:
        self._through.setEnabled(len(self._document.state.keyframes) > 2 and self._document.plane is not None)

    def _on_overlay_changed(self) -> None:
        view, kind = self._document.views[OVERLAY], self._document.map.overlay
        self._overlay.setCurrentIndex(self._overlay.findData(kind))
        text = ""
        if kind is not None and isinstance(view, OverlayView) and view.kind == kind:
            text = {
                "distance": self.tr("In units of the 95th-percentile nearest-neighbor distance"),
                "stretch": self.tr("RMS pixel change per unit step"),
                "round_trip": self.tr("Distance between a code and the code of its decoded image"),
            }[kind]
        elif kind is not None and isinstance(view, FailedView):
            text = message_text(view.message)
        self._legend.setText(text)
        self._legend.setVisible(bool(text))

    def _show_hint(self) -> None:
        model = self._document.model
        more = model is not None and model.latent_dim > 2
        words = self.tr("Axes in σ. Other dimensions stay at the current code.")
        if not self._document.state.grid.components:
            words = self.tr("Other dimensions stay at the current code.")
        if self._document.state.grid.corners:
            words = self.tr(
                "Keyframes 1, 2 and 3 are at (0, 0), (1, 0) and (0, 1). "
                "The current code keeps its distance from the plane."
            )
        self._hint.setText(words if more else "")
        self._hint.setVisible(bool(self._hint.text()))

    # -- intents -----------------------------------------------------------------------------------------------------

    def _on_settings_edited(self) -> None:
        low, high = self._low.value(), self._high.value()
        if low >= high:
            self._on_grid_changed()
            self._hint.setText(self.tr("The minimum must be below the maximum."))
            self._hint.show()
            return
        self._show_hint()
        try:
            self._document.set_grid(replace(self._document.state.grid, low=low, high=high, steps=self._steps.value()))
        except ExplorerError:
            self._on_grid_changed()
            self._hint.setText(self.tr("Quantiles must be between 0 and 1."))
            self._hint.show()

    def _on_direction_chosen(self, box: QComboBox) -> None:
        """Change one axis; both are dimensions, or both are principal components."""
        grid = self._document.state.grid
        if grid.corners:
            low, high = self._home_range(grid.dims, components=grid.components)
            grid = replace(grid, corners=(), low=low, high=high)
        chosen, other = (self._across, self._up) if box is self._across else (self._up, self._across)
        components, number = chosen.currentData()
        if components != grid.components:
            beside = 1 if number == 0 else 0
            dims = (number, beside) if chosen is self._across else (beside, number)
            low, high = self._home_range(dims, components=components)
            self._document.set_grid(
                replace(grid, dims=dims, components=components, quantiles=False, low=low, high=high)
            )
            return
        beside = grid.dims[1] if other is self._up else grid.dims[0]
        dims = (number, beside) if chosen is self._across else (beside, number)
        if number == beside:
            # Choosing the other axis's direction swaps the two.
            dims = (grid.dims[1], grid.dims[0])
        moved = replace(grid, dims=dims)
        if not grid.quantiles and (grid.low, grid.high) == self._home_range(grid.dims, components=components):
            # A range that nobody has set follows the dimensions.
            low, high = self._home_range(dims, components=components)
            moved = replace(moved, low=low, high=high)
        self._document.set_grid(moved)

    def _home_range(self, dims: tuple[int, int], *, components: bool) -> tuple[float, float]:
        return _COMPONENT_RANGE if components else self._document.home_range(dims)

    def _on_quantiles_toggled(self, on: bool) -> None:
        grid = self._document.state.grid
        dims = (0, 1) if grid.components else grid.dims
        low, high = _QUANTILES if on else self._document.home_range(dims)
        self._document.set_grid(
            replace(grid, dims=dims, quantiles=on, components=False, corners=(), low=low, high=high)
        )

    def _on_through_clicked(self) -> None:
        """Show the plane through three keyframes; if they are collinear, say so."""
        codes = [keyframe.code for keyframe in self._document.state.keyframes[:3]]
        corners = tuple(tuple(float(value) for value in code) for code in codes)
        low, high = _AROUND
        try:
            grid = replace(self._document.state.grid, corners=corners, quantiles=False, low=low, high=high)
            self._document.set_grid(grid)
        except ExplorerError:
            words = self.tr("Keyframes 1–3 are collinear. Choose a third one off the line.")
            self._hint.setText(words)
            self._hint.show()


def _row_of(box: QComboBox, value: object) -> int:
    return next((row for row in range(box.count()) if box.itemData(row) == value), -1)
