"""The tree of the library: the models and datasets that are available."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QModelIndex, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QIcon, QImage, QKeyEvent, QPixmap
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem

from explorer.data.choices import place_of
from explorer.data.sources import held_out_source, known_sources
from explorer.data.sources.entry import SourceEntry
from explorer.document.document import Document
from explorer.document.fitting_data import dataset_title
from explorer.models.bundle import CARD, Found, find_bundles
from explorer.models.card import Card
from explorer.ui.card_images import CardImages
from explorer.ui.card_words import channel_words, code_words, data_words, quality_words, task_words
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.text import filled, sentence, unbroken
from explorer.ui.widgets.fields import name_control

_VALUE = Qt.ItemDataRole.UserRole
_KIND = Qt.ItemDataRole.UserRole + 1
_ICON = 20
_WAIT_MS = 100
"""Time between reading the images of two cards, so that they do not delay the first image on the stage."""

_OF_DATA = {"source", "missing", "place"}


class LibraryTree(QTreeWidget):
    """Models and datasets; those that are open are bold.

    An entry has a kind and a value: ``model`` and ``live`` a path, ``source`` and ``missing`` (not on this machine) a
    name, ``place`` a path that the user opened.

    `refreshed()`: it was filled again. `images_arrived()`: images of entries were read. `removal_asked()`: Delete was
    pressed.
    """

    refreshed = Signal()
    images_arrived = Signal()
    removal_asked = Signal()

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._live_shown = False
        self._marked = ""
        self._elsewhere: QTreeWidgetItem | None = None
        self._cards: dict[str, Card] = {}
        self._sources: dict[str, SourceEntry] = {}
        self._images = CardImages(self, _WAIT_MS)
        self._images.arrived.connect(lambda path: self._on_images_arrived())
        name_control(self, "library_tree", self.tr("Models and datasets (double-click or press Enter to open)"))
        self.setIconSize(QSize(_ICON, _ICON))
        self.setToolTip("")
        self.setHeaderHidden(True)
        self.setColumnCount(2)
        self.setIndentation(12)
        self.setRootIsDecorated(False)
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        # The end of a training emits several signals; the folders are read once, after them.
        self._renewal = QTimer(self, singleShot=True, interval=0)
        self._renewal.timeout.connect(self.refresh)
        document.library_changed.connect(self._renewal.start, check_nargs=False)
        document.places.changed.connect(self._renewal.start, check_nargs=False)
        document.trainings.live_changed.connect(self._on_live_changed)
        document.changed.model.connect(self._mark_open)
        document.changed.source.connect(self._mark_open)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self.removal_asked.emit()
        else:
            super().keyPressEvent(event)

    # -- entries -----------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        self._marked = ""
        self._elsewhere = None
        selected = self.selected
        self.clear()
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
        self.expandAll()
        self._show_icons()
        self._mark_open()
        if selected is not None:
            self._select(*selected)
        self.refreshed.emit()

    def _section(self, title: str) -> QTreeWidgetItem:
        item = QTreeWidgetItem([title])
        item.setData(1, Qt.ItemDataRole.AccessibleTextRole, title)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        font = item.font(0)
        font.setWeight(font.Weight.DemiBold)
        item.setFont(0, font)
        self.addTopLevelItem(item)
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
        facts += channel_words(card)
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

    def items_of(self, section: int) -> list[QTreeWidgetItem]:
        """Return the items of the models (0) or datasets (1) that can be opened."""
        found = self.topLevelItem(section)
        return [item for item in _items_below(found) if item.data(0, _KIND)] if found is not None else []

    def items(self) -> Iterator[QTreeWidgetItem]:
        for number in range(self.topLevelItemCount()):
            section = self.topLevelItem(number)
            if section is not None:
                yield from _items_below(section)

    def item_of(self, kind: str, name: str) -> QTreeWidgetItem | None:
        """Return the item of a model or dataset by name; `kind` is ``model``, ``live``, ``source`` or ``place``."""
        for item in self.items():
            if item.data(0, _KIND) == kind and Path(place_of(str(item.data(0, _VALUE)))).name == name:
                return item
        return None

    def entry_of(self, item: QTreeWidgetItem) -> tuple[str, str]:
        """Return kind and value of an item; items are deleted when the library is read again."""
        return str(item.data(0, _KIND)), str(item.data(0, _VALUE))

    @property
    def selected(self) -> tuple[str, str] | None:
        """Kind and value of the selected entry."""
        item = self.currentItem()
        return None if item is None or item.data(0, _KIND) is None else self.entry_of(item)

    def _select(self, kind: str, value: str) -> None:
        for item in self.items():
            # A file that is read in another way is the same item.
            if item.data(0, _KIND) == kind and place_of(str(item.data(0, _VALUE))) == place_of(value):
                self.setCurrentItem(item)

    # -- what is open ------------------------------------------------------------------------------------------------

    def _mark_open(self) -> None:
        self._list_elsewhere()
        model = self._document.model
        place = "" if model is None else str(model.path)
        opened, self._marked = place != self._marked, place
        for item in self.items():
            font = item.font(0)
            shown = self._is_open(item)
            font.setWeight(QFont.Weight.DemiBold if shown else QFont.Weight.Normal)
            item.setFont(0, font)
            # Newer weights and other images leave the selection where it is.
            if shown and opened and item.data(0, _KIND) in {"model", "live"}:
                self.setCurrentItem(item)
        if opened and model is None:
            self.setCurrentIndex(QModelIndex())

    def _list_elsewhere(self) -> None:
        """List the open model while it is open, even if it is in none of the library's folders."""
        model, section = self._document.model, self.topLevelItem(0)
        if section is None:
            return
        elsewhere = self._elsewhere
        if elsewhere is not None and not self._is_open(elsewhere):
            section.removeChild(elsewhere)
            self._elsewhere = None
        if model is None or model.epochs is not None or any(map(self._is_open, _items_below(section))):
            return
        if (model.path / CARD).is_file():
            tip = self.tr("From %1").replace("%1", str(model.path.parent))
            value = ("model", str(model.path))
            self._elsewhere = self._add(section, model.name, f"{model.latent_dim:,}-D", tip, value)
            self._cards[str(model.path)] = model.card

    def _is_open(self, item: QTreeWidgetItem) -> bool:
        return self.is_entry_open(*self.entry_of(item))

    def is_entry_open(self, kind: str, value: str) -> bool:
        model, source = self._document.model, self._document.source
        if kind in _OF_DATA:
            return source is not None and source.spec == value
        if model is None or kind != ("model" if model.epochs is None else "live"):
            return False
        # The path of an open model has no links; the library's folders may.
        return str(model.path) in {value, os.path.realpath(value)}

    # -- facts and images --------------------------------------------------------------------------------------------

    def facts(self, kind: str, value: str) -> tuple[str, list[str]]:
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

    def images_of(self, kind: str, value: str) -> tuple[QImage, ...] | None:
        """Return the images of an entry; None if they were not read yet."""
        return self._images.of(self._image_path(kind, value))

    def _image_path(self, kind: str, value: str) -> str:
        """Return whose images represent an item: a known dataset has those of a model that was trained on it."""
        if kind not in {"source", "missing"}:
            return value
        for path, card in self._cards.items():
            if value in {card.data.name, held_out_source(card.data.name)}:
                return path
        return value

    def _show_icons(self) -> None:
        """Show the first image of each dataset beside its name."""
        for item in self.items():
            kind, value = item.data(0, _KIND), item.data(0, _VALUE)
            images = self._images.of(self._image_path(kind, value)) if kind in _OF_DATA else None
            if images:
                item.setIcon(0, QIcon(QPixmap.fromImage(images[0])))

    def _on_images_arrived(self) -> None:
        self._show_icons()
        self.images_arrived.emit()


def _items_below(section: QTreeWidgetItem) -> Iterator[QTreeWidgetItem]:
    for row in range(section.childCount()):
        item = section.child(row)
        if item is not None:
            yield item
