"""The application: one window over one document, with everything that works behind it."""

from __future__ import annotations

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

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from explorer.cli.command import INTERRUPTED
from explorer.document.document import Document
from explorer.document.preferences import PreferencesFile, damage_words
from explorer.errors import ExplorerError, UsageError
from explorer.memory import share_heaps
from explorer.models.bundle import find_bundles
from explorer.paths import APP_NAME, log_dir, settings_path
from explorer.printable import log_entry
from explorer.ui.application import new_application
from explorer.ui.main_window import MainWindow
from explorer.ui.shell import SCHEMES
from explorer.ui.theme import SCHEME_VARIABLE, choose_scheme, install_theme
from explorer.workers.closing import ExitGuard
from explorer.workers.interrupts import Interrupts
from explorer.workers.loading import load_model
from explorer.workers.studio import Studio

FIRST_MODEL = "digits-vae-2d"
"""What the window opens on: two sliders and a map say most about what this program is for."""

LOG_NAME = "window.log"
LOG_BYTES = 1_000_000
"""What one log file holds; then it gets a number, and a new one begins."""

LOG_OLDER = 2
"""Older files that are kept."""


@dataclass
class Running:
    """A window with what belongs to it; `close` ends all of it."""

    document: Document
    studio: Studio
    window: MainWindow

    def close(self) -> None:
        """Close the window, which ends every thread and the model process."""
        self.window.close()


def make_application() -> QApplication:
    """Return the application, themed; the one that exists where there is one."""
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
    """Return a window on an empty document, not shown yet; without preferences it remembers nothing."""
    document = Document()
    studio = Studio(document)
    window = MainWindow(document, studio.close, preferences)
    return Running(document, studio, window)


def open_first(document: Document) -> None:
    """Open the model and the images that a new user sees; what cannot be opened is reported."""
    names = [found.path for found in find_bundles() if found.bundle is not None]
    path = next((path for path in names if path.name == FIRST_MODEL), names[0] if names else None)
    try:
        if path is None:
            document.open_source_requested.emit("digits")
        else:
            # Read here and not on a job thread: the first image is what everybody waits for.
            for item in load_model(path, home=True):
                if isinstance(item, tuple):
                    document.open(*item)
        document.forget_history()
        document.sessions.begin()
    except ExplorerError as error:
        document.report(str(error))


def open_argument(document: Document, text: str) -> None:
    """Open what was named on the command line: a bundle, or images."""
    document.open_source_requested.emit(text)


def main(open_me: str | None = None) -> int:
    """Run the window until it is closed.

    Parameters
    ----------
    open_me
        A bundle, an image, a folder or a file of images to open in it; or None.

    Returns
    -------
    int
        The exit status.
    """
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
    open_first(running.document)
    running.window.sessions.asks = True
    running.window.show()
    running.studio.autosave.look_for_left()
    if open_me is not None:
        open_argument(running.document, open_me)
    if preferences.notes:
        running.document.report(*damage_words(preferences.notes))
    running.window.shell.greet()
    try:
        return app.exec()
    finally:
        running.studio.close()
        exit_guard.finish()
        catcher.remove()
        interrupts.close()


def _interrupt(running: Running, exit_guard: ExitGuard) -> None:
    """End the window without a question, as Ctrl+C asks: what is not saved is kept as after a crash."""
    exit_guard.begin(INTERRUPTED)
    running.window.shell.layout.keep()
    QApplication.exit(INTERRUPTED)


class ErrorCatcher(QObject):
    """The last resort: errors of the main thread, of other threads, and Qt's own messages go to log and window."""

    _caught = Signal(str, str)

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._log = logging.getLogger("explorer")
        self._caught.connect(self._on_caught)

    def install(self) -> None:
        """Take the hooks over."""
        sys.excepthook = self._on_exception
        threading.excepthook = lambda args: self._on_exception(
            args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
        )
        qInstallMessageHandler(self._on_qt_message)

    def remove(self) -> None:
        """Give the hooks back."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__
        qInstallMessageHandler(None)

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        details = "".join(traceback.format_exception(kind, error, trace))
        self._log.error("uncaught\n%s", details)
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        message = str(cause) if isinstance(cause, ExplorerError) else f"{type(cause).__name__}: {cause}"
        # Queued: the hook may run on any thread.
        self._caught.emit(message, details)

    def _on_caught(self, message: str, details: str) -> None:
        self._document.report(message, details)

    def _on_qt_message(self, kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        level = logging.ERROR if kind in {QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg} else logging.WARNING
        # What the offscreen platform cannot do is no news.
        quiet = kind in {QtMsgType.QtInfoMsg, QtMsgType.QtDebugMsg} or message.startswith(
            "This plugin does not support"
        )
        self._log.log(logging.INFO if quiet else level, "Qt: %s", message)


def _check_display() -> None:
    """Qt would end the process with a page of its own where there is no display.

    Raises
    ------
    UsageError
        If no window can be opened here.
    """
    if sys.platform.startswith("linux") and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        raise UsageError(
            "a display to open the window on",
            "none",
            "Start it in a desktop session, or take pictures of the window: latent-explorer tour --out DIR",
        )


class _LogFile(logging.handlers.RotatingFileHandler):
    """A log with rotation, which makes its folder: also again, where that was deleted under the window."""

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()


class _LogFormatter(logging.Formatter):
    """Writes an entry such that a name in it can neither command a terminal nor pass for another entry."""

    def format(self, record: logging.LogRecord) -> str:
        return log_entry(super().format(record))


def start_log() -> logging.handlers.RotatingFileHandler | None:
    """Write a log with rotation; where that cannot be, run without, and return None."""
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
