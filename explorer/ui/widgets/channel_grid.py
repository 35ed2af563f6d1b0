"""Thumbnails of all feature maps; only visible ones are painted."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from explorer.ui.theme import current_theme

SIDE = 40
_GAP = 4
_LABEL = 13
_SMALL = 0.78


class ChannelGrid(QAbstractScrollArea):
    """A grid of small feature maps; a click or arrow keys select one. A dot marks edited maps.

    Signals
    -------
    chosen(int)
        The channel that the user selected.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = 0
        self._current = 0
        self._image: Callable[[int], QImage] | None = None
        self._edited: Callable[[int], bool] = lambda channel: False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setMinimumSize(2 * (SIDE + _GAP) + _GAP + 11, SIDE + _LABEL + 2 * _GAP)

    def sizeHint(self) -> QSize:
        return QSize(2 * (SIDE + _GAP) + _GAP + 11, 4 * (SIDE + _LABEL + _GAP))

    @property
    def count(self) -> int:
        """Number of channels."""
        return self._count

    @property
    def current(self) -> int:
        """The current channel."""
        return self._current

    def set_channels(self, count: int, image: Callable[[int], QImage], edited: Callable[[int], bool]) -> None:
        """Set the channels; images, one pixel per cell, are requested when visible."""
        self._count, self._image, self._edited = count, image, edited
        self._current = min(self._current, max(0, count - 1))
        self._update_scroll_bar()
        self.viewport().update()

    def set_current(self, channel: int) -> None:
        """Select a channel and scroll to it, without emitting `chosen`."""
        self._current = min(max(channel, 0), max(0, self._count - 1))
        rect, bar = self.channel_rect(self._current), self.verticalScrollBar()
        if rect.top() < 0:
            bar.setValue(bar.value() + rect.top() - _GAP)
        elif rect.bottom() > self.viewport().height():
            bar.setValue(bar.value() + rect.bottom() - self.viewport().height() + _GAP)
        self.viewport().update()

    def refresh(self) -> None:
        """Repaint the visible channels."""
        self.viewport().update()

    # -- geometry ------------------------------------------------------------------------------------------------

    @property
    def columns(self) -> int:
        """Number of columns."""
        return max(1, (self.viewport().width() - _GAP) // (SIDE + _GAP))

    def channel_rect(self, channel: int) -> QRect:
        """Return the rectangle of a channel with its label, in viewport coordinates; may be outside."""
        row, column = divmod(channel, self.columns)
        top = _GAP + row * (SIDE + _LABEL + _GAP) - self.verticalScrollBar().value()
        return QRect(_GAP + column * (SIDE + _GAP), top, SIDE, SIDE + _LABEL)

    def _channel_at(self, x: float, y: float) -> int | None:
        column = int((x - _GAP / 2) // (SIDE + _GAP))
        row = int((y - _GAP / 2 + self.verticalScrollBar().value()) // (SIDE + _LABEL + _GAP))
        channel = row * self.columns + column
        return channel if 0 <= column < self.columns and 0 <= channel < self._count else None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._update_scroll_bar()

    def _update_scroll_bar(self) -> None:
        rows = -(-self._count // self.columns)
        height = _GAP + rows * (SIDE + _LABEL + _GAP)
        bar = self.verticalScrollBar()
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(SIDE + _LABEL + _GAP)
        bar.setRange(0, max(0, height - self.viewport().height()))

    # -- hands ---------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        channel = self._channel_at(event.position().x(), event.position().y())
        if event.button() == Qt.MouseButton.LeftButton and channel is not None:
            self._choose(channel)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        page = self.columns * max(1, self.viewport().height() // (SIDE + _LABEL + _GAP))
        step = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -self.columns,
            Qt.Key.Key_Down: self.columns,
            Qt.Key.Key_PageUp: -page,
            Qt.Key.Key_PageDown: page,
            Qt.Key.Key_Home: -self._count,
            Qt.Key.Key_End: self._count,
        }.get(Qt.Key(event.key()))
        if step is None or not self._count:
            super().keyPressEvent(event)
        else:
            self._choose(min(max(self._current + step, 0), self._count - 1))

    def _choose(self, channel: int) -> None:
        self.set_current(channel)
        self.chosen.emit(channel)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    # -- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * _SMALL)
        painter.setFont(font)
        height = SIDE + _LABEL + _GAP
        first = max(0, (self.verticalScrollBar().value() - _GAP) // height) * self.columns
        shown = (self.viewport().height() // height + 2) * self.columns
        for channel in range(first, min(first + shown, self._count)):
            self._paint_channel(painter, channel)
        painter.end()

    def _paint_channel(self, painter: QPainter, channel: int) -> None:
        assert self._image is not None
        theme, rect = current_theme(), QRectF(self.channel_rect(channel))
        image = self._image(channel)
        frame = QRectF(rect.left(), rect.top(), SIDE, SIDE)
        scale = min(SIDE / image.width(), SIDE / image.height())
        target = QRectF(0, 0, image.width() * scale, image.height() * scale)
        target.moveCenter(frame.center())
        painter.drawImage(target, image)
        current = channel == self._current
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("accent" if current else "border"), 2 if current else 1))
        painter.drawRect(frame.adjusted(-0.5, -0.5, 0.5, 0.5))
        painter.setPen(theme.color("accent" if current and self.hasFocus() else "text" if current else "muted"))
        label = QRectF(rect.left(), frame.bottom() + 1, SIDE, _LABEL)
        painter.drawText(label, Qt.AlignmentFlag.AlignCenter, f"c{channel}")
        if self._edited(channel):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent"))
            painter.drawEllipse(QRectF(rect.right() - 5, label.center().y() - 2, 4, 4))
