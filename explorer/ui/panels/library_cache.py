"""The line of the library that says how large the image cache is."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from explorer.data.pixel_cache import cache_size
from explorer.document.document import Document
from explorer.ui.dialogs.session_questions import Role, ask
from explorer.ui.text import file_size
from explorer.ui.widgets.elided_label import ElidedLabel
from explorer.ui.widgets.fields import button
from explorer.ui.widgets.layouts import hbox


class CacheLine(QWidget):
    """Shows the size of the image cache, if there is one, and clears it."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._size = ElidedLabel(
            "library_cache", "", self.tr("Decoded images of large folders, kept so that they open faster"), look="muted"
        )
        clear = button(
            "library_clear_cache",
            self.tr("Clear…"),
            self.tr("Delete the image cache"),
            self.tr("delete cache, free disk space"),
        )
        clear.clicked.connect(self.ask_clear)
        self.setLayout(hbox((self._size, 1), clear, margins=0))
        document.changed.source.connect(self.refresh)
        document.downloads.cache_changed.connect(self.refresh)
        document.training_changed.connect(self._on_training_changed)

    def refresh(self) -> None:
        size = cache_size()
        self._size.setText(self.tr("Image cache: %1").replace("%1", file_size(size)))
        self.setVisible(size > 0)

    def _on_training_changed(self) -> None:
        """A training may have changed the size."""
        if not self._document.training.active:
            self.refresh()

    def ask_clear(self) -> None:
        text = self.tr("Delete the image cache (%1)?").replace("%1", file_size(cache_size()))
        clear = self._document.downloads.clear_requested.emit
        ask(
            self,
            "cache_question",
            self.tr("Clear image cache"),
            (text, self.tr("Your files are not touched. Large folders will load more slowly next time.")),
            (
                ("cache_keep", self.tr("Cancel"), Role.RejectRole, None),
                ("cache_clear_confirm", self.tr("Clear"), Role.AcceptRole, clear),
            ),
        )
