"""Table model of the latent dimensions; Qt reads only the visible rows, so 100,000 dimensions are no problem."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from explorer.latent.statistics import ACTIVE_VARIANCE, CodeStatistics
from explorer.types import Floats, Indices

_Index = QModelIndex | QPersistentModelIndex
_LOW, _MEDIAN, _HIGH = 2, 4, 6
"""Rows of the quantiles at 5%, 50% and 95%."""


class StatisticsModel(QAbstractTableModel):
    """One row per dimension: index, mean, σ, three quantiles, KL (VAE only), and whether it is active."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._columns: list[tuple[str, str, Floats]] = []
        self._order: Indices = np.zeros(0, np.int64)

    def show_statistics(self, statistics: CodeStatistics | None) -> None:
        self.beginResetModel()
        self._columns = []
        self._order = np.zeros(0, np.int64)
        if statistics is not None:
            numbers = np.arange(statistics.latent_dim)
            self._order = numbers
            self._columns = [
                ("z", self.tr("Index of the latent dimension, from 0"), numbers.astype(np.float32)),
                (self.tr("Mean"), self.tr("Mean over the test images"), statistics.mean),
                ("σ", self.tr("Standard deviation over the test images"), statistics.sigma),
                ("5%", self.tr("5th percentile over the test images"), statistics.quantiles[_LOW]),
                (self.tr("Median"), self.tr("Median over the test images"), statistics.quantiles[_MEDIAN]),
                ("95%", self.tr("95th percentile over the test images"), statistics.quantiles[_HIGH]),
            ]
            if statistics.kl is not None:
                about = self.tr("Mean KL divergence in nats; near 0, the model does not use this dimension")
                self._columns.append(("KL", about, statistics.kl))
            about = self.tr("Active: the variance of the mean code is above %1").replace("%1", f"{ACTIVE_VARIANCE:g}")
            active = (statistics.sigma**2 > ACTIVE_VARIANCE).astype(np.float32)
            self._columns.append((self.tr("Active"), about, active))
        self.endResetModel()

    @property
    def titles(self) -> list[str]:
        return [title for title, _, _ in self._columns]

    def lines(self) -> list[list[float]]:
        """Return the whole table in index order, whatever the sorting."""
        table: list[list[float]] = np.stack([values for _, _, values in self._columns], axis=1).tolist()
        return table

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._order)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._columns)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role != Qt.ItemDataRole.DisplayRole or not index.isValid():
            return None
        value = float(self._columns[index.column()][2][self._order[index.row()]])
        if index.column() == 0:
            return f"{value:,.0f}"
        if index.column() == len(self._columns) - 1:
            return self.tr("yes") if value else self.tr("no")
        return f"{value:.3f}".replace("-", "\N{MINUS SIGN}")

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and section < len(self._columns):
            if role == Qt.ItemDataRole.DisplayRole:
                return self._columns[section][0]
            if role == Qt.ItemDataRole.ToolTipRole:
                return self._columns[section][1]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if 0 <= column < len(self._columns):
            self.layoutAboutToBeChanged.emit()
            values = self._columns[column][2]
            self._order = np.argsort(values if order == Qt.SortOrder.AscendingOrder else -values, kind="stable")
            self.layoutChanged.emit()
