"""What can be done with an image on the stage: copy, save, keyframe, bookmark, neighbors, arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from explorer.document.document import Document
from explorer.errors import ExplorerError
from explorer.messages import message
from explorer.types import Floats
from explorer.ui.actions import Action, Section, When
from explorer.ui.dialogs.files import ask_save, exporting
from explorer.ui.images import save_image
from explorer.ui.widgets.image_frame import ImageFrame


class ImageActions(QObject):
    """The actions of the images; `panel_requested(str)`: the panel of this name shows the result."""

    panel_requested = Signal(str)

    def __init__(self, document: Document, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        self._parent = parent

    def records(self, frame: ImageFrame, *, edited: bool) -> Iterator[Action | None]:
        """Yield the context menu of an image; the code is that of the selected image, or the `edited` one."""
        name = frame.objectName()
        shown, coded = When(lambda: frame.image is not None), When(lambda: self._code(edited=edited) is not None)
        yield Action(
            f"{name}_copy",
            self.tr("&Copy image"),
            partial(self.copy, frame),
            tip=self.tr("Copy the image, pixel for pixel."),
            synonyms=self.tr("clipboard, copy pixels"),
            icon="copy",
            enabled=shown,
        )
        yield Action(
            f"{name}_save",
            self.tr("&Save image…"),
            partial(self.save, frame),
            tip=self.tr("Save the image as PNG, pixel for pixel."),
            synonyms=self.tr("png, export image"),
            icon="save",
            enabled=shown,
        )
        yield None
        yield Action(
            f"{name}_keyframe",
            self.tr("Add &keyframe"),
            partial(self.add_keyframe, edited=edited),
            tip=self.tr("Add the code of this image to the timeline."),
            synonyms=self.tr("timeline, animation"),
            icon="diamond",
            enabled=coded,
        )
        yield Action(
            f"{name}_bookmark",
            self.tr("&Bookmark"),
            partial(self.bookmark, edited=edited),
            tip=self.tr("Save the code of this image as a bookmark."),
            synonyms=self.tr("favorite, save code"),
            icon="bookmark",
            enabled=coded,
        )
        yield None
        yield Action(
            f"{name}_neighbors",
            self.tr("Find &neighbors"),
            partial(self.find_neighbors, edited=edited),
            tip=self.tr("Find the images whose codes are nearest."),
            synonyms=self.tr("similar images, nearest"),
            icon="users",
            enabled=coded,
        )
        yield Action(
            f"{name}_arithmetic",
            self.tr("Send to &arithmetic"),
            partial(self.send_to_arithmetic, edited=edited),
            tip=self.tr("Add the code of this image to the next free term."),
            synonyms=self.tr("analogy, add to term"),
            icon="plus",
            enabled=coded,
        )

    def menu_actions(self, edited: ImageFrame) -> Iterator[Action]:
        """Yield those of the edited image that the menu bar has nowhere else."""
        document = self._document
        coded = When(lambda: document.code is not None, (document.changed.code, document.changed.model))
        yield Action(
            "action_save_image",
            self.tr("Save i&mage…"),
            partial(self.save, edited),
            Section.CLIPBOARD,
            shortcut="Ctrl+Alt+S",
            tip=self.tr("Save the edited image as PNG, pixel for pixel."),
            synonyms=self.tr("png, export image, download image"),
            icon="save",
            enabled=When(lambda: edited.image is not None),
        )
        yield Action(
            "action_find_neighbors",
            self.tr("Find nei&ghbors"),
            partial(self.find_neighbors, edited=True),
            Section.IMAGES,
            shortcut="Ctrl+Shift+N",
            tip=self.tr("Find the images whose codes are nearest to the current code."),
            synonyms=self.tr("similar images, nearest, look alike"),
            icon="users",
            enabled=coded,
        )
        yield Action(
            "action_send_to_arithmetic",
            self.tr("Send to a&rithmetic"),
            partial(self.send_to_arithmetic, edited=True),
            Section.IMAGES,
            shortcut="Ctrl+Alt+A",
            tip=self.tr("Add the current code to the next free term of the arithmetic."),
            synonyms=self.tr("analogy, add to term, vector math"),
            icon="plus",
            enabled=coded,
        )

    # -- what they do --------------------------------------------------------------------------------------------------

    def _code(self, *, edited: bool) -> Floats | None:
        return self._document.code if edited else self._document.state.start_code

    def copy(self, frame: ImageFrame) -> None:
        if frame.image is not None:
            QApplication.clipboard().setImage(frame.image)
            self._document.announced.emit(message("Image copied"))

    def save(self, frame: ImageFrame) -> None:
        """Ask for a file, and write the image as it is now."""
        image, model = frame.image, self._document.model
        if image is None:
            return

        def write(path: Path) -> None:
            with exporting(self._document, path):
                save_image(image, path)

        name = frame.objectName().removeprefix("stage_")
        suggested = Path.home() / (f"{model.name} {name}.png" if model is not None else f"{name}.png")
        title, kinds = self.tr("Save image"), [self.tr("PNG image (*.png)")]
        ask_save(self._document, self._parent, title, kinds, suggested, write)

    def add_keyframe(self, *, edited: bool) -> None:
        code, timeline = self._code(edited=edited), self._document.timeline
        if edited:
            timeline.add()
        elif code is not None:
            timeline.insert(code[None], len(self._document.state.keyframes))

    def bookmark(self, *, edited: bool) -> None:
        self._document.bookmarks.add(code=self._code(edited=edited))

    def find_neighbors(self, *, edited: bool) -> None:
        self._document.neighbors.set(of="cursor" if edited else "image")
        self.panel_requested.emit("neighbors")

    def send_to_arithmetic(self, *, edited: bool) -> None:
        """Add the code to the first term without one; if all have codes, to the first, which averages them."""
        code, arithmetic = self._code(edited=edited), self._document.state.arithmetic
        if code is None:
            return
        used = (0, 1, 2) if arithmetic.mode == "sum" else (0, 2)
        number = next((number for number in used if not arithmetic.terms[number].codes), 0)
        try:
            self._document.add_to_term(number, code[None])
        except ExplorerError as error:
            self._document.report(error.message)
            return
        self._document.announced.emit(message("Added to term {letter}", letter="abc"[number]))
        self.panel_requested.emit("arithmetic")
