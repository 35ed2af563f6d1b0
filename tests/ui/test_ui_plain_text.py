"""Names are text: a window in which every name is markup renders none of it, and opens no file that one names."""

from __future__ import annotations

import ast
import csv
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import write_bundle
from explorer_testing.codec import MatrixCodec
from explorer_testing.drops import drop, files
from explorer_testing.markup import MARK, Trap, faults, hover_all
from explorer_testing.rooms import rooms
from explorer_testing.training import small_request
from explorer_testing.window import WindowDriver
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QMenu, QMessageBox, QPushButton, QTabWidget, QWidget
from pytestqt.qtbot import QtBot

import explorer.ui
from explorer.data.sources import open_source
from explorer.document.imports import ImportView
from explorer.document.session_file import read_session
from explorer.document.sessions import LeftOver, Opening
from explorer.document.state import NamedDirection
from explorer.document.views.neighbors import NEIGHBORS, NeighborsView
from explorer.engine.messages import Examined
from explorer.latent.directions import Direction
from explorer.messages import message
from explorer.models.import_record import Imported
from explorer.models.runs import RunWriter
from explorer.models.third_party.request import ImportRequest
from explorer.models.third_party.safety import Finding
from explorer.ui.dialogs.files import ask_save
from explorer.ui.dialogs.session_questions import ask_conflict, ask_missing, ask_recovery, ask_unsaved
from explorer.workers.loading import open_model

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such file names")


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trap]:
    monkeypatch.chdir(tmp_path)
    trap = Trap(tmp_path)
    yield trap
    trap.close()


def write_images(folder: Path, count: int = 24) -> Path:
    """Write images with a table of labels and an attribute; each name in it is markup."""
    folder.mkdir()
    random = np.random.default_rng(0)
    names = [f"{MARK}{number}.png" for number in range(count)]
    for name in names:
        Image.fromarray(random.integers(0, 256, (12, 10), np.uint8)).save(folder / name)
    (folder / f"{MARK}.png").write_bytes(b"skipped")
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "label", MARK])
        writer.writerows([name, f"{MARK}{number % 2}", f"{MARK}{number % 3}"] for number, name in enumerate(names))
    return folder


def write_runs(folder: Path) -> None:
    """Write two runs of trainings that failed with markup."""
    for number in (1, 2):
        request = small_request(folder / f"{MARK}.npz", folder / f"{MARK}{number}")
        writer = RunWriter.create(request, datetime(2026, 3, number))
        writer.log("started", first_epoch=1, epochs=3, train_count=9, val_count=3)
        for epoch in (1, 2):
            writer.log("epoch", epoch=epoch, loss=1.0 / epoch, val_loss=1.0, seconds=1.0, rate=9.0, parts=None)
        writer.log("failed", message=MARK)


@pytest.fixture
def marked(driver: WindowDriver, trap: Trap, explorer_home: Path, tmp_path: Path) -> WindowDriver:
    """The window with a model, images and everything that bears a name, each of which is markup."""
    home = explorer_home / "models"
    write_bundle(home / f"{MARK}1", MatrixCodec(seed=1), name=f"{MARK}1")
    write_bundle(home / f"{MARK}2", MatrixCodec(seed=2), name=f"{MARK}2")
    write_runs(tmp_path)
    driver.open(open_model(home / f"{MARK}1"), open_source(str(write_images(tmp_path / f"{MARK}set"))))
    document = driver.document
    document.trainings.runs_requested.emit()
    assert document.source is not None
    assert MARK in document.source.name
    assert list(document.source.attributes) == [MARK]
    document.bookmarks.add(f"{MARK}bookmark")
    document.set_code(np.ones(2, np.float32), message("Move {mark}", mark=MARK))
    axis = Direction(np.ones(2, np.float32), "means", (12, 12), 0.9, 2.0, (0.1, 0.1), 0.01)
    document.direction_search.put_found((NamedDirection(f"{MARK}direction", axis),), message("{mark}", mark=MARK))
    document.direction_search.keep([NamedDirection(f"{MARK}direction", axis)])
    document.timeline.insert(np.array([[0, 0], [1, 2]], np.float32), 0)
    document.sessions.save_requested.emit(tmp_path / f"{MARK}.latent", False)
    driver.until(lambda: document.sessions.path is not None)
    document.report(message("expected {mark}", mark=MARK), f"Traceback {MARK}")
    document.announced.emit(message("Opened {mark}", mark=MARK))
    return driver


