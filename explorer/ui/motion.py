"""The system's setting for reduced motion."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QMainWindow, QProgressBar

_GET_CLIENT_AREA_ANIMATION = 0x1042
_PORTAL = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Settings"


class Motion(QObject):
    """Asks the system once, without waiting for the answer; the docks of `window` then move at once where it says so.

    `answered()`: the answer is known.
    """

    reduced = False
    """Whether animations are off, for all windows."""
    answered = Signal()

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window

    def ask(self) -> None:
        if sys.platform == "win32":
            self._put(_off_on_windows())
        elif sys.platform == "darwin":
            self._put(_reduced_on_macos())
        elif os.environ.get("DBUS_SESSION_BUS_ADDRESS"):  # without it, Qt might start a message bus
            self._ask_portal()

    def _ask_portal(self) -> None:
        from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusPendingCallWatcher

        asked = QDBusMessage.createMethodCall(*_PORTAL, "Read")
        asked.setArguments(["org.gnome.desktop.interface", "enable-animations"])
        call = QDBusPendingCallWatcher(QDBusConnection.sessionBus().asyncCall(asked), self)
        call.finished.connect(lambda done: self._put(_plain(done.reply().arguments()) is False))

    def _put(self, reduced: bool) -> None:
        Motion.reduced = reduced
        self._window.setAnimated(not reduced)
        self.answered.emit()


def show_busy(bar: QProgressBar) -> None:
    """Show work of unknown length: a moving bar, or an empty one where motion is reduced."""
    bar.setRange(0, 1 if Motion.reduced else 0)
    bar.setValue(0)


def _plain(arguments: object) -> object:
    """Return the first value of a reply, without the variants around it."""
    from PySide6.QtDBus import QDBusVariant

    value: object = arguments[0] if isinstance(arguments, list) and arguments else None
    while isinstance(value, QDBusVariant):
        value = value.variant()
    return value


def _off_on_windows() -> bool:
    import ctypes

    on = ctypes.c_int(1)
    ctypes.windll.user32.SystemParametersInfoW(  # type: ignore[attr-defined]
        _GET_CLIENT_AREA_ANIMATION, 0, ctypes.byref(on), 0
    )
    return not on.value


def _reduced_on_macos() -> bool:
    file = Path.home() / "Library" / "Preferences" / "com.apple.universalaccess.plist"
    return bool(QSettings(str(file), QSettings.Format.NativeFormat).value("reduceMotion", 0, int))
