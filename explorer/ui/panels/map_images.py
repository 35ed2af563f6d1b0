"""The scatter controls of the map: points of the images, their classes, and the selection."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem, QWidget

from explorer.data.classes import Classes, classes_of
from explorer.document.document import Document
from explorer.document.map_tiles import MapWindow
from explorer.document.selection import Picked
from explorer.document.views.points import POINTS
from explorer.document.views.thumbnails import ThumbnailsView
from explorer.latent.polygon import inside
from explorer.messages import NO_MESSAGE, message_text
from explorer.types import Floats
from explorer.ui.images import pixels_to_qimage
from explorer.ui.plain_text import PlainLabel
from explorer.ui.scatter_image import Scatter
from explorer.ui.widgets.curve import curve_color
from explorer.ui.widgets.fields import check_box, combo_box, label, name_control
from explorer.ui.widgets.job_strip import AnalysisStrip
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox

_DOT = 10
MOST_THUMBNAILS = 60
"""Maximum number of visible points that are shown as images."""

_KEPT = 2_000
_FEW = 2_000
"""Maximum number of images that are encoded again with each update of a model in training."""

_NEAR = 12.0
"""Radius in pixels within which a click selects a point."""


class MapImages(QWidget):
    """Controls what the map draws of the images, and handles selections on it.

    `changed()`: `scatter` or `tiles_shown` changed. `read()`: more images of points were loaded.
    """

    changed = Signal()
    read = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._classes: Classes | None = None
        self._hidden: set[str] = set()
        self._read: dict[int, QImage] = {}
        self._old: set[int] = set()
        self._points: Floats | None = None
        self._placed = True
        self.setAccessibleName(self.tr("Scatter"))
        self.tiles = check_box(
            "map_tiles", self.tr("Show decoded grid"), self.tr("Show decoded images behind the points")
        )
        self.tiles.setChecked(True)
        self.points = check_box(
            "map_points", self.tr("Show points"), self.tr("Encode all images of the dataset and show their codes")
        )
        self.density = check_box(
            "map_density",
            self.tr("Show density"),
            self.tr("Show the density of the points instead of single points"),
            self.tr("distribution, heat map, histogram"),
        )
        self._by = combo_box("map_color", self.tr("Color points by"), [])
        self.legend = _Legend()
        name_control(self.legend, "map_classes", self.tr("Classes (uncheck one to hide its points)"))
        self._words = label("map_images_words")
        self.strip = AnalysisStrip("map_codes", self._document, "codes")
        self.setLayout(
            vbox(
                self.tiles,
                self.points,
                self.density,
                hbox(PlainLabel(self.tr("Color by")), (self._by, 1), spacing=6),
                self.legend,
                self._words,
                self.strip,
                STRETCH,
                spacing=4,
                margins=0,
            )
        )
        self.tiles.toggled.connect(lambda on: self.changed.emit())
        self.points.toggled.connect(self._on_points_toggled)
        self.density.toggled.connect(lambda on: self.changed.emit())
        self._by.activated.connect(lambda row: self._fill_legend())
        self.legend.itemChanged.connect(self._on_item_changed)
        document.analysis.codes_changed.connect(self._on_codes_changed)
        document.analysis.running_changed.connect(self._show_problem)
        document.changed.model.connect(self._on_model_changed)
        document.changed.source.connect(self._on_source_changed)
        document.changed.mixer.connect(self._on_mixer_changed)
        document.changed.grid.connect(self._on_codes_changed)
        document.selection.changed.connect(self.changed.emit)
        document.views.changed(POINTS).connect(self._on_points_view_changed)
        self._on_source_changed()

    # -- what is there -----------------------------------------------------------------------------------------------

    @property
    def scatter(self) -> Scatter | None:
        """The points to draw; None if they are hidden or not encoded yet."""
        if not self.points.isChecked() or self._points is None or self._classes is None:
            return None
        names, of = self._classes.names, self._classes.of
        palette = np.array([_rgb(number) for number in range(len(names))] + [_rgb(-1)], np.uint8)
        shown = np.array([message_text(name) not in self._hidden for name in names] + [True])
        picked = self._document.selection.picked
        chosen = None
        if picked is not None:
            chosen = np.zeros(len(of), np.bool_)
            chosen[picked.indices] = True
        drawn = shown[of] & np.isfinite(self._points).all(axis=1)
        return Scatter(self._points, palette[of], drawn, chosen, self.density.isChecked())

    def thumbnails(self, window: MapWindow) -> list[tuple[float, float, QImage]]:
        """Return the loaded images of the points in a window, if these are few; request the others."""
        scatter = self.scatter
        if scatter is None or scatter.density:
            return []
        x, y = scatter.points[:, 0], scatter.points[:, 1]
        seen = scatter.shown & (x > window.left) & (x < window.right) & (y > window.bottom) & (y < window.top)
        found = np.flatnonzero(seen)
        if len(found) > MOST_THUMBNAILS:
            return []
        missing = [int(index) for index in found if int(index) not in self._read or int(index) in self._old]
        if missing:
            self._document.map.images_wanted.emit(np.array(missing, np.int64))
        there = [int(index) for index in found if int(index) in self._read]
        return [(float(x[index]), float(y[index]), self._read[index]) for index in there]

    def _on_mixer_changed(self) -> None:
        """Read the images again; the old ones stay until then."""
        self._old.update(self._read)
        self.read.emit()

    def _on_points_view_changed(self) -> None:
        view = self._document.views[POINTS]
        if isinstance(view, ThumbnailsView) and view.shows(self._document.source, self._document.mixer):
            if len(self._read) > _KEPT:
                self._read.clear()
            pairs = zip(view.indices.tolist(), view.pixels, strict=True)
            self._read |= {int(index): pixels_to_qimage(pixels) for index, pixels in pairs}
            self._old.difference_update(view.indices.tolist())
            self.read.emit()

    def enclose(self, corners: Floats) -> None:
        """Select the images whose points are inside a polygon ``(k, 2)``; hidden classes are ignored."""
        scatter = self.scatter
        if scatter is not None:
            found = np.flatnonzero(inside(scatter.points, corners) & scatter.shown).astype(np.int64)
            picked = Picked(self.tr("Map selection"), found) if len(found) else None
            self._document.selection.put(picked)
            self._say(len(found))

    def point_at(self, x: float, y: float, scale: float) -> None:
        """Select the image whose point is nearest to x, y; `scale` is in pixels per unit."""
        scatter = self.scatter
        if scatter is None or not scatter.shown.any():
            return
        far = np.hypot(scatter.points[:, 0] - x, scatter.points[:, 1] - y)
        far[~scatter.shown] = np.inf
        nearest = int(far.argmin())
        if far[nearest] * scale <= _NEAR:
            self._document.choose_image(nearest)
        else:
            self._document.selection.put(None)
            self._say(0)

    def _say(self, count: int) -> None:
        words = self.tr("%1 selected · shown in gallery").replace("%1", f"{count:,}")
        self._words.setText(words if count else "")

    # -- changes -----------------------------------------------------------------------------------------------------

    def _on_points_toggled(self, on: bool) -> None:
        if on:
            self._document.analysis.put_problem("codes", NO_MESSAGE)
        if on or not self._placed:
            self._say_hidden()
        self._ask()
        self.changed.emit()

    def _ask(self) -> None:
        """Request the codes of the images, unless they are available or not needed."""
        model, source, codes = self._document.model, self._document.source, self._document.analysis.codes
        if not self.points.isChecked() or model is None or source is None or not model.card.encodes:
            return
        if codes is not None and codes.codec is model.codec and codes.source is source:
            return
        # A model in training changes every few seconds: many images keep earlier codes until it ends.
        learns = codes is not None and codes.source is source and model.epochs is not None
        if not (learns and source.count > _FEW) and self._document.analysis.running("codes") is None:
            self._document.analysis.codes_requested.emit()

    def _on_model_changed(self) -> None:
        model, codes = self._document.model, self._document.analysis.codes
        if codes is not None and (model is None or codes.codec.latent_dim != model.latent_dim):
            self._points = None
        self.points.setEnabled(model is None or model.card.encodes)
        decodes = model is None or model.card.decodes
        self.tiles.setEnabled(decodes)
        if not decodes:
            # A model without a decoder has points only.
            self.points.setChecked(True)
        self._ask()
        self._on_codes_changed()

    def _on_source_changed(self) -> None:
        source = self._document.source
        items: list[tuple[str, object]] = []
        if source is not None:
            items = [(self.tr("Label"), None)] if source.labels is not None else [(self.tr("Single color"), None)]
            items += [(name, name) for name in source.attributes]
        self._by.clear()
        for text, value in items:
            self._by.addItem(text, value)
        self._points = None
        self._read.clear()
        self._old.clear()
        self._hidden.clear()
        self._fill_legend()
        self._ask()

    def _on_codes_changed(self) -> None:
        codes, plane, model = self._document.analysis.codes, self._document.plane, self._document.model
        # Codes of earlier weights of a model in training are shown until there are newer ones.
        self._points, before, self._placed = None, self._placed, True
        of_it = codes is not None and codes.model.is_of(model)
        if of_it and codes is not None and plane is not None and codes.codec.latent_dim == len(plane.origin):
            self._points = codes.table.on_plane(plane, self._document.state.grid.component_axes)
            self._placed = self._points is not None
        if self._placed != before:
            self._say_hidden()
        self.changed.emit()
        self._ask()

    def _say_hidden(self) -> None:
        """Say why there are no points, if their codes are known and they have no place on this plane."""
        hidden = self.tr("Codes this long are kept as principal components. To see points, choose two of them as axes.")
        self._words.setText(hidden if self.points.isChecked() and not self._placed else "")

    def _fill_legend(self) -> None:
        source = self._document.source
        self._classes = None if source is None else classes_of(source, self._by.currentData())
        with QSignalBlocker(self.legend):
            self.legend.clear()
            if self._classes is not None and len(self._classes.names) > 1:
                counts = zip(map(message_text, self._classes.names), self._classes.counts.tolist(), strict=True)
                for number, (name, count) in enumerate(counts):
                    item = QListWidgetItem(_dot(curve_color(number)), f"{name} ({count:,})")
                    item.setData(Qt.ItemDataRole.UserRole, name)
                    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                    item.setCheckState(Qt.CheckState.Unchecked if name in self._hidden else Qt.CheckState.Checked)
                    self.legend.addItem(item)
        self.legend.fit()
        self.changed.emit()

    def _on_item_changed(self, item: QListWidgetItem) -> None:
        name = str(item.data(Qt.ItemDataRole.UserRole))
        if item.checkState() == Qt.CheckState.Checked:
            self._hidden.discard(name)
        else:
            self._hidden.add(name)
        self.changed.emit()

    def _show_problem(self) -> None:
        """Show why there are no points, and allow another attempt."""
        problem = self._document.analysis.problem("codes")
        if problem and self.points.isChecked():
            self.points.setChecked(False)
            self._words.setText(self.tr("Encoding the images failed: %1").replace("%1", message_text(problem)))


class _Legend(QListWidget):
    """A list in as many columns as fit, and as high as all its items."""

    def __init__(self) -> None:
        super().__init__()
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        count = self.count()
        self.setVisible(count > 0)
        if count:
            room = self.width() - 2 * self.frameWidth() - 1
            columns = max(1, room // max(1, self.sizeHintForColumn(0)))
            cell = QSize(room // columns, self.sizeHintForRow(0))
            self.setGridSize(cell)
            self.setFixedHeight(-(-count // columns) * cell.height() + 2 * self.frameWidth())


def _rgb(number: int) -> tuple[int, int, int]:
    color = curve_color(number)
    return color.red(), color.green(), color.blue()


def _dot(color: QColor) -> QIcon:
    pixmap = QPixmap(_DOT, _DOT)
    pixmap.fill(color)
    return QIcon(pixmap)
