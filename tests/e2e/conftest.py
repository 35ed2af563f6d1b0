"""The real window on the bundles that ship."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from explorer_testing.window import WindowDriver
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.app import make_window, open_first
from explorer.ui.theme import install_theme


@pytest.fixture(scope="session")
def themed(qapp: QApplication) -> QApplication:
    """The application as the program makes it, with dialogs that tests can reach."""
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    install_theme(qapp)
    return qapp


@pytest.fixture
def driver(themed: QApplication, qtbot: QtBot) -> Iterator[WindowDriver]:
    """The window as a new user sees it: the first bundle, its images, the first of them on the stage."""
    driver = WindowDriver(make_window(), qtbot)
    open_first(driver.document)
    driver.settle()
    yield driver
    driver.close()
