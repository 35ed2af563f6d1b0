"""The context menu of an image: copy, save, keyframe, bookmark, neighbors, arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from explorer.data.source import Source
from explorer.document.document import Document
from explorer.document.state import OpenModel
from explorer.errors import ExplorerError
from explorer.messages import message
from explorer.types import Floats
from explorer.ui.actions import Action, When
from explorer.ui.context_menu import ContextMenu
from explorer.ui.dialogs.files import ask_save, exporting
from explorer.ui.images import image_to_qimage, save_image

_TERMS = "abc"


@dataclass(frozen=True, eq=False)
class MenuImage:
    """What an image menu acts on.

    `name` is the suggested file name, without extension. `code`, ``(latent_dim,)``, is the code of the image, None if
    it has none; `index` its position in the open dataset, None if it is not one of its images. Without an `image`, that
    of the `source` is read in its own size, also if another dataset is open by then.
    """

    image: QImage | None
    name: str
    code: Floats | None = None
    index: int | None = None
    source: Source | None = None

    @property
    def known(self) -> bool:
        """Whether it has a code, or one can be made of it."""
        return self.code is not None or self.index is not None


class ImageMenu(ContextMenu):
    """Gives a widget the context menu of its images.

    `target` returns the image at a position, None where there is none; `more` are further actions of the widget.
    """

    def __init__(
        self,
        document: Document,
        widget: QWidget,
        target: Callable[[QPoint | None], MenuImage | None],
        more: Callable[[], Iterable[Action]] = tuple,
    ) -> None:
        super().__init__(widget, "image_menu")
        self._document = document
        self._target = target
        self._more = more
        self._opened_for: tuple[OpenModel | None, Source | None] = (None, None)
        for changed in (document.changed.model, document.changed.source):
            changed.connect(self._on_opened)

    def records(self, where: QPoint | None) -> Iterable[Action | None] | None:
        found = self._target(where)
        if found is None:
            return None
        self._opened_for = (self._document.model, self._document.source)
        return [*self._actions(found), None, *self._more()]

    def _on_opened(self) -> None:
        """Close a menu whose code or image is of another model or dataset."""
        (model, source), state = self._opened_for, self._document.state
        same_model = state.model is model or (state.model is not None and state.model.continues(model))
        same_source = state.source is source or (state.source is not None and state.source.continues(source))
        if not (same_model and same_source):
            for menu in self.opened():
                menu.close()

    def _actions(self, found: MenuImage) -> Iterator[Action | None]:
        coded = When(lambda: found.code is not None)
        known = When(lambda: found.known)
        yield Action(
            "image_copy",
            self.tr("&Copy image"),
            partial(self._copy, found),
            tip=self.tr("Copy this image, pixel for pixel."),
            synonyms=self.tr("clipboard, copy pixels"),
            icon="copy",
        )
        yield Action(
            "image_save",
            self.tr("&Save image…"),
            partial(self.ask_save, found),
            tip=self.tr("Save this image as PNG, pixel for pixel."),
            synonyms=self.tr("png, export image"),
            icon="save",
        )
        yield None
        yield Action(
            "image_keyframe",
            self.tr("Add &keyframe"),
            partial(self._add_keyframe, found),
            tip=self.tr("Append the code of this image to the timeline."),
            synonyms=self.tr("timeline, animation"),
            icon="diamond",
            enabled=known,
        )
        yield Action(
            "image_bookmark",
            self.tr("&Bookmark"),
            partial(self._try, partial(self._document.bookmarks.add, code=found.code)),
            tip=self.tr("Save the code of this image as a bookmark."),
            synonyms=self.tr("favorite, save code"),
            icon="bookmark",
            enabled=coded,
        )
        yield Action(
            "image_neighbors",
            self.tr("Find &neighbors"),
            partial(self.find_neighbors, found),
            tip=self.tr("Show the images whose codes are nearest to that of this image."),
            synonyms=self.tr("similar images, nearest"),
            icon="users",
            enabled=known,
        )
        yield Action(
            "image_arithmetic",
            self.tr("Send to &arithmetic"),
            partial(self.send_to_arithmetic, found),
            tip=self.tr("Add the code of this image to the next free term."),
            synonyms=self.tr("analogy, add to term"),
            icon="plus",
            enabled=known,
        )

    def _with_image(self, found: MenuImage, use: Callable[[QImage], object]) -> None:
        """Call `use` with the image, once it is read."""
        if found.image is not None:
            use(found.image)
        elif found.source is not None:
            mixer = self._document.mixer
            self._document.image_requested.emit(
                found.source, found.index, lambda pixels: use(image_to_qimage(pixels, mixer))
            )

    def _copy(self, found: MenuImage) -> None:
        self._with_image(found, self._put_on_clipboard)

    def _put_on_clipboard(self, image: QImage) -> None:
        QApplication.clipboard().setImage(image)
        self._document.announced.emit(message("Image copied"))

    def ask_save(self, found: MenuImage) -> None:
        suggested = Path.home() / f"{found.name}.png"
        kinds = [self.tr("PNG image (*.png)")]
        window = self._widget.window()
        ask_save(self._document, window, self.tr("Save image"), kinds, suggested, partial(self._save, found))

    def _save(self, found: MenuImage, path: Path) -> None:
        def save(image: QImage) -> None:
            with exporting(self._document, path):
                save_image(image, path)

        self._with_image(found, save)

    def _add_keyframe(self, found: MenuImage) -> None:
        timeline, end = self._document.timeline, len(self._document.state.keyframes)
        if found.code is not None:
            self._try(partial(timeline.insert, found.code[None], end))
        elif found.index is not None:
            timeline.request_images([found.index], end)

    def find_neighbors(self, found: MenuImage) -> None:
        """Show the Neighbors panel for the image, or else for its code."""
        if found.index is not None:
            self._try(partial(self._document.choose_image, found.index))
        elif found.code is not None:
            self._try(partial(self._document.set_code, found.code))
        self._document.neighbors.set(of="cursor" if found.index is None else "image")
        self._document.panel_requested.emit("neighbors")

    def send_to_arithmetic(self, found: MenuImage) -> None:
        """Add the image to the first term without one; if all have images, to the first, which averages them."""
        arithmetic = self._document.state.arithmetic
        used = (0, 1, 2) if arithmetic.mode == "sum" else (0, 2)
        number = next((number for number in used if not arithmetic.terms[number].codes), 0)
        if found.code is not None:
            self._try(partial(self._document.add_to_term, number, found.code[None]))
        elif found.index is not None:
            self._document.term_requested.emit(np.array([found.index], np.int64), number)
        self._document.announced.emit(message("Added to term {letter}", letter=_TERMS[number]))
        self._document.panel_requested.emit("arithmetic")

    def _try(self, edit: Callable[[], object]) -> None:
        """Report where the code is one of another model: the menu may be older than the open one."""
        try:
            edit()
        except ExplorerError as error:
            self._document.report(error.message)
