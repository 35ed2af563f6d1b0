"""The library: models and datasets that are available, and buttons to open others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QTreeWidgetItem, QWidget

from explorer.data.choices import place_of
from explorer.data.sources import known_sources
from explorer.document.document import Document
from explorer.document.open_requests import OpenRequest
from explorer.document.views.thumbnails import THUMBNAILS, ThumbnailsView
from explorer.models.preview import COUNT
from explorer.ui.actions import Action, Section, When
from explorer.ui.card_images import has_images, keep_images
from explorer.ui.dialogs.files import ask_file, ask_folder, dataset_filters
from explorer.ui.dialogs.get_data import GetDataDialog
from explorer.ui.dialogs.in_front import show_in_front
from explorer.ui.list_menu import ListMenu
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel
from explorer.ui.panels.library_cache import CacheLine
from explorer.ui.panels.library_tree import LibraryTree
from explorer.ui.widgets.fields import button, name_widget
from explorer.ui.widgets.layouts import vbox
from explorer.ui.widgets.library_card import LibraryCard


class LibraryPanel(QWidget):
    """A tree of models and datasets; a click shows the card of one, a double-click or Enter opens it."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._dialogs: dict[str, GetDataDialog] = {}
        name_widget(self, "library_panel", self.tr("Library"))
        self.tree = LibraryTree(document)
        self._cache = CacheLine(document)
        self.card = LibraryCard()
        self._open_model = button("library_open_model", self.tr("Open model…"), self.tr("Open a model folder (Ctrl+O)"))
        self._open_folder = button(
            "library_open_folder", self.tr("Open folder…"), self.tr("Open a folder of images (Ctrl+L)")
        )
        self._open_file = button(
            "library_open_file", self.tr("Open file…"), self.tr("Open an image, archive, array or font (Ctrl+Shift+D)")
        )
        buttons = QGridLayout()
        buttons.addWidget(self._open_model, 0, 0, 1, 2)
        buttons.addWidget(self._open_folder, 1, 0)
        buttons.addWidget(self._open_file, 1, 1)
        self.setLayout(vbox((self.tree, 1), self.card, buttons, self._cache, margins=(8, 4, 8, 4)))
        self.tree.itemActivated.connect(lambda item, column: self.open_item(item))
        self.tree.currentItemChanged.connect(lambda item, before: self._show_card())
        self.card.open.clicked.connect(self.open_selected)
        self.card.remove.clicked.connect(self.remove_selected)
        self._open_model.clicked.connect(self.ask_model)
        self._open_folder.clicked.connect(self.ask_folder)
        self._open_file.clicked.connect(self.ask_file)
        self.tree.refreshed.connect(self._cache.refresh)
        self.tree.images_arrived.connect(self._show_card_images)
        self.tree.removal_asked.connect(self.remove_selected)
        ListMenu(self.tree, "library_menu", self._menu_records)
        document.changed.source.connect(self._on_source_changed)
        document.views.changed(THUMBNAILS).connect(self._on_thumbnails_changed)
        self.tree.refresh()

    def item_of(self, kind: str, name: str) -> QTreeWidgetItem | None:
        return self.tree.item_of(kind, name)

    # -- the card ----------------------------------------------------------------------------------------------------

    def _show_card(self) -> None:
        selected = self.tree.selected
        if selected is None:
            self.card.clear()
            return
        kind, value = selected
        title, facts = self.tree.facts(kind, value)
        gone = kind == "place" and not os.path.exists(place_of(value))
        self.card.show_facts(title, facts, openable=not gone, removable=kind == "place")
        self._show_card_images()

    def _show_card_images(self) -> None:
        selected = self.tree.selected
        if selected is not None:
            self.card.images.show_images(self.tree.images_of(*selected))

    def _on_thumbnails_changed(self) -> None:
        """Keep the first thumbnails of a dataset that the user opened."""
        view = self._document.views[THUMBNAILS]
        if isinstance(view, ThumbnailsView) and view.source.spec in self._document.places.paths:
            spec = view.source.spec
            if not has_images(spec) and len(view.indices) >= min(COUNT, view.source.count):
                keep_images(spec, view.pixels)
                self.tree.images_of("place", spec)

    # -- opening -----------------------------------------------------------------------------------------------------

    def _on_source_changed(self) -> None:
        source = self._document.source
        if source is not None and source.spec in self._document.places.paths and not has_images(source.spec):
            # The gallery, which asks for thumbnails too, may be hidden.
            self._document.thumbnails_requested.emit(np.arange(min(COUNT, source.count)))

    def open_item(self, item: QTreeWidgetItem) -> None:
        self.open_entry(*self.tree.entry_of(item))

    def open_entry(self, kind: str, value: str) -> None:
        if self.tree.is_entry_open(kind, value):
            return
        if kind == "model":
            self._open_as_model(Path(value))
        elif kind == "live":
            self._document.trainings.live_open_requested.emit()
        elif kind in {"source", "place"}:
            self._open_as_images(value)
        elif kind == "missing":
            self.show_get(value)

    def open_selected(self) -> None:
        item = self.tree.currentItem()
        if item is not None:
            self.open_item(item)

    def remove_selected(self) -> None:
        """Remove the selected dataset from the list, if the user opened it; its files stay."""
        selected = self.tree.selected
        if selected is not None and selected[0] == "place":
            self._document.places.remove(selected[1])

    def _has_images(self) -> bool:
        """Return whether a dataset is selected that is on this machine."""
        selected = self.tree.selected
        return selected is not None and selected[0] in {"source", "place"} and self.card.open.isEnabled()

    def _show_reading(self) -> None:
        """Open the selected dataset, if it is not open, and show how it is read."""
        self.open_selected()
        self._document.reading_requested.emit()

    def _menu_records(self) -> Iterator[Action]:
        if self.tree.selected is None:
            return
        yield Action(
            "library_menu_open",
            self.tr("&Open"),
            self.open_selected,
            tip=self.card.open.toolTip(),
            synonyms=self.tr("load, show"),
        )
        yield Action(
            "library_menu_reading",
            self.tr("How its images are &read…"),
            self._show_reading,
            tip=self.tr("Show and change the range of values, frames, channels and array."),
            synonyms=self.tr("range, contrast, bit depth, channels, frames"),
            enabled=When(self._has_images),
        )
        yield Action(
            "library_menu_remove",
            self.tr("&Remove from list"),
            self.remove_selected,
            tip=self.card.remove.toolTip(),
            synonyms=self.tr("forget, delete"),
            enabled=When(self.card.remove.isVisible),
        )

    def show_get(self, name: str) -> None:
        """Show the download dialog of a dataset; each dataset has one."""
        dialog = self._dialogs.get(name)
        if dialog is None:
            entry = next(entry for entry in known_sources() if entry.name == name)
            dialog = self._dialogs[name] = GetDataDialog(self._document, entry, self)
        show_in_front(dialog)

    def menu_actions(self) -> Iterator[Action]:
        yield Action(
            "action_open_model",
            self.tr("Open &model…"),
            self.ask_model,
            Section.OPEN,
            shortcut="Ctrl+O",
            tip=self.tr("Open a model folder: encoder, decoder, codes of test images, and card."),
            synonyms=self.tr("load model, weights, network"),
            buttons=(self._open_model,),
        )
        yield Action(
            "action_open_folder",
            self.tr("Open image &folder…"),
            self.ask_folder,
            Section.OPEN,
            shortcut="Ctrl+L",
            tip=self.tr("Open images of any size; they are preprocessed like the training data."),
            synonyms=self.tr("load images, directory, dataset, photos"),
            buttons=(self._open_folder,),
        )
        yield Action(
            "action_open_file",
            self.tr("Open image f&ile…"),
            self.ask_file,
            Section.OPEN,
            shortcut="Ctrl+Shift+D",
            tip=self.tr("Open an image, archive, NumPy or IDX file, or font."),
            synonyms=self.tr("load image, zip, npz, font, dataset"),
            buttons=(self._open_file,),
        )

    def ask_model(self) -> None:
        ask_folder(self, self.tr("Open model folder"), self._open_as_model, purpose="model")

    def ask_folder(self) -> None:
        ask_folder(self, self.tr("Open image folder"), self._open_as_images)

    def ask_file(self) -> None:
        ask_file(self, self.tr("Open image file"), self._open_as_images, kinds=dataset_filters())

    def _open_as_model(self, path: Path) -> None:
        self._document.open_requested.emit(OpenRequest((path,), "model"))

    def _open_as_images(self, spec: Path | str) -> None:
        self._document.open_requested.emit(OpenRequest((spec,), "images"))


PANEL = Panel(
    "library",
    QT_TRANSLATE_NOOP("panels", "Library"),
    LibraryPanel,
    tip=QT_TRANSLATE_NOOP("panels", "Show or hide the models and datasets."),
    synonyms=QT_TRANSLATE_NOOP("panels", "models, datasets, files"),
    icon="library",
    area=Qt.DockWidgetArea.LeftDockWidgetArea,
    help="models",
)
