"""The library: models and datasets that are available, and buttons to open others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QFont, QIcon, QKeyEvent, QPixmap
from PySide6.QtWidgets import QGridLayout, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from explorer.data.choices import place_of
from explorer.data.pixel_cache import cache_size
from explorer.data.sources import held_out_source, known_sources
from explorer.data.sources.entry import SourceEntry
from explorer.document.document import Document
from explorer.document.fitting_data import dataset_title
from explorer.document.open_requests import OpenRequest
from explorer.document.views.thumbnails import THUMBNAILS, ThumbnailsView
from explorer.models.bundle import CARD, Found, find_bundles
from explorer.models.card import Card
from explorer.models.preview import COUNT
from explorer.ui.actions import Action, ActionMenu, Section, When
from explorer.ui.card_images import CardImages, has_images, keep_images
from explorer.ui.card_words import code_words, data_words, quality_words, task_words
from explorer.ui.dialogs.files import ask_file, ask_folder, dataset_filters
from explorer.ui.dialogs.get_data import GetDataDialog
from explorer.ui.dialogs.in_front import show_in_front
from explorer.ui.dialogs.session_questions import Role, ask
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.text import file_size, filled, sentence, unbroken
from explorer.ui.widgets.elided_label import ElidedLabel
from explorer.ui.widgets.fields import button, name_control, name_widget
from explorer.ui.widgets.layouts import hbox, vbox, widget_of
from explorer.ui.widgets.library_card import LibraryCard

_VALUE = Qt.ItemDataRole.UserRole
_KIND = Qt.ItemDataRole.UserRole + 1
_ICON = 20
_WAIT_MS = 100
"""Time between reading the images of two cards, so that they do not delay the first image on the stage."""


class _Tree(QTreeWidget):
    """A tree whose Delete key and context menu are the panel's."""

    def __init__(self, panel: LibraryPanel) -> None:
        super().__init__()
        self._panel = panel
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(panel.show_menu)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self._panel.remove_selected()
        else:
            super().keyPressEvent(event)


