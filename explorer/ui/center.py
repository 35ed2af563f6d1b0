"""The center of the window: the start page, or the stage."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from explorer.data.source import Source
from explorer.document.document import Document
from explorer.document.state import OpenModel
from explorer.ui.start_page import StartPage
from explorer.ui.widgets.pages import Pages


class Center(Pages):
    """Shows the stage, or the start page until something is opened; `turned()`: it may show the other one now."""

    turned = Signal()

    def __init__(self, document: Document, stage: QWidget) -> None:
        super().__init__()
        self._document = document
        self._stage = stage
        self._begins = False
        self._model: OpenModel | None = None
        self._source: Source | None = None
        self.start_page = StartPage(document)
        self.addWidget(self.start_page)
        self.addWidget(stage)
        self.setCurrentWidget(stage)
        self.setFocusProxy(stage)
        self.start_page.closed.connect(self.leave_start_page)
        changed = document.changed
        for opened in (changed.model, changed.source, changed.imported_image):
            opened.connect(self._on_opened)

    @property
    def at_start(self) -> bool:
        """Whether it shows the start page."""
        return self.currentWidget() is self.start_page

    def show_start_page(self) -> None:
        self.setCurrentWidget(self.start_page)
        self._begins = True
        self.turned.emit()

    def leave_start_page(self) -> None:
        if self.at_start:
            self.setCurrentWidget(self._stage)
            self.turned.emit()

    def _on_opened(self) -> None:
        """Leave the start page, unless a model in training or a folder that is being read was only renewed."""
        model, source = self._document.model, self._document.source
        model_renewed = model is self._model or (model is not None and model.continues(self._model))
        source_renewed = source is self._source or (source is not None and source.continues(self._source))
        if not (model_renewed and source_renewed) or self._document.state.imported_image is not None:
            self.leave_start_page()
        self._model, self._source = model, source
        if self._begins and not self._document.sessions.begun:
            self._document.forget_history()
            self._document.sessions.begin()
