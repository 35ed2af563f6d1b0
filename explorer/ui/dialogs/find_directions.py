"""Dialog to find attribute directions, check their significance, add them as sliders and export them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHeaderView,
    QListWidget,
    QListWidgetItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from explorer.data.attribute_masks import categories
from explorer.document.directions import DirectionRequest
from explorer.document.document import Document
from explorer.document.state import NamedDirection
from explorer.errors import ExplorerError
from explorer.messages import message_text
from explorer.models.direction_file import SUFFIX, read_directions, write_directions
from explorer.ui.dialogs.files import ask_file, ask_save, exporting
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.text import filled, percent
from explorer.ui.widgets.field_grid import FieldGrid
from explorer.ui.widgets.fields import align_right, button, clearable, combo_box, label, line_edit, name_control
from explorer.ui.widgets.job_strip import AnalysisStrip
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox

_WIDTH, _HEIGHT = 620, 520
_LIST_HEIGHT = 110
_REAL = 0.01
"""Significance level: a direction with a higher p is shown gray."""


class FindDirectionsDialog(QDialog):
    """Search settings above, results below; not modal, so that the sliders stay usable."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setObjectName("directions_dialog")
        self.setWindowTitle(self.tr("Attribute directions"))
        self.resize(_WIDTH, _HEIGHT)
        self._make_controls()
        self._lay_out()
        self._search.textChanged.connect(self._choose_value)
        self._attribute.currentIndexChanged.connect(lambda row: self._fill_values())
        self._find.clicked.connect(self._on_find_clicked)
        self._keep.clicked.connect(self._on_keep_clicked)
        self._save.clicked.connect(self._ask_save)
        self._open.clicked.connect(self._ask_open)
        self.table.itemSelectionChanged.connect(self._show_buttons)
        document.direction_search.found_changed.connect(self._show_found)
        document.changed.source.connect(self._fill_attributes)
        document.changed.directions.connect(self._show_buttons)
        self._fill_attributes()
        self._show_found()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._search.setFocus()

    def _make_controls(self) -> None:
        self._search = line_edit(
            "directions_search",
            self.tr("Find a value of any attribute by its name; Return finds its direction"),
            self.tr("For example sunglasses"),
        )
        clearable(self._search)
        self._attribute = combo_box(
            "directions_attribute", self.tr("Label or attribute of the images in this dataset"), []
        )
        self.values = QListWidget()
        name_control(
            self.values,
            "directions_values",
            self.tr("Values of the attribute to find directions for; none selected means all"),
        )
        self.values.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.values.setFixedHeight(_LIST_HEIGHT)
        self._method = combo_box(
            "directions_method",
            self.tr("Difference of the mean codes, or normal of a logistic regression (less affected by correlations)"),
            [(self.tr("Difference of means"), "means"), (self.tr("Logistic regression"), "logistic")],
        )
        self._find = button(
            "directions_find", self.tr("Find"), self.tr("Find directions in the codes of this dataset"), primary=True
        )
        self.table = QTreeWidget()
        name_control(self.table, "directions_found", self.tr("Directions found, and their significance"))
        self.table.setHeaderLabels(
            [
                self.tr("Direction"),
                self.tr("Positive images"),
                self.tr("Accuracy"),
                self.tr("Effect size (d)"),
                self.tr("Null d"),
            ]
        )
        align_right(self.table.headerItem(), range(1, self.table.columnCount()))
        self.table.setRootIsDecorated(False)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.header().setStretchLastSection(False)
        self._words = label("directions_words")
        self.strip = AnalysisStrip("directions", self._document, "directions")
        self._keep = button(
            "directions_keep", self.tr("Add as slider"), self.tr("Add a slider for each selected direction, or for all")
        )
        self._open = button("directions_open", self.tr("Open…"), self.tr("Open directions from a file"))
        self._save = button(
            "directions_save", self.tr("Export…"), self.tr("Export the directions of the sliders to a file")
        )
        self._close = button("directions_close", self.tr("Close"), self.tr("Close (Esc)"))
        self._close.clicked.connect(self.close)
        self._find.setDefault(True)
        for other in (self._keep, self._open, self._save, self._close):
            other.setAutoDefault(False)

    def _lay_out(self) -> None:
        grid = FieldGrid()
        grid.wide(self.tr("Search"), self._search)
        grid.wide(self.tr("Attribute"), self._attribute)
        grid.wide(self.tr("Values"), self.values, tall=True)
        grid.wide(self.tr("Method"), self._method)
        self.setLayout(
            vbox(
                grid,
                hbox((self.strip, 1), STRETCH, self._find),
                (self.table, 1),
                self._words,
                hbox(self._open, self._save, STRETCH, self._keep, self._close),
                spacing=8,
            )
        )

    # -- search ------------------------------------------------------------------------------------------------------

    def _fill_attributes(self) -> None:
        source = self._document.source
        self._attribute.clear()
        if source is not None:
            if source.labels is not None:
                self._attribute.addItem(self.tr("Label"), None)
            for name in source.attributes:
                self._attribute.addItem(name, name)
        self._fill_values()

    def _fill_values(self) -> None:
        source = self._document.source
        self.values.clear()
        there = self._attribute.currentIndex() >= 0
        if there and source is not None:
            for name in categories(source, self._attribute.currentData()):
                self.values.addItem(QListWidgetItem(name))
        self.values.setEnabled(self.values.count() > 0)
        self._find.setEnabled(there and self._document.model is not None)

    def _choose_value(self, text: str) -> None:
        """Select the first value of any attribute that contains a text, or else the first such attribute."""
        source, wanted = self._document.source, text.strip().casefold()
        row, place = self._attribute.findText(wanted, Qt.MatchFlag.MatchContains), -1
        for number in range(self._attribute.count()):
            if source is None or not wanted:
                break
            names = [name.casefold() for name in categories(source, self._attribute.itemData(number))]
            if any(wanted in name for name in names):
                row, place = number, next(place for place, name in enumerate(names) if wanted in name)
                break
        if wanted or self._attribute.currentIndex() < 0:
            self._attribute.setCurrentIndex(row)
        self.values.clearSelection()
        self.values.setCurrentRow(place)

    def _on_find_clicked(self) -> None:
        chosen = [item.text() for item in self.values.selectedItems()]
        everything = [self.values.item(row).text() for row in range(self.values.count())]
        self._document.direction_search.requested.emit(
            DirectionRequest(self._attribute.currentData(), tuple(chosen or everything), self._method.currentData())
        )

    # -- results -----------------------------------------------------------------------------------------------------

    def _show_found(self) -> None:
        self.table.clear()
        for number, one in enumerate(self._document.direction_search.found):
            found = one.direction
            mean, deviation = (f"{value:.2f}".replace("-0.00", "0.00") for value in found.null_effect)
            chance = filled(self.tr("%1 ± %2"), mean, deviation)
            texts = [one.name, f"{found.count[0]:,}", percent(found.accuracy), f"{found.effect:.2f}", chance]
            item = QTreeWidgetItem(texts)
            item.setData(0, Qt.ItemDataRole.UserRole, number)
            real = self.tr("Significant (p = %2, %1 permutations)")
            if found.p > _REAL:
                real = self.tr("Not significant (p = %2, %1 permutations)")
            tip = filled(real, "200", f"{found.p:.3f}")
            for column in range(len(texts)):
                item.setToolTip(column, plain_tooltip(tip))
                if found.p > _REAL:
                    item.setForeground(column, self.palette().placeholderText())
            align_right(item, range(1, len(texts)))
            self.table.addTopLevelItem(item)
        for column in range(1, self.table.columnCount()):
            self.table.resizeColumnToContents(column)
        words = self.tr(
            "Accuracy: balanced, on held-out images. Effect size: Cohen's d. Null d: the same with shuffled labels. "
            "Gray = not significant."
        )
        self._words.setText(message_text(self._document.direction_search.message) or words)
        self._show_buttons()

    def _chosen(self) -> list[NamedDirection]:
        found = self._document.direction_search.found
        chosen = [int(item.data(0, Qt.ItemDataRole.UserRole)) for item in self.table.selectedItems()]
        return [found[number] for number in chosen] if chosen else list(found)

    def _show_buttons(self) -> None:
        self._keep.setEnabled(bool(self._document.direction_search.found))
        self._save.setEnabled(bool(self._document.state.directions))
        self._open.setEnabled(self._document.model is not None)

    def _on_keep_clicked(self) -> None:
        try:
            self._document.direction_search.keep(self._chosen())
        except ExplorerError as error:
            self._document.report(error.message)

    # -- files -------------------------------------------------------------------------------------------------------

    def _ask_save(self) -> None:
        model = self._document.model
        if model is not None:
            kinds = [self.tr("Directions (*%1)").replace("%1", SUFFIX)]
            ask_save(
                self._document,
                self,
                self.tr("Export directions"),
                kinds,
                Path.home() / f"{model.name}{SUFFIX}",
                self.save,
            )

    def save(self, path: Path) -> None:
        model = self._document.model
        if model is None:
            return
        with exporting(self._document, path):
            write_directions(path, model.card, {one.name: one.direction for one in self._document.state.directions})

    def _ask_open(self) -> None:
        kinds = (("Directions", f"*{SUFFIX}"),)
        ask_file(self, self.tr("Open directions"), self.open_file, kinds=kinds, purpose="export")

    def open_file(self, path: Path) -> None:
        model = self._document.model
        if model is None:
            return
        try:
            read = read_directions(path, model.card)
            self._document.direction_search.keep([NamedDirection(name, one) for name, one in read.items()])
        except ExplorerError as error:
            self._document.report(error.message)
