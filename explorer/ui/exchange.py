"""In and out of the window: what is dropped on it or pasted, and what is copied or dragged away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from explorer.data.formats import PICTURE_SUFFIXES
from explorer.document.document import Document
from explorer.document.intake import SESSION_SUFFIX
from explorer.document.views import CursorView
from explorer.errors import ExportError, UsageError
from explorer.models.bundle import CARD
from explorer.models.foreign.files import looks_foreign
from explorer.ui.dragging import code_text_mime, files_of, holds_image, image_of, pasted_code, picture_mime
from explorer.ui.images import floats_to_qimage
from explorer.ui.panels.stage import StagePanel
from explorer.ui.widgets.drag_out import DragOut
from explorer.ui.widgets.drop_veil import DropVeil
from explorer.ui.widgets.picture_frame import PictureFrame


class Exchange(QObject):
    """Drops, pastes and copies of the whole window.

    Parameters
    ----------
    document
        What they change.
    window
        Where the veil lies while something is dragged over it.
    import_halves
        Takes the files of somebody else's encoder and decoder that came together.
    """

    def __init__(self, document: Document, window: QWidget, import_halves: Callable[[Path, Path], object]) -> None:
        super().__init__(window)
        self._document = document
        self._import_halves = import_halves
        self.veil = DropVeil(window)
        document.intake.negative_found.connect(self._on_negative_found)

    # -- in ------------------------------------------------------------------------------------------------------

    def welcome(self, event: QDragEnterEvent) -> None:
        """Take a drag that holds files or a picture, and say what a drop would do."""
        words = self._promise(event.mimeData())
        if words:
            event.acceptProposedAction()
            self.veil.show_words(words)

    def leave(self) -> None:
        """Lift the veil: the drag went on, or ended."""
        self.veil.hide()

    def drop(self, event: QDropEvent) -> None:
        """Take in what is dropped."""
        self.veil.hide()
        if self._take(event.mimeData(), self.tr("Dropped picture")):
            event.acceptProposedAction()

    def paste(self) -> None:
        """Take in what the clipboard holds: files, a picture, or a code."""
        mime = QApplication.clipboard().mimeData()
        if self._take(mime, self.tr("Pasted picture")):
            return
        code = pasted_code(mime)
        if code is None:
            wanted, found = self.tr("a picture, files or a code on the clipboard"), self.tr("nothing of the kind")
            self._document.report(str(UsageError(wanted, found, self.tr("Copy one first."))))
            return
        try:
            self._document.set_code(code, self.tr("Paste code"))
        except UsageError as error:
            self._document.report(str(error))

    def _take(self, mime: QMimeData, name: str) -> bool:
        """Take in files, or else a picture; say whether there was either.

        A program that offers both means the picture's own file, which has a name and its own depth.
        """
        files = [path for path in files_of(mime) if path.exists()]
        if len(files) == 2 and all(looks_foreign(path) for path in files):
            encoder, decoder = sorted(files, key=lambda path: "dec" in path.name.lower())
            self._import_halves(encoder, decoder)
            return True
        if files:
            self._document.intake.files_given.emit(files)
            return True
        content = image_of(mime)
        if content:
            self._document.intake.picture_given.emit(content, name)
        return bool(content)

    def _promise(self, mime: QMimeData) -> str:
        """Return what a drop would do; empty where nothing could be made of it.

        Only names are looked at: no file is read while a drag hovers.
        """
        files = files_of(mime)
        if not files:
            return self.tr("Drop the picture to encode it") if holds_image(mime) else ""
        path = files[0]
        if len(files) == 2 and all(looks_foreign(one) for one in files):
            return self.tr("Drop both halves to import the model")
        if len(files) > 1:
            return self.tr("Drop to open %1 files").replace("%1", f"{len(files):,}")
        return self._promise_of(path).replace("%1", path.name)

    def _promise_of(self, path: Path) -> str:
        if path.suffix.lower() == SESSION_SUFFIX:
            return self.tr("Drop to open the session %1")
        if (path / CARD).is_file():
            return self.tr("Drop to open the model %1")
        if looks_foreign(path):
            return self.tr("Drop to import the model %1")
        if path.suffix.lower() in PICTURE_SUFFIXES:
            return self.tr("Drop to encode %1")
        return self.tr("Drop to open the pictures in %1") if path.is_dir() else self.tr("Drop to open %1")

    def _on_negative_found(self) -> None:
        words = self.tr("Dark on light, and the model learned light on dark: invert it with Ctrl+Shift+I.")
        self._document.announced.emit(words)

    def invert_guest(self) -> None:
        """Exchange dark and light of the picture that was brought in; what was said of it before is no longer so."""
        self._document.invert_guest()
        self._document.announced.emit(self.tr("Dark and light of the picture are exchanged."))

    # -- out -----------------------------------------------------------------------------------------------------

    def copy_picture(self) -> None:
        """Copy what the cursor decodes to, at its own size."""
        view = self._document.cursor_view
        if isinstance(view, CursorView):
            QApplication.clipboard().setImage(floats_to_qimage(view.image))
            self._document.announced.emit(self.tr("The picture is on the clipboard."))
        else:
            self._refuse(self.tr("an edited picture to copy"))

    def copy_code(self) -> None:
        """Copy the cursor, as a list of numbers."""
        code = self._document.code
        if code is None:
            self._refuse(self.tr("a code to copy"))
            return
        QApplication.clipboard().setMimeData(code_text_mime(code))
        words = self.tr("The code is on the clipboard: %1 numbers.")
        self._document.announced.emit(words.replace("%1", f"{len(code):,}"))

    def offer_stage(self, stage: StagePanel) -> None:
        """Let the pictures of the stage be dragged away."""
        self._offer(stage.original, "original")
        self._offer(stage.reconstruction, "reconstruction")
        self._offer(stage.error, "error")
        self._offer(stage.edited, "edited", edited=True)

    def _offer(self, frame: PictureFrame, name: str, *, edited: bool = False) -> None:
        """Let the picture of a frame be dragged away."""
        DragOut(frame, lambda: self.content_of(frame, name, edited=edited))

    def content_of(self, frame: PictureFrame, name: str, *, edited: bool = False) -> tuple[QMimeData, QPixmap] | None:
        """Return what is dragged from a frame, and how it looks; the edited picture takes its code along.

        None where there is no picture, or its file cannot be written, which is reported.
        """
        image = frame.image
        if image is None:
            return None
        model = self._document.model
        title = f"{model.name} {name}" if model is not None else name
        try:
            mime = picture_mime(image, title, self._document.code if edited else None)
        except ExportError as error:
            self._document.report(str(error))
            return None
        return mime, QPixmap.fromImage(image)

    def _refuse(self, wanted: str) -> None:
        error = UsageError(wanted, self.tr("none yet"), self.tr("Open a model and pictures from the library."))
        self._document.report(str(error))
