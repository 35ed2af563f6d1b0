"""The images of a dataset as list items: all, those of one label, or a selection; thumbnails load on demand.

The only place that maps list rows to image indices.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QMimeData, QModelIndex, QPersistentModelIndex, QSize, QStringListModel, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QWidget

from explorer.data.source import Source
from explorer.types import Indices, Shown
from explorer.ui.dragging import IMAGES, images_mime
from explorer.ui.images import pixels_to_qimage
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.text import filled

SMALLEST_CELL = 56
_KEPT = 4_000
"""Thumbnails kept, most recently used; about 40 MB."""

_ATTRIBUTES_SHOWN = 24
"""Attributes in a tooltip; more would not fit on a screen."""


class GalleryModel(QStringListModel):
    """A list of images in dataset order.

    A `QStringListModel` of empty strings, since a view asks for the row count twice per row during layout: for 100,000
    images this takes 0.4 s in Python and 0.02 s in Qt.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._source: Source | None = None
        self._positions: Indices | None = None
        self.cell = SMALLEST_CELL
        self._pixmaps: OrderedDict[int, QPixmap] = OrderedDict()
        self._old: set[int] = set()

    # -- what is listed ------------------------------------------------------------------------------------------

    def set_source(self, source: Source | None) -> None:
        """Show all of a dataset; thumbnails are kept if it holds the same images."""
        old = self._source
        if source is None or old is None or not source.continues(old) or source.count != old.count:
            self._pixmaps.clear()
            self._old.clear()
        self._source = source
        self._positions = None
        self._reset_rows()

    def set_label(self, label: int | None) -> None:
        """Show only the images of one label; None for all."""
        labels = self._source.labels if self._source is not None else None
        chosen = None if label is None or labels is None else np.flatnonzero(labels == label).astype(np.int64)
        self.set_positions(chosen)

    def set_positions(self, positions: Indices | None) -> None:
        """Show only the images at these ascending indices; None for all."""
        before, self._positions = self._positions, positions
        if before is not None or positions is not None:
            self._reset_rows()

    def _reset_rows(self) -> None:
        listed = self._source.count if self._source is not None and self._positions is None else 0
        self.setStringList([""] * (listed if self._positions is None else len(self._positions)))

    def position(self, row: int) -> int:
        return row if self._positions is None else int(self._positions[row])

    def row(self, position: int) -> int | None:
        """None where it is not listed."""
        if self._positions is None:
            return position if 0 <= position < self.rowCount() else None
        row = int(np.searchsorted(self._positions, position))
        return row if row < len(self._positions) and self._positions[row] == position else None

    # -- thumbnails ----------------------------------------------------------------------------------------------

    def put(self, positions: list[int], pixels: Shown) -> None:
        """Store thumbnails: image indices and images ``(n, h, w, c)`` as shown."""
        for position, image in zip(positions, pixels, strict=True):
            self._pixmaps[position] = QPixmap.fromImage(pixels_to_qimage(image))
            self._pixmaps.move_to_end(position)
            self._old.discard(position)
            row = self.row(position)
            if row is not None:
                where = self.index(row)
                self.dataChanged.emit(where, where, [Qt.ItemDataRole.DecorationRole])
        while len(self._pixmaps) > _KEPT:
            self._pixmaps.popitem(last=False)

    def renew_images(self) -> None:
        """Count all thumbnails as missing, since they are shown otherwise now; the old ones stay until then."""
        self._old.update(self._pixmaps)

    def missing(self, first: int, last: int) -> list[int]:
        """Return the image indices in rows first to last (inclusive) without thumbnails."""
        positions = (self.position(row) for row in range(first, last + 1))
        return [position for position in positions if position not in self._pixmaps or position in self._old]

    # -- Qt's questions ------------------------------------------------------------------------------------------

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled

    def mimeTypes(self) -> list[str]:
        return [IMAGES]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        return images_mime(sorted(self.position(index.row()) for index in indexes))

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if self._source is None or not index.isValid():
            return None
        position = self.position(index.row())
        if role == Qt.ItemDataRole.DecorationRole:
            return self._pixmaps.get(position)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tooltip(self._described(self._source, position))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._named(self._source, position)
        # Without a size hint, the first item decides for all, and an image that is not loaded has none.
        return QSize(self.cell, self.cell) if role == Qt.ItemDataRole.SizeHintRole else None

    def _named(self, source: Source, position: int) -> str:
        label = source.label(position)
        words = self.tr("Image %1, label %2") if label else self.tr("Image %1")
        return filled(words, position + 1, label)

    def _described(self, source: Source, position: int) -> str:
        lines = [self._named(source, position), source.file_name(position)]
        known = [(name, attribute.text(position)) for name, attribute in source.attributes.items()]
        attributes = [f"{name}: {text}" for name, text in known if text]
        lines += attributes[:_ATTRIBUTES_SHOWN]
        if len(attributes) > _ATTRIBUTES_SHOWN:
            lines.append(self.tr("and %1 more").replace("%1", str(len(attributes) - _ATTRIBUTES_SHOWN)))
        return "\n".join(line for line in lines if line)
