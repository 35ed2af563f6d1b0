"""The map: a plane of latent space decoded on a grid, on which the current code is shown and moved."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, QSignalBlocker, Qt
from PySide6.QtGui import QDrag, QHideEvent, QImage, QPixmap, QShowEvent
from PySide6.QtWidgets import QComboBox, QFormLayout, QScrollArea, QSizePolicy, QStackedWidget, QWidget

from explorer.document.document import Document
from explorer.document.mixing import shown_text
from explorer.document.state import GRID_LIMIT, OpenModel
from explorer.document.view_store import FailedView
from explorer.document.views.cursor import CURSOR, CursorView
from explorer.document.views.hover import HOVER, HoverView
from explorer.document.views.overlay import OVERLAY, OverlayView
from explorer.document.views.tiles import TILES, TilesView
from explorer.errors import ExplorerError
from explorer.messages import message, message_text
from explorer.ui.actions import Action, ActionMenu, When
from explorer.ui.color_map import overlay_colors
from explorer.ui.dialogs.files import ask_save
from explorer.ui.dialogs.image_size import ImageSizeDialog
from explorer.ui.dragging import code_mime
from explorer.ui.image_menu import ImageMenu, MenuImage
from explorer.ui.images import image_to_qimage, pixels_to_qimage, save_image, stated
from explorer.ui.map_files import save_codes, save_points
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel
from explorer.ui.panels.map_images import MapImages
from explorer.ui.text import component_name, dimension_name, percent
from explorer.ui.widgets.color_bar import linear_bar
from explorer.ui.widgets.fields import button, check_box, combo_box, decimal_box, label, name_widget, spin_box
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox, widget_of
from explorer.ui.widgets.plane_canvas import PlaneCanvas, Tool
from explorer.ui.widgets.segmented_control import SegmentedControl

_TOOLS: tuple[Tool, ...] = ("cursor", "pan", "box", "lasso")
_LISTED = 256
"""Maximum number of dimensions in the axis selectors."""

_SIDE_WIDTH, _BOX_WIDTH = 248, 60
_TRAIL = 60
"""Length of the trail of the current code, in positions."""

_WAY = 24
"""Points per curved segment of the timeline's path."""

_FAR = 3.0
"""Upper end of the distance overlay, in units of the usual nearest-neighbor distance."""

_AROUND = (-0.5, 1.5)
"""Range of a plane through three codes, which are at 0 and 1."""

_QUANTILES = (0.05, 0.95)
_COMPONENT_RANGE = (-3.0, 3.0)
"""Initial range of principal components, in σ."""


