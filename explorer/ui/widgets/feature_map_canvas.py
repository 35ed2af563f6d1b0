"""One feature map, large, to paint on with mouse or keyboard."""

from __future__ import annotations

from itertools import count

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.latent.feature_maps import brushed_cells
from explorer.ui.theme import Theme, current_theme

_MARGIN = 2
_ARROWS = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}


class FeatureMapCanvas(QWidget):
    """Shows a feature map. The left button paints; the right one, or Shift and the left one, restores.

    Arrow keys move the cell cursor (with Shift by five cells), + and − change its cell, Space paints, Delete restores,
    Page Up and Page Down change the channel.

    `brushed(object, bool, str)`: touched cells, bool ``(h, w)``; whether to restore them; the gesture, one per stroke.
    `nudged(int, str)`: one step up or down for the cell under the cell cursor; the gesture. `cell_changed()`: the cell
    cursor moved. `channel_stepped(int)`: number of channels to move by.
    """

    brushed = Signal(object, bool, str)
    nudged = Signal(int, str)
    cell_changed = Signal()
    channel_stepped = Signal(int)

    def __init__(self, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._empty = empty
        self._image: QImage | None = None
        self._size = 1.0
        self._cell = (0, 0)
        self._hover: QPointF | None = None
        self._last: tuple[float, float] | None = None
        self._back = False
        self._gestures = count(1)
        self._gesture = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(112, 112)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def sizeHint(self) -> QSize:
        return QSize(196, 196)

    # -- contents ------------------------------------------------------------------------------------------------

    @property
    def image(self) -> QImage | None:
        """The map as painted, one pixel per cell."""
        return self._image

    @property
    def cell(self) -> tuple[int, int]:
        return self._cell

    def set_image(self, qimage: QImage | None) -> None:
        """Show a map, one pixel per cell; None shows a text instead."""
        if qimage is None or self._image is None or qimage.size() != self._image.size():
            self._last = None
            self._cell = (0, 0)
        self._image = qimage
        self.update()

    def set_brush_size(self, size: float) -> None:
        self._size = size
        self.update()

    # -- geometry ------------------------------------------------------------------------------------------------

    def map_rect(self) -> QRectF:
        area = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        if self._image is None:
            return area
        scale = min(area.width() / self._image.width(), area.height() / self._image.height())
        device = self.devicePixelRatioF()
        # Whole device pixels give all cells the same size.
        if scale * device > 1:
            scale = int(scale * device) / device
        width, height = self._image.width() * scale, self._image.height() * scale
        left = area.center().x() - width / 2
        return QRectF(int(left * device) / device, area.top(), width, height)

    def cell_rect(self, row: int, column: int) -> QRectF:
        rect, (rows, columns) = self.map_rect(), self._shape()
        width, height = rect.width() / columns, rect.height() / rows
        return QRectF(rect.left() + column * width, rect.top() + row * height, width, height)

    def _shape(self) -> tuple[int, int]:
        return (1, 1) if self._image is None else (self._image.height(), self._image.width())

    def _place(self, point: QPointF) -> tuple[float, float]:
        """Return fractional row and column of a point; may be outside."""
        rect, (rows, columns) = self.map_rect(), self._shape()
        return (point.y() - rect.top()) / rect.height() * rows, (point.x() - rect.left()) / rect.width() * columns

    # -- hands ---------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        left, right = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
        if self._image is None or self._last is not None or event.button() not in {left, right}:
            return
        place = self._place(event.position())
        if not self._holds(place):
            return
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._back = event.button() == right or shift
        self._gesture = f"stroke-{next(self._gestures)}"
        self._last = place
        self._brush(place)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover = event.position()
        place = self._place(event.position())
        if self._last is not None and not event.buttons():
            self._last = None
        if self._last is not None:
            self._brush(place)
        elif self._image is not None and self._holds(place):
            self._go_to(int(place[0]), int(place[1]))
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if not event.buttons():
            self._last = None

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = None
        self.update()

    def _holds(self, place: tuple[float, float]) -> bool:
        rows, columns = self._shape()
        return 0 <= place[0] < rows and 0 <= place[1] < columns

    def _brush(self, place: tuple[float, float]) -> None:
        start = self._last or place
        self._last = place
        if self._holds(place):
            self._go_to(int(place[0]), int(place[1]))
        cells = brushed_cells(self._shape(), start, place, self._size)
        if cells.any():
            self.brushed.emit(cells, self._back, self._gesture)

    def _go_to(self, row: int, column: int) -> None:
        rows, columns = self._shape()
        cell = (min(max(row, 0), rows - 1), min(max(column, 0), columns - 1))
        if cell != self._cell:
            self._cell = cell
            self.cell_changed.emit()
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        self._hover = None
        (row, column), name = self._cell, f"{self._cell[0]}-{self._cell[1]}"
        if self._image is None:
            super().keyPressEvent(event)
        elif key in _ARROWS:
            far = 5 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            down, right = _ARROWS[key]
            self._go_to(row + far * down, column + far * right)
        elif key in {Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus, Qt.Key.Key_Underscore}:
            up = key in {Qt.Key.Key_Plus, Qt.Key.Key_Equal}
            self.nudged.emit(1 if up else -1, f"~cell-{name}")
        elif key in {Qt.Key.Key_Space, Qt.Key.Key_Delete, Qt.Key.Key_Backspace}:
            middle = (row + 0.5, column + 0.5)
            size = self._size if key == Qt.Key.Key_Space else 0.0
            cells = brushed_cells(self._shape(), middle, middle, size)
            self.brushed.emit(cells, key != Qt.Key.Key_Space, f"stroke-{next(self._gestures)}")
        elif key in {Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}:
            self.channel_stepped.emit(-1 if key == Qt.Key.Key_PageUp else 1)
        else:
            super().keyPressEvent(event)

    # -- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, rect = current_theme(), self.map_rect()
        painter = QPainter(self)
        if self._image is None:
            painter.setPen(theme.color("muted"))
            painter.drawText(rect, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._empty)
            painter.end()
            return
        painter.drawImage(rect, self._image)
        painter.setPen(QPen(theme.color("accent" if self.hasFocus() else "border"), 1))
        painter.drawRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5))
        painter.setClipRect(rect.adjusted(-1, -1, 1, 1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._hover is None and self.hasFocus():
            self._outline(painter, self.cell_rect(*self._cell), theme, round_=False)
        if self._hover is not None and self.isEnabled():
            width = max(self._size, 1.0) * rect.width() / self._image.width()
            ring = QRectF(0, 0, width, width)
            ring.moveCenter(self._hover)
            self._outline(painter, ring, theme, round_=True)
        painter.end()

    def _outline(self, painter: QPainter, rect: QRectF, theme: Theme, *, round_: bool) -> None:
        """Draw dark lines on light ones, visible on any color."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(theme.color("base"), 3), QPen(theme.color("text"), 1.2)):
            painter.setPen(pen)
            if round_:
                painter.drawEllipse(rect)
            else:
                painter.drawRect(rect)
