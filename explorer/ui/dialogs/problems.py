"""The message log: errors since startup, with details to copy and the log folder."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QDialog, QListView, QPlainTextEdit, QSplitter, QWidget

from explorer.paths import log_dir
from explorer.ui.problems import ProblemList
from explorer.ui.widgets.fields import button, label, name_widget
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox


class ProblemsDialog(QDialog):
    """A log that stays open beside the window and updates."""

    def __init__(self, problems: ProblemList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._problems = problems
        self.setObjectName("problems_dialog")
        self.setWindowTitle(self.tr("Message log"))
        self.resize(640, 460)
        self._heading = label("problems_heading", wrap=False)
        self.list = QListView()
        name_widget(self.list, "problems_list", self.tr("Errors since startup, newest first"))
        self.list.setModel(problems)
        self.list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.details = QPlainTextEdit()
        name_widget(
            self.details,
            "problems_details",
            self.tr("Details of the selected error"),
            self.tr("For a bug report: the message, and where it occurred in the program"),
        )
        self.details.setReadOnly(True)
        self.details.setTabChangesFocus(True)
        self._copy = button("problems_copy", self.tr("Copy"), self.tr("Copy the selected error with details"))
        self._copy_all = button("problems_copy_all", self.tr("Copy all"), self.tr("Copy all errors with details"))
        self._clear = button("problems_clear", self.tr("Clear"), self.tr("Clear the list"))
        self._log = button(
            "problems_log",
            self.tr("Log folder"),
            self.tr("Open the folder of the log file, which also covers earlier launches"),
        )
        self._close = button("problems_close", self.tr("Close"), self.tr("Close the log (Esc)"))
        self._lay_out()
        self.list.selectionModel().currentChanged.connect(lambda current, before: self._show(current))
        self._copy.clicked.connect(lambda: QApplication.clipboard().setText(self.details.toPlainText()))
        self._copy_all.clicked.connect(lambda: QApplication.clipboard().setText(problems.report))
        self._clear.clicked.connect(problems.clear)
        self._log.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_dir()))))
        self._close.clicked.connect(self.close)
        for changed in (problems.rowsInserted, problems.rowsRemoved, problems.modelReset, problems.dataChanged):
            changed.connect(self._on_list_changed)
        self._on_list_changed()

    def _lay_out(self) -> None:
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setObjectName("problems_splitter")
        splitter.addWidget(self.list)
        splitter.addWidget(self.details)
        splitter.setChildrenCollapsible(False)
        self.setLayout(
            vbox(
                self._heading,
                (splitter, 1),
                hbox(self._copy, self._copy_all, self._clear, self._log, (STRETCH, 1), self._close),
            )
        )

    def choose_newest(self) -> None:
        self.list.setCurrentIndex(self._problems.index(0))

    def _on_list_changed(self) -> None:
        count = self._problems.rowCount()
        words = self.tr("1 error since startup") if count == 1 else self.tr("%1 errors since startup")
        self._heading.setText(words.replace("%1", str(count)) if count else self.tr("No errors"))
        for part in (self._copy, self._copy_all, self._clear):
            part.setEnabled(count > 0)
        if count and not self.list.currentIndex().isValid():
            self.list.setCurrentIndex(self._problems.index(0))
        self._show(self.list.currentIndex())

    def _show(self, current: QModelIndex) -> None:
        entry = self._problems.entry(current.row()) if current.isValid() else None
        self.details.setPlainText(entry.report if entry is not None else "")
