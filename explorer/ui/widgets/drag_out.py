"""Dragging an image out of a widget: to the timeline, the desktop, or another program."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QMimeData, QObject, QPointF, Qt
from PySide6.QtGui import QDrag, QMouseEvent, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

_SHOWN = 64


class DragOut(QObject):
    """Starts a drag when a widget is pressed with the left button and the mouse moves.

    `content` returns data and preview of the drag; None if there is nothing to drag. A press that `starts` refuses is
    left to the widget.
    """

    def __init__(
        self,
        widget: QWidget,
        content: Callable[[], tuple[QMimeData, QPixmap] | None],
        starts: Callable[[QMouseEvent], bool] = lambda event: True,
    ) -> None:
        super().__init__(widget)
        self._widget = widget
        self._content = content
        self._starts = starts
        self._pressed: QPointF | None = None
        widget.installEventFilter(self)
        widget.setCursor(Qt.CursorShape.OpenHandCursor)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Watch the mouse without consuming its events."""
        if isinstance(event, QMouseEvent):
            pressed = event.type() == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton
            if pressed and self._starts(event):
                self._pressed = event.position()
                event.accept()
                return True
            if event.type() == QEvent.Type.MouseButtonRelease:
                self._pressed = None
            elif event.type() != QEvent.Type.MouseMove or not event.buttons() & Qt.MouseButton.LeftButton:
                pass
            elif self._pressed is not None:
                moved = (event.position() - self._pressed).manhattanLength()
                if moved >= QApplication.startDragDistance():
                    self._pressed = None
                    self._drag()
        return super().eventFilter(watched, event)

    def _drag(self) -> None:
        content = self._content()
        if content is not None:
            mime, look = content
            drag = QDrag(self._widget)
            drag.setMimeData(mime)
            drag.setPixmap(look.scaled(_SHOWN, _SHOWN, Qt.AspectRatioMode.KeepAspectRatio))
            drag.exec(Qt.DropAction.CopyAction)
