"""What is asked about sessions: what is not saved, what is missing, what a crash has left. None of it blocks."""

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
    """Ask, and go on when one has answered.

    Parameters
    ----------
    parent, name, title
        Of the dialog; the name is its object name.
    words
        The question, and what else is to be known.
    answers
        Object name, text, role and what to do, the default first. Escape is the one that rejects.
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
            made.setProperty("primary", True)
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
    """Ask what becomes of work that is not saved."""
    what = parent.tr("Save the changes to “%1”?").replace("%1", name) if name else parent.tr("Save this session?")
    return ask(
        parent,
        "unsaved_question",
        parent.tr("Not saved yet"),
        (what, parent.tr("Keyframes, bookmarks, directions and edits are lost otherwise.")),
        (
            ("unsaved_save", parent.tr("Save") if name else parent.tr("Save …"), Role.AcceptRole, save),
            ("unsaved_drop", parent.tr("Don’t save"), Role.DestructiveRole, drop),
            ("unsaved_cancel", parent.tr("Cancel"), Role.RejectRole, stay),
        ),
    )


def ask_conflict(
    parent: QWidget, path: Path, replace: Callable[[], object], elsewhere: Callable[[], object]
) -> QMessageBox:
    """Ask what becomes of a file that somebody else has changed."""
    return ask(
        parent,
        "conflict_question",
        parent.tr("Changed meanwhile"),
        (
            parent.tr("“%1” is another than the one that was opened here.").replace("%1", path.name),
            parent.tr("Another window or program has saved it since. What it saved is lost if you replace it."),
        ),
        (
            ("conflict_elsewhere", parent.tr("Save as …"), Role.AcceptRole, elsewhere),
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
    """Ask where the model or the pictures of a session are now."""
    record = opening.session.record
    locate: list[tuple[str, str, QMessageBox.ButtonRole, Callable[[], object] | None]]
    if opening.missing == "model":
        name = record.model.name if record.model else ""
        what = parent.tr("Where is the model “%1” now?").replace("%1", name)
        kept = parent.tr("Without it the pictures and settings are opened; codes, keyframes and bookmarks need it.")
        problem = sentence(opening.model_problem)
        locate = [("missing_folder", parent.tr("Locate …"), Role.AcceptRole, locate_folder)]
        without = parent.tr("Open without it")
    else:
        name = record.data.title if record.data else ""
        what = parent.tr("Where are the pictures “%1” now?").replace("%1", name)
        kept = parent.tr("Without them the model, the codes, keyframes and bookmarks are opened.")
        problem = sentence(opening.source_problem)
        locate = [
            ("missing_folder", parent.tr("Locate folder …"), Role.AcceptRole, locate_folder),
            ("missing_file", parent.tr("Locate file …"), Role.AcceptRole, locate_file),
        ]
        without = parent.tr("Open without them")
    return ask(
        parent,
        "missing_question",
        parent.tr("Moved or deleted"),
        (what, f"{problem}\n\n{kept} {parent.tr('The file itself stays as it is.')}"),
        (
            *locate,
            ("missing_skip", without, Role.DestructiveRole, skip),
            ("missing_cancel", parent.tr("Cancel"), Role.RejectRole, None),
        ),
    )


def ask_recovery(
    parent: QWidget, left: LeftOver, recover: Callable[[], object], forget: Callable[[], object]
) -> QMessageBox:
    """Offer what a window left when it ended without being closed."""
    name = f"“{left.path.stem}”" if left.path is not None else parent.tr("a session that was never saved")
    return ask(
        parent,
        "recovery_question",
        parent.tr("Not closed properly"),
        (
            parent.tr("Recover unsaved work from %1?").replace("%1", _when(left.written_at)),
            parent.tr("It belongs to %1. Latent Explorer ended before it was saved.").replace("%1", name),
        ),
        (
            ("recovery_recover", parent.tr("Recover"), Role.AcceptRole, recover),
            ("recovery_forget", parent.tr("Delete it"), Role.DestructiveRole, forget),
            ("recovery_later", parent.tr("Later"), Role.RejectRole, None),
        ),
    )


def _when(text: str) -> str:
    """Return a time as it is written here; as it stands where it is none."""
    try:
        when = datetime.fromisoformat(text).timestamp()
        moment = QDateTime.fromSecsSinceEpoch(int(when))
    except (ValueError, OverflowError, OSError):
        return text
    return QLocale().toString(moment, "d MMMM yyyy, HH:mm")
