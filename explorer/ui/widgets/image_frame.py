"""One image with a caption."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetrics, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.ui.theme import current_theme
from explorer.ui.widgets.image_scaling import Axis, axis, enlarged

DOT = " · "
_GAP = 6
_BY_KEYBOARD = {Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason}


class ImageFrame(QWidget):
    """Shows an image as large as possible with square pixels, above a title and a line of detail.

    `empty` is shown without an image, `short` in place of a title that is too wide. `painted()`: an image was painted.
    """

    painted = Signal()

    def __init__(self, title: str, empty: str, parent: QWidget | None = None, *, short: str = "") -> None:
        super().__init__(parent)
        self._title = title
        self._short = short
        self._empty = empty
        self._detail = ""
        self._image: QImage | None = None
        self._problem = False
        self._ringed = False
        self._lines = 1
        self._enlarged: dict[int, tuple[tuple[int, Axis, Axis], QImage]] = {}
        self.setAccessibleName(title)
        self.setAccessibleDescription(empty)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(84, 110)

    @property
    def image(self) -> QImage | None:
        """The image at its own size."""
        return self._image

    @property
    def text(self) -> str:
        return "" if self._image is not None else self._empty

    @property
    def title(self) -> str:
        return self._title

    def set_title(self, title: str) -> None:
        """Set the title; one that is too wide is elided in the middle."""
        self._title = title
        self.setAccessibleName(title)
        self.update()

    @property
    def detail(self) -> str:
        """The line of detail, with normal spaces."""
        return self._detail.replace("\N{NO-BREAK SPACE}", " ")

    def show_image(self, qimage: QImage, detail: str = "") -> None:
        self._image = qimage
        self._problem = False
        self._set_detail(detail)

    def show_text(self, text: str, detail: str = "", *, problem: bool = False) -> None:
        """Show a text instead of an image, and a line of detail."""
        self._image = None
        self._empty = text
        self._problem = problem
        self._set_detail(detail)

    def _set_detail(self, detail: str) -> None:
        self._detail = detail
        self.setAccessibleDescription(detail or self.text)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(190, 190 + self.caption_height(self._lines))

    def set_detail_lines(self, lines: int) -> None:
        """Reserve lines for the detail; frames side by side need the same number to align their images.

        With 0 it is beside the title, if there is room.
        """
        self._lines = lines
        self.update()

    def caption_height(self, lines: int) -> int:
        return (1 + lines) * QFontMetrics(self.font()).height() + _GAP

    def image_rect(self) -> QRectF:
        """Return where the image is painted, or the text instead of it."""
        if self._image is None:
            area = self._area()
            side = min(area.width(), area.height())
            return QRectF(area.center().x() - side / 2, area.center().y() - side / 2, side, side)
        device = self.devicePixelRatioF()
        across, down = self.axes(self._image)
        return QRectF(across.place / device, down.place / device, across.length / device, down.length / device)

    def axes(self, image: QImage) -> tuple[Axis, Axis]:
        """Return both directions of an image of the size of that shown."""
        area, device = self._area(), self.devicePixelRatioF()
        # An image that starts between two device pixels would be blurred.
        left, top, width, height = (
            int(part * device) for part in (area.left(), area.top(), area.width(), area.height())
        )
        zoom, across, down = self._view()
        scale = min(width / image.width(), height / image.height()) * zoom
        return axis(left, width, image.width(), scale, across), axis(top, height, image.height(), scale, down)

    def _area(self) -> QRectF:
        """Return the place for the image."""
        return QRectF(0, 0, max(1, self.width()), max(1, self.height() - self.caption_height(self._lines)))

    def _view(self) -> tuple[float, float, float]:
        """Return the zoom, 1 for the whole image, and the center of what is visible as shares of width and height."""
        return 1.0, 0.5, 0.5

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in _BY_KEYBOARD:
            self._ringed = True
        elif event.reason() == Qt.FocusReason.MouseFocusReason:
            self._ringed = False  # who clicked knows where, and the frame covers a part of the image
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        rect = self.image_rect()
        if self._image is not None:
            self._paint_image(painter)
        else:
            painter.setPen(theme.color("border"))
            painter.setBrush(theme.color("stage"))
            painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
            painter.setPen(theme.color("bad" if self._problem else "muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(rect.adjusted(8, 8, -8, -8), int(flags), self._empty)
        self._paint_caption(painter, rect.bottom())
        if self.hasFocus() and self._ringed:
            # On the image, since a large one leaves no space around it; two colors, since it may have any.
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for color, width in (("window", 4.0), ("accent", 2.0)):
                painter.setPen(QPen(theme.color(color), width))
                painter.drawRect(rect.adjusted(1, 1, -1, -1))
        painter.end()
        if self._image is not None:
            self.painted.emit()

    def _paint_image(self, painter: QPainter) -> None:
        if self._image is not None:
            self._draw(painter, self._image)

    def _draw(self, painter: QPainter, image: QImage, place: int = 0) -> None:
        """Paint an image enlarged; what was painted last in `place` is painted again if nothing has changed."""
        across, down = self.axes(image)
        device, key = self.devicePixelRatioF(), (image.cacheKey(), across, down)
        known, made = self._enlarged.get(place, (None, None))
        if made is None or known != key:
            made = enlarged(image, across, down, made)
            made.setDevicePixelRatio(device)
            self._enlarged[place] = (key, made)
        painter.drawImage(QPointF(across.place / device, down.place / device), made)

    def _caption(self) -> tuple[str, str]:
        """Return the title and the detail to paint."""
        return self._title, self._detail

    def _paint_caption(self, painter: QPainter, top: float) -> None:
        theme = current_theme()
        metrics = painter.fontMetrics()
        line = QRectF(0, top + _GAP / 2, self.width(), metrics.height())
        font = painter.font()
        font.setWeight(font.Weight.DemiBold)
        bold = QFontMetrics(font)
        title, detail = self._caption()
        if self._short and bold.horizontalAdvance(title) > self.width():
            title = title.replace(self._title, self._short)
        beside = f"{DOT}{detail}" if detail and not self._lines else ""
        width = bold.horizontalAdvance(title) + metrics.horizontalAdvance(beside)
        if width > self.width():
            beside, width = "", min(bold.horizontalAdvance(title), self.width())
        painter.setFont(font)
        painter.setPen(theme.color("text"))
        line.setLeft(round((self.width() - width) / 2))
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(line, int(left), bold.elidedText(title, Qt.TextElideMode.ElideMiddle, self.width()))
        painter.setFont(self.font())
        painter.setPen(theme.color("muted"))
        painter.drawText(line.translated(bold.horizontalAdvance(title), 0), int(left), beside)
        below = QRectF(0, line.bottom(), self.width(), self._lines * metrics.height())
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        if self._lines:
            elided = (
                metrics.elidedText(words, Qt.TextElideMode.ElideRight, self.width())
                for words in in_lines(detail, metrics, self.width())
            )
            painter.drawText(below, int(flags), "\n".join(elided))


def in_lines(text: str, metrics: QFontMetrics, width: int) -> list[str]:
    """Break a text at its dots where it is too wide; the dot at a break is dropped."""
    lines: list[str] = []
    for part in text.split(DOT):
        longer = f"{lines[-1]}{DOT}{part}" if lines else part
        if lines and metrics.horizontalAdvance(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines
