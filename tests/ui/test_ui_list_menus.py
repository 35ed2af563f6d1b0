"""Context menus of lists, by right click and Shift+F10: bookmarks, history, runs and outliers."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model, make_source
from explorer_testing.training import small_request
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from explorer.document.analysis import RankingView
from explorer.document.document import Document
from explorer.models.outliers import Outliers
from explorer.models.runs import Run
from explorer.ui.actions import ActionMenu
from explorer.ui.panels.bookmarks import BookmarksPanel
from explorer.ui.panels.history import HistoryPanel
from explorer.ui.panels.outliers import OutliersPanel
from explorer.ui.panels.train_runs import TrainRunsPanel

pytestmark = pytest.mark.usefixtures("themed")


@pytest.fixture
def document() -> Document:
    document = Document()
    document.open(make_model(), make_source())
    document.forget_history()
    return document


def shown(panel: QWidget, qtbot: QtBot) -> None:
    qtbot.addWidget(panel)
    panel.resize(320, 420)
    panel.show()
    qtbot.waitUntil(panel.isActiveWindow)


def menu(view: QAbstractItemView, row: int | None = None) -> ActionMenu:
    """Open the menu of a row by right click, or of the current one by keys."""
    if row is None:
        view.setFocus()
        QTest.keyClick(view, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    else:
        place = view.visualRect(view.model().index(row, 0)).center()
        # Through the window: Qt makes the event of a context menu there.
        where = view.viewport().mapTo(view.window(), place)
        handle = view.window().windowHandle()
        QTest.mouseClick(handle, Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, where)
    found = [one for one in view.findChildren(ActionMenu) if one.isVisible()]
    assert len(found) == 1
    return found[0]


def close(opened: ActionMenu) -> None:
    opened.close()
    QApplication.processEvents()


def pick(opened: ActionMenu, name: str) -> None:
    action = opened.findChild(QAction, name)
    assert action is not None
    assert action.isEnabled(), name
    close(opened)
    action.trigger()


def test_a_bookmark_is_restored_renamed_and_deleted_by_its_menu(document: Document, qtbot: QtBot) -> None:
    panel = BookmarksPanel(document)
    shown(panel, qtbot)
    document.bookmarks.add("first", as_floats(1, 2))
    document.bookmarks.add("second", as_floats(-1, 0))
    opened = menu(panel.list, 0)
    assert [action.isEnabled() for action in opened.findChildren(QAction, "image_keyframe")] == [True]
    pick(opened, "bookmark_restore")
    np.testing.assert_array_equal(document.code, as_floats(1, 2))
    pick(menu(panel.list), "menu_bookmarks_rename")
    editor = panel.list.findChild(QLineEdit)
    assert editor is not None
    QTest.keyClicks(editor, "one")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: [bookmark.name for bookmark in document.bookmarks.kept] == ["one", "second"])
    pick(menu(panel.list, 1), "menu_bookmarks_delete")
    assert [bookmark.name for bookmark in document.bookmarks.kept] == ["one"]


def test_the_history_goes_to_an_edit_by_its_menu(document: Document, qtbot: QtBot) -> None:
    panel = HistoryPanel(document)
    shown(panel, qtbot)
    for value in range(3):
        document.set_code(as_floats(value, 1))
    opened = menu(panel.list)
    assert not any(action.isEnabled() for action in opened.findChildren(QAction, "history_go"))
    close(opened)
    pick(menu(panel.list, 1), "history_go")
    np.testing.assert_array_equal(document.code, as_floats(0, 1))
    pick(menu(panel.list, 3), "history_go")
    np.testing.assert_array_equal(document.code, as_floats(2, 1))
    pick(menu(panel.list), "history_undo_all")
    assert document.history_place == 0


def test_the_menu_of_a_run_does_what_its_buttons_do(document: Document, tmp_path: Path, qtbot: QtBot) -> None:
    panel = TrainRunsPanel(document)
    shown(panel, qtbot)
    request = small_request(tmp_path, tmp_path / "models" / "one")
    document.trainings.put_runs((Run(tmp_path / "runs" / "one", request, datetime(2026, 1, 2), "finished"),))
    asked: list[str] = []
    document.trainings.again_requested.connect(lambda wanted: asked.append(wanted.out.name))
    opened = menu(panel.tree, 0)
    enabled = {action.objectName(): action.isEnabled() for action in opened.actions() if action.objectName()}
    assert enabled["menu_train_run_again"]
    assert not enabled["menu_train_run_open"], "its model is gone"
    pick(opened, "menu_train_run_again")
    assert asked == ["one"]
    pick(menu(panel.tree), "train_run_copy")
    assert QApplication.clipboard().text().startswith("latent-explorer train ")


def test_an_outlier_has_the_menu_of_an_image(document: Document, qtbot: QtBot) -> None:
    panel = OutliersPanel(document)
    shown(panel, qtbot)
    source = make_source()
    indices = np.arange(source.count)
    errors = np.linspace(0, 1, source.count)
    ranking = Outliers(indices, errors, errors, 0.9)
    images = np.zeros((2, 4, 12, 10, 1), np.uint8)
    document.analysis.put_ranking(RankingView(ranking, source, "tiny", (0, 1, 2, 3), images))
    pick(menu(panel.list, 1), "image_copy")
    assert QApplication.clipboard().image().size().toTuple() == (10, 12)
    assert document.state.image_index == int(ranking.indices[ranking.order[1]])


def test_by_keys_every_menu_opens_at_the_current_item(document: Document, qtbot: QtBot) -> None:
    history, bookmarks = HistoryPanel(document), BookmarksPanel(document)
    for value in range(3):
        document.set_code(as_floats(value, 1))
        document.bookmarks.add(f"code {value}", as_floats(value, 1))
    for panel, view in ((history, history.list), (bookmarks, bookmarks.list)):
        shown(panel, qtbot)
        view.setCurrentIndex(view.model().index(2, 0))
        place = view.visualRect(view.currentIndex()).center()
        opened = menu(view)
        assert opened.pos() == view.viewport().mapToGlobal(place)
        close(opened)
        other = QContextMenuEvent(QContextMenuEvent.Reason.Other, QPoint(1, 1), view.mapToGlobal(QPoint(1, 1)))
        QApplication.sendEvent(view, other)
        (opened,) = (one for one in view.findChildren(ActionMenu) if one.isVisible())
        assert opened.pos() == view.viewport().mapToGlobal(place), "only the mouse has a place of its own"
        close(opened)
