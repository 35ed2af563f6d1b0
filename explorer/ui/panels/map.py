"""The map: a plane of latent space decoded on a grid, on which the current code is shown and moved."""

from __future__ import annotations

from collections import deque

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QDrag, QHideEvent, QPixmap, QShowEvent
from PySide6.QtWidgets import QScrollArea, QStackedWidget, QWidget

from explorer.document.document import Document
from explorer.document.mixing import shown_text
from explorer.document.state import OpenModel
from explorer.document.view_store import FailedView
from explorer.document.views.cursor import CURSOR, CursorView
from explorer.document.views.hover import HOVER, HoverView
from explorer.document.views.overlay import OVERLAY, OverlayView
from explorer.document.views.tiles import TILES, TilesView
from explorer.messages import message, message_text
from explorer.ui.color_map import overlay_colors
from explorer.ui.dragging import code_mime
from explorer.ui.image_menu import ImageMenu, MenuImage
from explorer.ui.images import image_to_qimage, pixels_to_qimage, stated
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel
from explorer.ui.panels.map_export import MapExport
from explorer.ui.panels.map_images import MapImages
from explorer.ui.panels.map_plane import MapPlane
from explorer.ui.text import component_name, dimension_name
from explorer.ui.widgets.color_bar import linear_bar
from explorer.ui.widgets.fields import button, name_widget
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox, widget_of
from explorer.ui.widgets.plane_canvas import PlaneCanvas, Tool
from explorer.ui.widgets.segmented_control import SegmentedControl

_TOOLS: tuple[Tool, ...] = ("cursor", "pan", "box", "lasso")
_SIDE_WIDTH = 248
_TRAIL = 60
"""Length of the trail of the current code, in positions."""

_WAY = 24
"""Points per curved segment of the timeline's path."""

_FAR = 3.0
"""Upper end of the distance overlay, in units of the usual nearest-neighbor distance."""


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
        self._tools.chosen.connect(lambda number: self.canvas.set_tool(_TOOLS[number]))
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
                self.tr("Select the images in a box, or click one; Enter: all in view"),
                self.tr("select rectangle, box selection, marquee"),
            ),
            (
                "map_lasso",
                self.tr("Lasso"),
                self.tr("Select the images within a freehand outline; Enter: all in view"),
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
        self.export = MapExport(self._document, self.canvas, self.images)
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

    def _lay_out(self) -> None:
        self._pages = QStackedWidget()
        for name, title, page in (
            ("map_plane_area", self.tr("Settings of the decoded grid"), MapPlane(self._document)),
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
        self._side = widget_of(vbox(self.sides, (self._pages, 1), self.export.button, spacing=4), width=_SIDE_WIDTH)
        self._side.hide()
        top = hbox(self._tools, STRETCH, self._out, self._in, self._fit, self._options, spacing=4)
        self.setLayout(vbox(top, (hbox((self.canvas, 1), self._side), 1), spacing=4, margins=(4, 8, 8, 8)))

    # -- the model and the plane -------------------------------------------------------------------------------------

    def _on_model_changed(self) -> None:
        model = self._document.model
        usable = model is not None and model.latent_dim > 1
        for control in (self._in, self._out, self._fit):
            control.setEnabled(usable)
        before, self._model = self._model, model
        if model is not None and model.continues(before) and model.epochs is not None:
            # New weights arrive every second during training: keep the position and the tiles.
            self._on_code_changed()
            return
        if model is None or not model.continues(before):
            self._trail.clear()
            self._home = None
        self._on_grid_changed()

    def _on_grid_changed(self) -> None:
        grid = self._document.state.grid
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

    # -- intents -----------------------------------------------------------------------------------------------------

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
        if kind is None or not isinstance(view, OverlayView) or view.kind != kind:
            self.canvas.set_overlay(None)
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


PANEL = Panel(
    "map",
    QT_TRANSLATE_NOOP("panels", "Map"),
    MapPanel,
    tip=QT_TRANSLATE_NOOP("panels", "Decode a plane of latent space, and show the dataset's codes on it."),
    synonyms=QT_TRANSLATE_NOOP("panels", "latent space, scatter plot, embedding, grid, density, t-SNE, tsne, umap"),
    icon="map",
    workspaces=("map",),
    help="map",
)
