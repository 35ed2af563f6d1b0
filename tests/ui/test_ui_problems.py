"""The list of problems: everything that went wrong, in one place, with details to copy."""

from __future__ import annotations

import sys
import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from explorer.app import ErrorCatcher
from explorer.messages import message
from explorer.ui.dialogs.problems import ProblemsDialog
from explorer.ui.main_window import MainWindow
from explorer.ui.problems import KEPT


def opened(window: MainWindow) -> ProblemsDialog:
    QTest.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    dialog = window.findChild(ProblemsDialog)
    assert dialog is not None
    assert dialog.isVisible()
    return dialog


def press(dialog: ProblemsDialog, name: str) -> None:
    found = dialog.findChild(QPushButton, name)
    assert found is not None
    QTest.mouseClick(found, Qt.MouseButton.LeftButton)


def lines(dialog: ProblemsDialog) -> list[str]:
    """The list's lines without their times."""
    model = dialog.list.model()
    return [str(model.index(row, 0).data()).partition("  ")[2] for row in range(model.rowCount())]


def test_every_problem_is_listed_the_newest_first_also_after_it_was_dismissed(bare_window: MainWindow) -> None:
    bare_window.document.report(message("first went wrong."), "at one")
    bare_window.problem_bar.hide()
    bare_window.document.report(message("second went wrong."), "at two")
    dialog = opened(bare_window)
    assert lines(dialog) == ["Second went wrong.", "First went wrong."]
    QTest.keyClick(dialog.list, Qt.Key.Key_Down)
    assert "at one" in dialog.details.toPlainText()
    press(dialog, "problems_copy")
    assert QApplication.clipboard().text().endswith("First went wrong.\n\nat one")
    press(dialog, "problems_copy_all")
    text = QApplication.clipboard().text()
    assert text.index("at two") < text.index("at one")


def test_it_follows_while_it_is_open(bare_window: MainWindow) -> None:
    dialog = opened(bare_window)
    heading = dialog.findChild(QLabel, "problems_heading")
    assert heading is not None
    assert heading.text() == "No errors"
    copy = dialog.findChild(QPushButton, "problems_copy")
    assert copy is not None
    assert not copy.isEnabled()
    bare_window.document.report(message("it broke"))
    assert lines(dialog) == ["It broke"]
    assert "It broke" in dialog.details.toPlainText()
    assert copy.isEnabled()
    press(dialog, "problems_clear")
    assert lines(dialog) == []
    assert dialog.details.toPlainText() == ""
    assert heading.text() == "No errors"


def test_the_same_again_and_again_is_one_line(bare_window: MainWindow) -> None:
    for _ in range(4):
        bare_window.document.report(message("it broke"))
    dialog = opened(bare_window)
    assert lines(dialog) == ["It broke  (× 4)"]


def test_there_is_an_end_to_what_is_kept(bare_window: MainWindow) -> None:
    for number in range(KEPT + 5):
        bare_window.document.report(message("problem {number}", number=number))
    dialog = opened(bare_window)
    assert len(lines(dialog)) == KEPT
    assert lines(dialog)[0] == f"Problem {KEPT + 4}"


def test_the_status_bar_says_how_many_and_leads_there(bare_window: MainWindow) -> None:
    counter = bare_window.findChild(QPushButton, "status_problems")
    assert counter is not None
    assert not counter.isVisible()
    bare_window.document.report(message("one"))
    assert counter.text() == "1 error"
    bare_window.document.report(message("two"))
    assert counter.text() == "2 errors"
    QTest.mouseClick(counter, Qt.MouseButton.LeftButton)
    dialog = bare_window.findChild(ProblemsDialog)
    assert dialog is not None
    assert dialog.isVisible()
    press(dialog, "problems_clear")
    assert not counter.isVisible()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_it_opens_on_the_newest(bare_window: MainWindow) -> None:
    bare_window.document.report(message("first"))
    opened(bare_window).close()
    bare_window.document.report(message("second"))
    assert "Second" in opened(bare_window).details.toPlainText()


@pytest.mark.allow_log("uncaught")
def test_an_error_that_nobody_caught_is_in_the_list_with_its_trace(bare_window: MainWindow) -> None:
    catcher = ErrorCatcher(bare_window.document)
    catcher.install()
    try:
        try:
            raise RuntimeError("nobody expected this")
        except RuntimeError as error:
            sys.excepthook(type(error), error, error.__traceback__)
        thread = threading.Thread(target=lambda: 1 // 0)
        thread.start()
        thread.join()
        QApplication.processEvents()
    finally:
        catcher.remove()
    dialog = opened(bare_window)
    assert lines(dialog) == [
        "ZeroDivisionError: integer division or modulo by zero",
        "RuntimeError: nobody expected this",
    ]
    details = dialog.details.toPlainText()
    assert "Traceback" in details
    assert "1 // 0" in details
