"""Icons of the Lucide set, in the colors of the theme."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap, QPixmapCache
from shiboken6 import Shiboken

from explorer.paths import resources_dir
from explorer.ui.theme import current_theme

_DISABLED_OPACITY = 0.6


def icon(name: str) -> QIcon:
    """Return an icon of ``resources/icons/lucide`` in the color of texts; checked it has the accent color.

    The color follows the theme. ValueError if there is no such icon.
    """
    if not _path(name).is_file():
        raise ValueError(f"no icon named {name!r}")
    return QIcon(_Engine(name))


class _Engine(QIconEngine):
    """Draws on demand, so an icon costs nothing before it is visible."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def clone(self) -> QIconEngine:
        # PySide6 deletes what a virtual method returns once Python holds it no longer; one that Qt deleted is invalid.
        _clones[:] = [clone for clone in _clones if Shiboken.isValid(clone)]
        _clones.append(_Engine(self._name))
        return _clones[-1]

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        size = rect.size() * painter.device().devicePixelRatioF()
        painter.drawPixmap(rect, self.pixmap(size, mode, state))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        disabled = mode == QIcon.Mode.Disabled
        use = "muted" if disabled else "accent" if state == QIcon.State.On else "text"
        color = current_theme().color(use).name()
        key = f"lucide {self._name} {color} {disabled} {size.width()}x{size.height()}"
        found = QPixmap()
        if not QPixmapCache.find(key, found):
            found = _drawn(self._name, color, size, _DISABLED_OPACITY if disabled else 1.0)
            QPixmapCache.insert(key, found)
        return found


_clones: list[QIconEngine] = []


@cache
def _text(name: str) -> str:
    return _path(name).read_text(encoding="utf-8")


def _path(name: str) -> Path:
    return resources_dir() / "icons" / "lucide" / f"{name}.svg"


def _drawn(name: str, color: str, size: QSize, opacity: float) -> QPixmap:
    """Return an icon of `size` device pixels."""
    from PySide6.QtSvg import QSvgRenderer  # not before an icon is visible: the window starts sooner

    pixmap = QPixmap(size)
    pixmap.fill(Qt.GlobalColor.transparent)
    side = min(size.width(), size.height())
    square = QRectF((size.width() - side) / 2, (size.height() - side) / 2, side, side)
    painter = QPainter(pixmap)
    painter.setOpacity(opacity)
    QSvgRenderer(_text(name).replace("currentColor", color).encode()).render(painter, square)
    painter.end()
    return pixmap
