"""What the window writes: never over, into or around what is open, and over another file only after a question."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from explorer_testing.builders import write_bundle
from explorer_testing.window import WindowDriver
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QMessageBox, QPushButton

import explorer
from explorer.document.open_requests import OpenRequest
from explorer.document.sessions import Sessions


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of four images."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(4):
        Image.new("L", (8, 8), 60 * number).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def opened(driver: WindowDriver, photos: Path, tmp_path: Path) -> WindowDriver:
    """A window on a bundle and the images, with two keyframes."""
    write_bundle(tmp_path / "model")
    driver.document.open_requested.emit(OpenRequest((tmp_path / "model",), "model"))
    driver.until(lambda: driver.document.model is not None)
    driver.document.open_requested.emit(OpenRequest((str(photos),), "images"))
    driver.until(lambda: driver.document.source is not None and driver.document.source.spec == str(photos))
    driver.settle()
    driver.document.timeline.add()
    driver.document.choose_image(1)
    driver.settle()
    driver.document.timeline.add()
    return driver


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def begin_export(driver: WindowDriver) -> None:
    driver.click("timeline_export")
    driver.click("export_write")


def answer(driver: WindowDriver, button: str) -> None:
    def asked() -> bool:
        return any(box.isVisible() for box in driver.window.findChildren(QMessageBox, "replace_question"))

    driver.until(asked)
    box = driver.window.findChildren(QMessageBox, "replace_question")[-1]
    made = box.findChild(QPushButton, button)
    assert made is not None
    QTest.mouseClick(made, Qt.MouseButton.LeftButton)
    driver.until(lambda: not asked())


@pytest.mark.parametrize(
    "place", [lambda folder: folder / "photos" / "0.gif", lambda folder: folder / "model" / "morph.gif"]
)
def test_nothing_is_exported_into_what_is_open(
    opened: WindowDriver, tmp_path: Path, place: Callable[[Path], Path]
) -> None:
    before = contents(tmp_path)
    begin_export(opened)
    opened.save_as(place(tmp_path))
    opened.until(lambda: bool(opened.problems))
    assert " the input " in str(opened.problems[0].message)
    assert "it is inside" in str(opened.problems[0].message)
    assert contents(tmp_path) == before


def test_an_image_that_was_dropped_is_not_written_over(opened: WindowDriver, tmp_path: Path) -> None:
    Image.new("L", (8, 8), 9).save(tmp_path / "dropped.gif")
    before = contents(tmp_path)
    opened.document.open_requested.emit(OpenRequest((tmp_path / "dropped.gif",)))
    opened.until(lambda: opened.document.state.imported_image is not None)
    opened.document.invert_imported_image()
    begin_export(opened)
    opened.save_as(tmp_path / "dropped.gif")
    opened.until(lambda: bool(opened.problems))
    assert "it is the input /" in str(opened.problems[0].message)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("typed", ["holiday.gif", "holiday"])
def test_another_file_is_replaced_only_after_a_question(opened: WindowDriver, tmp_path: Path, typed: str) -> None:
    """Also where the ending is put behind the name that was typed."""
    holiday = tmp_path / "holiday.gif"
    holiday.write_bytes(b"the user's own")
    written: list[Path] = []
    opened.document.exported.connect(written.append)
    begin_export(opened)
    opened.save_as(tmp_path / typed)
    answer(opened, "replace_cancel")
    opened.click("export_write")
    assert holiday.read_bytes() == b"the user's own"
    opened.save_as(tmp_path / typed)
    answer(opened, "replace_confirm")
    opened.until(lambda: bool(written))
    assert written == [holiday]
    assert holiday.read_bytes().startswith(b"GIF8")
    assert not opened.problems


def test_a_session_is_not_saved_over_or_into_what_is_open(opened: WindowDriver, photos: Path, tmp_path: Path) -> None:
    sessions: Sessions = opened.document.sessions
    before = contents(tmp_path)
    for path in (photos / "work.latent", tmp_path / "model" / "work.latent", photos):
        sessions.save_requested.emit(path, True)
        assert " the input " in str(opened.problems.pop().message)
    assert contents(tmp_path) == before
    saved: list[Path] = []
    sessions.saved.connect(saved.append)
    sessions.save_requested.emit(tmp_path / "work.latent", False)
    opened.until(lambda: bool(saved))


def test_clean_images_are_not_written_into_what_is_open(opened: WindowDriver, photos: Path, tmp_path: Path) -> None:
    before = contents(tmp_path)
    opened.document.analysis.cleaning_requested.emit(photos, photos / "clean")
    opened.until(lambda: bool(opened.problems))
    assert "it is inside" in str(opened.problems[0].message)
    assert contents(tmp_path) == before


def test_every_dialog_for_files_is_made_in_one_place() -> None:
    """There it is checked what was chosen, so that no export can do without."""
    makers = set()
    for file in Path(explorer.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named = node.func if isinstance(node, ast.Call) else None
            base = named.value if isinstance(named, ast.Attribute) else named
            if isinstance(base, ast.Name) and base.id in {QFileDialog.__name__, "_FileDialog"}:
                makers.add(file.name)
    assert makers == {"files.py"}
