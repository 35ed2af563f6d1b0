"""Neighbors: the images nearest in latent space, and for comparison those nearest in pixel space."""

from __future__ import annotations

from collections import Counter
from functools import partial

import numpy as np
from PySide6.QtCore import QMimeData, QPoint, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import QApplication, QGridLayout, QListView, QListWidget, QListWidgetItem, QWidget

from explorer.document.document import Document
from explorer.document.mixing import shown_text
from explorer.document.neighbors import MOST
from explorer.document.view_store import FailedView
from explorer.document.views.neighbors import NEIGHBORS, NeighborsView
from explorer.messages import NO_MESSAGE, message_text
from explorer.types import Floats, Indices, Pixels
from explorer.ui.dragging import images_mime
from explorer.ui.image_menu import ImageMenu, MenuImage
from explorer.ui.images import pixels_to_qimage, stated
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel, WatchingPanel
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.text import filled, percent, sentence
from explorer.ui.widgets.empty_label import EmptyLabel
from explorer.ui.widgets.fields import button, check_box, combo_box, label, name_control, name_widget, spin_box
from explorer.ui.widgets.job_strip import AnalysisStrip
from explorer.ui.widgets.layouts import flow, vbox, widget_of
from explorer.ui.widgets.segmented_control import SegmentedControl
from explorer.ui.widgets.thumbnail_delegate import show_thumbnails

_PLACE = Qt.ItemDataRole.UserRole
_SIDE = 56
_CELL = QSize(_SIDE + 24, _SIDE + 26)
_LARGEST = 224


