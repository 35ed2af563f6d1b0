"""A small window without frame that shows one image larger."""

from __future__ import annotations

from PySide6.QtCore import QMargins, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from explorer.ui.theme import current_theme

SIDE = 180
"""Longest side of the image, in logical pixels."""

_MARGINS = QMargins(6, 6, 6, 6)
_GAP = 6


class ImagePreview(QWidget):
    """Appears above an item, or below one at the top of the screen; it takes neither mouse nor focus."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.ToolTip | Qt.WindowType.WindowTransparentForInput)
        self.setObjectName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._image = QImage()

    @property
    def image(self) -> QImage:
        """The image at its own size."""
        return self._image

    def show_image(self, image: QImage, title: str, item: QRect) -> None:
        """Show an image for an item at a place on the screen, where it fits."""
        self._image = image
        self.setAccessibleName(title)
        size = image.size().scaled(QSize(SIDE, SIDE), Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1))
        place = QRect(QPoint(), size.grownBy(_MARGINS))
        place.moveCenter(item.center())
        screen = QGuiApplication.screenAt(item.center()) or self.screen()
        room = screen.availableGeometry()
        place.moveBottom(item.top() - _GAP)
        if place.top() < room.top():
            place.moveTop(item.bottom() + _GAP)
        place.moveLeft(max(room.left(), min(place.left(), room.right() - place.width() + 1)))
        place.moveTop(max(room.top(), min(place.top(), room.bottom() - place.height() + 1)))
        self.setGeometry(place)
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.setPen(QPen(theme.color("border"), 1))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        place = self.rect().marginsRemoved(_MARGINS)
        # Enlarging without smoothing keeps pixels sharp; reducing without smoothing would drop some.
        shrinks = place.width() * self.devicePixelRatioF() < self._image.width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, shrinks)
        painter.drawImage(place, self._image)
        painter.end()
