"""The message log: errors since the start."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from explorer.document.document import Document, Problem
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.text import sentence

_Index = QModelIndex | QPersistentModelIndex
KEPT = 200
"""Maximum number of entries; older ones are in the log file."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One error: its message, the time of the last occurrence (``14:03:27``), and how often it occurred."""

    message: str
    details: str
    at: str
    times: int = 1

    @property
    def report(self) -> str:
        head = f"{self.at}  {self.message}"
        return f"{head}\n\n{self.details}".strip() if self.details else head


class ProblemList(QAbstractListModel):
    """The errors of a document, newest first; consecutive repetitions are one entry."""

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: list[Entry] = []
        document.problem_reported.connect(self._on_problem_reported)

    def entry(self, row: int) -> Entry | None:
        """The newest is at row 0."""
        return self._entries[row] if 0 <= row < len(self._entries) else None

    @property
    def report(self) -> str:
        return "\n\n".join(entry.report for entry in self._entries)

    def clear(self) -> None:
        self.beginResetModel()
        self._entries.clear()
        self.endResetModel()

    def _on_problem_reported(self, problem: Problem) -> None:
        _log.info("problem: %s%s", problem.message, f"\n{problem.details}" if problem.details else "")
        message = sentence(problem.message)
        new = Entry(message, problem.details, time.strftime("%H:%M:%S"))
        last = self.entry(0)
        if last is not None and (last.message, last.details) == (new.message, new.details):
            self._entries[0] = replace(new, times=last.times + 1)
            self.dataChanged.emit(self.index(0), self.index(0))
            return
        self.beginInsertRows(QModelIndex(), 0, 0)
        self._entries.insert(0, new)
        self.endInsertRows()
        if len(self._entries) > KEPT:
            self.beginRemoveRows(QModelIndex(), KEPT, len(self._entries) - 1)
            del self._entries[KEPT:]
            self.endRemoveRows()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry = self.entry(index.row())
        if entry is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            often = f"  (× {entry.times})" if entry.times > 1 else ""
            return f"{entry.at}  {entry.message}{often}"
        return plain_tooltip(entry.message) if role == Qt.ItemDataRole.ToolTipRole else None
