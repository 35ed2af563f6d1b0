"""Keeps where the window and its docks are between two starts, and puts them back where they were at first."""

from __future__ import annotations

from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QDockWidget, QMainWindow, QSplitter

from explorer.document.preferences import PreferencesFile

_VERSION = 1
"""Of the window's parts; one that has others than the layout was kept of begins anew."""


class LayoutKeeper:
    """Layout of one window.

    Parameters
    ----------
    window
        Whose.
    preferences
        Where it is kept.
    """

    def __init__(self, window: QMainWindow, preferences: PreferencesFile) -> None:
        self._window = window
        self._preferences = preferences
        self._first = QByteArray()
        self._first_sizes: dict[str, list[int]] = {}

    @property
    def began(self) -> bool:
        """Whether the first places are known."""
        return not self._first.isEmpty()

    def begin(self) -> None:
        """Remember the places as they are, which are the first ones; then go where the window was last time.

        What cannot be used leaves everything as it is.
        """
        self._first = self._window.saveState(_VERSION)
        self._first_sizes = {splitter.objectName(): splitter.sizes() for splitter in self._splitters()}
        kept = self._preferences.values
        if not kept.keep_layout:
            return
        if kept.geometry:
            self._window.restoreGeometry(_unpacked(kept.geometry))
        if kept.layout and not self._window.restoreState(_unpacked(kept.layout), _VERSION):
            self._window.restoreState(self._first, _VERSION)

    def keep(self) -> None:
        """Write down where everything is now."""
        if self.began and self._preferences.values.keep_layout:
            self._preferences.put(
                geometry=_packed(self._window.saveGeometry()), layout=_packed(self._window.saveState(_VERSION))
            )

    def reset(self) -> None:
        """Put all docks and splitters back where they were at first, also those that were closed or float."""
        self._window.restoreState(self._first, _VERSION)
        for splitter in self._splitters():
            if splitter.objectName() in self._first_sizes:
                splitter.setSizes(self._first_sizes[splitter.objectName()])

    def show_all(self) -> None:
        """Bring every dock into sight, wherever it is."""
        for dock in self._window.findChildren(QDockWidget):
            dock.show()

    def _splitters(self) -> list[QSplitter]:
        return [splitter for splitter in self._window.findChildren(QSplitter) if splitter.objectName()]


def _packed(data: QByteArray) -> str:
    return bytes(data.toBase64().data()).decode("ascii")


def _unpacked(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode("ascii"))
