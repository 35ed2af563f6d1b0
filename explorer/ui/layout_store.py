"""Saves and restores the layout of window and docks."""

from __future__ import annotations

from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QDockWidget, QMainWindow, QSplitter

from explorer.document.preferences import PreferencesFile

_VERSION = 1
"""Version of the window's parts; a layout of another version is discarded."""


class LayoutStore:
    """The layout of one window, stored in the preferences."""

    def __init__(self, window: QMainWindow, preferences: PreferencesFile) -> None:
        self._window = window
        self._preferences = preferences
        self._first = QByteArray()
        self._first_sizes: list[tuple[QSplitter, list[int]]] = []

    @property
    def began(self) -> bool:
        return not self._first.isEmpty()

    def begin(self) -> None:
        """Store the initial layout; then restore the last one, unless it cannot be restored."""
        self._first = self._window.saveState(_VERSION)
        named = (splitter for splitter in self._window.findChildren(QSplitter) if splitter.objectName())
        self._first_sizes = [(splitter, splitter.sizes()) for splitter in named]
        kept = self._preferences.values
        if not kept.keep_layout:
            return
        if kept.geometry:
            self._window.restoreGeometry(_unpacked(kept.geometry))
        if kept.layout and not self._window.restoreState(_unpacked(kept.layout), _VERSION):
            self._window.restoreState(self._first, _VERSION)

    def keep(self) -> None:
        if self.began and self._preferences.values.keep_layout:
            self._preferences.put(
                geometry=_packed(self._window.saveGeometry()), layout=_packed(self._window.saveState(_VERSION))
            )

    def reset(self) -> None:
        self._window.restoreState(self._first, _VERSION)
        for splitter, sizes in self._first_sizes:
            splitter.setSizes(sizes)

    def show_all(self) -> None:
        for dock in self._window.findChildren(QDockWidget):
            dock.show()


def _packed(data: QByteArray) -> str:
    return bytes(data.toBase64().data()).decode("ascii")


def _unpacked(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode("ascii"))
