"""The gallery: every picture of the source, read as it comes into view."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QSignalBlocker,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QPixmap, QResizeEvent
from PySide6.QtWidgets import QListView, QVBoxLayout, QWidget

from explorer.data.source import Source
from explorer.document.document import Document
from explorer.document.views import ThumbnailsView
from explorer.types import Pixels
from explorer.ui.images import pixels_to_qimage
from explorer.ui.widgets.empty_label import EmptyLabel
from explorer.ui.widgets.thumbnail_delegate import ThumbnailDelegate

_SMALLEST_CELL = 56
_KEPT = 4_000
"""Thumbnails kept, those seen last; some 40 MB."""


class GalleryModel(QAbstractListModel):
    """The pictures of a source as list items; thumbnails arrive later."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._source: Source | None = None
        self.cell = _SMALLEST_CELL
        self._pixmaps: OrderedDict[int, QPixmap] = OrderedDict()

    def set_source(self, source: Source | None) -> None:
        """Show another source."""
        self.beginResetModel()
        self._source = source
        self._pixmaps.clear()
        self.endResetModel()

    def put(self, indices: list[int], pixels: Pixels) -> None:
        """Take thumbnails in: positions, and uint8 pictures ``(n, h, w, c)``."""
        for index, picture in zip(indices, pixels, strict=True):
            self._pixmaps[index] = QPixmap.fromImage(pixels_to_qimage(picture))
            self._pixmaps.move_to_end(index)
            where = self.index(index)
            self.dataChanged.emit(where, where, [Qt.ItemDataRole.DecorationRole])
        while len(self._pixmaps) > _KEPT:
            self._pixmaps.popitem(last=False)

    def missing(self, first: int, last: int) -> list[int]:
        """Return the positions from first to last (included) whose thumbnails are not there."""
        return [index for index in range(first, last + 1) if index not in self._pixmaps]

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008  (Qt's signature)
        """Return the number of pictures."""
        return 0 if self._source is None or parent.isValid() else self._source.count

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return thumbnail, tooltip or accessible name of a picture."""
        if self._source is None or not index.isValid():
            return None
        if role == Qt.ItemDataRole.DecorationRole:
            return self._pixmaps.get(index.row())
        if role in {Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole}:
            label = self._source.label(index.row())
            name = self.tr("Picture %1").replace("%1", str(index.row() + 1))
            return f"{name}, {self.tr('label')} {label}" if label else name
        # Without it a picture that is not read yet has no size, and the first one decides for all.
        return QSize(self.cell, self.cell) if role == Qt.ItemDataRole.SizeHintRole else None


class _View(QListView):
    """A list that says how wide its pictures may lie."""

    resized = Signal(int)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tell the width first, so that the items are laid out once."""
        self.resized.emit(self.viewport().width() - 1)
        super().resizeEvent(event)


class GalleryPanel(QWidget):
    """A grid of thumbnails; the chosen one is the document's picture."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setObjectName("gallery_panel")
        self.setAccessibleName(self.tr("Gallery"))
        self.model = GalleryModel(self)
        self._columns = 1
        self.view = _View()
        self.view.resized.connect(self._on_view_resized)
        # Many scroll steps and resizes within one turn of the event loop ask for thumbnails once.
        self._ask = QTimer(self)
        self._ask.setSingleShot(True)
        self._ask.setInterval(0)
        self._ask.timeout.connect(self._request_thumbnails)
        self._set_up_view()
        self._empty = EmptyLabel(self.tr("No pictures are open.\nChoose some in the library above."))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.addWidget(self.view)
        layout.addWidget(self._empty)
        self.view.verticalScrollBar().valueChanged.connect(lambda value: self._ask.start())
        self.view.verticalScrollBar().rangeChanged.connect(lambda low, high: self._ask.start())
        self.view.selectionModel().currentChanged.connect(self._on_current_changed)
        document.source_changed.connect(self._on_source_changed)
        document.picture_changed.connect(self._on_picture_changed)
        document.thumbnails_view_changed.connect(self._on_thumbnails_view_changed)
        self._on_source_changed()

    def _set_up_view(self) -> None:
        view = self.view
        view.setObjectName("gallery_view")
        view.setAccessibleName(self.tr("Pictures"))
        view.setModel(self.model)
        view.setViewMode(QListView.ViewMode.IconMode)
        view.setMovement(QListView.Movement.Static)
        view.setResizeMode(QListView.ResizeMode.Adjust)
        view.setUniformItemSizes(True)
        view.setItemDelegate(ThumbnailDelegate(view))
        view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        view.setSpacing(0)
        view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def _on_view_resized(self, width: int) -> None:
        """Let the columns fill the width."""
        self._columns = max(1, width // _SMALLEST_CELL)
        self.model.cell = max(_SMALLEST_CELL, width // self._columns)
        self.view.setGridSize(QSize(self.model.cell, self.model.cell))
        self._ask.start()

    def visible_range(self) -> tuple[int, int]:
        """Return the first and last position in view, with a page more on both sides; (0, −1) where there is none."""
        count = self.model.rowCount()
        columns = self._columns
        rows = self.view.viewport().height() // self.model.cell + 1
        top = self.view.verticalScrollBar().value() // self.model.cell
        return max(0, (top - rows) * columns), min(count, (top + 2 * rows) * columns) - 1

    def _request_thumbnails(self) -> None:
        first, last = self.visible_range()
        missing = self.model.missing(first, last)
        if missing:
            middle = self.view.verticalScrollBar().value() // self.model.cell * self._columns
            missing.sort(key=lambda index: (index < middle, abs(index - middle)))
            self._document.thumbnails_requested.emit(np.array(missing, np.int64))

    def _on_source_changed(self) -> None:
        source = self._document.source
        self.model.set_source(source)
        self.view.setVisible(source is not None)
        self._empty.setVisible(source is None)
        self._ask.start()
        self._on_picture_changed()

    def _on_picture_changed(self) -> None:
        picture = self._document.picture
        if picture is None:
            return
        where = self.model.index(picture)
        with QSignalBlocker(self.view.selectionModel()):
            self.view.selectionModel().setCurrentIndex(where, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.view.scrollTo(where)
        self.view.viewport().update()

    def _on_current_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        if current.isValid():
            self._document.choose_picture(current.row())

    def _on_thumbnails_view_changed(self) -> None:
        view = self._document.thumbnails_view
        if isinstance(view, ThumbnailsView) and view.source is self._document.source:
            self.model.put([int(index) for index in view.indices], view.pixels)
