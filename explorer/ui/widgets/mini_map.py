"""A small scatter plot of the codes of test images, with the current code on it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.document.document import Document
from explorer.document.state import OpenModel
from explorer.latent.components import to_components
from explorer.types import Floats, Indices, Shown
from explorer.ui.scatter_image import Scatter, scatter_image
from explorer.ui.theme import current_theme
from explorer.ui.widgets.curve import curve_color
from explorer.ui.widgets.fields import name_widget

_REACH = 3.0
"""Half range of both axes, in σ."""

_USUAL = 180
_LOWEST = 60
"""Height in pixels below which nothing is drawn."""


class MiniMap(QWidget):
    """The first two dimensions, or principal components of a longer code, within ±3 σ.

    `opened()`: it was clicked, or Enter was pressed.
    """

    opened = Signal()

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._image: QImage | None = None
        self._height = _USUAL
        name_widget(
            self,
            "mini_map",
            self.tr("Mini-map"),
            self.tr("Codes of test images along the first two dimensions or principal components; click for the map"),
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMaximumHeight(_USUAL)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        document.changed.model.connect(self._on_model_changed)
        document.changed.code.connect(self.update, check_nargs=False)
        self._on_model_changed()

    def sizeHint(self) -> QSize:
        return QSize(240, self._height)

    def offer_height(self, height: int) -> None:
        """Take a height in pixels if it is more than the usual one, up to a square."""
        height = max(_USUAL, min(height, self.width()))
        if height != self._height:
            self._height = height
            self.setMaximumHeight(height)
            self.updateGeometry()

    def minimumSizeHint(self) -> QSize:
        return QSize(80, 0)

    def point(self) -> QPointF | None:
        """Return where the current code is; None without one."""
        model, code = self._document.model, self._document.code
        if model is None or code is None or model.latent_dim < 2:
            return None
        x, y = self._on_widget(self._flat(model, code[None]))[0].tolist()
        return QPointF(x, y)

    @staticmethod
    def _by_components(model: OpenModel) -> bool:
        return model.latent_dim > 2 and len(model.sample.statistics.components) > 1

    def _flat(self, model: OpenModel, codes: Floats) -> Floats:
        """Return two coordinates of codes ``(n, latent_dim)`` in σ, float32 ``(n, 2)``."""
        statistics = model.sample.statistics
        if self._by_components(model):
            return to_components(codes, statistics)[:, :2]
        return np.asarray((codes - statistics.mean)[:, :2] / np.maximum(statistics.sigma[:2], 1e-6), np.float32)

    def _on_widget(self, flat: Floats) -> Floats:
        scale = min(self.width(), self.height()) / 2 / _REACH
        middle = np.array([self.width() / 2, self.height() / 2])
        return np.asarray(middle + flat * (scale, -scale), np.float32)

    def _on_model_changed(self) -> None:
        model = self._document.model
        self.setVisible(model is not None and model.latent_dim >= 2)
        self._image = None
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._image = None
        policy = Qt.FocusPolicy
        self.setFocusPolicy(policy.StrongFocus if self.height() >= _LOWEST else policy.NoFocus)

    def _draw(self) -> QImage | None:
        model = self._document.model
        if model is None or model.latent_dim < 2:
            return None
        sample, device = model.sample, self.devicePixelRatioF()
        flat = sample.component_coordinates if self._by_components(model) else self._flat(model, sample.codes)
        places = self._on_widget(flat[:, :2])
        scatter = Scatter(places, _colors(sample.labels, len(places)), np.ones(len(places), np.bool_))
        size = round(self.width() * device), round(self.height() * device)
        return scatter_image(scatter, places * np.float32(device), size, device)[0]

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.height() < _LOWEST:
            return
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.color("accent" if self.hasFocus() else "border"))
        painter.setBrush(theme.color("stage"))
        painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 6, 6)
        if self._image is None:
            self._image = self._draw()
        if self._image is not None:
            painter.drawImage(0, 0, self._image)
        point = self.point()
        if point is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("base"), 4))
            painter.drawEllipse(point, 6, 6)
            painter.setPen(QPen(theme.color("accent"), 2))
            painter.drawEllipse(point, 6, 6)
        painter.end()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.opened.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space}:
            self.opened.emit()
        else:
            super().keyPressEvent(event)


def _colors(labels: Indices | None, count: int) -> Shown:
    """Return the colors of points by label, uint8 ``(count, 3)``; one color if not every point has a label."""
    if labels is None or len(labels) != count or not count or labels.min() < 0:
        labels = np.zeros(count, np.int64)
    colors = [curve_color(number) for number in range(int(labels.max(initial=0)) + 1)]
    return np.array([(color.red(), color.green(), color.blue()) for color in colors], np.uint8)[labels]
