"""A row under the toolbars for bars with messages."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMainWindow, QSizePolicy, QToolBar, QWidget

from explorer.ui.widgets.fields import name_widget
from explorer.ui.widgets.layouts import vbox


class MessageRow(QToolBar):
    """As wide as the window and as high as its bars need; hidden while they are."""

    def __init__(self, *bars: QWidget) -> None:
        super().__init__()
        name_widget(self, "messages", self.tr("Messages"))
        self.setMovable(False)
        self.toggleViewAction().setObjectName("toggle_messages")
        self.toggleViewAction().setVisible(False)  # what it shows decides
        self._bars = bars
        self.addWidget(_Holder(bars))
        for bar in bars:
            bar.installEventFilter(self)

    def place(self, window: QMainWindow) -> None:
        """Give it a row of its own, and hide it without bars; a restored layout may do otherwise."""
        if not window.toolBarBreak(self):
            window.insertToolBarBreak(self)
        self._follow()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in {QEvent.Type.ShowToParent, QEvent.Type.HideToParent}:
            self._follow()
        return super().eventFilter(watched, event)

    def _follow(self) -> None:
        """Show the row if one of its bars is shown."""
        self.setVisible(not all(bar.isHidden() for bar in self._bars))


class _Holder(QWidget):
    """Has the height that its texts need in its width; a toolbar does not ask for it."""

    def __init__(self, bars: tuple[QWidget, ...]) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._box = vbox(*bars, spacing=2, margins=0)
        self.setLayout(self._box)

    def sizeHint(self) -> QSize:
        return QSize(0, self._box.heightForWidth(self.width()))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()
