"""Thumbnails of all feature maps; only visible ones are painted."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, QStringListModel, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPen
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from explorer.ui.theme import current_theme

SIDE = 40
_GAP = 4
_LABEL = 13
_SMALL = 0.78
_CELL = QSize(SIDE + _GAP, SIDE + _LABEL + _GAP)


class ChannelGrid(QListView):
    """A grid of small feature maps; a click or arrow keys select one. A dot marks edited maps.

    `chosen(int)`: another channel is selected.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names = QStringListModel(self)
        self.setModel(self._names)
        self._delegate = _ChannelDelegate(self)
        self.setItemDelegate(self._delegate)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setGridSize(_CELL)
        # One pixel less at the left, where items are painted one pixel further: Qt wraps a row that fits exactly.
        self.setViewportMargins(_GAP - 1, _GAP, 0, 0)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setMinimumSize(2 * _CELL.width() + _GAP + 11, _CELL.height() + _GAP)

    def sizeHint(self) -> QSize:
        return QSize(2 * _CELL.width() + _GAP + 11, 4 * _CELL.height())

    def set_channels(self, count: int, image: Callable[[int], QImage], edited: Callable[[int], bool]) -> None:
        """Set the channels; images, one pixel per cell, are requested when visible."""
        self._delegate.image, self._delegate.edited = image, edited
        if count != self._names.rowCount():
            self._names.setStringList([f"c{channel}" for channel in range(count)])

    def set_current(self, channel: int) -> None:
        self.setCurrentIndex(self._names.index(channel))

    def currentChanged(
        self, current: QModelIndex | QPersistentModelIndex, previous: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().currentChanged(current, previous)
        if current.isValid():
            self.chosen.emit(current.row())

    def moveCursor(self, action: QListView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Continue in the next row at the end of one."""
        step = {QListView.CursorAction.MoveLeft: -1, QListView.CursorAction.MoveRight: 1}.get(action)
        if step is None:
            return super().moveCursor(action, modifiers)
        return self._names.index(min(max(self.currentIndex().row() + step, 0), self._names.rowCount() - 1))


class _ChannelDelegate(QStyledItemDelegate):
    """Paints a channel above its name; `image` and `edited` tell what it shows."""

    image: Callable[[int], QImage]
    edited: Callable[[int], bool]

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return _CELL

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        theme, channel = current_theme(), index.row()
        image = self.image(channel)
        frame = QRectF(option.rect.left() + 1, option.rect.top(), SIDE, SIDE)
        scale = min(SIDE / image.width(), SIDE / image.height())
        target = QRectF(0, 0, image.width() * scale, image.height() * scale)
        target.moveCenter(frame.center())
        current = bool(option.state & QStyle.StateFlag.State_Selected)
        focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawImage(target, image)
        painter.setPen(QPen(theme.color("accent" if current else "border"), 2 if current else 1))
        painter.drawRect(frame.adjusted(-0.5, -0.5, 0.5, 0.5))
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * _SMALL)
        painter.setFont(font)
        painter.setPen(theme.color("accent" if focused else "text" if current else "muted"))
        name = QRectF(frame.left(), frame.bottom() + 1, SIDE, _LABEL)
        painter.drawText(name, Qt.AlignmentFlag.AlignCenter, str(index.data()))
        if self.edited(channel):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent"))
            painter.drawEllipse(QRectF(frame.right() - 5, name.center().y() - 2, 4, 4))
        painter.restore()
