"""Creates the Qt application, with a one-line error instead of an abort where that fails."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from explorer.errors import ExplorerError, UsageError
from explorer.printable import printable

_FAILED = 2
"""Exit code, as for all errors."""

_log = logging.getLogger(__name__)


def new_application(name: str) -> QApplication:
    """Return a new application; if no window can be opened, exit with one ``error: …`` line."""
    with _explained_abort():
        return QApplication([name])


@contextmanager
def _explained_abort() -> Iterator[None]:
    """Explain why Qt fails, and exit; Qt itself would abort with a core dump and a misleading remedy."""
    said: list[str] = []

    def on_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        _log.info("Qt: %s", message)
        said.append(message)
        if kind == QtMsgType.QtFatalMsg:
            if sys.stderr is not None:
                print(f"error: {printable(str(window_error(said)))}", file=sys.stderr, flush=True)
            # Qt aborts when this returns, and no exception can pass through it.
            os._exit(_FAILED)

    before = qInstallMessageHandler(on_message)
    try:
        yield
    finally:
        qInstallMessageHandler(before)


def window_error(said: list[str]) -> ExplorerError:
    """Return why no window can be opened, from Qt's messages in order."""
    from explorer.system_libraries import window_libraries_error

    found = [re.search(r'load the Qt platform plugin "(\w+)"', message) for message in said]
    tried = [match[1] for match in found if match]
    error = window_libraries_error(tried)
    if error is not None:
        return error
    displays = {"xcb": "DISPLAY", "wayland": "WAYLAND_DISPLAY"}
    named = [f"{displays[name]}={os.environ.get(displays[name], '')}" for name in tried if name in displays]
    if named:
        return UsageError(
            "Cannot open a window: no display answers at {displays}. Start the program in a desktop session, or save "
            "screenshots of the window with: latent-explorer tour --out DIR",
            displays=named,
        )
    reason = " ".join(said).partition("This application failed")[0].strip().rstrip(".")
    if not reason:
        return UsageError(
            "Cannot open a window: Qt found no platform. "
            "Unset QT_QPA_PLATFORM and QT_QPA_PLATFORM_PLUGIN_PATH, or run: latent-explorer doctor"
        )
    return UsageError(
        "Cannot open a window: {reason}. "
        "Unset QT_QPA_PLATFORM and QT_QPA_PLATFORM_PLUGIN_PATH, or run: latent-explorer doctor",
        reason=reason,
    )
