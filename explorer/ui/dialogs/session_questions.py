"""Questions about sessions: unsaved changes, missing files, and recovery after a crash. None of them blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale
from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget

from explorer.document.sessions import LeftOver, Opening
from explorer.ui.plain_text import plain_message_box
from explorer.ui.text import sentence

Role = QMessageBox.ButtonRole


def ask(
    parent: QWidget,
    name: str,
    title: str,
    words: tuple[str, str],
    answers: Sequence[tuple[str, str, QMessageBox.ButtonRole, Callable[[], object] | None]],
) -> QMessageBox:
    """Ask a question, and run the action of the answer.

    `name` is the object name of the dialog; `words` the question, and a further explanation. `answers` are object name,
    text, role and action of each button, the default first; Escape is the one that rejects.
    """
    box = plain_message_box(parent)
    box.setObjectName(name)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle(title)
    box.setText(words[0])
    box.setInformativeText(words[1])
    for number, (key, text, role, run) in enumerate(answers):
        made: QPushButton = box.addButton(text, role)
        made.setObjectName(key)
        if number == 0:
            box.setDefaultButton(made)
            made.setProperty("primary", role != Role.RejectRole)
        if role == Role.RejectRole:
            box.setEscapeButton(made)
        if run is not None:
            made.clicked.connect(run)
    box.finished.connect(box.deleteLater)
    box.open()
    return box


def ask_unsaved(
    parent: QWidget, name: str, save: Callable[[], object], drop: Callable[[], object], stay: Callable[[], object]
) -> QMessageBox:
    what = parent.tr("Save the changes to “%1”?").replace("%1", name) if name else parent.tr("Save this session?")
    return ask(
        parent,
        "unsaved_question",
        parent.tr("Unsaved changes"),
        (what, parent.tr("Otherwise keyframes, bookmarks, directions and edits are lost.")),
        (
            ("unsaved_save", parent.tr("Save") if name else parent.tr("Save…"), Role.AcceptRole, save),
            ("unsaved_drop", parent.tr("Don’t save"), Role.DestructiveRole, drop),
            ("unsaved_cancel", parent.tr("Cancel"), Role.RejectRole, stay),
        ),
    )


def ask_conflict(
    parent: QWidget, path: Path, replace: Callable[[], object], elsewhere: Callable[[], object]
) -> QMessageBox:
    """Ask what to do with a session file that changed on disk."""
    return ask(
        parent,
        "conflict_question",
        parent.tr("File changed on disk"),
        (
            parent.tr("“%1” has changed on disk since you opened it.").replace("%1", path.name),
            parent.tr("Another window or program has saved it. Replacing it discards those changes."),
        ),
        (
            ("conflict_elsewhere", parent.tr("Save as…"), Role.AcceptRole, elsewhere),
            ("conflict_replace", parent.tr("Replace"), Role.DestructiveRole, replace),
            ("conflict_cancel", parent.tr("Cancel"), Role.RejectRole, None),
        ),
    )


def ask_missing(
    parent: QWidget,
    opening: Opening,
    locate_folder: Callable[[], object],
    locate_file: Callable[[], object],
    skip: Callable[[], object],
) -> QMessageBox:
    record = opening.session.record
    locate: list[tuple[str, str, QMessageBox.ButtonRole, Callable[[], object] | None]]
    if opening.missing == "model":
        name = record.model.name if record.model else ""
        what = parent.tr("Where is the model “%1”?").replace("%1", name)
        kept = parent.tr("Without the model, only dataset and settings open. Codes, keyframes and bookmarks need it.")
        problem = sentence(opening.model_problem)
        locate = [("missing_folder", parent.tr("Locate…"), Role.AcceptRole, locate_folder)]
        without = parent.tr("Open without model")
    else:
        name = record.data.title if record.data else ""
        what = parent.tr("Where is the dataset “%1”?").replace("%1", name)
        kept = parent.tr("Without it, model, codes, keyframes and bookmarks open.")
        problem = sentence(opening.source_problem)
        locate = [
            ("missing_folder", parent.tr("Locate folder…"), Role.AcceptRole, locate_folder),
            ("missing_file", parent.tr("Locate file…"), Role.AcceptRole, locate_file),
        ]
        without = parent.tr("Open without dataset")
    return ask(
        parent,
        "missing_question",
        parent.tr("File not found"),
        (what, f"{problem}\n\n{kept} {parent.tr('The session file is not changed.')}"),
        (
            *locate,
            ("missing_skip", without, Role.DestructiveRole, skip),
            ("missing_cancel", parent.tr("Cancel"), Role.RejectRole, None),
        ),
    )


def ask_recovery(
    parent: QWidget, left: LeftOver, recover: Callable[[], object], forget: Callable[[], object]
) -> QMessageBox:
    """Offer to recover what a window left when the program ended unexpectedly."""
    name = f"“{left.path.stem}”" if left.path is not None else parent.tr("the session")
    return ask(
        parent,
        "recovery_question",
        parent.tr("Recover unsaved session?"),
        (
            parent.tr("Recover unsaved work from %1?").replace("%1", _when(left.written_at)),
            parent.tr("Latent Explorer closed unexpectedly before it saved %1.").replace("%1", name),
        ),
        (
            ("recovery_recover", parent.tr("Restore"), Role.AcceptRole, recover),
            ("recovery_forget", parent.tr("Discard"), Role.DestructiveRole, forget),
            ("recovery_later", parent.tr("Decide later"), Role.RejectRole, None),
        ),
    )


def _when(text: str) -> str:
    """Return a time in the user's locale, or the text itself if it is not a time."""
    try:
        when = datetime.fromisoformat(text).timestamp()
        moment = QDateTime.fromSecsSinceEpoch(int(when))
    except (ValueError, OverflowError, OSError):
        return text
    return QLocale().toString(moment, "d MMMM yyyy, HH:mm")