def fill_panels(driver: WindowDriver) -> None:
    """Have answers shown in the panels that are asked for one."""
    document = driver.document
    driver.tab("Noise")
    driver.click("noise_curves")
    driver.click("noise_measure")
    driver.until(lambda: bool(document.analysis.quality.curves))
    driver.tab("Outliers")
    driver.click("outliers_rank")
    driver.until(lambda: document.analysis.ranking is not None)
    driver.tab("Neighbors")
    driver.until(lambda: isinstance(document.views[NEIGHBORS], NeighborsView))
    driver.tab("Compare")
    driver.click("compare_pca")
    driver.until(lambda: document.comparison.model is not None and document.jobs == ())
    document.trainings.choose(frozenset(run.path for run in document.trainings.runs))
    driver.tab("Map")
    document.analysis.codes_requested.emit()
    driver.until(lambda: document.analysis.codes is not None)


def test_no_name_is_rendered_anywhere_in_the_window(marked: WindowDriver, trap: Trap, tmp_path: Path) -> None:
    fill_panels(marked)
    found = []
    for _, top in rooms(marked.window):
        for tabs in top.findChildren(QTabWidget):
            for page in range(tabs.count()):
                tabs.setCurrentIndex(page)
                QApplication.processEvents()
        hover_all(top)
        found += faults(top)
        for widget in QApplication.topLevelWidgets():
            found += faults(widget)
    for menu in marked.window.findChildren(QMenu):
        menu.aboutToShow.emit()
        found += faults(menu)
    assert sorted(set(found)) == []
    assert not trap.sprung
    assert MARK in marked.window.windowTitle().replace("[*][*]", "[*]")
    assert len(marked.document.trainings.runs) == 2


def test_an_image_with_such_a_name_is_dropped_and_looked_at(marked: WindowDriver, trap: Trap, tmp_path: Path) -> None:
    path = tmp_path / f"{MARK}.png"
    Image.new("L", (12, 10), 200).save(path)
    assert drop(marked.window, files(path), marked.window.rect().center())
    marked.until(lambda: marked.document.state.imported_image is not None)
    marked.settle()
    hover_all(marked.window)
    imported_image = marked.document.state.imported_image
    assert imported_image is not None
    assert MARK in imported_image.title
    assert faults(marked.window) == []
    path.write_bytes(b"no image")
    assert drop(marked.window, files(path), QPoint(300, 300))
    marked.until(lambda: bool(marked.problems) and f"{MARK}.png" in str(marked.problems[-1].message))
    QApplication.processEvents()
    hover_all(marked.window)
    assert faults(marked.window) == []
    assert not trap.sprung


def test_what_an_import_names_is_text(marked: WindowDriver, trap: Trap, tmp_path: Path) -> None:
    request = ImportRequest(tmp_path / f"{MARK}.keras", tmp_path / "out")
    images = np.zeros((2, 12, 10, 1), np.uint8)
    places = ((f"{MARK}layer", (2,)), (f"{MARK}other", (3,)))
    record = Imported(file=f"{MARK}.keras", keras=3, bottleneck=f"{MARK}layer", notes=(MARK,))
    outputs = (f"{MARK}mean (2)", f"{MARK}other (2)")
    examined = Examined(record, (12, 10, 1), (2,), places, outputs, f"{MARK}images", 0.1, images, images)
    dialog = marked.window.opening.show_import()
    for view in (
        ImportView("asking", request, (Finding("code", f"{MARK}layer", f"{MARK}Lambda"),)),
        ImportView("ready", request, (), examined),
        ImportView("failed", request, (), None, message("{mark} failed", mark=MARK)),
    ):
        marked.document.imports.put(view)
        hover_all(dialog)
        assert faults(dialog) == []
    assert any(MARK in label.text() for label in dialog.findChildren(QLabel))
    dialog.close()
    assert not trap.sprung


