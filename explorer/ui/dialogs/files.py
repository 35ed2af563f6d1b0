"""Dialogs that ask for a file or a folder; they do not block, so that the window goes on painting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QChildEvent, QEvent, Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget


def ask_folder(parent: QWidget, title: str, chosen: Callable[[Path], object]) -> None:
    """Ask for an existing folder."""
    dialog = _dialog(parent, title, chosen)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.open()


PICTURES = (("Pictures", "*.png *.jpg *.jpeg *.webp *.bmp *.gif *.tif *.tiff"),)
"""Single pictures, by the endings of the names."""

PICTURE_SETS = (
    *PICTURES,
    ("Archives", "*.zip *.tar *.tar.gz *.tgz *.tar.bz2 *.tar.xz"),
    ("Arrays and MNIST files", "*.npz *.npy *.gz *-ubyte"),
    ("Fonts", "*.ttf *.otf *.ttc *.woff *.woff2"),
)
"""What holds pictures, by the endings of the names."""


def ask_file(
    parent: QWidget, title: str, chosen: Callable[[Path], object], *, kinds: Sequence[tuple[str, str]] = ()
) -> None:
    """Ask for an existing file; `kinds` are names and endings of those to offer."""
    dialog = _dialog(parent, title, chosen)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    if kinds:
        every = " ".join(endings for _, endings in kinds)
        offered = [f"{dialog.tr(kind)} ({endings})" for kind, endings in kinds] if len(kinds) > 1 else []
        everything = dialog.tr("All that can be opened") + f" ({every})"
        dialog.setNameFilters([everything, *offered, dialog.tr("All files (*)")])
        # With all endings in it, the name would widen the dialog.
        dialog.setOption(QFileDialog.Option.HideNameFilterDetails)
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


class _FileDialog(QFileDialog):
    """A file dialog that shows the names of files as they are in its own questions, too."""

    def childEvent(self, event: QChildEvent) -> None:
        """Show the text of a question character by character, before it is laid out."""
        super().childEvent(event)
        question = event.child()
        if event.type() == QEvent.Type.ChildPolished and isinstance(question, QMessageBox):
            question.setTextFormat(Qt.TextFormat.PlainText)


def _dialog(parent: QWidget, title: str, chosen: Callable[[Path], object]) -> QFileDialog:
    dialog = _FileDialog(parent, title)
    dialog.setObjectName("file_dialog")
    dialog.fileSelected.connect(lambda name: chosen(Path(name)))
    dialog.finished.connect(dialog.deleteLater)
    return dialog
