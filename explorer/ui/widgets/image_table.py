"""A table of images."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.types import Shown
from explorer.ui.images import pixels_to_qimage
from explorer.ui.theme import current_theme

_GAP = 4
_FIRST_GAP = 14
"""A wider gap sets the first column apart."""


class ImageTable(QWidget):
    """A grid of small images, with a gap of `first_gap` pixels after the first column.

    `whole` enlarges by integer factors only, which keeps pixels square and equal.
    """

    def __init__(self, parent: QWidget | None = None, *, first_gap: int = _FIRST_GAP, whole: bool = True) -> None:
        super().__init__(parent)
        self._first_gap = first_gap
        self._whole = whole
        self._rows: list[list[QImage]] = []
        self._margin = 0
        self._message = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 100)

    @property
    def rows(self) -> list[list[QImage]]:
        return self._rows

    @property
    def message(self) -> str:
        return self._message

    def show_pixels(self, pixels: Shown) -> None:
        """Show images, uint8 ``(rows, columns, h, w, c)``."""
        self._rows = [[pixels_to_qimage(image) for image in row] for row in pixels]
        self._message = ""
        self.update()

    def show_message(self, text: str) -> None:
        self._rows, self._message = [], text
        self.update()

    def cell(self, row: int, column: int) -> QRect:
        image, columns = self._rows[0][0], len(self._rows[0])
        across = (self.width() - self._margin - self._first_gap - _GAP * (columns + 1)) / columns
        down = (self.height() - _GAP * (len(self._rows) + 1)) / len(self._rows)
        scale = min(across / image.width(), down / image.height())
        # Scale large images down to fit.
        scale = int(scale) if scale >= 1 and self._whole else scale
        width, height = max(1, int(image.width() * scale)), max(1, int(image.height() * scale))
        left = (self.width() - columns * (width + _GAP) + _GAP - self._first_gap) // 2
        top = (self.height() - len(self._rows) * (height + _GAP) + _GAP) // 2
        if self._margin:
            # Place them beside their labels.
            left, top = self._margin, _GAP
        shift = self._first_gap if column else 0
        return QRect(left + shift + column * (width + _GAP), top + row * (height + _GAP), width, height)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), current_theme().color("stage"))
        if not self._rows:
            painter.setPen(current_theme().color("muted"))
            flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(self.rect().adjusted(16, 8, -16, -8), flags, self._message)
        for row, images in enumerate(self._rows):
            for column, image in enumerate(images):
                place = self.cell(row, column)
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, place.width() % image.width() != 0)
                painter.drawImage(place, image)
        painter.end()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in {QEvent.Type.PaletteChange, QEvent.Type.StyleChange}:
            self.update()
