"""Cards of models in a list: four images above the name and the facts."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QAbstractItemModel, QEvent, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from explorer.ui.card_images import CardImages
from explorer.ui.theme import current_theme
from explorer.ui.widgets.thumbnail_grid import paint_images

LINES: Final = Qt.ItemDataRole.UserRole + 1
"""The facts below the name, a list of texts."""

IMAGES: Final = Qt.ItemDataRole.UserRole + 2
"""The path whose `CardImages` are shown."""

CARD_WIDTH: Final = 212
"""The least width of a card in pixels."""

_MARGIN = 5
_PAD = 10
_HEAD = 26
_FACTS = 88
_BUTTON = QSize(54, 24)


class CardDelegate(QStyledItemDelegate):
    """Paints the cards of a view; `open_pressed(QModelIndex)`: the button of a card was clicked."""

    open_pressed = Signal(QModelIndex)

    def __init__(self, view: QListView, images: CardImages) -> None:
        super().__init__(view)
        self._view = view
        self._images = images

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return self._view.gridSize()

    def button_rect(self, cell: QRect) -> QRect:
        """Return the place of the button in the cell of a card."""
        card = _card(cell)
        left, top = card.right() - _PAD - _BUTTON.width() + 1, card.bottom() - _FACTS + _PAD - 2
        return QRect(left, top, _BUTTON.width(), _BUTTON.height())

    def editorEvent(
        self,
        event: QEvent,
        model: QAbstractItemModel,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> bool:
        if (
            isinstance(event, QMouseEvent)
            and event.type() == QEvent.Type.MouseButtonRelease
            and event.button() == Qt.MouseButton.LeftButton
            and self.button_rect(option.rect).contains(event.position().toPoint())
        ):
            self.open_pressed.emit(model.index(index.row(), index.column(), index.parent()))
            return True
        return super().editorEvent(event, model, option, index)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        theme = current_theme()
        state: QStyle.StateFlag = option.state
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        focused = chosen and self._view.hasFocus()
        card = _card(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = theme.color("accent" if chosen else "muted" if hovered else "border")
        painter.setPen(QPen(color, 2 if focused else 1))
        painter.setBrush(theme.color("accent_soft" if chosen else "panel"))
        painter.drawRoundedRect(card, 8, 8)
        area = card.adjusted(_PAD, _PAD, -_PAD, -_FACTS)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        paint_images(painter, area, self._images.of(index.data(IMAGES)), self.tr("No preview"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_text(painter, card, index, chosen)
        self._paint_button(painter, self.button_rect(option.rect), filled=hovered or focused)
        painter.restore()

    def _paint_text(
        self, painter: QPainter, card: QRect, index: QModelIndex | QPersistentModelIndex, chosen: bool
    ) -> None:
        theme = current_theme()
        font = QFont(painter.font())
        left, width = card.left() + _PAD, card.width() - 2 * _PAD
        top = card.bottom() - _FACTS + _PAD - 2
        heading = QFont(font)
        heading.setWeight(QFont.Weight.DemiBold)
        lines = [str(index.data(Qt.ItemDataRole.DisplayRole)), *index.data(LINES)]
        for number, text in enumerate(lines):
            painter.setFont(font if number else heading)
            painter.setPen(theme.color("muted" if number and not chosen else "text"))
            metrics = painter.fontMetrics()
            room = width if number else width - _BUTTON.width() - 6
            line = QRect(left, top, room, metrics.height() if number else _HEAD)
            painter.drawText(
                line,
                Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
                metrics.elidedText(text, Qt.TextElideMode.ElideRight, room),
            )
            top += line.height()
        painter.setFont(font)

    def _paint_button(self, painter: QPainter, place: QRect, *, filled: bool) -> None:
        theme = current_theme()
        painter.setPen(QPen(theme.color("accent"), 1))
        painter.setBrush(theme.color("accent" if filled else "base"))
        painter.drawRoundedRect(place, 6, 6)
        painter.setPen(theme.color("accent_text" if filled else "accent"))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, self.tr("Open"))


def card_height(width: int) -> int:
    """Return the height of a card whose images fill its width."""
    return width - 2 * (_MARGIN + _PAD) + _PAD + _FACTS + 2 * _MARGIN


def _card(cell: QRect) -> QRect:
    return cell.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