class NeighborsPanel(WatchingPanel):
    """Two rows of images, and the settings of the search."""

    watched = NEIGHBORS

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, parent)
        name_widget(self, "neighbors_panel", self.tr("Neighbors"))
        self._make_controls()
        self._lay_out()
        self._connect()
        self._show_settings()
        self._show()

    def _make_controls(self) -> None:
        self.of = SegmentedControl(
            (
                "neighbors_cursor",
                self.tr("Current code"),
                self.tr("Images near the current code, updated as it changes"),
                self.tr("nearest to code, similar to code"),
            ),
            (
                "neighbors_image",
                self.tr("Selected image"),
                self.tr("Images near the selected one, without itself"),
                self.tr("nearest to image, similar images"),
            ),
        )
        self._metric = combo_box(
            "neighbors_metric",
            self.tr("Euclidean: distance between codes. Cosine: angle between codes."),
            [(self.tr("Euclidean"), "l2"), (self.tr("Cosine"), "cosine")],
        )
        self._whitened = check_box(
            "neighbors_whitened",
            self.tr("Whitened"),
            self.tr("Divide by σ along every principal component, so that all count equally"),
        )
        kinds: list[tuple[str, object]] = [
            (self.tr("Auto"), None),
            (self.tr("Exact"), "exact"),
            (self.tr("HNSW"), "hnsw"),
            (self.tr("LSH"), "lsh"),
        ]
        self._kind = combo_box(
            "neighbors_index",
            self.tr("Search index: exact (all images), layered graph (HNSW), or hashing (LSH)"),
            kinds,
        )
        self._count = spin_box("neighbors_count", self.tr("Number of neighbors"), 1, MOST, 10)
        self._add = button(
            "neighbors_add",
            self.tr("+ Timeline"),
            self.tr("Add the selected neighbors as keyframes"),
            self.tr("add keyframes, neighbors to animation"),
        )
        self._options = button(
            "neighbors_options",
            self.tr("Options"),
            self.tr("Show or hide metric, whitening, search index and number of neighbors"),
            self.tr("metric, cosine, euclidean, index"),
        )
        self._options.setCheckable(True)
        self.by_code = self._list("neighbors_by_code", self.tr("Nearest in latent space"))
        self.by_pixels = self._list("neighbors_by_pixels", self.tr("Nearest in pixel space"))
        self._code_words = label("neighbors_code_words", narrow=True)
        self._pixel_words = label("neighbors_pixel_words", narrow=True)
        self._note = label("neighbors_note", narrow=True)
        self._empty = EmptyLabel("neighbors_empty")
        self.strip = AnalysisStrip("neighbors", self._document, "index")
        tip = self.tr("Encode the images again")
        self._retry = button("neighbors_retry", self.tr("Try again"), tip, self.tr("encode again, index again"))
        self._retry.clicked.connect(self._on_retry_clicked)

    def _list(self, name: str, tip: str) -> QListWidget:
        made = _Row(self._document)
        name_control(made, name, tip)
        made.setToolTip("")
        return made

    def _lay_out(self) -> None:
        self._rows = QWidget()
        rows = QGridLayout(self._rows)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setVerticalSpacing(3)
        rows.addWidget(self._code_words, 0, 0)
        rows.addWidget(self.by_code, 1, 0)
        rows.addWidget(self._pixel_words, 2, 0)
        rows.addWidget(self.by_pixels, 3, 0)
        rows.setRowStretch(1, 1)
        rows.setRowStretch(3, 1)
        settings = widget_of(flow(self._metric, self._whitened, self._kind, self._count))
        settings.hide()
        self._options.toggled.connect(settings.setVisible)
        self.setLayout(
            vbox(
                flow(self.of, self._options, self._add),
                settings,
                (self._rows, 1),
                (self._empty, 1),
                self._note,
                self.strip,
                (self._retry, 0, Qt.AlignmentFlag.AlignHCenter),
                spacing=6,
                margins=(12, 8, 8, 8),
            )
        )

    def _connect(self) -> None:
        document, neighbors = self._document, self._document.neighbors
        self.of.chosen.connect(lambda place: neighbors.set(of="image" if place else "cursor"))
        self._metric.activated.connect(lambda row: neighbors.set(metric=self._metric.currentData()))
        self._whitened.toggled.connect(lambda on: neighbors.set(whitened=on))
        self._kind.activated.connect(lambda row: neighbors.set(kind=self._kind.currentData()))
        self._count.valueChanged.connect(lambda value: neighbors.set(count=value))
        self._add.clicked.connect(self._on_add_clicked)
        for row in (self.by_code, self.by_pixels):
            row.itemActivated.connect(self._go)
            row.itemClicked.connect(self._on_item_clicked)
            row.itemSelectionChanged.connect(self._on_selection_changed)
            ImageMenu(document, row, partial(self._menu_image, row))
        neighbors.settings_changed.connect(self._show_settings)
        neighbors.index_changed.connect(self._show)
        document.views.changed(NEIGHBORS).connect(self._show)
        document.changed.model.connect(self._show)
        document.changed.source.connect(self._show)
        document.analysis.running_changed.connect(self._show)

    # -- intents -----------------------------------------------------------------------------------------------------

    def _go(self, item: QListWidgetItem) -> None:
        self._document.choose_image(int(item.data(_PLACE)))

    def _on_item_clicked(self, item: QListWidgetItem) -> None:
        """Go to an image, whose neighbors are others; with Ctrl or Shift, several can be selected."""
        if QApplication.keyboardModifiers() == Qt.KeyboardModifier.NoModifier:
            self._go(item)

    def _on_selection_changed(self) -> None:
        self._add.setEnabled(bool(self._selected()))

    def _selected(self) -> list[int]:
        items = [*self.by_code.selectedItems(), *self.by_pixels.selectedItems()]
        return list(dict.fromkeys(int(item.data(_PLACE)) for item in items))

    def _on_add_clicked(self) -> None:
        self._document.timeline.request_images(self._selected(), len(self._document.state.keyframes))

    def _menu_image(self, row: QListWidget, where: QPoint | None) -> MenuImage | None:
        view, index = self._document.views[NEIGHBORS], self._document.neighbors.index
        item = row.currentItem() if where is None else row.itemAt(where)
        if item is None or index is None or not isinstance(view, NeighborsView):
            return None
        images = view.images if row is self.by_code else view.pixel_images
        place = int(item.data(_PLACE))
        image = stated(pixels_to_qimage(images[row.row(item)]), shown_text(self._document.state))
        return MenuImage(image, f"image-{place + 1}", index.code_of(place), place)

    def _on_retry_clicked(self) -> None:
        self._document.analysis.put_problem("index", NO_MESSAGE)
        self._document.neighbors.index_requested.emit()

    # -- display -----------------------------------------------------------------------------------------------------

    def _show_settings(self) -> None:
        settings = self._document.neighbors.settings
        self.of.choose(1 if settings.of == "image" else 0)
        self._metric.setCurrentIndex(self._metric.findData(settings.metric))
        self._kind.setCurrentIndex(max(0, self._kind.findData(settings.kind)))
        with QSignalBlocker(self._whitened):
            self._whitened.setChecked(settings.whitened)
        with QSignalBlocker(self._count):
            self._count.setValue(settings.count)

    def _show(self) -> None:
        view, model, source = self._document.views[NEIGHBORS], self._document.model, self._document.source
        shown = isinstance(view, NeighborsView)
        self._rows.setVisible(shown)
        self._empty.setVisible(not shown)
        self._retry.setVisible(not shown and bool(self._document.analysis.problem("index")))
        self._on_selection_changed()
        if isinstance(view, NeighborsView):
            self._fill(self.by_code, view.indices, view.distances, view.images)
            self._fill(self.by_pixels, view.pixel_indices, view.pixel_distances, view.pixel_images)
            self._code_words.setText(self.tr("Latent space") + self._agreement(view.indices))
            self._pixel_words.setText(self.tr("Pixel space") + self._agreement(view.pixel_indices))
        elif isinstance(view, FailedView):
            self._empty.setText(message_text(view.message))
        elif model is None or source is None:
            self._empty.setText(self.tr("Open a model and a dataset from the library."))
        elif not model.card.encodes:
            self._empty.setText(self.tr("This model has no encoder, so images have no codes."))
        else:
            self._empty.setText(self._why_not_yet(learns=model.epochs is not None))
        self._show_note()

    def _why_not_yet(self, *, learns: bool) -> str:
        problem = self._document.analysis.problem("index")
        if problem:
            words = self.tr("Encoding the images failed.")
            return f"{words}\n{sentence(problem)}"
        if learns and self._document.analysis.running("index") is None:
            return self.tr("Neighbors are available after the training.")
        return self.tr("Encoding the images…")

    def _show_note(self) -> None:
        index = self._document.neighbors.index
        words = ""
        if index is not None and index.index.kind != "exact":
            words = self.tr("Recall@10 %1 · %2 ms/query")
            words = filled(words, percent(index.recall), f"{1000 * index.seconds:.2f}")
        self._note.setText(words)
        self._note.setVisible(bool(words))

    def _agreement(self, indices: Indices) -> str:
        source = self._document.source
        labels = [source.label(int(index)) for index in indices] if source is not None else []
        known = Counter(label for label in labels if label)
        if not known:
            return ""
        label, count = known.most_common(1)[0]
        return filled(self.tr("  ·  %1 of %2 are “%3”"), count, len(labels), label)

    def _fill(self, row: QListWidget, indices: Indices, distances: Floats, images: Pixels) -> None:
        source = self._document.source
        if source is None:
            return
        chosen = {int(item.data(_PLACE)) for item in row.selectedItems()}
        with QSignalBlocker(row):
            while row.count() > len(indices):
                row.takeItem(row.count() - 1)
            for number, (place, distance, image) in enumerate(
                zip(indices.tolist(), distances.tolist(), images, strict=True)
            ):
                item = row.item(number) if number < row.count() else QListWidgetItem(row)
                label = source.label(place)
                item.setText(f"{distance:.2f} · {label}" if label else f"{distance:.2f}")
                qimage = pixels_to_qimage(np.ascontiguousarray(image))
                item.setData(Qt.ItemDataRole.DecorationRole, _thumbnail(qimage))
                item.setData(_PLACE, place)
                words = self.tr("Image %1").replace("%1", f"{place + 1:,}") + (f", {label}" if label else "")
                item.setToolTip(plain_tooltip(f"{words}\n{source.file_name(place)}".strip()))
                item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{words}, {distance:.2f}")
                item.setSelected(place in chosen)