class LibraryPanel(QWidget):
    """A tree of models and datasets; a click shows the card of one, a double-click or Enter opens it."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._dialogs: dict[str, GetDataDialog] = {}
        self._live_shown = False
        self._marked = ""
        self._elsewhere: QTreeWidgetItem | None = None
        self._cards: dict[str, Card] = {}
        self._sources: dict[str, SourceEntry] = {}
        self._images = CardImages(self, _WAIT_MS)
        self._images.arrived.connect(self._on_images_arrived)
        name_widget(self, "library_panel", self.tr("Library"))
        self.tree = _Tree(self)
        self._set_up_tree()
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
        self.setLayout(vbox((self.tree, 1), self.card, buttons, self._make_cache_line(), margins=(8, 4, 8, 4)))
        self.tree.itemActivated.connect(lambda item, column: self.open_item(item))
        self.tree.currentItemChanged.connect(lambda item, before: self._show_card())
        self.card.open.clicked.connect(self.open_selected)
        self.card.remove.clicked.connect(self.remove_selected)
        self._open_model.clicked.connect(self.ask_model)
        self._open_folder.clicked.connect(self.ask_folder)
        self._open_file.clicked.connect(self.ask_file)
        # The end of a training emits several signals; the folders are read once, after them.
        self._renewal = QTimer(self)
        self._renewal.setSingleShot(True)
        self._renewal.setInterval(0)
        self._renewal.timeout.connect(self.refresh)
        document.library_changed.connect(self._renewal.start, check_nargs=False)
        document.changed.model.connect(self._mark_open)
        document.changed.source.connect(self._on_source_changed)
        document.downloads.cache_changed.connect(self._show_cache)
        document.training_changed.connect(self._on_training_changed)
        document.trainings.live_changed.connect(self._on_live_changed)
        document.places.changed.connect(self._renewal.start, check_nargs=False)
        document.views.changed(THUMBNAILS).connect(self._on_thumbnails_changed)
        self.refresh()

    def _set_up_tree(self) -> None:
        name_control(self.tree, "library_tree", self.tr("Models and datasets (double-click or press Enter to open)"))
        self.tree.setIconSize(QSize(_ICON, _ICON))
        self.tree.setToolTip("")
        self.tree.setHeaderHidden(True)
        self.tree.setColumnCount(2)
        self.tree.setIndentation(12)
        self.tree.setRootIsDecorated(False)
        self.tree.header().setStretchLastSection(False)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)

    def _make_cache_line(self) -> QWidget:
        self._cache = ElidedLabel(
            "library_cache", "", self.tr("Decoded images of large folders, kept so that they open faster"), look="muted"
        )
        clear = button(
            "library_clear_cache",
            self.tr("Clear…"),
            self.tr("Delete the image cache"),
            self.tr("delete cache, free disk space"),
        )
        clear.clicked.connect(self.ask_clear_cache)
        self._cache_line = widget_of(hbox((self._cache, 1), clear))
        return self._cache_line

    def refresh(self) -> None:
        self._marked = ""
        self._elsewhere = None
        selected = self._selected()
        self.tree.clear()
        self._cards = {}
        models = self._section(self.tr("Models"))
        self._add_live(models)
        found = find_bundles()
        for entry in found:
            self._add_model(models, entry)
        if not found:
            self._add(models, self.tr("No models yet. Train one"), "", "", None, enabled=False)
        data = self._section(self.tr("Datasets"))
        self._sources = {source.name: source for source in known_sources()}
        for source in self._sources.values():
            present = source.status != "missing"
            text = f"{source.count:,}" if present else self.tr("Download")
            tip = f"{source.title}. {sentence(source.how)}"
            self._add(data, source.name.replace("_", " "), text, tip, ("source" if present else "missing", source.name))
        for place in self._document.places.paths:
            path = place_of(place)
            gone = not os.path.exists(path)
            self._add(data, Path(path).name, self.tr("missing") if gone else "", place, ("place", place))
        self.tree.expandAll()
        self._show_icons()
        self._mark_open()
        if selected is not None:
            self._select(*selected)
        self._show_cache()

    def _selected(self) -> tuple[str, str] | None:
        item = self.tree.currentItem()
        return None if item is None or item.data(0, _KIND) is None else (item.data(0, _KIND), item.data(0, _VALUE))

    def _select(self, kind: str, value: str) -> None:
        for item in self._items():
            # A file that is read in another way is the same item.
            if item.data(0, _KIND) == kind and place_of(str(item.data(0, _VALUE))) == place_of(value):
                self.tree.setCurrentItem(item)

    def _section(self, title: str) -> QTreeWidgetItem:
        item = QTreeWidgetItem([title])
        item.setData(1, Qt.ItemDataRole.AccessibleTextRole, title)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        font = item.font(0)
        font.setWeight(font.Weight.DemiBold)
        item.setFont(0, font)
        self.tree.addTopLevelItem(item)
        return item

    def _add_live(self, section: QTreeWidgetItem) -> None:
        live = self._document.trainings.live
        self._live_shown = live is not None
        if live is not None:
            tip = self.tr("A model in training, shown live")
            self._add(section, live.name, self.tr("in training"), tip, ("live", str(live.path)))

    def _on_live_changed(self) -> None:
        """List a model in training, or remove it; newer weights change nothing here."""
        if self._live_shown != (self._document.trainings.live is not None):
            self._renewal.start()

    def _add_model(self, section: QTreeWidgetItem, entry: Found) -> None:
        if entry.bundle is None:
            self._add(section, entry.path.name, self.tr("damaged"), str(entry.error), ("model", str(entry.path)))
            return
        card = self._cards[str(entry.path)] = entry.bundle.card
        facts = [task_words(card), card.architecture]
        if card.imported is not None:
            facts.append(self.tr("from %1").replace("%1", card.imported.file))
        facts.append(data_words(card))
        if "mse" in card.metrics:
            facts.append(self.tr("test MSE %1").replace("%1", f"{card.metrics['mse']:.4f}"))
        if card.engine == "keras":
            facts.append(self.tr("runs in Keras (slower)"))
        self._add(section, card.name, f"{card.latent_dim:,}-D", " · ".join(facts), ("model", str(entry.path)))

    def _add(
        self,
        section: QTreeWidgetItem,
        title: str,
        detail: str,
        tip: str,
        value: tuple[str, str] | None,
        *,
        enabled: bool = True,
    ) -> QTreeWidgetItem:
        item = QTreeWidgetItem([title, detail])
        item.setToolTip(0, plain_tooltip(tip))
        item.setToolTip(1, plain_tooltip(tip))
        item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if value is not None:
            item.setData(0, _KIND, value[0])
            item.setData(0, _VALUE, value[1])
        if not enabled:
            item.setFlags(Qt.ItemFlag.NoItemFlags)
        section.addChild(item)
        return item

    def item_of(self, kind: str, name: str) -> QTreeWidgetItem | None:
        """Return the item of a model or dataset by name; `kind` is ``model``, ``live``, ``source`` or ``place``."""
        for item in self._items():
            if item.data(0, _KIND) == kind and Path(place_of(str(item.data(0, _VALUE)))).name == name:
                return item
        return None

    def items_of(self, section: int) -> list[QTreeWidgetItem]:
        """Return the items of the models (0) or datasets (1) that can be opened."""
        found = self.tree.topLevelItem(section)
        return [item for item in section_items(found) if item.data(0, _KIND)] if found is not None else []

    def _items(self) -> Iterator[QTreeWidgetItem]:
        for number in range(self.tree.topLevelItemCount()):
            section = self.tree.topLevelItem(number)
            if section is not None:
                yield from section_items(section)

    def _mark_open(self) -> None:
        self._list_elsewhere()
        model = self._document.model
        place = "" if model is None else str(model.path)
        opened, self._marked = place != self._marked, place
        for item in self._items():
            font = item.font(0)
            shown = self._is_open(item)
            font.setWeight(QFont.Weight.DemiBold if shown else QFont.Weight.Normal)
            item.setFont(0, font)
            # Newer weights and other images leave the selection where it is.
            if shown and opened and item.data(0, _KIND) in {"model", "live"}:
                self.tree.setCurrentItem(item)
        if opened and model is None:
            self.tree.setCurrentIndex(QModelIndex())

    def _list_elsewhere(self) -> None:
        """List the open model while it is open, even if it is in none of the library's folders."""
        model, section = self._document.model, self.tree.topLevelItem(0)
        if section is None:
            return
        elsewhere = self._elsewhere
        if elsewhere is not None and not self._is_open(elsewhere):
            section.removeChild(elsewhere)
            self._elsewhere = None
        if model is None or model.epochs is not None or any(map(self._is_open, section_items(section))):
            return
        if (model.path / CARD).is_file():
            tip = self.tr("From %1").replace("%1", str(model.path.parent))
            value = ("model", str(model.path))
            self._elsewhere = self._add(section, model.name, f"{model.latent_dim:,}-D", tip, value)
            self._cards[str(model.path)] = model.card

    # -- the card ----------------------------------------------------------------------------------------------------

    def _show_card(self) -> None:
        selected = self._selected()
        if selected is None:
            self.card.clear()
            return
        kind, value = selected
        title, facts = self._facts(kind, value)
        gone = kind == "place" and not os.path.exists(place_of(value))
        self.card.show_facts(title, facts, openable=not gone, removable=kind == "place")
        self._show_card_images()

    def _facts(self, kind: str, value: str) -> tuple[str, list[str]]:
        """Return the name of an item and what its card says about it."""
        if kind in {"model", "live"}:
            card = self._cards.get(value)
            if card is None:
                words = self.tr("In training, shown live") if kind == "live" else self.tr("This model is damaged.")
                return Path(value).name, [words]
            return card.name, [unbroken(task_words(card), code_words(card)), quality_words(card), data_words(card)]
        if kind == "place":
            return Path(place_of(value)).name, [self._place_words(value), place_of(value)]
        entry = self._sources[value]
        height, width, channels = entry.image_shape
        size = f"{width}×{height}" if entry.one_size else self.tr("various sizes")
        color = self.tr("grayscale") if channels == 1 else self.tr("color")
        count = filled(self.tr("%1 images"), f"{entry.count:,}")
        return dataset_title(entry.name), [entry.title, count, unbroken(size, color)]

    def _place_words(self, place: str) -> str:
        source = self._document.source
        if not os.path.exists(place_of(place)):
            return self.tr("This file or folder is missing.")
        return filled(self.tr("%1 images"), f"{source.count:,}") if source is not None and source.spec == place else ""

    def _image_path(self, kind: str, value: str) -> str:
        """Return whose images represent an item: a known dataset has those of a model that was trained on it."""
        if kind not in {"source", "missing"}:
            return value
        for path, card in self._cards.items():
            if value in {card.data.name, held_out_source(card.data.name)}:
                return path
        return value

    def _show_card_images(self) -> None:
        selected = self._selected()
        if selected is not None:
            self.card.images.show_images(self._images.of(self._image_path(*selected)))

    def _show_icons(self) -> None:
        """Show the first image of each dataset beside its name."""
        for item in self._items():
            kind, value = item.data(0, _KIND), item.data(0, _VALUE)
            images = self._images.of(self._image_path(kind, value)) if kind in {"source", "missing", "place"} else None
            if images:
                item.setIcon(0, QIcon(QPixmap.fromImage(images[0])))

    def _on_images_arrived(self, path: str) -> None:
        self._show_icons()
        self._show_card_images()

    def _on_thumbnails_changed(self) -> None:
        """Keep the first thumbnails of a dataset that the user opened."""
        view = self._document.views[THUMBNAILS]
        if isinstance(view, ThumbnailsView) and view.source.spec in self._document.places.paths:
            spec = view.source.spec
            if not has_images(spec) and len(view.indices) >= min(COUNT, view.source.count):
                keep_images(spec, view.pixels)
                self._images.of(spec)

    # -- opening -----------------------------------------------------------------------------------------------------

    def _on_source_changed(self) -> None:
        source = self._document.source
        if source is not None and source.spec in self._document.places.paths and not has_images(source.spec):
            # The gallery, which asks for thumbnails too, may be hidden.
            self._document.thumbnails_requested.emit(np.arange(min(COUNT, source.count)))
        self._mark_open()
        self._show_cache()

    def _on_training_changed(self) -> None:
        """Update the cache size, which a training may have changed."""
        if not self._document.training.active:
            self._show_cache()

    def _is_open(self, item: QTreeWidgetItem) -> bool:
        return self._is_entry_open(*self.entry_of(item))

    def _is_entry_open(self, kind: str, value: str) -> bool:
        model, source = self._document.model, self._document.source
        if kind in {"source", "missing", "place"}:
            return source is not None and source.spec == value
        if model is None or kind != ("model" if model.epochs is None else "live"):
            return False
        # The path of an open model has no links; the library's folders may.
        return str(model.path) in {value, os.path.realpath(value)}

    def entry_of(self, item: QTreeWidgetItem) -> tuple[str, str]:
        """Return kind and value of an item; items are deleted when the library is read again."""
        return str(item.data(0, _KIND)), str(item.data(0, _VALUE))

    def open_item(self, item: QTreeWidgetItem) -> None:
        self.open_entry(*self.entry_of(item))

    def open_entry(self, kind: str, value: str) -> None:
        if self._is_entry_open(kind, value):
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
        selected = self._selected()
        if selected is not None and selected[0] == "place":
            self._document.places.remove(selected[1])

    def _has_images(self) -> bool:
        """Return whether a dataset is selected that is on this machine."""
        selected = self._selected()
        return selected is not None and selected[0] in {"source", "place"} and self.card.open.isEnabled()

    def _show_reading(self) -> None:
        """Open the selected dataset, if it is not open, and show how it is read."""
        self.open_selected()
        self._document.reading_requested.emit()

    def show_menu(self, where: QPoint) -> ActionMenu | None:
        """Show the menu of the selected item; Shift+F10 does so at the item."""
        item = self.tree.currentItem()
        if item is None or item.data(0, _KIND) is None:
            return None
        menu = ActionMenu("library_menu", self, records=self._menu_records())
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.tree.viewport().mapToGlobal(where))
        return menu

    def _menu_records(self) -> Iterator[Action]:
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

    # -- image cache -------------------------------------------------------------------------------------------------

    def _show_cache(self) -> None:
        size = cache_size()
        self._cache.setText(self.tr("Image cache: %1").replace("%1", file_size(size)))
        self._cache_line.setVisible(size > 0)

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

    def ask_clear_cache(self) -> None:
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


def section_items(section: QTreeWidgetItem) -> Iterator[QTreeWidgetItem]:
    for row in range(section.childCount()):
        item = section.child(row)
        if item is not None:
            yield item


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
