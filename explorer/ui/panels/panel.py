"""The base of panels that show a view of the document."""

from __future__ import annotations

from typing import Any, ClassVar

from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from explorer.document.document import Document
from explorer.document.view_store import ViewKey


class WatchingPanel(QWidget):
    """A panel whose view the document computes only while the panel is visible.

    Attributes
    ----------
    watched
        The view.
    """

    watched: ClassVar[ViewKey[Any]]

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._document.views.watch(self.watched, True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._document.views.watch(self.watched, False)
