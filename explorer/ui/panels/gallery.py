"""The gallery: thumbnails of the dataset's images, loaded when visible."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QListView, QWidget

from explorer.data.source import Source
from explorer.document.document import Document
from explorer.document.selection import Picked
from explorer.document.views.thumbnails import THUMBNAILS, ThumbnailsView
from explorer.ui.actions import Action, Section, When
from explorer.ui.gallery_model import SMALLEST_CELL, GalleryModel
from explorer.ui.image_menu import ImageMenu, MenuImage
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel
from explorer.ui.panels.gallery_preview import GalleryPreview
from explorer.ui.widgets.elided_label import ElidedLabel
from explorer.ui.widgets.empty_label import EmptyLabel
from explorer.ui.widgets.fields import combo_box, name_widget
from explorer.ui.widgets.layouts import vbox
from explorer.ui.widgets.thumbnail_delegate import show_thumbnails

_PICKED = "picked"
"""Data of the selector's entry for the selection; the others have a label's number."""


_SHORTEST, _LONGEST = 9, 22
"""Characters of the selector, which is as wide as its text."""

_ROW = 150
"""Height in pixels below which the gallery is a filmstrip of one row."""


_STAGE_KEYS = {Qt.Key.Key_Space, Qt.Key.Key_F, Qt.Key.Key_K, Qt.Key.Key_Plus, Qt.Key.Key_Minus, Qt.Key.Key_0}


class _View(QListView):
    """A list that emits when its size changes, and the keys that are for the stage."""

    resized = Signal()
    key_pressed = Signal(Qt.Key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if Qt.Key(event.key()) in _STAGE_KEYS and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            self.key_pressed.emit(Qt.Key(event.key()))
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Emit first, so that the items are laid out once."""
        self.resized.emit()
        super().resizeEvent(event)


