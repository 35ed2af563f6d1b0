"""File and folder dialogs; they are not modal loops, so painting continues."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QChildEvent, QEvent, QObject, Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from explorer.data import sources
from explorer.data.sources import PathKind, single_image
from explorer.document.document import Document
from explorer.document.preferences import PreferencesFile, storable
from explorer.document.reading import check_export
from explorer.errors import ExplorerError, ExportError
from explorer.ui.dialogs.session_questions import ask

_PANEL_ASKS = sys.platform == "darwin"
"""macOS asks before a file is replaced, whatever option is set."""


class FolderMemory(QObject):
    """The last folder of the file dialogs by purpose, in the preferences; its parent is the window of the dialogs."""

    def __init__(self, window: QWidget, preferences: PreferencesFile) -> None:
        super().__init__(window)
        self._preferences = preferences

    def folder(self, purpose: str) -> Path | None:
        folder = self._preferences.values.dialog_folders.get(purpose, "")
        return Path(folder) if folder and os.path.isdir(folder) else None

    def remember(self, purpose: str, chosen: Path) -> None:
        folders, folder = self._preferences.values.dialog_folders, str(chosen.absolute().parent)
        if storable(folder):
            self._preferences.put(dialog_folders={**folders, purpose: folder})


def ask_folder(parent: QWidget, title: str, chosen: Callable[[Path], object], *, purpose: str = "images") -> None:
    """Ask for an existing folder; dialogs of one `purpose` begin where the last one of it ended."""
    dialog = _dialog(parent, title, chosen, purpose)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.open()


def image_filters() -> list[tuple[str, str]]:
    """Name and patterns of single images, for `ask_file`."""
    return _filters([single_image.KIND])


def dataset_filters() -> list[tuple[str, str]]:
    """Names and patterns of all files with images, for `ask_file`."""
    return _filters(sources.SOURCES)


def _filters(kinds: Iterable[PathKind]) -> list[tuple[str, str]]:
    return [(kind.label, " ".join(kind.patterns)) for kind in kinds if kind.patterns]


def ask_file(
    parent: QWidget,
    title: str,
    chosen: Callable[[Path], object],
    *,
    kinds: Sequence[tuple[str, str]] = (),
    purpose: str = "images",
) -> None:
    """Ask for an existing file; `kinds` are names and extensions of the file filters, `purpose` as of `ask_folder`."""
    dialog = _dialog(parent, title, chosen, purpose)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    if kinds:
        every = " ".join(endings for _, endings in kinds)
        offered = [f"{dialog.tr(kind)} ({endings})" for kind, endings in kinds] if len(kinds) > 1 else []
        everything = dialog.tr("All supported files") + f" ({every})"
        dialog.setNameFilters([everything, *offered, dialog.tr("All files (*)")])
        # With all extensions in it, the name would widen the dialog.
        dialog.setOption(QFileDialog.Option.HideNameFilterDetails)
    dialog.open()


def ask_save(
    document: Document,
    parent: QWidget,
    title: str,
    filters: list[str],
    suggested: Path,
    chosen: Callable[[Path], object],
    *,
    purpose: str = "export",
) -> None:
    """Ask where to write a file; confirm before replacing one, and refuse files that are in use.

    A file suggested in the home folder is suggested in the last folder of the `purpose` instead.
    """
    dialog = _dialog(parent, title, lambda path: _check(document, parent, path, chosen), purpose)
    if not _PANEL_ASKS:
        # Asked later for the final name: the dialog asks before it has appended the extension.
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile)
    dialog.setNameFilters(filters)
    dialog.setDefaultSuffix(suggested.suffix.lstrip("."))
    memory = _memory(parent)
    last = memory.folder(purpose) if memory is not None and suggested.parent == Path.home() else None
    dialog.setDirectory(str(last or suggested.parent))
    dialog.selectFile(suggested.name)
    dialog.filterSelected.connect(lambda name: _take_suffix(dialog, name))
    dialog.open()


def ask_output_folder(document: Document, parent: QWidget, title: str, chosen: Callable[[Path], object]) -> None:
    """Ask for an output folder; refuse folders that are in use."""

    def check(path: Path) -> None:
        if _is_apart(document, path):
            chosen(path)

    ask_folder(parent, title, check, purpose="export")


def _check(document: Document, parent: QWidget, path: Path, chosen: Callable[[Path], object]) -> None:
    if not _is_apart(document, path):
        return
    if _PANEL_ASKS or not os.path.lexists(path):
        chosen(path)
        return
    ask(
        parent,
        "replace_question",
        parent.tr("Replace file"),
        (parent.tr("Replace “%1”?").replace("%1", path.name), parent.tr("The file already exists.")),
        (
            ("replace_cancel", parent.tr("Cancel"), QMessageBox.ButtonRole.RejectRole, None),
            ("replace_confirm", parent.tr("Replace"), QMessageBox.ButtonRole.DestructiveRole, lambda: chosen(path)),
        ),
    )


def _is_apart(document: Document, path: Path) -> bool:
    """Return whether a path may be written; otherwise report why not."""
    try:
        check_export(document, path)
    except ExportError as error:
        document.report(error.message)
        return False
    return True


def _take_suffix(dialog: QFileDialog, name_filter: str) -> None:
    """Set the extension of the chosen filter, ``(*.png)``."""
    suffix = name_filter.rpartition("(*")[2].rstrip(")")
    dialog.setDefaultSuffix(suffix.lstrip("."))
    names = dialog.selectedFiles()
    if names:
        dialog.selectFile(Path(names[0]).with_suffix(suffix).name)


class _FileDialog(QFileDialog):
    """A file dialog that shows file names verbatim in its own questions, too."""

    def childEvent(self, event: QChildEvent) -> None:
        """Make the text of a question plain before it is laid out."""
        super().childEvent(event)
        question = event.child()
        if event.type() == QEvent.Type.ChildPolished and isinstance(question, QMessageBox):
            question.setTextFormat(Qt.TextFormat.PlainText)


def _memory(parent: QObject | None) -> FolderMemory | None:
    """Return the folders of the window that a widget belongs to; None without one."""
    while parent is not None:
        found = parent.findChild(FolderMemory, options=Qt.FindChildOption.FindDirectChildrenOnly)
        if found is not None:
            return found
        parent = parent.parent()
    return None


def _dialog(parent: QWidget, title: str, chosen: Callable[[Path], object], purpose: str) -> QFileDialog:
    dialog = _FileDialog(parent, title)
    dialog.setObjectName("file_dialog")
    memory = _memory(parent)
    if memory is not None:
        last = memory.folder(purpose)
        if last is not None:
            dialog.setDirectory(str(last))
        # Before `chosen`, which may ask for another file.
        dialog.fileSelected.connect(lambda name: memory.remember(purpose, Path(name)))
    dialog.fileSelected.connect(lambda name: chosen(Path(name)))
    dialog.finished.connect(dialog.deleteLater)
    return dialog


@contextmanager
def exporting(document: Document, path: Path) -> Iterator[None]:
    """Report that a file has been exported, or why it could not be written."""
    try:
        yield
    except ExplorerError as error:
        document.report(error.message)
    else:
        document.exported.emit(path)