def _thumbnail(qimage: QImage) -> QPixmap:
    """Return an image, scaled down if it is large; the row enlarges it."""
    if max(qimage.width(), qimage.height()) <= _LARGEST:
        return QPixmap.fromImage(qimage)
    smooth = Qt.TransformationMode.SmoothTransformation
    return QPixmap.fromImage(qimage.scaled(_LARGEST, _LARGEST, Qt.AspectRatioMode.KeepAspectRatio, smooth))


class _Row(QListWidget):
    """A row of images that can be dragged onto the timeline."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self.setWrapping(False)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        show_thumbnails(self, _CELL)
        self.setIconSize(QSize(_SIDE, _SIDE))
        self.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setDragEnabled(True)
        self.setMinimumHeight(_CELL.height() + 6)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # Space for the scroll bar is reserved: it would change the size that decides whether it is needed.
        room = self.height() - 2 * self.frameWidth() - self.horizontalScrollBar().sizeHint().height()
        side = min(max(_SIDE, room - (_CELL.height() - _SIDE)), _LARGEST)
        if side != self.iconSize().width():
            self.setIconSize(QSize(side, side))
            self.setGridSize(QSize(side + _CELL.width() - _SIDE, side + _CELL.height() - _SIDE))

    def mimeData(self, items: list[QListWidgetItem]) -> QMimeData:  # type: ignore[override]
        return images_mime([int(item.data(_PLACE)) for item in items])


PANEL = Panel(
    "neighbors",
    QT_TRANSLATE_NOOP("panels", "Neighbors"),
    NeighborsPanel,
    tip=QT_TRANSLATE_NOOP("panels", "Find the images whose codes are nearest to a code."),
    synonyms=QT_TRANSLATE_NOOP("panels", "similar images, nearest, knn, search"),
    icon="users",
    workspaces=("map",),
    help="map#similar-images",
)
