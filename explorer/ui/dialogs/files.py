"""Dialogs that ask for a file or a folder; they do not block, so that the window goes on painting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget


def ask_folder(parent: QWidget, title: str, chosen: Callable[[Path], object]) -> None:
    """Ask for an existing folder."""
    dialog = _dialog(parent, title, chosen)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.open()


def ask_file(parent: QWidget, title: str, chosen: Callable[[Path], object]) -> None:
    """Ask for an existing file."""
    dialog = _dialog(parent, title, chosen)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.open()


def ask_save(
    parent: QWidget, title: str, filters: list[str], suggested: Path, chosen: Callable[[Path], object]
) -> None:
    """Ask where to write a file; the dialog itself asks before an existing one is replaced."""
    dialog = _dialog(parent, title, chosen)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile)
    dialog.setNameFilters(filters)
    dialog.setDefaultSuffix(suggested.suffix.lstrip("."))
    dialog.setDirectory(str(suggested.parent))
    dialog.selectFile(suggested.name)
    dialog.filterSelected.connect(lambda name: _take_suffix(dialog, name))
    dialog.open()


def _take_suffix(dialog: QFileDialog, name_filter: str) -> None:
    """Give the file the ending of the chosen kind, ``(*.png)``."""
    suffix = name_filter.rpartition("(*")[2].rstrip(")")
    dialog.setDefaultSuffix(suffix.lstrip("."))
    names = dialog.selectedFiles()
    if names:
        dialog.selectFile(Path(names[0]).with_suffix(suffix).name)


def _dialog(parent: QWidget, title: str, chosen: Callable[[Path], object]) -> QFileDialog:
    dialog = QFileDialog(parent, title)
    dialog.setObjectName("file_dialog")
    dialog.fileSelected.connect(lambda name: chosen(Path(name)))
    dialog.finished.connect(dialog.deleteLater)
    return dialog
