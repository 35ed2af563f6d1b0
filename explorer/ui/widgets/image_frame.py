"""One image with a caption, painted without smoothing."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.ui.theme import current_theme

_DOT = " · "
_GAP = 6


class ImageFrame(QWidget):
    """Shows an image as large as possible with square pixels, above a title and a line of detail.

    `empty` is shown without an image. `painted()`: an image was painted.
    """

    painted = Signal()

    def __init__(self, title: str, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._empty = empty
        self._detail = ""
        self._image: QImage | None = None
        self._problem = False
        self._lines = 1
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
        return QSize(190, 190 + self._caption_height())

    def set_detail_lines(self, lines: int) -> None:
        """Reserve lines for the detail; frames side by side need the same number to align their images."""
        self._lines = lines
        self.update()

    def _caption_height(self) -> int:
        return (1 + self._lines) * QFontMetrics(self.font()).height() + _GAP

    def image_rect(self) -> QRectF:
        area = QRectF(0, 0, self.width(), max(1, self.height() - self._caption_height()))
        if self._image is None:
            side = min(area.width(), area.height())
            return QRectF(area.center().x() - side / 2, area.center().y() - side / 2, side, side)
        scale = min(area.width() / self._image.width(), area.height() / self._image.height())
        device = self.devicePixelRatioF()
        # Whole device pixels give all image pixels the same size.
        if scale * device > 1:
            scale = int(scale * device) / device
        width, height = self._image.width() * scale, self._image.height() * scale
        left, top = area.center().x() - width / 2, area.center().y() - height / 2
        # An image that starts between two device pixels would be blurred.
        return QRectF(int(left * device) / device, int(top * device) / device, width, height)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        rect = self.image_rect()
        if self._image is not None:
            painter.drawImage(rect, self._image)
        else:
            painter.setPen(theme.color("border"))
            painter.setBrush(theme.color("stage"))
            painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
            painter.setPen(theme.color("bad" if self._problem else "muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(rect.adjusted(8, 8, -8, -8), int(flags), self._empty)
        self._paint_caption(painter, rect.bottom())
        painter.end()
        if self._image is not None:
            self.painted.emit()

    def _paint_caption(self, painter: QPainter, top: float) -> None:
        theme = current_theme()
        metrics = painter.fontMetrics()
        line = QRectF(0, top + _GAP / 2, self.width(), metrics.height())
        font = painter.font()
        font.setWeight(font.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(theme.color("text"))
        title = QFontMetrics(font).elidedText(self._title, Qt.TextElideMode.ElideMiddle, self.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, title)
        painter.setFont(self.font())
        painter.setPen(theme.color("muted"))
        below = QRectF(0, line.bottom(), self.width(), self._lines * metrics.height())
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
        painter.drawText(below, int(flags), _in_lines(self._detail, metrics, self.width()))


def _in_lines(text: str, metrics: QFontMetrics, width: int) -> str:
    """Break a text at its dots where it is too wide; the dot at a break is dropped."""
    lines: list[str] = []
    for part in text.split(_DOT):
        longer = f"{lines[-1]}{_DOT}{part}" if lines else part
        if lines and metrics.horizontalAdvance(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(part)
    return "\n".join(lines)
