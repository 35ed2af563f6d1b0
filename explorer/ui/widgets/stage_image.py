"""An image on the stage: zoom and pan with the others, pixel values."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from explorer.types import Floats
from explorer.ui.theme import text_on
from explorer.ui.widgets.color_scale import ColorScale
from explorer.ui.widgets.image_frame import DOT, ImageFrame
from explorer.ui.widgets.image_scaling import Axis
from explorer.ui.widgets.viewport import Viewport

_WHEEL_FACTOR = 1.25
_GRID_FROM = 8.0
"""Device pixels per image pixel from which on the grid is visible."""
_VALUES_FROM = 40.0
"""Pixels per image pixel from which on its values are visible."""
_LINE = 14.0
"""Pixels that the value of one channel needs."""


class StageImage(ImageFrame):
    """Zooms with the other images of its viewport."""

    def __init__(
        self, title: str, empty: str, viewport: Viewport, parent: QWidget | None = None, *, short: str = ""
    ) -> None:
        super().__init__(title, empty, parent, short=short)
        self._viewport = viewport
        self._values: Floats | None = None
        self._scale: ColorScale | None = None
        self._grabbed: tuple[QPointF, QPointF] | None = None
        self.setMinimumSize(1, 1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        viewport.changed.connect(self._on_view_changed)

    # -- content -----------------------------------------------------------------------------------------------------

    def show_values(self, values: Floats | None, scale: ColorScale | None) -> None:
        """Set what the colors stand for, ``(h, w)`` or of mixed channels ``(h, w, c)``; None for the colors themselves.

        The scale is painted beside the image.
        """
        self._values, self._scale = values, scale
        self.update()

    def _set_detail(self, detail: str) -> None:
        super()._set_detail(detail)
        self._on_view_changed()

    # -- view --------------------------------------------------------------------------------------------------------

    def zoom_by(self, factor: float, where: QPointF | None = None) -> None:
        """Zoom about a position in the widget, or about the middle of what is visible."""
        if self._image is not None:
            across, down = self.axes(self._image)
            center = QPointF(across.center, down.center)
            device = self.devicePixelRatioF()
            anchor = center
            if where is not None:
                anchor = QPointF(across.share(where.x() * device), down.share(where.y() * device))
            self._viewport.zoom_by(factor, anchor, center)

    def pan_by(self, across: float, down: float) -> None:
        """Move what is visible by shares of its size."""
        if self._image is not None:
            one, two = self.axes(self._image)
            move = QPointF(across * one.length / one.whole, down * two.length / two.whole)
            self._viewport.pan(QPointF(one.center, two.center) + move)

    def _view(self) -> tuple[float, float, float]:
        return self._viewport.zoom, self._viewport.center.x(), self._viewport.center.y()

    def _area(self) -> QRectF:
        area = super()._area()
        return area if self._scale is None else area.adjusted(0, 0, -self._scale.width(self.font()), 0)

    def _on_view_changed(self) -> None:
        self.setAccessibleDescription(DOT.join(part for part in (self.detail or self.text, self._percent()) if part))
        self.update()

    def _percent(self) -> str:
        """Return the zoom, 100% where an image pixel is a device pixel; empty for the whole image."""
        if self._image is None or not self._viewport.zoomed:
            return ""
        return f"{self.axes(self._image)[0].scale:,.0%}"

    def _caption(self) -> tuple[str, str]:
        title, detail = super()._caption()
        percent = self._percent()
        if not percent:
            return title, detail
        return (title, f"{percent}{DOT}{detail}") if not self._lines else (f"{title}{DOT}{percent}", detail)

    # -- hands -------------------------------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y()
        if turned:
            self.zoom_by(_WHEEL_FACTOR ** (turned / 120), event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.zoom_by(max(0.1, 1 + event.value()), event.position())
                return True
            if event.gestureType() == Qt.NativeGestureType.SmartZoomNativeGesture:
                self._viewport.fit()
                return True
        return super().event(event)

    def drags_out(self, event: QMouseEvent) -> bool:
        """Return whether a press starts a drag of the image; without Ctrl it pans a zoomed one."""
        return not self._viewport.zoomed or bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._viewport.zoomed and self._image is not None:
            across, down = self.axes(self._image)
            self._grabbed = event.position(), QPointF(across.center, down.center)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grabbed is None or self._image is None:
            super().mouseMoveEvent(event)
            return
        where, center = self._grabbed
        moved = (event.position() - where) * self.devicePixelRatioF()
        across, down = self.axes(self._image)
        self._viewport.pan(center - QPointF(moved.x() / across.whole, moved.y() / down.whole))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._grabbed is not None:
            self._grabbed = None
            self.setCursor(Qt.CursorShape.OpenHandCursor)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._viewport.fit()

    # -- painting ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._scale is not None and self._image is not None:
            painter = QPainter(self)
            self._scale.paint(painter, self.image_rect())
            painter.end()

    def _paint_image(self, painter: QPainter) -> None:
        self._draw_image(painter)
        if self._image is not None and self._viewport.zoomed:
            self._paint_pixels(painter, *self.axes(self._image))

    def _draw_image(self, painter: QPainter) -> None:
        super()._paint_image(painter)

    def _image_at(self, place: QPointF) -> QImage | None:
        """Return the image that is visible at a position in the widget."""
        return self._image

    def _values_at(self, place: QPointF) -> Floats | None:
        """Return what the colors at a position in the widget stand for."""
        return self._values

    def _paint_pixels(self, painter: QPainter, across: Axis, down: Axis) -> None:
        """Paint the grid between the pixels, and their values where there is room."""
        device = self.devicePixelRatioF()
        if across.scale >= _GRID_FROM:
            rect = self.image_rect()
            painter.setPen(QPen(QColor(128, 128, 128, 110), 1 / device))
            xs = [across.position(column) / device for column in across.pixels()]
            ys = [down.position(row) / device for row in down.pixels()]
            painter.drawLines([QLineF(x, rect.top(), x, rect.bottom()) for x in xs if x > rect.left()])
            painter.drawLines([QLineF(rect.left(), y, rect.right(), y) for y in ys if y > rect.top()])
        lines = 1 if self._values is None or self._values.ndim == 2 else self._values.shape[2]
        if across.scale / device >= max(_VALUES_FROM, lines * _LINE):
            painter.save()
            painter.setClipRect(self.image_rect())
            self._paint_values(painter, across, down)
            painter.restore()

    def _paint_values(self, painter: QPainter, across: Axis, down: Axis) -> None:
        device = self.devicePixelRatioF()
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        for row in down.pixels():
            for column in across.pixels():
                place = QRectF(across.position(column), down.position(row), across.scale, down.scale)
                place = QRectF(place.topLeft() / device, place.size() / device)
                image = self._image_at(place.center())
                color = image.pixelColor(column, row) if image is not None else QColor()
                painter.setPen(text_on(color))
                values = self._values_at(place.center())
                words = self._color_words(color) if values is None else _value_words(values[row, column])
                painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), words)

    def _color_words(self, color: QColor) -> str:
        channels = [color.red(), color.green(), color.blue()]
        gray = self._image is not None and self._image.isGrayscale()
        return "\n".join(map(str, channels[:1] if gray else channels))


def _value_words(values: Floats) -> str:
    """Return one value, or those of the channels."""
    return "\n".join(f"{value:.2f}" for value in np.atleast_1d(values))