def test_questions_show_names_as_text(marked: WindowDriver, trap: Trap, tmp_path: Path) -> None:
    window, path = marked.window, tmp_path / f"{MARK}.latent"
    session, _ = read_session(path)
    opening = Opening(
        path,
        session,
        "",
        model_problem=message("{mark} is missing", mark=MARK),
        source_problem=message("{mark} is missing", mark=MARK),
    )
    questions: list[Callable[[], QMessageBox]] = [
        lambda: ask_unsaved(window, MARK, list, list, list),
        lambda: ask_conflict(window, path, list, list),
        lambda: ask_missing(window, opening, list, list, list),
        lambda: ask_recovery(window, LeftOver(tmp_path, path, MARK), list, list),
    ]
    for ask in questions:
        question = ask()
        QApplication.processEvents()
        assert MARK in question.text() + question.informativeText()
        assert faults(question) == []
        question.close()
    assert not trap.sprung


def test_the_file_dialog_asks_about_a_name_as_text(marked: WindowDriver, trap: Trap, tmp_path: Path) -> None:
    path = tmp_path / f"{MARK}.csv"
    path.write_text("there already")
    chosen: list[Path] = []
    ask_save(marked.document, marked.window, "Save", ["Table (*.csv)"], path, chosen.append)
    dialog = marked.window.findChild(QWidget, "file_dialog")
    assert dialog is not None
    edit = dialog.findChild(QLineEdit, "fileNameEdit")
    assert edit is not None
    save = next(button for button in dialog.findChildren(QPushButton) if button.isDefault())
    marked.until(lambda: save.isEnabled() and "Save" in save.text())
    QTest.mouseClick(save, Qt.MouseButton.LeftButton)
    question = marked.window.findChild(QMessageBox, "replace_question")
    assert question is not None
    assert MARK in question.text()
    assert faults(question) == []
    QTest.keyClick(question, Qt.Key.Key_Escape)
    assert not chosen
    assert not trap.sprung


def test_the_trap_is_sprung_by_a_label_of_qt(themed: QApplication, qtbot: QtBot, trap: Trap) -> None:
    label = QLabel(MARK)
    qtbot.addWidget(label)
    label.show()
    label.grab()
    trap.wait()
    assert faults(label)


def _shown_as_it_is(value: ast.expr) -> bool:
    """Say whether a text is the program's own, or passed through `explorer.ui.plain_text`."""
    match value:
        case ast.Constant():
            return True
        case ast.IfExp():
            return _shown_as_it_is(value.body) and _shown_as_it_is(value.orelse)
        case ast.Call(func=ast.Attribute(attr="tr")):
            return all(isinstance(argument, ast.Constant) for argument in value.args)
        case ast.Call(func=ast.Attribute(attr="toolTip")) | ast.Call(func=ast.Name(id="plain_tooltip")):
            return True
        case ast.Call(func=ast.Name(id="str"), args=[ast.Call(func=ast.Attribute(attr="data"))]):
            return True  # the tooltip of a model, which is escaped where it is made
    return False


def test_every_label_question_and_tooltip_of_the_code_passes_through_one_module() -> None:
    found = []
    for path in Path(explorer.ui.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or path.name == "plain_text.py":
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            unsafe = name in {"QLabel", "QMessageBox", "setWhatsThis", "QStaticText", "QTextDocument", "TextItem"}
            tip = name in {"setToolTip", "setTabToolTip", "showText"} and not any(map(_shown_as_it_is, node.args))
            if unsafe or tip:
                found.append(f"{path.name}:{node.lineno} {ast.unparse(node)[:80]}")
    assert found == []
