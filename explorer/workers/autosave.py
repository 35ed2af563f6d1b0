"""A backup copy of unsaved work, and recovery of the copies that crashed windows left.

Each window has its own folder in `explorer.paths.autosave_dir` with a lock that ends with its process. A folder with a
copy and a free lock belongs to a window that crashed, and its copy is offered for recovery.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from PySide6.QtCore import QFileSystemWatcher, QLockFile, QObject, QTimer, Signal, Slot

from explorer.document.document import Document
from explorer.document.session_file import Session, read_session, write_session
from explorer.document.sessions import LeftOver
from explorer.document.views.bookmarks import bookmark_thumbnails
from explorer.errors import ExplorerError, exception_message
from explorer.messages import NO_MESSAGE, Message, message
from explorer.paths import autosave_dir
from explorer.reading import reason_of
from explorer.workers.closing import Deadline
from explorer.workers.locks import acquire_lock, release

INTERVAL_MS = 1_500
"""Delay from the first edit to the next copy; including the writing well below five seconds."""

_log = logging.getLogger(__name__)

_COPY = "copy.latent"
_LOCK = "lock"


class Autosave(QObject):
    """Writes the backup copy of the document's state on its own thread. Belongs to the main thread.

    `written` has an empty message, or why a copy could not be written.
    """

    written = Signal(object)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._folder: Path | None = None
        self._lock: QLockFile | None = None
        self._offered: tuple[LeftOver, QLockFile] | None = None
        self._writer: _Writer | None = None
        self._failed = False
        self._closed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._on_due)
        self.written.connect(self._on_written)
        self._watcher: QFileSystemWatcher | None = None
        document.history_changed.connect(self._on_edited)
        document.selection.changed.connect(self._on_edited)
        document.sessions.changed.connect(self._on_edited)
        document.sessions.recovered.connect(self._on_recovered)
        document.sessions.forget_requested.connect(self._on_forget_requested)

    @property
    def folder(self) -> Path | None:
        """The folder of this window; None before the first copy."""
        return self._folder

    # -- the copy ------------------------------------------------------------------------------------------------------

    def _on_edited(self) -> None:
        """Schedule a copy, or delete it if everything is saved; further edits do not delay it."""
        if self._closed:
            return
        if not self._document.sessions.dirty:
            self._timer.stop()
            if self._writer is not None:
                self._writer.put(None)
        elif not self._timer.isActive():
            self._timer.start()

    def _on_due(self) -> None:
        try:
            thumbnails = bookmark_thumbnails(self._document)
            session = self._document.sessions.take(thumbnails=thumbnails, copy=True)
        except ExplorerError as error:
            self.written.emit(error.message)
            return
        if self._folder is not None and self._is_gone():
            self._let_go()
        if self._folder is None:
            self._claim()
        if self._folder is None:
            return
        if self._writer is None:
            self._writer = _Writer(self._folder / _COPY, self.written.emit)
        self._writer.put(session)

    def _claim(self) -> None:
        folder = autosave_dir() / uuid4().hex
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            self.written.emit(
                message("Cannot create {folder}: {reason}.", folder=autosave_dir(), reason=reason_of(error))
            )
            return
        self._lock = acquire_lock(folder / _LOCK)
        self._folder = folder
        self._watch(folder)

    def _watch(self, folder: Path | None) -> None:
        """Watch for deletion of a folder; None stops watching.

        The old watcher is deleted here, on its own thread: garbage collection on another thread would crash Qt.
        """
        if self._watcher is not None:
            self._watcher.deleteLater()
            self._watcher = None
        if folder is not None:
            self._watcher = QFileSystemWatcher([str(folder)], self)
            self._watcher.directoryChanged.connect(self._on_folder_changed)

    def _is_gone(self) -> bool:
        return self._folder is not None and not (self._folder / _LOCK).exists()

    def _let_go(self) -> None:
        self._end_writer()
        if self._lock is not None:
            release(self._lock)
        self._folder = self._lock = None
        self._watch(None)

    def _on_folder_changed(self) -> None:
        if not self._closed and self._is_gone():
            self._on_edited()

    @Slot(object)
    def _on_written(self, problem: Message) -> None:
        """Report a problem, such as a full disk, once and not for every copy."""
        if problem and self._is_gone():
            self._on_folder_changed()
            return
        if problem and not self._failed and not self._closed:
            self._document.report(
                message("{problem} Unsaved work is not backed up: save the session.", problem=problem)
            )
        self._failed = bool(problem)

    # -- recovery ------------------------------------------------------------------------------------------------------

    def look_for_left(self) -> None:
        """Offer the newest copy of a crashed window; the next one is offered after the user has decided."""
        if self._offered is not None:
            return
        found: list[tuple[LeftOver, QLockFile]] = []
        for folder in _folders():
            lock = acquire_lock(folder / _LOCK) if folder != self._folder else None
            if lock is None:
                continue
            left = _left_in(folder)
            if left is not None:
                found.append((left, lock))
            elif (folder / _COPY).exists():
                lock.unlock()  # perhaps of a newer version, which can still open it
            else:
                _remove(folder, lock)
        found.sort(key=lambda item: item[0].written_at)
        if found:
            # Locked until the user has decided, so that two windows do not offer the same copy.
            self._offered = found.pop()
        for _, lock in found:
            lock.unlock()
        if self._offered is not None:
            self._document.sessions.found_left.emit(self._offered[0])

    def copy_of(self, left: LeftOver) -> Path | None:
        """Return the path of an offered copy; None if it is no longer offered."""
        offered = self._offered is not None and self._offered[0] == left
        return left.folder / _COPY if offered else None

    def _on_recovered(self, left: LeftOver) -> None:
        """Take over the folder of the recovered copy.

        A copy exists at any time, even if this window crashes before it has written its own.
        """
        if self._offered is None or self._offered[0] != left:
            return
        _, lock = self._offered
        self._offered = None
        self._end_writer()
        if self._folder is not None and self._lock is not None:
            _remove(self._folder, self._lock)
        self._folder, self._lock = left.folder, lock
        self._watch(left.folder)
        for part in left.folder.glob(".*.part"):
            part.unlink(missing_ok=True)

    def _on_forget_requested(self, left: LeftOver) -> None:
        if self._offered is not None and self._offered[0] == left:
            _remove(left.folder, self._offered[1])
            self._offered = None
            self.look_for_left()

    # -- the end -------------------------------------------------------------------------------------------------------

    def close(self, deadline: Deadline | None = None) -> None:
        """End the thread, and delete the copy unless it holds unsaved work that the user was not asked about."""
        if self._closed:
            return
        keep = self._document.sessions.kept
        due = self._timer.isActive()
        self._timer.stop()
        if keep and due:
            self._on_due()
        self._closed = True
        self._watch(None)
        self._end_writer(deadline)
        if self._offered is not None:
            self._offered[1].unlock()
        if self._lock is not None and self._folder is not None:
            if keep:
                release(self._lock)
            else:
                _remove(self._folder, self._lock)

    def _end_writer(self, deadline: Deadline | None = None) -> None:
        if self._writer is not None:
            self._writer.close(deadline or Deadline())
            self._writer = None


class _Writer:
    """Writes copies on a thread; of several waiting copies only the newest."""

    def __init__(self, path: Path, on_written: Callable[[Message], object]) -> None:
        self._path = path
        self._on_written = on_written
        self._waiting: list[Session | None] = []
        self._ended = False
        self._condition = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="autosave", daemon=True)
        self._thread.start()

    def put(self, session: Session | None) -> None:
        """None deletes the copy."""
        with self._condition:
            self._waiting = [session]
            self._condition.notify()

    def close(self, deadline: Deadline) -> None:
        """Write the waiting copy, and end."""
        with self._condition:
            self._ended = True
            self._condition.notify()
        self._thread.join(deadline.seconds)

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._waiting and not self._ended:
                    self._condition.wait()
                if not self._waiting:
                    return
                session = self._waiting.pop()
            self._write(session)

    def _write(self, session: Session | None) -> None:
        try:
            if session is None:
                self._path.unlink(missing_ok=True)
            else:
                write_session(self._path, session)
            problem = NO_MESSAGE
        except ExplorerError as error:
            problem = error.message
        except OSError as error:
            reason = reason_of(error)
            problem = message("Cannot update the backup copy {path}: {reason}.", path=self._path, reason=reason)
        except Exception as error:  # a defect, or no memory: the next copy is tried all the same
            _log.exception("the backup copy failed")
            failed = exception_message(error)
            problem = message("Cannot update the backup copy {path}: {reason}.", path=self._path, reason=failed)
        self._on_written(problem)


def _folders() -> list[Path]:
    try:
        return [folder for folder in autosave_dir().iterdir() if folder.is_dir() and not folder.is_symlink()]
    except OSError:
        return []


def _left_in(folder: Path) -> LeftOver | None:
    try:
        record = read_session(folder / _COPY)[0].record
    except ExplorerError:
        return None
    return LeftOver(folder, Path(record.origin) if record.origin else None, record.written_at)


def _remove(folder: Path, lock: QLockFile) -> None:
    release(lock)
    shutil.rmtree(folder, ignore_errors=True)
