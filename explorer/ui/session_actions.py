"""Session commands: New, Open, Save and Recent in the File menu, their questions, and the window title."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMainWindow, QMessageBox

from explorer.document.document import Document
from explorer.document.open_requests import OpenRequest
from explorer.document.sessions import LeftOver, Opening
from explorer.messages import message
from explorer.models.file_kind import SESSION_SUFFIX
from explorer.models.recent import clear_recent, recent_sessions
from explorer.ui.actions import Action, ActionMenu, Section, Submenu
from explorer.ui.dialogs.files import ask_file, ask_folder, ask_save, dataset_filters
from explorer.ui.dialogs.session_questions import ask_conflict, ask_missing, ask_recovery, ask_unsaved
from explorer.ui.plain_text import plain_menu_text
from explorer.ui.text import learning


class SessionActions(QObject):
    """The session commands of a window, which is the parent of the questions."""

    def __init__(self, document: Document, window: QMainWindow) -> None:
        super().__init__(window)
        self._document = document
        self._window = window
        self._then: Callable[[], object] | None = None
        self._question: QMessageBox | None = None
        self.recent = ActionMenu("menu_recent", window, self.tr("Open recen&t session"))
        # Other windows add sessions, too.
        self.recent.aboutToShow.connect(self._fill_recent)
        self.asks = False
        """Whether closing the window asks about unsaved changes; False for tours and benchmarks."""
        sessions = document.sessions
        sessions.replace_wanted.connect(self._on_replace_wanted)
        sessions.saved.connect(self._on_saved)
        sessions.conflicted.connect(self._on_conflicted)
        sessions.incomplete.connect(self._on_incomplete)
        sessions.found_left.connect(self._on_found_left)

    @property
    def title(self) -> str:
        """The window title: session name, with a star if unsaved, model and program."""
        sessions, model = self._document.sessions, self._document.model
        name = sessions.name or (self.tr("Untitled") if sessions.dirty else "")
        parts = [f"{name}*" if sessions.dirty else name, learning(model.name, model.epochs) if model else ""]
        return " – ".join([*(part for part in parts if part), "Latent Explorer"])

    # -- the menu --------------------------------------------------------------------------------------------------

    def menu_actions(self) -> Iterator[Action | Submenu]:
        yield Action(
            "action_session_new",
            self.tr("&New session"),
            self.new,
            Section.SESSION,
            shortcut=QKeySequence.StandardKey.New,
            tip=self.tr("Start a new, empty session."),
            synonyms=self.tr("empty session, start over, close session"),
        )
        yield Action(
            "action_session_open",
            self.tr("Open &session…"),
            self.ask_open,
            Section.SESSION,
            shortcut="Ctrl+Alt+O",
            tip=self.tr("Open a session file: model, dataset, keyframes, bookmarks and edits."),
            synonyms=self.tr("load session, project, restore work"),
        )
        yield Submenu(Section.SESSION, self.recent)
        yield Action(
            "action_session_save",
            self.tr("Sa&ve session"),
            self.save,
            Section.SESSION,
            shortcut=QKeySequence.StandardKey.Save,
            tip=self.tr("Save model, dataset, keyframes, bookmarks and edits to the session file."),
            synonyms=self.tr("store, write project, keep work"),
        )
        yield Action(
            "action_session_save_as",
            self.tr("Save session &as…"),
            self.save_as,
            Section.SESSION,
            shortcut="Ctrl+Shift+S",
            tip=self.tr("Save the session to another file."),
            synonyms=self.tr("save copy, rename session, store elsewhere"),
        )

    def _fill_recent(self) -> None:
        self.recent.fill(self._recent_actions())
        if self.recent.isEmpty():
            self.recent.addAction(self.tr("No recent sessions")).setEnabled(False)

    def _recent_actions(self) -> Iterator[Action | None]:
        paths = recent_sessions()
        for number, path in enumerate(paths):
            yield Action(
                f"action_recent_{number}",
                plain_menu_text(path.stem),
                partial(self.open, path),
                tip=str(path),
                synonyms=self.tr("recent session, last session, reopen"),
            )
        if paths:
            yield None
            yield Action(
                "action_recent_clear",
                self.tr("Clear list"),
                clear_recent,
                tip=self.tr("Clear the list of recent sessions; their files are kept."),
                synonyms=self.tr("forget sessions, delete recent"),
            )

    # -- intents -----------------------------------------------------------------------------------------------------

    def new(self) -> None:
        """Start a new session, after asking about unsaved changes."""
        self._guarded(self._document.sessions.new_requested.emit)

    def ask_open(self) -> None:
        kinds = ((self.tr("Sessions"), f"*{SESSION_SUFFIX}"),)
        ask = partial(ask_file, self._window, self.tr("Open session"), self._open_now, kinds=kinds, purpose="session")
        self._guarded(ask)

    def open(self, path: Path) -> None:
        """Open a session, after asking about unsaved changes."""
        self._guarded(lambda: self._open_now(path))

    def _open_now(self, path: Path) -> None:
        self._document.open_requested.emit(OpenRequest((path,), "session"))

    def save(self, then: Callable[[], object] | None = None) -> None:
        """Save to the session's file; ask for one if there is none."""
        path = self._document.sessions.path
        if path is None:
            self.save_as(then)
        else:
            self._then = then
            self._document.sessions.save_requested.emit(path, False)

    def save_as(self, then: Callable[[], object] | None = None) -> None:
        sessions, model = self._document.sessions, self._document.model
        self._then = then
        suggested = sessions.path or Path.home() / f"{model.name if model else self.tr('session')}{SESSION_SUFFIX}"
        filters = [self.tr("Session") + f" (*{SESSION_SUFFIX})"]
        title = self.tr("Save session")
        ask_save(self._document, self._window, title, filters, suggested, self._save_to, purpose="session")

    def _save_to(self, path: Path) -> None:
        self._document.sessions.save_requested.emit(path, False)

    def may_close(self, close: Callable[[], object]) -> bool:
        """Return whether the window may close now; else ask, and call `close` after the answer."""
        if not self.asks or not self._document.sessions.dirty:
            return True
        self._guarded(close)
        return False

    def _guarded(self, action: Callable[[], object]) -> None:
        """Run an action that replaces the session, after asking about unsaved changes."""
        sessions = self._document.sessions
        if not sessions.dirty:
            action()
        elif self._question is None:
            self._question = ask_unsaved(
                self._window, sessions.name, lambda: self.save(action), lambda: self._dropped(action), lambda: None
            )
            self._question.finished.connect(self._on_answered)

    def _on_answered(self) -> None:
        self._question = None

    def _dropped(self, action: Callable[[], object]) -> None:
        """Run the action without saving; if it fails, the unsaved changes are still there."""
        self.asks, asks = False, self.asks
        try:
            action()
        finally:
            self.asks = asks

    # -- what becomes of it ----------------------------------------------------------------------------------------

    def _on_saved(self, path: Path) -> None:
        saved = message("Saved {name}", name=path.name)
        if not self._document.sessions.whole:
            saved = message(
                "Saved {name} without the imported image, which is too large. Keep its file.", name=path.name
            )
        self._document.announced.emit(saved)
        then, self._then = self._then, None
        if then is not None:
            then()

    def _on_conflicted(self, path: Path) -> None:
        then = self._then
        force = self._document.sessions.save_requested.emit
        ask_conflict(self._window, path, lambda: force(path, True), lambda: self.save_as(then))

    def _on_replace_wanted(self, opening: Opening) -> None:
        # Loaded again after the answer: “Save” may have written this very file.
        if opening.path is not None:
            self.open(opening.path)

    def _on_incomplete(self, opening: Opening) -> None:
        sessions = self._document.sessions

        def look(where: Path) -> None:
            sessions.find_requested.emit(opening, where)

        title = self.tr("Locate the file or folder")
        ask_missing(
            self._window,
            opening,
            lambda: ask_folder(self._window, title, look),
            lambda: ask_file(self._window, title, look, kinds=dataset_filters()),
            lambda: sessions.skip(opening),
        )

    def _on_found_left(self, left: LeftOver) -> None:
        sessions = self._document.sessions
        ask_recovery(
            self._window,
            left,
            lambda: sessions.recover_requested.emit(left),
            lambda: sessions.forget_requested.emit(left),
        )
