"""A real window on the codec of one matrix, and the window alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from explorer_testing.shared_process import SharedFits
from explorer_testing.window import MakeWindow, WindowDriver
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.app import make_window
from explorer.document.document import Document
from explorer.document.preferences import PreferencesFile
from explorer.paths import settings_path
from explorer.ui.main_window import MainWindow
from explorer.ui.theme import choose_scheme, install_theme
from explorer.workers import code_analysis, fitting


@pytest.fixture(scope="session")
def themed(qapp: QApplication) -> QApplication:
    """The application as the program makes it: with its font and style, and dialogs that tests can reach."""
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    install_theme(qapp)
    return qapp


@pytest.fixture(scope="session")
def fits() -> Iterator[SharedFits]:
    """The process for all fits of the windows."""
    shared = SharedFits()
    yield shared
    shared.close()


@pytest.fixture
def driver(
    themed: QApplication, qtbot: QtBot, fits: SharedFits, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WindowDriver]:
    """The real window with its threads; nothing is open yet."""
    for module in (fitting, code_analysis):
        monkeypatch.setattr(module, "FitProcess", lambda: fits)
    driver = WindowDriver(make_window(), qtbot)
    yield driver
    driver.close()


@pytest.fixture
def bare_window(themed: QApplication, qtbot: QtBot) -> MainWindow:
    """The window over a document that nobody serves: nothing starts a thread or a process."""
    window = MainWindow(Document())
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    return window


@pytest.fixture
def make(themed: QApplication, qtbot: QtBot, explorer_home: Path) -> MakeWindow:
    """Makes a window as a start of the program does, with the settings that lie there."""

    def made() -> MainWindow:
        window = MainWindow(Document(), preferences=PreferencesFile(settings_path()))
        qtbot.addWidget(window)
        window.show()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        return window

    return made


@pytest.fixture
def light_again(themed: QApplication) -> Iterator[None]:
    """Put the colors back that the test changes."""
    yield
    choose_scheme(themed, Qt.ColorScheme.Unknown)
