"""Showing the last exported file in the file manager."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QPushButton

from explorer.document.document import Document
from explorer.messages import message
from explorer.ui.actions import Action, Section, When
from explorer.ui.plain_text import plain_tooltip


class ShowInFolder(QPushButton):
    """A button that is visible after an export, until something else is announced."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._path: Path | None = None
        self.setObjectName("show_in_folder")
        self.setText(self.tr("Show in folder"))
        self.setToolTip(self.tr("Show the exported file in the file manager"))
        self.clicked.connect(self.show_folder)
        document.exported.connect(self._on_exported)
        document.announced.connect(lambda news: self.hide())
        self.hide()

    def menu_actions(self) -> Iterator[Action]:
        yield Action(
            "action_show_in_folder",
            self.tr("Show last export in &folder"),
            self.show_folder,
            Section.ANIMATION,
            shortcut="Ctrl+Shift+L",
            tip=self.tr("Open the folder of the last exported file in the file manager."),
            synonyms=self.tr("reveal, file manager, open folder, saved file"),
            enabled=When(lambda: self._path is not None, (self._document.exported,)),
        )

    def _on_exported(self, path: Path) -> None:
        self._path = path
        self.setToolTip(plain_tooltip(str(path)))
        self.show()

    def show_folder(self) -> None:
        if self._path is None:
            return
        folder = self._path.parent
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._document.report(message("Cannot open the folder {folder}: no file manager was found.", folder=folder))
