"""The dialogs that bring models and images into the program: import, and how images are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMainWindow

from explorer.document.document import Document
from explorer.document.open_requests import OpenRequest, ReadingQuestion
from explorer.ui.actions import Action, Section, When
from explorer.ui.dialogs.import_model import ImportDialog
from explorer.ui.dialogs.in_front import show_in_front
from explorer.ui.dialogs.reading import ReadingDialog, ReadingQuestionDialog


class OpenActions(QObject):
    """Dialogs of one window, created on first use, and opened when the document asks for them."""

    def __init__(self, document: Document, window: QMainWindow) -> None:
        super().__init__(window)
        self._document = document
        self._window = window
        self._import: ImportDialog | None = None
        self._reading: ReadingDialog | None = None
        document.imports.wanted.connect(self._on_import_wanted)
        document.reading_requested.connect(self.show_reading)
        document.choice_wanted.connect(self._on_choice_wanted)

    def menu_actions(self) -> Iterator[Action]:
        yield Action(
            "action_import",
            self.tr("Import m&odel…"),
            self.show_import,
            Section.OPEN,
            shortcut="Ctrl+I",
            tip=self.tr("Import an autoencoder of Keras, TensorFlow Lite, TensorFlow.js, PyTorch or ONNX."),
            synonyms=self.tr(
                "h5, keras, tensorflow, tflite, tfjs, onnx, pytorch, torchscript, pt2, convert model, third-party model"
            ),
        )
        yield Action(
            "action_reading",
            self.tr("How images a&re read…"),
            self.show_reading,
            Section.OPEN,
            shortcut="Ctrl+Shift+R",
            tip=self.tr("Show and change the range of values, frames, channels and array of the open images."),
            synonyms=self.tr("range, contrast, bit depth, channels, frames, pages, array, dataset key"),
            enabled=When(lambda: self._document.source is not None, (self._document.changed.source,)),
        )

    def show_import(self) -> ImportDialog:
        if self._import is None:
            self._import = ImportDialog(self._document, self._window)
        show_in_front(self._import)
        return self._import

    def show_reading(self) -> ReadingDialog:
        """Show how the open images were read."""
        if self._reading is None:
            self._reading = ReadingDialog(self._document, self._window)
        show_in_front(self._reading)
        return self._reading

    def _on_import_wanted(self, paths: tuple[Path, ...]) -> None:
        self.show_import().begin(*paths)

    def _on_choice_wanted(self, question: ReadingQuestion) -> None:
        dialog = ReadingQuestionDialog(self._window, question)
        dialog.chosen.connect(lambda spec: self._document.open_requested.emit(OpenRequest((spec,), "images")))
        dialog.open()
