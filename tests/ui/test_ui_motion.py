"""Reduced motion: the answer of a desktop portal on a message bus of its own, and what then stands still."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from explorer_testing.programs import environment
from PySide6.QtWidgets import QProgressBar
from pytestqt.qtbot import QtBot

from explorer.ui.motion import Motion, show_busy

PATIENCE_S = 60

PORTAL = """
import sys
from PySide6.QtCore import ClassInfo, QObject, Slot
from PySide6.QtDBus import QDBusConnection, QDBusVariant
from PySide6.QtWidgets import QApplication, QMainWindow
from explorer.ui.motion import Motion

@ClassInfo({"D-Bus Interface": "org.freedesktop.portal.Settings"})
class Portal(QObject):
    @Slot(str, str, result="QDBusVariant")
    def Read(self, group, key):
        known = (group, key) == ("org.gnome.desktop.interface", "enable-animations")
        return QDBusVariant(sys.argv[1] == "animated" if known else 7)

app = QApplication([])
portal = Portal()
bus = QDBusConnection.sessionBus()
if sys.argv[1] != "no portal":
    bus.registerObject("/org/freedesktop/portal/desktop", portal, QDBusConnection.RegisterOption.ExportAllSlots)
    bus.registerService("org.freedesktop.portal.Desktop")
window = QMainWindow()
motion = Motion(window)
motion.answered.connect(app.quit)
motion.ask()
app.exec()
print(Motion.reduced, window.isAnimated())
"""


@pytest.mark.skipif(shutil.which("dbus-run-session") is None, reason="no message bus to start")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is no message bus")
@pytest.mark.parametrize(
    ("answer", "expected"), [("animated", "False True"), ("reduced", "True False"), ("no portal", "False True")]
)
def test_docks_move_at_once_where_the_system_asks_for_it(answer: str, expected: str) -> None:
    ended = subprocess.run(
        ["dbus-run-session", "--", sys.executable, "-c", PORTAL, answer],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        env=environment(QT_QPA_PLATFORM="offscreen"),
    )
    assert ended.stdout.strip() == expected, ended.stderr


def test_without_a_message_bus_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, bare_window: object) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    Motion(bare_window).ask()  # type: ignore[arg-type]
    assert not Motion.reduced


@pytest.mark.parametrize("reduced", [False, True])
def test_a_busy_bar_stands_still_with_reduced_motion(
    reduced: bool, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr(Motion, "reduced", reduced)
    bar = QProgressBar()
    qtbot.addWidget(bar)
    show_busy(bar)
    assert bar.maximum() == (1 if reduced else 0)
    assert bar.value() == 0