class GalleryPanel(QWidget):
    """Thumbnails in a grid, or in one row where it is low; the current one is the document's image.

    `key_pressed(Qt.Key)`: a single key was pressed that the stage knows, too.
    """

    key_pressed = Signal(Qt.Key)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        name_widget(self, "gallery_panel", self.tr("Gallery"))
        self.model = GalleryModel(self)
        self._columns = 1
        self._row = False
        self._source: Source | None = None
        self._own: Picked | None = None
        self._choosing = False
        self.view = _View()
        self.view.resized.connect(self._on_view_resized)
        self.view.key_pressed.connect(self.key_pressed)
        # Scroll steps and resizes within one turn of the event loop request thumbnails once.
        self._ask = QTimer(self, singleShot=True, interval=0)
        self._ask.timeout.connect(self._request_thumbnails)
        self._set_up_view()
        self.label = combo_box("gallery_label", self.tr("Show all images, those of one label, or the selection"), [])
        self.label.setMinimumContentsLength(_SHORTEST)
        self._empty = EmptyLabel(
            "gallery_empty", self.tr("No images yet.\nSelect a dataset in the library, or drop a folder here.")
        )
        self._caption = ElidedLabel("gallery_caption", "", self.tr("Selected image"), look="muted")
        self._box = vbox(self.label, (self.view, 1), self._empty, self._caption, spacing=4, margins=(8, 2, 8, 2))
        self.setLayout(self._box)
        self._lay_out(row=False)
        for bar in (self.view.verticalScrollBar(), self.view.horizontalScrollBar()):
            bar.valueChanged.connect(lambda value: self._ask.start())
            bar.rangeChanged.connect(lambda low, high: self._ask.start())
        self.view.selectionModel().currentChanged.connect(self._on_current_changed)
        GalleryPreview(document, self.view, self.model)
        ImageMenu(document, self.view, self._menu_image, self._selection_actions)
        self.view.selectionModel().selectionChanged.connect(lambda new, old: self._on_several_chosen())
        self.label.activated.connect(lambda row: self._on_label_activated())
        self.label.currentTextChanged.connect(self._fit_label)
        document.changed.source.connect(self._on_source_changed)
        document.changed.mixer.connect(self._on_mixer_changed)
        document.changed.image_index.connect(self._on_image_changed)
        document.changed.imported_image.connect(self._on_image_changed)
        document.views.changed(THUMBNAILS).connect(self._on_thumbnails_view_changed)
        document.selection.changed.connect(self._on_selection_changed)
        self._on_source_changed()

    def menu_actions(self) -> Iterator[Action]:
        yield Action(
            "action_previous",
            self.tr("Pre&vious image"),
            lambda: self._document.step_image(-1),
            Section.IMAGES,
            shortcut="Alt+PgUp",
            tip=self.tr("Select the previous image."),
            synonyms=self.tr("image before, back, left"),
        )
        yield Action(
            "action_next",
            self.tr("&Next image"),
            lambda: self._document.step_image(1),
            Section.IMAGES,
            shortcut="Alt+PgDown",
            tip=self.tr("Select the next image."),
            synonyms=self.tr("image after, forward, right"),
        )

    def _menu_image(self, where: QPoint | None) -> MenuImage | None:
        item = self.view.currentIndex() if where is None else self.view.indexAt(where)
        if not item.isValid():
            return None
        position = self.model.position(item.row())
        return MenuImage(None, f"image-{position + 1}", index=position, source=self._document.source)

    def _selection_actions(self) -> Iterator[Action]:
        yield Action(
            "gallery_keyframes",
            self.tr("Add &selected images as keyframes"),
            lambda: self._document.timeline.request_images(self._selected(), len(self._document.state.keyframes)),
            tip=self.tr("Append the codes of all selected images to the timeline."),
            synonyms=self.tr("timeline, animation, several images"),
            enabled=When(lambda: len(self._selected()) > 1),
        )

    def _selected(self) -> list[int]:
        """Return the positions of the selected images, in their order."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedIndexes())
        return [self.model.position(row) for row in rows]

    def _set_up_view(self) -> None:
        view = self.view
        name_widget(view, "gallery_view", self.tr("Images"))
        view.setModel(self.model)
        view.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        show_thumbnails(view, QSize(SMALLEST_CELL, SMALLEST_CELL), square=True)
        # After the thumbnails, whose items cannot be moved within the list.
        view.setDragEnabled(True)
        view.setDragDropMode(QListView.DragDropMode.DragOnly)
        view.setSpacing(0)
        view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        view.setMinimumHeight(SMALLEST_CELL + 4)

    def sizeHint(self) -> QSize:
        return QSize(240, SMALLEST_CELL + 22)

    def minimumSizeHint(self) -> QSize:
        """As a filmstrip, to which a grid shrinks."""
        return QSize(super().minimumSizeHint().width(), SMALLEST_CELL + 8)

    def resizeEvent(self, event: QResizeEvent) -> None:
        row = self.height() < _ROW
        if row != self._row:
            self._lay_out(row=row)
        super().resizeEvent(event)

    def _lay_out(self, *, row: bool) -> None:
        """Show a filmstrip of one row, or a grid."""
        self._row = row
        off, on = Qt.ScrollBarPolicy.ScrollBarAlwaysOff, Qt.ScrollBarPolicy.ScrollBarAlwaysOn
        self.view.setWrapping(not row)
        self.view.setVerticalScrollBarPolicy(off if row else on)
        self.view.setHorizontalScrollBarPolicy(on if row else off)
        self._box.setDirection(QBoxLayout.Direction.LeftToRight if row else QBoxLayout.Direction.TopToBottom)
        self._show_caption(self._document.state.image_index)

    def _on_view_resized(self) -> None:
        width, height = self.view.viewport().width() - 1, self.view.viewport().height()
        if self._row:
            self.model.cell = max(SMALLEST_CELL, height)
            self._columns = 1
        else:
            self._columns = max(1, width // SMALLEST_CELL)
            self.model.cell = max(SMALLEST_CELL, width // self._columns)
        self.view.setGridSize(QSize(self.model.cell, self.model.cell))
        self._ask.start()

    def _first_visible(self) -> int:
        bar = self.view.horizontalScrollBar() if self._row else self.view.verticalScrollBar()
        return bar.value() // self.model.cell * self._columns

    def visible_range(self) -> tuple[int, int]:
        """Return the first and last visible row, plus a page on both sides; (0, −1) if there are none."""
        length = self.view.viewport().width() if self._row else self.view.viewport().height()
        page = (length // self.model.cell + 1) * self._columns
        first = self._first_visible()
        return max(0, first - page), min(self.model.rowCount(), first + 2 * page) - 1

    def _request_thumbnails(self) -> None:
        first, last = self.visible_range()
        missing = self.model.missing(first, last)
        if missing:
            middle = self.model.position(min(self._first_visible(), self.model.rowCount() - 1))
            missing.sort(key=lambda index: (index < middle, abs(index - middle)))
            self._document.thumbnails_requested.emit(np.array(missing, np.int64))

    def _on_source_changed(self) -> None:
        source = self._document.source
        stays = source is not None and source.continues(self._source)
        chosen = self.label.currentText() if stays else ""
        bars = self.view.verticalScrollBar(), self.view.horizontalScrollBar()
        places = [bar.value() for bar in bars]
        self._source = source
        self.model.set_source(source)
        self._fill_labels(source, chosen)
        self.view.setVisible(source is not None)
        self._empty.setVisible(source is None)
        self._on_label_activated()
        if stays:
            for bar, place in zip(bars, places, strict=True):
                bar.setValue(place)

    def _fill_labels(self, source: Source | None, chosen: str) -> None:
        """Hide the label selector if it has nothing to choose from."""
        self.label.clear()
        self.label.addItem(self.tr("All images"), None)
        picked = self._document.selection.picked
        if picked is not None and picked is not self._own:
            self.label.addItem(f"{picked.title} ({len(picked.indices):,})", _PICKED)
        if source is not None and source.labels is not None:
            names = source.label_names
            counts = np.bincount(source.labels[source.labels >= 0])
            for value in np.flatnonzero(counts).tolist():
                self.label.addItem(f"{names[value] if names else value} ({counts[value]:,})", value)
        self.label.setVisible(self.label.count() > (2 if picked is None else 1))
        self.label.setCurrentIndex(max(0, self.label.findText(chosen)))

    def _fit_label(self, text: str) -> None:
        """Make the selector as wide as its text."""
        metrics = self.label.fontMetrics()
        wide = 1 + metrics.horizontalAdvance(text) // metrics.horizontalAdvance("X")
        self.label.setMinimumContentsLength(min(max(wide, _SHORTEST), _LONGEST))

    def _on_label_activated(self) -> None:
        # The view would select its first row, and so would the document.
        self._drop_own()
        picked, chosen = self._document.selection.picked, self.label.currentData()
        with QSignalBlocker(self.view.selectionModel()):
            if chosen == _PICKED and picked is not None:
                self.model.set_positions(picked.indices)
            else:
                self.model.set_label(chosen)
        self._ask.start()
        self._on_image_changed()

    def _on_several_chosen(self) -> None:
        """Select the images chosen with Shift or Ctrl, also for other panels such as the map."""
        positions = self._selected()
        if len(positions) > 1:
            self._own = Picked(self.tr("Selection"), np.array(positions, np.int64))
            self._document.selection.put(self._own)
        elif self._own is not None:
            self._drop_own()

    def _drop_own(self) -> None:
        """Clear the selection made here, unless it has been replaced."""
        own, self._own = self._own, None
        if own is not None and self._document.selection.picked is own:
            self._document.selection.put(None)

    def _on_selection_changed(self) -> None:
        picked = self._document.selection.picked
        if picked is not None and picked is self._own:
            return
        if picked is None and self.label.findData(_PICKED) < 0:
            return  # the selection made here was cleared
        self._fill_labels(self._document.source, "")
        self.label.setCurrentIndex(max(0, self.label.findData(_PICKED)))
        self._on_label_activated()

    def _on_image_changed(self) -> None:
        image_index = self._document.state.image_index
        self._show_caption(image_index)
        if self._document.state.imported_image is not None:
            # Select nothing while an imported image is shown, so that a click selects any of these again.
            with QSignalBlocker(self.view.selectionModel()):
                self.view.selectionModel().clear()
            self.view.viewport().update()
            return
        if image_index is None:
            return
        row = self.model.row(image_index)
        where = self.model.index(row) if row is not None else QModelIndex()
        if not self._choosing:  # the view's own selection may hold several images
            with QSignalBlocker(self.view.selectionModel()):
                self.view.selectionModel().setCurrentIndex(where, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self._drop_own()
        if where.isValid():
            self.view.scrollTo(where)
        self.view.viewport().update()

    def _show_caption(self, image_index: int | None) -> None:
        source, imported_image = self._document.source, self._document.state.imported_image
        # Above a filmstrip, the stage says the same.
        self._caption.setVisible(source is not None and image_index is not None and not self._row)
        if imported_image is not None:
            self._caption.setText(self.tr("%1 (not in this dataset)").replace("%1", imported_image.title))
            return
        if source is not None and image_index is not None and image_index < source.count:
            place = f"{image_index + 1:,} / {source.count:,}"
            # The folder mostly equals the label; the tooltip has the full name.
            parts = (place, source.label(image_index), source.file_name(image_index).rpartition("/")[2])
            self._caption.setText(" · ".join(part for part in parts if part))

    def _on_current_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        if current.isValid():
            self._choosing = True
            try:
                self._document.choose_image(self.model.position(current.row()))
            finally:
                self._choosing = False

    def _on_mixer_changed(self) -> None:
        self.model.renew_images()
        self._ask.start()

    def _on_thumbnails_view_changed(self) -> None:
        view = self._document.views[THUMBNAILS]
        if isinstance(view, ThumbnailsView) and view.shows(self._document.source, self._document.mixer):
            self.model.put(view.indices.tolist(), view.pixels)


PANEL = Panel(
    "gallery",
    QT_TRANSLATE_NOOP("panels", "Gallery"),
    GalleryPanel,
    tip=QT_TRANSLATE_NOOP("panels", "Show or hide the images of the dataset."),
    synonyms=QT_TRANSLATE_NOOP("panels", "thumbnails, images, browse"),
    icon="images",
    area=Qt.DockWidgetArea.BottomDockWidgetArea,
    workspaces=("explore", "map", "analyze", "animate"),
    strip=True,
    help="explore#choose-an-image",
)
