"""The application: one window, its document and the background work."""

from __future__ import annotations

import explorer.ui.quick_imports  # noqa: F401  # isort: skip

import logging
import logging.handlers
import os
import sys
import threading
import traceback
from dataclasses import dataclass
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QObject, QTimer, QtMsgType, Signal, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from explorer.document.document import Document
from explorer.document.open_requests import OpenRequest
from explorer.document.preferences import PreferencesFile, damage_words, storable
from explorer.errors import INTERRUPTED, ExplorerError, UsageError, exception_message
from explorer.memory import share_heaps
from explorer.messages import Message
from explorer.models.bundle import CARD, FIRST_MODEL, first_bundle
from explorer.paths import APP_NAME, log_dir, settings_path
from explorer.printable import log_entry
from explorer.ui.app_actions import SCHEMES
from explorer.ui.application import new_application
from explorer.ui.hidden_dialogs import release_hidden_dialogs
from explorer.ui.main_window import MainWindow
from explorer.ui.motion import Motion
from explorer.ui.theme import SCHEME_VARIABLE, choose_scheme, install_theme, styled_at_once
from explorer.workers.backend import Backend
from explorer.workers.closing import ExitGuard
from explorer.workers.interrupts import Interrupts
from explorer.workers.loading import load_model

__all__ = ["FIRST_MODEL", "Running", "begin", "main", "make_application", "make_window", "open_first"]

_SETTLED_MS = 2_000
"""By then the window shows an image; what can wait does."""

LOG_NAME = "window.log"
LOG_BYTES = 1_000_000
"""Size at which the log is rotated."""

LOG_OLDER = 2
"""Number of rotated log files."""


@dataclass
class Running:
    """A window with its document and background work; `close` ends all of them."""

    document: Document
    backend: Backend
    window: MainWindow

    def close(self) -> None:
        self.window.close()


