"""The four images of a card, in a square."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from explorer.ui.theme import current_theme

_GAP = 2
_SIDE = 66


def paint_images(painter: QPainter, area: QRect, images: Sequence[QImage] | None, words: str) -> None:
    """Paint the images in square cells; `words` if there are none, empty cells while they are read (None)."""
    theme = current_theme()
    side = (min(area.width(), area.height()) - _GAP) // 2
    whole = QRect(0, 0, 2 * side + _GAP, 2 * side + _GAP)
    whole.moveCenter(area.center())
    for number in range(4):
        row, column = divmod(number, 2)
        cell = QRect(whole.left() + column * (side + _GAP), whole.top() + row * (side + _GAP), side, side)
        painter.fillRect(cell, theme.color("stage"))
        if images and number < len(images):
            image = images[number]
            place = QRect(cell.topLeft(), image.size().scaled(cell.size(), Qt.AspectRatioMode.KeepAspectRatio))
            place.moveCenter(cell.center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, place.width() < 3 * image.width())
            painter.drawImage(place, image)
    if images is not None and not images:
        painter.setPen(theme.color("muted"))
        painter.drawText(whole, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)


class ThumbnailGrid(QWidget):
    """The images, or that there are none."""

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self._images: Sequence[QImage] | None = None
        self.setFixedSize(_SIDE, _SIDE)

    @property
    def images(self) -> Sequence[QImage] | None:
        return self._images

    def show_images(self, images: Sequence[QImage] | None) -> None:
        self._images = images
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_images(painter, self.rect(), self._images, self.tr("No preview"))
        painter.end()
