"""Drags and drops as the window system would send them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

_NO_KEYS = Qt.KeyboardModifier.NoModifier
_LEFT = Qt.MouseButton.LeftButton
_COPY = Qt.DropAction.CopyAction


def files(*paths: Path) -> QMimeData:
    """Return a drag of files."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def hover(target: QWidget, mime: QMimeData, where: QPoint) -> bool:
    """Drag something over a widget; say whether it would be taken."""
    enter = QDragEnterEvent(where, _COPY, mime, _LEFT, _NO_KEYS)
    enter.ignore()
    QApplication.sendEvent(target, enter)
    return enter.isAccepted()


def drop(target: QWidget, mime: QMimeData, where: QPoint) -> bool:
    """Drag something over a widget and drop it; say whether it was taken."""
    if not hover(target, mime, where):
        return False
    QApplication.sendEvent(target, QDragMoveEvent(where, _COPY, mime, _LEFT, _NO_KEYS))
    QApplication.sendEvent(target, QDropEvent(QPointF(where), _COPY, mime, _LEFT, _NO_KEYS))
    return True
