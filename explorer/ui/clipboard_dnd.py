"""Drag and drop and the clipboard: what is dropped on or pasted into the window, copied or dragged out."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QMimeData, QObject
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from explorer.document.document import Document
from explorer.document.open_requests import OpenRequest
from explorer.document.views.cursor import CURSOR, CursorView
from explorer.errors import ExportError, UsageError
from explorer.messages import message
from explorer.models.file_kind import kind_of_name, may_have_images
from explorer.ui.actions import Action, Section, When
from explorer.ui.dragging import (
    code_text_mime,
    files_of,
    from_stage,
    holds_image,
    image_mime,
    image_of,
    mark_stage,
    pasted_code,
)
from explorer.ui.images import image_to_qimage
from explorer.ui.panels.stage import StagePanel
from explorer.ui.widgets.drag_out import DragOut
from explorer.ui.widgets.drop_overlay import DropOverlay
from explorer.ui.widgets.image_frame import ImageFrame
from explorer.ui.widgets.stage_image import StageImage


class ClipboardDnd(QObject):
    """Drop, paste and copy for the whole window, which shows the overlay during a drag."""

    def __init__(self, document: Document, window: QWidget) -> None:
        super().__init__(window)
        self._document = document
        self.overlay = DropOverlay(window)

    def menu_actions(self) -> Iterator[Action]:
        document = self._document
        yield Action(
            "action_copy_image",
            self.tr("&Copy image"),
            self.copy_image,
            Section.CLIPBOARD,
            shortcut=QKeySequence.StandardKey.Copy,
            tip=self.tr("Copy the decoded image, pixel for pixel."),
            synonyms=self.tr("clipboard, screenshot, copy pixels"),
        )
        yield Action(
            "action_copy_code",
            self.tr("C&opy code"),
            self.copy_code,
            Section.CLIPBOARD,
            shortcut="Ctrl+Shift+C",
            tip=self.tr("Copy the current code as a list of numbers."),
            synonyms=self.tr("clipboard, copy numbers, copy vector"),
        )
        yield Action(
            "action_paste",
            self.tr("Pas&te"),
            self.paste,
            Section.CLIPBOARD,
            shortcut=QKeySequence.StandardKey.Paste,
            tip=self.tr("Encode the image on the clipboard, open its files, or apply its code."),
            synonyms=self.tr("clipboard, insert image, insert code"),
        )
        yield Action(
            "action_invert_imported_image",
            self.tr("In&vert imported image"),
            self.invert_imported_image,
            Section.CLIPBOARD,
            shortcut="Ctrl+Shift+I",
            tip=self.tr("Invert an imported image: models know only the polarity of their data."),
            synonyms=self.tr("negative, swap black and white, polarity"),
            enabled=When(lambda: document.state.imported_image is not None, (document.changed.imported_image,)),
        )

    # -- in ------------------------------------------------------------------------------------------------------

    def welcome(self, event: QDragEnterEvent) -> None:
        """Accept a drag of files or an image, and show what a drop would do.

        One from the stage is refused: dropped by accident, it would replace the original by its reconstruction.
        """
        if from_stage(event.mimeData()):
            return
        words = self._promise(event.mimeData())
        if words:
            event.acceptProposedAction()
            self.overlay.show_words(words)

    def leave(self) -> None:
        self.overlay.hide()

    def drop(self, event: QDropEvent) -> None:
        self.overlay.hide()
        if not from_stage(event.mimeData()) and self._take(event.mimeData(), self.tr("Dropped image")):
            event.acceptProposedAction()

    def paste(self) -> None:
        mime = QApplication.clipboard().mimeData()
        if self._take(mime, self.tr("Pasted image")):
            return
        code = pasted_code(mime)
        if code is None:
            self._document.report(message("Cannot paste: the clipboard holds no image, files or code."))
            return
        try:
            self._document.set_code(code, message("Paste code"))
        except UsageError as error:
            self._document.report(error.message)

    def _take(self, mime: QMimeData, name: str) -> bool:
        """Open files, or else an image; return whether there was either.

        Where a program offers both, the file is taken: it has a name and its own bit depth.
        """
        files = [path for path in files_of(mime) if path.exists()]
        content = b"" if files else image_of(mime)
        if files:
            self._document.open_requested.emit(OpenRequest(tuple(files)))
        elif content:
            self._document.open_requested.emit(OpenRequest(content=content, name=name))
        return bool(files or content)

    def _promise(self, mime: QMimeData) -> str:
        """Return what a drop would do; empty where nothing can be opened.

        Only names are inspected: a drag must not wait for a disk.
        """
        files = files_of(mime)
        if not files:
            return self.tr("Drop to encode the image") if holds_image(mime) else ""
        kinds = [kind_of_name(path) for path in files]
        either = any(map(may_have_images, files))
        both = all(any(part in path.name.lower() for path in files) for part in ("enc", "dec"))
        if kinds == ["third_party", "third_party"] and (both or not either):
            return self.tr("Drop to import encoder and decoder")
        if len(files) > 1:
            return self.tr("Drop to open %1 files").replace("%1", f"{len(files):,}")
        words = {
            "session": self.tr("Drop to open session %1"),
            "third_party": self.tr("Drop to open model or images %1") if either else self.tr("Drop to import model %1"),
            "image": self.tr("Drop to encode %1"),
        }
        return words.get(kinds[0] or "", self.tr("Drop to open %1")).replace("%1", files[0].name)

    def invert_imported_image(self) -> None:
        """Invert the imported image; a note about its polarity no longer holds."""
        self._document.invert_imported_image()
        self._document.announced.emit(message("Image inverted"))

    # -- out -----------------------------------------------------------------------------------------------------

    def copy_image(self) -> None:
        view = self._document.views[CURSOR]
        if isinstance(view, CursorView):
            QApplication.clipboard().setImage(image_to_qimage(view.image, self._document.mixer))
            self._document.announced.emit(message("Image copied"))
        else:
            self._document.report(message("No image to copy. Open a model and a dataset in the library."))

    def copy_code(self) -> None:
        code = self._document.code
        if code is None:
            self._document.report(message("No code to copy. Open a model and a dataset in the library."))
            return
        QApplication.clipboard().setMimeData(code_text_mime(code))
        self._document.announced.emit(message("Code with {count:# value|# values} copied", count=len(code)))

    def offer_stage(self, stage: StagePanel) -> None:
        self._offer(stage.original, "original")
        self._offer(stage.reconstruction, "reconstruction")
        self._offer(stage.error, "error")
        self._offer(stage.edited, "edited", edited=True)

    def _offer(self, frame: StageImage, name: str, *, edited: bool = False) -> None:
        DragOut(frame, lambda: self.content_of(frame, name, edited=edited), frame.drags_out)

    def content_of(self, frame: ImageFrame, name: str, *, edited: bool = False) -> tuple[QMimeData, QPixmap] | None:
        """Return the data of a drag out of a frame and its preview; the edited image carries its code.

        None where there is no image, or its file cannot be written, which is reported.
        """
        image = frame.image
        if image is None:
            return None
        model = self._document.model
        title = f"{model.name} {name}" if model is not None else name
        try:
            mime = image_mime(image, title, self._document.code if edited else None)
        except ExportError as error:
            self._document.report(error.message)
            return None
        mark_stage(mime)
        return mime, QPixmap.fromImage(image)
