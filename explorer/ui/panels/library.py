"""The library: models and datasets that are available, and buttons to open others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QGridLayout, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from explorer.data.pixel_cache import cache_size
from explorer.data.sources import known_sources
from explorer.document.document import Document
from explorer.document.open_requests import OpenRequest
from explorer.models.bundle import CARD, Found, find_bundles
from explorer.models.card import Task
from explorer.ui.actions import Action, Section
from explorer.ui.dialogs.files import ask_file, ask_folder, dataset_filters
from explorer.ui.dialogs.get_data import GetDataDialog
from explorer.ui.dialogs.session_questions import Role, ask
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.text import file_size, sentence
from explorer.ui.widgets.elided_label import ElidedLabel
from explorer.ui.widgets.fields import button, name_control, name_widget
from explorer.ui.widgets.layouts import hbox, vbox, widget_of

_VALUE = Qt.ItemDataRole.UserRole
_KIND = Qt.ItemDataRole.UserRole + 1


class LibraryPanel(QWidget):
    """A tree of models and datasets; a click opens one."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._dialogs: dict[str, GetDataDialog] = {}
        self._live_shown = False
        self._elsewhere: QTreeWidgetItem | None = None
        name_widget(self, "library_panel", self.tr("Library"))
        self.tree = QTreeWidget()
        name_control(self.tree, "library_tree", self.tr("Models and datasets (click or press Enter to open)"))
        self.tree.setToolTip("")
        self.tree.setHeaderHidden(True)
        self.tree.setColumnCount(2)
        self.tree.setIndentation(12)
        self.tree.setRootIsDecorated(False)
        self.tree.header().setStretchLastSection(False)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
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
        self.setLayout(vbox(self.tree, buttons, self._make_cache_line(), margins=(8, 4, 8, 4)))
        self.tree.itemClicked.connect(lambda item, column: self.open_item(item))
        self.tree.itemActivated.connect(lambda item, column: self.open_item(item))
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
        self.refresh()

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
        self._elsewhere = None
        self.tree.clear()
        models = self._section(self.tr("Models"))
        self._add_live(models)
        found = find_bundles()
        for entry in found:
            self._add_model(models, entry)
        if not found:
            self._add(models, self.tr("No models yet. Train one"), "", "", None, enabled=False)
        data = self._section(self.tr("Datasets"))
        for source in known_sources():
            present = source.status != "missing"
            text = f"{source.count:,}" if present else self.tr("Download")
            tip = f"{source.title}. {sentence(source.how)}"
            self._add(data, source.name.replace("_", " "), text, tip, ("source" if present else "missing", source.name))
        self.tree.expandAll()
        self._mark_open()
        self._show_cache()

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
        card = entry.bundle.card
        facts = [card.architecture]
        if card.imported is None:
            facts.insert(0, self._task_title(card.task))
            facts.append(self.tr("trained on %1").replace("%1", card.data.title))
        else:
            facts.append(self.tr("imported from %1").replace("%1", card.imported.file))
            facts.append(self.tr("evaluated on %1").replace("%1", card.data.title))
        if "mse" in card.metrics:
            facts.append(self.tr("test MSE %1").replace("%1", f"{card.metrics['mse']:.4f}"))
        if card.engine == "keras":
            facts.append(self.tr("runs in Keras (slower)"))
        self._add(section, card.name, f"{card.latent_dim:,}-D", " · ".join(facts), ("model", str(entry.path)))

    def _task_title(self, task: Task) -> str:
        titles = {
            "reconstruct": self.tr("Reconstruction"),
            "denoise": self.tr("Denoising"),
            "colorize": self.tr("Colorization"),
        }
        return titles[task]

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
        """Return the item of a model or dataset by name; `kind` is ``model``, ``live`` or ``source``."""
        for item in self._items():
            if item.data(0, _KIND) == kind and Path(str(item.data(0, _VALUE))).name == name:
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
        selected = None
        for item in self._items():
            font = item.font(0)
            shown = self._is_open(item)
            font.setWeight(QFont.Weight.DemiBold if shown else QFont.Weight.Normal)
            item.setFont(0, font)
            if shown and item.data(0, _KIND) in {"model", "live"}:
                selected = item
        if selected is not None:
            self.tree.setCurrentItem(selected)
        else:
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

    def _on_source_changed(self) -> None:
        self._mark_open()
        self._show_cache()

    def _on_training_changed(self) -> None:
        """Update the cache size, which a training may have changed."""
        if not self._document.training.active:
            self._show_cache()

    def _is_open(self, item: QTreeWidgetItem) -> bool:
        kind, value = item.data(0, _KIND), str(item.data(0, _VALUE))
        model, source = self._document.model, self._document.source
        if kind in {"source", "missing"}:
            return source is not None and source.spec == value
        if model is None or kind != ("model" if model.epochs is None else "live"):
            return False
        # The path of an open model has no links; the library's folders may.
        return str(model.path) in {value, os.path.realpath(value)}

    def open_item(self, item: QTreeWidgetItem) -> None:
        kind, value = item.data(0, _KIND), item.data(0, _VALUE)
        if self._is_open(item):
            return
        if kind == "model":
            self._open_as_model(Path(value))
        elif kind == "live":
            self._document.trainings.live_open_requested.emit()
        elif kind == "source":
            self._open_as_images(value)
        elif kind == "missing":
            self.show_get(value)

    def show_get(self, name: str) -> None:
        """Show the download dialog of a dataset; each dataset has one."""
        dialog = self._dialogs.get(name)
        if dialog is None:
            entry = next(entry for entry in known_sources() if entry.name == name)
            dialog = self._dialogs[name] = GetDataDialog(self._document, entry, self)
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

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
        ask_folder(self, self.tr("Open model folder"), self._open_as_model)

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