class MapPanel(QWidget):
    """A tiled plane to pan and zoom, with the current code, its trail and the timeline's path."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._home: object = None
        self._model: OpenModel | None = None
        self._axes: object = None
        self._trail: deque[tuple[float, float]] = deque(maxlen=_TRAIL)
        name_widget(self, "map_panel", self.tr("Map"))
        self._make_canvas()
        self._make_controls()
        self._lay_out()
        self.canvas.cursor_moved.connect(self._on_cursor_moved)
        self.canvas.keyframe_moved.connect(self._on_keyframe_moved)
        self.canvas.taken_along.connect(self._on_taken_along)
        self.canvas.window_changed.connect(self._on_window_changed)
        self.canvas.hovered.connect(self._on_hovered)
        self.canvas.trail_faded.connect(self._on_trail_faded)
        self.canvas.menu_requested.connect(ImageMenu(document, self.canvas, self._menu_image).open)
        self._options.toggled.connect(self._side.setVisible)
        for box in (self._low, self._high, self._steps):
            box.editingFinished.connect(self._on_settings_edited)
        self._across.activated.connect(lambda row: self._on_direction_chosen(self._across))
        self._up.activated.connect(lambda row: self._on_direction_chosen(self._up))
        self._tools.chosen.connect(lambda number: self.canvas.set_tool(_TOOLS[number]))
        self._through.clicked.connect(self._on_through_clicked)
        self._quantiles.toggled.connect(self._on_quantiles_toggled)
        self._overlay.activated.connect(lambda row: self._document.map.lay_over(self._overlay.currentData()))
        self.sides.chosen.connect(self._pages.setCurrentIndex)
        self.images.changed.connect(self._on_images_changed)
        self.images.read.connect(self._show_thumbnails)
        self.canvas.enclosed.connect(self.images.enclose)
        self.canvas.pointed_at.connect(lambda x, y: self.images.point_at(x, y, self.canvas.scale))
        self._in.clicked.connect(lambda: self.canvas.zoom_by(2.0**0.5))
        self._out.clicked.connect(lambda: self.canvas.zoom_by(0.5**0.5))
        self._fit.clicked.connect(self.canvas.reset_view)
        document.changed.model.connect(self._on_model_changed)
        document.changed.grid.connect(self._on_grid_changed)
        document.views.changed(TILES).connect(self._on_tiles_view_changed)
        document.views.changed(HOVER).connect(self._on_hover_view_changed)
        document.views.changed(OVERLAY).connect(self._on_overlay_changed)
        document.map.overlay_changed.connect(self._on_overlay_changed)
        document.changed.code.connect(self._on_code_changed)
        for changed in (document.changed.keyframes, document.changed.animation, document.timeline.curve_laid):
            changed.connect(self._on_keyframes_changed)
        self._on_model_changed()

    def _make_canvas(self) -> None:
        self.canvas = PlaneCanvas(self.tr("Open a model with at least two latent dimensions."))
        name_widget(
            self.canvas,
            "map_canvas",
            self.tr("Map of the latent plane"),
            self.tr(
                "Decoded images of a plane of latent space.\n"
                "Click/drag: move the current code · wheel: zoom · Ctrl-drag: to timeline"
            ),
        )

    def _make_controls(self) -> None:
        self._tools = SegmentedControl(
            (
                "map_cursor",
                self.tr("Move"),
                self.tr("Left-drag moves the current code or a keyframe"),
                self.tr("drag code, move code"),
            ),
            (
                "map_pan",
                self.tr("Pan"),
                self.tr("Left-drag pans; right-drag always pans"),
                self.tr("scroll, hand, drag map"),
            ),
            (
                "map_box",
                self.tr("Box"),
                self.tr("Select the images in a box, or click one"),
                self.tr("select rectangle, box selection, marquee"),
            ),
            (
                "map_lasso",
                self.tr("Lasso"),
                self.tr("Select the images within a freehand outline"),
                self.tr("freehand selection, select outline"),
            ),
        )
        self.sides = SegmentedControl(
            (
                "map_plane",
                self.tr("Decoded grid"),
                self.tr("Choose the plane of latent space and its grid"),
                self.tr("grid, manifold, plane settings"),
            ),
            (
                "map_images",
                self.tr("Scatter"),
                self.tr("Show the dataset’s codes as points on the plane"),
                self.tr("points, embedding, scatter plot"),
            ),
        )
        self.images = MapImages(self._document)
        self._out = button("map_zoom_out", "−", self.tr("Zoom out (mouse wheel or −)"), self.tr("smaller, zoom map"))
        self._in = button(
            "map_zoom_in", "+", self.tr("Zoom in (mouse wheel or +)"), self.tr("larger, magnify, zoom map")
        )
        self._fit = button(
            "map_fit", self.tr("Fit"), self.tr("Show the whole range (0)"), self.tr("reset zoom, whole map, show all")
        )
        self._options = button(
            "map_options",
            self.tr("Options"),
            self.tr("Show or hide the plane, the points, overlays and export"),
            self.tr("map settings, overlay, color by, show points"),
        )
        self._options.setCheckable(True)
        self._save = button("map_save", self.tr("Export…"), self.tr("Export the map or its codes"))
        self._save.setMenu(ActionMenu("map_save_menu", self, records=self._save_actions()))
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
                (self.tr("Overlay: None"), None),
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
        plane = widget_of(vbox(form, self._quantiles, self._overlay, self._legend, self._hint, STRETCH, spacing=4))
        self._pages = QStackedWidget()
        for name, title, page in (
            ("map_plane_area", self.tr("Settings of the decoded grid"), plane),
            ("map_images_area", self.tr("Settings of the scatter plot"), self.images),
        ):
            area = QScrollArea()
            name_widget(area, name, title)
            area.setFrameShape(QScrollArea.Shape.NoFrame)
            area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            area.setWidgetResizable(True)
            area.setWidget(page)
            self._pages.addWidget(area)
        self._side = widget_of(vbox(self.sides, (self._pages, 1), self._save, spacing=4), width=_SIDE_WIDTH)
        self._side.hide()
        top = hbox(self._tools, STRETCH, self._out, self._in, self._fit, self._options, spacing=4)
        self.setLayout(vbox(top, (hbox((self.canvas, 1), self._side), 1), spacing=4, margins=(4, 8, 8, 8)))

    # -- the model and the plane -------------------------------------------------------------------------------------

    def _on_model_changed(self) -> None:
        model = self._document.model
        usable = model is not None and model.latent_dim > 1
        for control in (self._low, self._high, self._steps, self._in, self._out, self._fit):
            control.setEnabled(usable)
        before, self._model = self._model, model
        if model is not None and model.continues(before) and model.epochs is not None:
            # New weights arrive every second during training: keep the position and the tiles.
            self._on_code_changed()
            return
        self._fill_directions(model if usable else None)
        if model is None or not model.continues(before):
            self._trail.clear()
            self._home = None
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
        home = (grid, self._document.model is None)
        if home != self._home:
            self._home = home
            learns = self._model is not None and self._model.epochs is not None
            self.canvas.set_home(self._document.tile_grid, grid.steps, self._names(), keep=learns)
        self._on_keyframes_changed()
        self._on_code_changed()
        self._show_tiles()

    def _names(self) -> tuple[str, str]:
        grid = self._document.state.grid
        if grid.corners:
            return self.tr("keyframes 1–2"), self.tr("keyframes 1–3")
        if grid.quantiles:
            across, up = (self.tr("quantile of %1").replace("%1", dimension_name(n)) for n in grid.dims)
            return across, up
        across, up = (component_name(n) if grid.components else dimension_name(n) for n in grid.dims)
        return across, up

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

    def _on_cursor_moved(self, x: float, y: float, gesture: str) -> None:
        code, plane = self._document.code, self._document.plane
        if code is not None and plane is not None:
            self._document.set_code(plane.moved(code, x, y), message("Move on map"), gesture)

    def _on_taken_along(self, x: float, y: float) -> None:
        code, plane = self._document.code, self._document.plane
        if code is None or plane is None:
            return
        drag = QDrag(self.canvas)
        drag.setMimeData(code_mime(plane.moved(code, x, y)))
        view = self._document.views[HOVER]
        if isinstance(view, HoverView):
            side = Qt.AspectRatioMode.KeepAspectRatio
            drag.setPixmap(QPixmap.fromImage(image_to_qimage(view.image, self._document.mixer)).scaled(48, 48, side))
        drag.exec(Qt.DropAction.CopyAction)

    def _on_keyframe_moved(self, number: int, x: float, y: float, gesture: str) -> None:
        plane = self._document.plane
        if plane is not None and number < len(self._document.state.keyframes):
            code = plane.moved(self._document.state.keyframes[number].code, x, y)
            self._document.timeline.bend(number, code, gesture)

    def _on_hovered(self, point: tuple[float, float] | None) -> None:
        self._document.map.hovered.emit(point)
        if point is None:
            self.canvas.set_preview(None)

    def _on_trail_faded(self) -> None:
        while len(self._trail) > 1:
            self._trail.popleft()

    def _menu_image(self, where: QPoint | None) -> MenuImage | None:
        """Return the tile at a position, with the code that it shows; for the keyboard, the current code."""
        code, plane, model = self._document.code, self._document.plane, self._document.model
        if code is None or plane is None or model is None or self.canvas.panning:
            return None
        if where is None:
            view = self._document.views[CURSOR]
            return (
                MenuImage(image_to_qimage(view.image, self._document.mixer), model.name, code)
                if isinstance(view, CursorView)
                else None
            )
        x, y = self.canvas.to_plane(QPointF(where))
        tiles = [
            tile for tile in self._document.map.visible() if max(abs(tile.x - x), abs(tile.y - y)) <= tile.step / 2
        ]
        if not tiles or not self.canvas.plane_rect().contains(QPointF(where)):
            return None
        # The last one is painted over the others.
        image = stated(pixels_to_qimage(tiles[-1].pixels), shown_text(self._document.state))
        return MenuImage(image, model.name, plane.moved(code, tiles[-1].x, tiles[-1].y))

    def _save_actions(self) -> Iterator[Action]:
        has_image = When(lambda: self.canvas.has_image)
        has_points = When(lambda: self.images.scatter is not None)
        svg, csv = self.tr("SVG image (*.svg)"), self.tr("CSV table (*.csv)")
        yield Action(
            "map_save_axes",
            self.tr("Map with axes as PNG…"),
            partial(self._ask_size, axes=True),
            tip=self.tr("Export the map as an image with axes and numbers."),
            synonyms=self.tr("save map, screenshot, figure"),
            enabled=has_image,
        )
        yield Action(
            "map_save_plane",
            self.tr("Decoded grid as PNG…"),
            partial(self._ask_size, axes=False),
            tip=self.tr("Export the decoded grid alone, as an image of any size."),
            synonyms=self.tr("save grid, manifold image"),
            enabled=has_image,
        )
        yield Action(
            "map_save_points",
            self.tr("Scatter as SVG…"),
            partial(self._ask_save, self.save_points, ".svg", svg),
            tip=self.tr("Export the points as a vector graphic."),
            synonyms=self.tr("save scatter plot, vector graphic"),
            enabled=has_points,
        )
        yield Action(
            "map_save_codes",
            self.tr("Codes as CSV…"),
            partial(self._ask_save, self.save_codes, ".csv", csv),
            tip=self.tr("Export the codes as a table for other programs."),
            synonyms=self.tr("save codes, table, spreadsheet, embedding"),
            enabled=has_points,
        )

    def _ask_save(self, save: Callable[[Path], None], suffix: str, kind: str) -> None:
        ask_save(self._document, self, self.tr("Export the map"), [kind], Path.home() / f"map{suffix}", save)

    def _ask_size(self, *, axes: bool) -> None:
        def make(side: int) -> QImage:
            image = self.canvas.image(self._document.map.visible(), side, axes=axes)
            return stated(image, shown_text(self._document.state))

        ImageSizeDialog(self.window(), self.tr("Export the map"), make, self._ask_save_image).open()

    def _ask_save_image(self, image: QImage) -> None:
        png = self.tr("PNG image (*.png)")
        self._ask_save(lambda path: self._write(path, lambda: save_image(image, path)), ".png", png)

    def save_points(self, path: Path) -> None:
        if (scatter := self.images.scatter) is not None:
            self._write(path, lambda: save_points(scatter, self.canvas.map_window(), self._names(), path))

    def save_codes(self, path: Path) -> None:
        scatter, codes = self.images.scatter, self._document.analysis.codes
        if scatter is not None and codes is not None:
            self._write(path, lambda: save_codes(codes, scatter, path))

    def _write(self, path: Path, write: Callable[[], object]) -> None:
        try:
            write()
        except ExplorerError as error:
            self._document.report(error.message)
        else:
            self._document.exported.emit(path)

    def _on_images_changed(self) -> None:
        self.canvas.set_scatter(self.images.scatter)
        self.canvas.set_tiles_shown(self.images.tiles.isChecked())
        if self.isVisible():
            self._look()
            self._show_thumbnails()

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _on_window_changed(self) -> None:
        if self.isVisible():
            self._look()
            self._show_tiles()
            self._show_thumbnails()

    def _look(self) -> None:
        self._document.map.look(self.canvas.map_window() if self.images.tiles.isChecked() else None)

    def _show_thumbnails(self) -> None:
        self.canvas.set_thumbnails(self.images.thumbnails(self.canvas.map_window()))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._on_window_changed()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._document.map.look(None)

    def _on_tiles_view_changed(self) -> None:
        view = self._document.views[TILES]
        if isinstance(view, FailedView):
            self._show_tiles()
        elif isinstance(view, TilesView) and self.canvas.has_image:
            window = self._document.map.window
            if window is not None and (view.tile_grid, view.level) == (window.tile_grid, window.level):
                self.canvas.add_tiles(view.placed())
        else:
            self._show_tiles()

    def _show_tiles(self) -> None:
        model, view = self._document.model, self._document.views[TILES]
        if model is not None and model.latent_dim < 2:
            self.canvas.show_text(self.tr("A one-dimensional code has no plane to show."))
        elif model is None:
            self.canvas.show_text(self.tr("Open a model with at least two latent dimensions."))
        elif isinstance(view, FailedView):
            self.canvas.show_text(message_text(view.message))
        else:
            self.canvas.show_tiles(self._document.map.visible)

    def _on_hover_view_changed(self) -> None:
        view = self._document.views[HOVER]
        if not isinstance(view, HoverView):
            self.canvas.set_preview(None)
            return
        lines = [self.tr("label %1").replace("%1", self._label(view.label))] if view.label is not None else []
        lines.append(self.tr("distance to data %1×").replace("%1", f"{view.ratio:.1f}"))
        self.canvas.set_preview(image_to_qimage(view.image, self._document.mixer), tuple(lines))

    def _label(self, label: int) -> str:
        """Return the name of a label of the model's test images, if they are of the open dataset."""
        model, source = self._document.model, self._document.source
        names = source.label_names if source is not None and model is not None else None
        same = model is not None and source is not None and model.card.data.name == source.name
        return names[label] if names is not None and same and label < len(names) else str(label)

    def _on_overlay_changed(self) -> None:
        view, kind = self._document.views[OVERLAY], self._document.map.overlay
        self._overlay.setCurrentIndex(self._overlay.findData(kind))
        if kind is None or not isinstance(view, OverlayView) or view.kind != kind:
            self.canvas.set_overlay(None)
            self._legend.setText(message_text(view.message) if isinstance(view, FailedView) and kind else "")
            self._legend.setVisible(bool(self._legend.text()))
            return
        known = view.values[np.isfinite(view.values)]
        highest = _FAR
        if kind != "distance":
            highest = max(float(np.quantile(known, 0.98)), 1e-9) if len(known) else 1.0
        qimage = pixels_to_qimage(overlay_colors(view.values, highest))
        seen = view.window
        area = QRectF(QPointF(seen.left, seen.top), QPointF(seen.right, seen.bottom))
        titles = {
            "distance": self.tr("distance"),
            "stretch": self.tr("change"),
            "round_trip": self.tr("error"),
        }
        self.canvas.set_overlay(qimage, area, linear_bar(titles[kind], highest))
        words = {
            "distance": self.tr("In units of the usual nearest-neighbor distance of the data"),
            "stretch": self.tr("RMS pixel change per unit step"),
            "round_trip": self.tr("Distance between a code and the code of its decoded image"),
        }
        self._legend.setText(words[kind])
        self._legend.show()

    def _on_code_changed(self) -> None:
        code, plane = self._document.code, self._document.plane
        if code is None or plane is None:
            self.canvas.set_cursor(None)
            return
        x, y = plane.coordinates(code).tolist()
        if not self._trail or self._trail[-1] != (x, y):
            self._trail.append((x, y))
        axes = self._document.state.grid.axes
        if axes != self._axes:
            # The trail belongs to another plane.
            self._axes = axes
            self._trail.clear()
            self._trail.append((x, y))
            self._on_keyframes_changed()
        self.canvas.set_trail(list(self._trail))
        self.canvas.set_cursor((x, y))

    def _on_keyframes_changed(self) -> None:
        plane = self._document.plane
        codes = [keyframe.code for keyframe in self._document.state.keyframes]
        self._through.setEnabled(len(codes) > 2 and plane is not None)
        if plane is None or not codes or len(codes[0]) != len(plane.origin):
            self.canvas.set_keyframes([])
        else:
            animation, curve = self._document.timeline.animation, self._document.timeline.curve
            way = None
            if (
                animation is not None
                and curve is not None
                and any(segment.path != "linear" for segment in animation.segments)
            ):
                places = np.linspace(0, len(animation.segments), _WAY * len(animation.segments) + 1)
                way = plane.coordinates(curve.at(places))
            self.canvas.set_keyframes([(float(x), float(y)) for x, y in plane.coordinates(np.stack(codes))], way)


def _row_of(box: QComboBox, value: object) -> int:
    return next((row for row in range(box.count()) if box.itemData(row) == value), -1)


PANEL = Panel(
    "map",
    QT_TRANSLATE_NOOP("panels", "Map"),
    MapPanel,
    tip=QT_TRANSLATE_NOOP("panels", "Decode a plane of latent space, and show the dataset's codes on it."),
    synonyms=QT_TRANSLATE_NOOP("panels", "latent space, scatter, manifold, embedding, grid, density, tsne, umap"),
    icon="map",
    workspaces=("map",),
    help="map",
)
