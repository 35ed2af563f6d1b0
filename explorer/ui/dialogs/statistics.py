"""Latent statistics: all dimensions, their correlations, and linear probes of labels and attributes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHeaderView,
    QListWidget,
    QStackedWidget,
    QTableView,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from explorer.document.analysis import Probe
from explorer.document.document import Document
from explorer.export.table import Cell, write_csv
from explorer.latent.statistics import ACTIVE_VARIANCE, correlations
from explorer.types import Indices
from explorer.ui.card_words import range_of_values
from explorer.ui.dialogs.files import ask_save, exporting
from explorer.ui.statistics_model import StatisticsModel
from explorer.ui.text import capitalized, decibels, dimension_name, filled, percent
from explorer.ui.widgets.correlation_map import CorrelationMap
from explorer.ui.widgets.fields import align_right, button, combo_box, label, name_control
from explorer.ui.widgets.job_strip import AnalysisStrip
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox, widget_of
from explorer.ui.widgets.segmented_control import SegmentedControl

_WIDTH, _HEIGHT = 640, 520
_DIMENSIONS, _CORRELATIONS, _CHANNELS, _LABELS = range(4)
_MOST = 64
"""Number of dimensions whose correlations are shown: those with the highest variance."""

_METRICS = ("mse", "psnr", "ssim")
_PAIRS = 12
_LINE = 24


class StatisticsDialog(QDialog):
    """Non-modal dialog that follows the open model, also during training."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._shown: Indices = np.zeros(0, np.int64)
        self.setObjectName("statistics_dialog")
        self.setWindowTitle(self.tr("Latent statistics"))
        self.resize(_WIDTH, _HEIGHT)
        self._make_controls()
        self._lay_out()
        self.pages.chosen.connect(self._stack.setCurrentIndex)
        self._save.clicked.connect(self._ask_save)
        self._close.clicked.connect(self.close)
        self._probe.clicked.connect(lambda: document.analysis.probe_requested.emit(self._attribute.currentData()))
        self.map.pointed.connect(self._on_cell_pointed)
        document.changed.model.connect(self._show_model)
        document.changed.model.connect(self._show_probes)
        document.changed.model.connect(self._update_probe)
        document.changed.source.connect(self._fill_attributes)
        document.analysis.probes_changed.connect(self._show_probes)
        self._show_model()
        self._fill_attributes()
        self._update_probe()

    def _make_controls(self) -> None:
        self.pages = SegmentedControl(
            ("statistics_dimensions", self.tr("Dimensions"), self.tr("One row per latent dimension")),
            ("statistics_correlations", self.tr("Correlations"), self.tr("Correlation of latent dimensions")),
            ("statistics_channels", self.tr("Channels"), self.tr("Quality of each channel on test images")),
            (
                "statistics_labels",
                self.tr("Linear probe"),
                self.tr("How well a linear classifier predicts labels from codes"),
            ),
        )
        self._about = label("statistics_about")
        self.dimensions = StatisticsModel(self)
        self.table = QTableView()
        name_control(self.table, "statistics_table", self.tr("Latent dimensions; click a column title to sort"))
        self.table.setModel(self.dimensions)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.table.setShowGrid(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(_LINE)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.map = CorrelationMap()
        name_control(self.map, "statistics_map", self.tr("Correlation matrix; arrow keys select a cell"))
        self._cell = label("statistics_cell", look="plain", wrap=False)
        self.pairs = QListWidget()
        name_control(self.pairs, "statistics_pairs", self.tr("Pairs of dimensions with the strongest correlation"))
        self.channels = QTreeWidget()
        name_control(self.channels, "statistics_channel_table", self.tr("Metrics of each channel on test images"))
        self.channels.setHeaderLabels([self.tr("Channel"), *map(str.upper, _METRICS)])
        self.channels.setRootIsDecorated(False)
        self.channels.header().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        align_right(self.channels.headerItem(), range(1, self.channels.columnCount()))
        self._attribute = combo_box(
            "statistics_attribute", self.tr("Label or attribute of the images in this dataset"), []
        )
        self._probe = button(
            "statistics_probe",
            self.tr("Fit probe"),
            self.tr("Fit a linear classifier to the codes of this dataset and test it on held-out images"),
            primary=True,
        )
        self.strip = AnalysisStrip("statistics", self._document, "probe")
        self.probes = QTreeWidget()
        name_control(self.probes, "statistics_probes", self.tr("Results of the linear probes"))
        self.probes.setHeaderLabels(
            [
                self.tr("Attribute"),
                self.tr("Classes"),
                self.tr("Images"),
                self.tr("Accuracy"),
                self.tr("Majority class"),
            ]
        )
        align_right(self.probes.headerItem(), range(1, self.probes.columnCount()))
        self.probes.setRootIsDecorated(False)
        self.probes.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.probes.header().setStretchLastSection(False)
        self._save = button("statistics_save", self.tr("Export…"), self.tr("Export the table of this page as CSV"))
        self._close = button("statistics_close", self.tr("Close"), self.tr("Close (Esc)"))
        for made in (self._save, self._close, self._probe):
            made.setAutoDefault(False)

    def _lay_out(self) -> None:
        together = widget_of(hbox((vbox((self.map, 1), self._cell), 2), (self.pairs, 1)))
        labels = widget_of(vbox(hbox(self._attribute, self._probe, STRETCH, (self.strip, 1)), (self.probes, 1)))
        self._stack = QStackedWidget()
        for page in (self.table, together, self.channels, labels):
            self._stack.addWidget(page)
        self.setLayout(
            vbox(self.pages, self._about, (self._stack, 1), hbox(self._save, STRETCH, self._close), spacing=8)
        )
        self.pages.chosen.connect(lambda page: self._show_about())

    # -- display -----------------------------------------------------------------------------------------------------

    def _show_model(self) -> None:
        model = self._document.model
        self.dimensions.show_statistics(None if model is None else model.sample.statistics)
        header = self.table.horizontalHeader()
        self.dimensions.sort(header.sortIndicatorSection(), header.sortIndicatorOrder())
        self._show_correlations()
        self._show_channels()
        self._show_about()

    def _show_channels(self) -> None:
        """Fill the page of the channels; hide it if the model has no metrics of single channels."""
        model = self._document.model
        found = () if model is None else model.card.channel_metrics
        self.channels.clear()
        for number, figures in enumerate(found, start=1):
            texts = [f"{figures['mse']:.4g}", decibels(figures["psnr"]), f"{figures['ssim']:.3f}"]
            self.channels.addTopLevelItem(_right_aligned([f"{number}", *texts]))
        self.pages.part(_CHANNELS).setVisible(bool(found))
        if not found and self.pages.current == _CHANNELS:
            self.pages.choose(_DIMENSIONS)
            self._stack.setCurrentIndex(_DIMENSIONS)

    def _show_correlations(self) -> None:
        model = self._document.model
        self.pairs.clear()
        if model is None or not len(model.sample.codes):
            self._shown = np.zeros(0, np.int64)
            self.map.show_table(np.zeros((0, 0), np.float32))
            return
        sigma = model.sample.statistics.sigma
        widest = np.argsort(-sigma, kind="stable")[:_MOST]
        self._shown = np.sort(widest)
        table = correlations(model.sample.codes, self._shown)
        self.map.show_table(table)
        rows, columns = np.triu_indices(len(table), 1)
        strongest = np.argsort(-np.abs(table[rows, columns]), kind="stable")[:_PAIRS]
        for row, column in zip(rows[strongest], columns[strongest], strict=True):
            self.pairs.addItem(self._pair_words(int(row), int(column)))

    def _pair_words(self, row: int, column: int) -> str:
        value = f"{self.map.table[row, column]:+.2f}".replace("-", "\N{MINUS SIGN}")
        first, second = (dimension_name(int(self._shown[place])) for place in (row, column))
        return f"{first} · {second}:  {value}"

    def _on_cell_pointed(self, row: int, column: int) -> None:
        self._cell.setText(self._pair_words(row, column) if row >= 0 else "")

    def _show_about(self) -> None:
        model = self._document.model
        page = self.pages.current
        self._save.setEnabled(model is not None)
        if model is None:
            self._about.setText(self.tr("Open a model to see its latent statistics."))
            return
        statistics, count = model.sample.statistics, len(model.sample.codes)
        if page == _DIMENSIONS:
            active = int((statistics.sigma**2 > ACTIVE_VARIANCE).sum())
            words = self.tr("%1: %2 of %3 dimensions active, over %4 test images.")
            words = filled(words, model.name, f"{active:,}", f"{statistics.latent_dim:,}", f"{count:,}")
            if statistics.kl is not None:
                kl = self.tr("Total KL: %1 nats.").replace("%1", f"{float(statistics.kl.sum()):.2f}")
                words = f"{words} {kl}"
        elif page == _CORRELATIONS:
            words = self.tr("%1: blue = negative, orange = positive correlation, over %2 test images.")
            words = filled(words, model.name, f"{count:,}")
            if statistics.latent_dim > _MOST:
                widest = self.tr("Shown: the %1 dimensions with the highest variance.").replace("%1", str(_MOST))
                words = f"{words} {widest}"
        elif page == _CHANNELS:
            words = filled(
                self.tr("%1: quality of each channel on test images, for values from 0 to %2."),
                model.name,
                f"{model.card.data_range:g}",
            )
            words = " ".join([words, *(f"{capitalized(one)}." for one in range_of_values(model.card))])
        else:
            words = self.tr(
                "%1: accuracy of a linear probe on held-out images. "
                "Majority class: accuracy of always predicting the most frequent class."
            ).replace("%1", model.name)
        self._about.setText(words)

    # -- probes ------------------------------------------------------------------------------------------------------

    def _fill_attributes(self) -> None:
        source = self._document.source
        self._attribute.clear()
        if source is not None:
            if source.labels is not None:
                self._attribute.addItem(self.tr("Label"), None)
            for name in source.attributes:
                self._attribute.addItem(name, name)
        self._show_probes()
        self._update_probe()

    def _update_probe(self) -> None:
        self._probe.setEnabled(self._attribute.count() > 0 and self._document.model is not None)

    def _current(self) -> list[Probe]:
        model, source = self._document.model, self._document.source
        probes = self._document.analysis.probes
        return [] if model is None else [one for one in probes if one.codec is model.codec and one.source is source]

    def _show_probes(self) -> None:
        self.probes.clear()
        for probe in self._current():
            texts = [
                probe.attribute or self.tr("Label"),
                f"{probe.classes:,}",
                f"{probe.count:,}",
                percent(probe.accuracy),
                percent(probe.majority_class),
            ]
            self.probes.addTopLevelItem(_right_aligned(texts))
        for column in range(1, self.probes.columnCount()):
            self.probes.resizeColumnToContents(column)

    # -- files -------------------------------------------------------------------------------------------------------

    def _ask_save(self) -> None:
        model = self._document.model
        if model is not None:
            name = ("dimensions", "correlations", "channels", "probes")[self.pages.current]
            kinds = [self.tr("CSV table (*.csv)")]
            ask_save(
                self._document,
                self,
                self.tr("Export table"),
                kinds,
                Path.home() / f"{model.name}-{name}.csv",
                self.save,
            )

    def save(self, path: Path) -> None:
        """Write the table of the page as CSV; report success or failure."""
        with exporting(self._document, path):
            if self.pages.current == _DIMENSIONS:
                write_csv(path, self.dimensions.titles, self.dimensions.lines())
            elif self.pages.current == _CORRELATIONS:
                names = [f"z{number}" for number in self._shown]
                rows = zip(names, self.map.table.astype(float).tolist(), strict=True)
                write_csv(path, ["", *names], [[name, *row] for name, row in rows])
            elif self.pages.current == _CHANNELS and self._document.model is not None:
                channels = enumerate(self._document.model.card.channel_metrics, start=1)
                rows_of_channels = [[number, *(one[name] for name in _METRICS)] for number, one in channels]
                write_csv(path, ["channel", *_METRICS], rows_of_channels)
            else:
                header = ["attribute", "classes", "images", "accuracy", "majority class"]
                rows_of_probes: list[list[Cell]] = [
                    [one.attribute or "label", one.classes, one.count, one.accuracy, one.majority_class]
                    for one in self._current()
                ]
                write_csv(path, header, rows_of_probes)


def _right_aligned(texts: list[str]) -> QTreeWidgetItem:
    """Return a line whose first column is a name, the others numbers."""
    item = QTreeWidgetItem(texts)
    align_right(item, range(1, len(texts)))
    return item