def make_application() -> QApplication:
    """Return the themed application, an existing one if there is one."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    share_heaps()
    app = new_application(APP_NAME)
    app.setApplicationName("Latent Explorer")
    app.setDesktopFileName(APP_NAME)
    install_theme(app)
    return app


def make_window(preferences: PreferencesFile | None = None) -> Running:
    """Return a hidden window with an empty document; without preferences it saves no settings.

    With them, the model that is open is opened again at the next start.
    """
    document = Document()
    backend = Backend(document, preferences)
    backend.housekeeping.rested.connect(release_hidden_dialogs)
    with styled_at_once(make_application()):
        window = MainWindow(document, backend.close, preferences)
    window.app_actions.provider_changed.connect(backend.acceleration.choose_again)
    if preferences is not None:
        document.changed.model.connect(partial(_remember_model, document, preferences))
    return Running(document, backend, window)


def _remember_model(document: Document, preferences: PreferencesFile) -> None:
    model = document.model
    if model is not None and model.epochs is None and storable(str(model.path)):
        preferences.put(last_model=str(model.path))


def open_first(document: Document, preferences: PreferencesFile | None = None) -> None:
    """Open the last model with its dataset, or else the first one; errors are reported in the window."""
    last = preferences.values.last_model if preferences is not None else ""
    path = Path(last) if last and os.path.isfile(os.path.join(last, CARD)) else first_bundle()
    try:
        if path is None:
            document.open_requested.emit(OpenRequest(("digits",), "images"))
        else:
            # Loaded here instead of on a job thread, so that the first image is shown sooner.
            for item in load_model(path, home=True):
                if isinstance(item, tuple):
                    document.open(*item)
        document.forget_history()
        document.sessions.begin()
    except ExplorerError as error:
        document.report(error.message)


def open_argument(document: Document, text: str) -> None:
    """Open the argument of the command line, like a dropped file."""
    document.open_requested.emit(OpenRequest((text,)))


def begin(running: Running, preferences: PreferencesFile, open_me: str | None = None) -> None:
    """Show the window: at the first start with the start page, later with the last model."""
    first_start = not preferences.values.last_model
    if open_me is not None or not (first_start or preferences.values.startup == "start_page"):
        open_first(running.document, preferences)
    running.window.show()
    running.backend.autosave.look_for_left()
    if open_me is not None:
        open_argument(running.document, open_me)
    if preferences.notes:
        running.document.report(*damage_words(preferences.notes))
    if running.document.model is None:
        running.window.center.show_start_page()
    if first_start and open_me is None:
        # The start page offers the tour.
        preferences.put(tour_seen=True)
    running.window.app_actions.greet()


def main(open_me: str | None = None) -> int:
    """Run the window until it is closed; return the exit status. `open_me` is a file or folder to open."""
    _check_display()
    log = start_log()
    app = make_application()
    preferences = PreferencesFile(settings_path())
    if SCHEME_VARIABLE not in os.environ:
        choose_scheme(app, SCHEMES[preferences.values.scheme])
    running = make_window(preferences)
    interrupts = Interrupts()
    exit_guard = ExitGuard(log.stream if log is not None else None)
    running.window.closing.connect(exit_guard.begin)
    interrupts.received.connect(partial(_interrupt, running, exit_guard))
    catcher = ErrorCatcher(running.document)
    catcher.install()
    running.window.sessions.asks = True
    begin(running, preferences, open_me)
    QTimer.singleShot(_SETTLED_MS, Motion(running.window).ask)
    try:
        return app.exec()
    finally:
        running.backend.close()
        exit_guard.finish()
        catcher.remove()
        interrupts.close()


def _interrupt(running: Running, exit_guard: ExitGuard) -> None:
    """Close the window without asking; unsaved work can be recovered as after a crash."""
    exit_guard.begin(INTERRUPTED)
    running.window.workspaces.keep()
    QApplication.exit(INTERRUPTED)


class ErrorCatcher(QObject):
    """Sends uncaught exceptions of all threads and Qt messages to the log, and exceptions also to the window."""

    _caught = Signal(object, str)

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._log = logging.getLogger("explorer")
        self._caught.connect(self._on_caught)

    def install(self) -> None:
        sys.excepthook = self._on_exception
        threading.excepthook = lambda args: self._on_exception(
            args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
        )
        qInstallMessageHandler(self._on_qt_message)

    def remove(self) -> None:
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__
        qInstallMessageHandler(None)

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        details = "".join(traceback.format_exception(kind, error, trace))
        self._log.error("uncaught\n%s", details)
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        # A queued signal, because the hook may run on any thread.
        self._caught.emit(exception_message(cause), details)

    def _on_caught(self, problem: Message, details: str) -> None:
        self._document.report(problem, details)

    def _on_qt_message(self, kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        level = logging.ERROR if kind in {QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg} else logging.WARNING
        # Messages about limits of the offscreen platform are not warnings.
        quiet = kind in {QtMsgType.QtInfoMsg, QtMsgType.QtDebugMsg} or message.startswith(
            "This plugin does not support"
        )
        self._log.log(logging.INFO if quiet else level, "Qt: %s", message)


def _check_display() -> None:
    """Check for a display, because Qt would abort the process with a long message; UsageError if there is none."""
    if sys.platform.startswith("linux") and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        raise UsageError(
            "Cannot open the window: there is no display. Start the program in a desktop session, or take screenshots: "
            "latent-explorer tour --out DIR"
        )


class _LogFile(logging.handlers.RotatingFileHandler):
    """A rotating log that creates its folder, also if the folder is deleted later."""

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()


class _LogFormatter(logging.Formatter):
    """Escapes control characters, so that a name can neither control a terminal nor fake an entry."""

    def format(self, record: logging.LogRecord) -> str:
        return log_entry(super().format(record))


def start_log() -> logging.handlers.RotatingFileHandler | None:
    """Start a rotating log; return None if it cannot be written."""
    try:
        handler = _LogFile(log_dir() / LOG_NAME, maxBytes=LOG_BYTES, backupCount=LOG_OLDER, encoding="utf-8")
    except OSError:
        return None
    handler.setFormatter(_LogFormatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("explorer")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    logger.info("started, process %d", os.getpid())
    return handler
