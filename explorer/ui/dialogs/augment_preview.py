"""Preview of augmented images; it follows the settings of the Train panel."""

from __future__ import annotations

import random

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QWidget

from explorer.data.mixer import shown
from explorer.document.document import Document
from explorer.messages import message_text
from explorer.models.settings import TrainingRequest
from explorer.ui.text import capitalized, filled
from explorer.ui.widgets.fields import button, label, name_control
from explorer.ui.widgets.image_table import ImageTable
from explorer.ui.widgets.layouts import hbox, vbox

_MATTERS = {"data", "size", "channels", "crop", "invert", "seed", "start_from"}
"""Settings that change the augmented images; the architecture, too, if it decides the size."""


class AugmentPreview(QDialog):
    """Non-modal window with originals and augmented copies; `seed_chosen(int)`: a new seed was requested."""

    seed_chosen = Signal(int)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._request: TrainingRequest | None = None
        self.setObjectName("augment_preview")
        self.setWindowTitle(self.tr("Augmented images"))
        self.resize(640, 380)
        self.table = ImageTable()
        name_control(self.table, "augment_table", self.tr("First column: originals. Other columns: augmented copies"))
        self._caption = label("augment_caption", wrap=False)
        another = button(
            "augment_another",
            self.tr("New seed"),
            self.tr("Resample the augmentation; also changes the seed of the training"),
        )
        close = button("augment_close", self.tr("Close"), self.tr("Close this window (Esc)"))
        another.setAutoDefault(False)
        close.setAutoDefault(False)
        another.clicked.connect(lambda: self.seed_chosen.emit(random.randrange(1, 10_000)))
        close.clicked.connect(self.close)
        self.setLayout(vbox((self.table, 1), hbox((self._caption, 1), another, close)))
        document.dataset_checks.preview_changed.connect(self._on_preview_changed)
        document.changed.mixer.connect(self._on_preview_changed)

    def follow(self, request: TrainingRequest) -> None:
        """Show the augmented images of a training, unless they are already shown."""
        if self._request is None or _key(request) != _key(self._request):
            self._request = request
            self._document.dataset_checks.ask_preview(request)

    def explain(self, problem: str) -> None:
        self._request = None
        self._show_problem(problem)

    def _show_problem(self, problem: str) -> None:
        self.table.show_message(capitalized(problem))
        self._caption.clear()

    def _on_preview_changed(self) -> None:
        if self._request is None:
            return  # the settings have become invalid
        preview = self._document.dataset_checks.preview
        if preview is None:
            # The old images stay until the new ones arrive, to avoid flicker.
            if not self.table.rows:
                self.table.show_message(self.tr("Augmenting images…"))
            return
        if preview.pixels is None:
            self._show_problem(message_text(preview.message))
            return
        self.table.show_pixels(shown(preview.pixels, self._document.mixer))
        height, width = preview.pixels.shape[2:4]
        caption = self.tr("Left: originals, then augmented copies. %1×%2 px, seed %3")
        self._caption.setText(filled(caption, height, width, preview.request.seed))


def _key(request: TrainingRequest) -> dict[str, object]:
    values = request.model_dump(include=_MATTERS)
    return values | {"architecture": None if request.size else request.architecture}
