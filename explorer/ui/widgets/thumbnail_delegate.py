"""Thumbnails in a list: unsmoothed, the selected one framed and not tinted."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from explorer.ui.theme import current_theme

_MARGIN = 4


class ThumbnailDelegate(QStyledItemDelegate):
    """Paints an item's decoration (QPixmap or QIcon) and, below it, its text if it has one.

    `square`: thumbnails are in square cells with a frame around them; else they keep their width.
    """

    def __init__(self, parent: QObject | None = None, *, square: bool = True) -> None:
        super().__init__(parent)
        self._square = square

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Return the list's cell size; the default is the size of the image."""
        view = self.parent()
        if isinstance(view, QListView) and view.gridSize().isValid():
            return view.gridSize()
        return super().sizeHint(option, index)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        theme = current_theme()
        cell: QRect = option.rect
        state: QStyle.StateFlag = option.state
        text = index.data(Qt.ItemDataRole.DisplayRole) or ""
        height = painter.fontMetrics().height() if text else 0
        area = cell.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN - height)
        painter.save()
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        if chosen or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent_soft"))
            painter.drawRoundedRect(cell.adjusted(1, 1, -1, -1), 4, 4)
        side = min(area.width(), area.height())
        place = QRect(0, 0, side, side) if self._square else QRect(0, 0, area.width(), area.height())
        place.moveCenter(area.center())
        pixmap = _pixmap(index.data(Qt.ItemDataRole.DecorationRole), place.size())
        if pixmap is None:
            painter.fillRect(place, theme.color("stage"))
        else:
            fitted = pixmap.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRect(place.topLeft(), fitted)
            target.moveCenter(place.center())
            place = place if self._square else target
            # Enlarging without smoothing keeps pixels sharp; reducing without smoothing would drop some.
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, target.width() < pixmap.width())
            painter.drawPixmap(target, pixmap)
        if chosen:
            painter.setPen(QPen(theme.color("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(place.adjusted(-1, -1, 1, 1))
        if text:
            painter.setPen(theme.color("text" if chosen else "muted"))
            line = QRect(cell.left(), cell.bottom() - height - 1, cell.width(), height)
            elided = painter.fontMetrics().elidedText(str(text), Qt.TextElideMode.ElideRight, line.width() - 2)
            painter.drawText(line, Qt.AlignmentFlag.AlignCenter, elided)
        painter.restore()


def show_thumbnails(view: QListView, cell: QSize, *, square: bool = False) -> None:
    """Have a list show its items as thumbnails in cells of one size."""
    view.setViewMode(QListView.ViewMode.IconMode)
    view.setMovement(QListView.Movement.Static)
    view.setResizeMode(QListView.ResizeMode.Adjust)
    view.setUniformItemSizes(True)
    view.setItemDelegate(ThumbnailDelegate(view, square=square))
    view.setGridSize(cell)


def _pixmap(decoration: object, size: QSize) -> QPixmap | None:
    if isinstance(decoration, QIcon):
        return decoration.pixmap(size)
    return decoration if isinstance(decoration, QPixmap) else None
