"""The start page: cards of all models, filters, recent work, and that nothing is decoded for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source, write_bundle
from explorer_testing.codec import MatrixCodec
from explorer_testing.window import WindowDriver, array_of
from PIL import Image
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QDockWidget, QLabel

from explorer.data.preprocessing import to_pixels
from explorer.document.open_requests import OpenRequest
from explorer.models.bundle import CODES, PREVIEW, open_bundle
from explorer.models.preview import COUNT, write_preview
from explorer.models.recent import note_recent
from explorer.ui.main_window import MainWindow
from explorer.ui.panels import PANELS
from explorer.ui.start_page import StartPage
from explorer.ui.widgets.card_delegate import CardDelegate


@pytest.fixture
def models(explorer_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's models: three, and none that ships."""
    folder = explorer_home / "models"
    for seed, name in enumerate(("one", "two", "three")):
        write_bundle(folder / name, MatrixCodec(latent_dim=2 + seed, seed=seed))
    monkeypatch.setattr("explorer.models.bundle.pretrained_dir", lambda: explorer_home / "none")
    return folder


def shown(driver: WindowDriver) -> StartPage:
    """Show the page by its shortcut."""
    driver.shortcut("action_start_page")
    page = driver.window.center.start_page
    assert page.isVisible()
    return page


def names(page: StartPage) -> list[str]:
    return [page.model.index(row, 0).data() for row in range(page.model.rowCount())]


def index_of(page: StartPage, name: str) -> QModelIndex:
    return page.model.index(names(page).index(name), 0)


def click_card(page: StartPage, name: str, *, double: bool = False, button: bool = False) -> None:
    cell = page.cards.visualRect(index_of(page, name))
    delegate = page.cards.itemDelegate()
    assert isinstance(delegate, CardDelegate)
    where = delegate.button_rect(cell).center() if button else cell.center()
    QTest.mouseClick(page.cards.viewport(), Qt.MouseButton.LeftButton, pos=where)
    if double:
        QTest.mouseDClick(page.cards.viewport(), Qt.MouseButton.LeftButton, pos=where)


def until_open(driver: WindowDriver, name: str) -> None:
    driver.until(lambda: driver.document.model is not None and driver.document.model.name == name)


def test_cards_show_what_a_model_does(models: Path, driver: WindowDriver) -> None:
    page = shown(driver)
    assert names(page) == ["one", "three", "two"]
    text = index_of(page, "two").data(Qt.ItemDataRole.AccessibleTextRole)
    assert text.replace("\N{NO-BREAK SPACE}", " ") == "two, Reconstruction · 3-D, SSIM 0.50 · 13.0 dB, Tiny images"
    assert driver.find(QLabel, "start_count").text() == "3 models"


def test_one_click_selects_and_a_double_click_opens(models: Path, driver: WindowDriver) -> None:
    page = shown(driver)
    click_card(page, "two")
    assert page.cards.currentIndex().data() == "two"
    assert driver.document.jobs == ()
    click_card(page, "two", double=True)
    until_open(driver, "two")
    assert not page.isVisible()
    assert driver.window.stage.isVisible()


def test_the_button_of_a_card_opens_at_once(models: Path, driver: WindowDriver) -> None:
    page = shown(driver)
    click_card(page, "three", button=True)
    until_open(driver, "three")
    assert not page.isVisible()


def test_arrows_and_enter_open_too(models: Path, driver: WindowDriver) -> None:
    page = shown(driver)
    assert QApplication.focusWidget() is page.cards
    assert page.cards.currentIndex().data() == "one"
    QTest.keyClick(page.cards, Qt.Key.Key_Right)
    QTest.keyClick(page.cards, Qt.Key.Key_Return)
    until_open(driver, "three")


def test_images_come_from_the_files_and_nothing_is_decoded(models: Path, driver: WindowDriver) -> None:
    wanted = open_bundle(models / "one").sample.thumbnails
    for network in models.glob("*/*.onnx"):
        network.write_bytes(b"no network")
    page = shown(driver)
    driver.until(lambda: page.images.of(str(models / "one")) is not None)
    images = page.images.of(str(models / "one"))
    assert images is not None
    assert len(images) == COUNT
    for image, pixels in zip(images, wanted, strict=False):
        np.testing.assert_array_equal(array_of(image), pixels)


def test_a_preview_has_the_reconstructions_and_goes_before_the_test_images(models: Path, driver: WindowDriver) -> None:
    bundle, codec = open_bundle(models / "one"), MatrixCodec(latent_dim=2, seed=0)
    write_preview(bundle.path, codec, bundle.sample)
    page = shown(driver)
    driver.until(lambda: page.images.of(str(models / "one")) is not None)
    wanted = to_pixels(codec.decode(bundle.sample.codes[:COUNT]))
    images = page.images.of(str(models / "one"))
    assert images is not None
    np.testing.assert_array_equal([array_of(image) for image in images], wanted)
    (bundle.path / PREVIEW).write_bytes(b"damaged")
    driver.until(lambda: page.images.of(str(models / "one")) == ())
    assert not page.grab().isNull()
    (bundle.path / PREVIEW).unlink()
    driver.until(lambda: len(page.images.of(str(models / "one")) or ()) == COUNT)
    assert not driver.problems


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 is no archive"], ids=["empty", "garbage"])
def test_a_damaged_file_shows_a_placeholder(models: Path, driver: WindowDriver, content: bytes) -> None:
    (models / "two" / CODES).write_bytes(content)
    page = shown(driver)
    driver.until(lambda: page.images.of(str(models / "two")) == ())
    assert names(page) == ["one", "three", "two"]
    driver.until(lambda: bool(page.images.of(str(models / "one"))))
    assert not page.grab().isNull()
    assert not driver.problems


def test_a_damaged_model_is_listed_as_such(models: Path, driver: WindowDriver) -> None:
    (models / "two" / CODES).unlink()
    page = shown(driver)
    index = index_of(page, "two")
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "two, damaged"
    assert CODES in index.data(Qt.ItemDataRole.ToolTipRole)


def test_filters_by_task_and_dataset(driver: WindowDriver) -> None:
    page = shown(driver)
    everything = names(page)
    assert len(everything) > 3
    pick(page.task, "Denoising")
    assert 0 < len(names(page)) < len(everything)
    assert all("denoise" in name for name in names(page))
    pick(page.data, "Arabic letters in eight typefaces")
    assert names(page) == []
    empty = driver.find(QLabel, "start_empty")
    assert empty.isVisible()
    pick(page.task, "All tasks")
    assert not empty.isVisible()
    assert all(name.startswith("glyphs") for name in names(page))
    pick(page.data, "All datasets")
    assert names(page) == everything


def pick(box: QComboBox, text: str) -> None:
    """Choose an entry of a combo box with the keyboard."""
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    while box.currentText() != text:
        before = box.currentIndex()
        QTest.keyClick(box, Qt.Key.Key_Down)
        assert box.currentIndex() != before, text
    box.activated.emit(box.currentIndex())


def test_recent_sessions_and_folders_are_listed_and_open(models: Path, driver: WindowDriver, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(np.full((12, 10), 60 * number, np.uint8)).save(folder / f"{number}.png")
    driver.document.open_requested.emit(OpenRequest((folder,), "images"))
    driver.until(lambda: driver.document.source is not None)
    (tmp_path / "work.latent").write_bytes(b"")
    note_recent(tmp_path / "work.latent")
    driver.document.open(source=make_source())
    page = shown(driver)
    recent = page.recent
    assert [recent.item(row).text() for row in range(recent.count())] == ["work · Session", "photos · Dataset"]
    wanted: list[object] = []
    page.session_wanted.connect(wanted.append)
    recent.setFocus()
    recent.setCurrentRow(1)
    QTest.keyClick(recent, Qt.Key.Key_Return)
    driver.until(lambda: driver.document.source is not None and driver.document.source.spec == str(folder.resolve()))
    assert not page.isVisible()
    assert wanted == []


def test_it_replaces_stage_and_docks_until_it_is_closed(driver: WindowDriver) -> None:
    driver.open()
    docks = [dock for dock in driver.window.findChildren(QDockWidget) if dock.isVisible()]
    assert docks
    page = shown(driver)
    assert not driver.window.stage.isVisible()
    assert not any(dock.isVisible() for dock in docks)
    driver.shortcut("action_start_page")
    QTest.keyClick(page.cards, Qt.Key.Key_Escape)
    assert not page.isVisible()
    assert driver.window.stage.isVisible()
    assert all(not dock.isHidden() for dock in docks)


def test_without_anything_open_it_cannot_be_closed(bare_window: MainWindow) -> None:
    bare_window.center.show_start_page()
    page = bare_window.center.start_page
    assert not page.back.isVisible()
    QTest.keyClick(page.cards, Qt.Key.Key_Escape)
    assert page.isVisible()


def test_what_is_opened_first_is_no_unsaved_work(models: Path, driver: WindowDriver) -> None:
    page = shown(driver)
    click_card(page, "one", button=True)
    until_open(driver, "one")
    assert not driver.document.sessions.dirty
    assert driver.document.undo_label is None
    driver.document.open(make_model(), make_source())
    driver.settle()
    assert driver.document.sessions.dirty


def test_the_tour_opens_a_model(models: Path, driver: WindowDriver) -> None:
    page = shown(driver)
    driver.click("start_tour")
    assert not page.isVisible()
    until_open(driver, "one")
    tour = driver.window.app_actions.start_tour()
    assert tour.running
    tour.end()


def test_cards_are_equal_and_fill_the_width(driver: WindowDriver) -> None:
    for width in (1024, 1280, 1920):
        driver.window.resize(width, 800)
        page = shown(driver)
        QApplication.processEvents()
        cells = [page.cards.visualRect(page.model.index(row, 0)) for row in range(page.model.rowCount())]
        assert len({(cell.width(), cell.height()) for cell in cells}) == 1
        columns = sum(cell.top() == cells[0].top() for cell in cells)
        room = page.cards.viewport().width() - columns * cells[0].width()
        assert 0 <= room < cells[0].width() or columns == len(cells)
        driver.window.center.leave_start_page()


def test_cards_are_larger_where_all_still_fit(driver: WindowDriver) -> None:
    driver.window.resize(3840, 2160)
    cards = shown(driver).cards
    QApplication.processEvents()
    cells = [cards.visualRect(cards.model().index(row, 0)) for row in range(cards.model().rowCount())]
    assert cells[-1].bottom() <= cards.viewport().height()
    assert sum(cell.width() * cell.height() for cell in cells) > 0.3 * cards.width() * cards.height()


def test_the_palette_finds_it_by_a_synonym(bare_window: MainWindow) -> None:
    palette = bare_window.app_actions.show_palette()
    QTest.keyClicks(palette.field, "welcome")
    command = palette.model.command(0)
    assert command is not None
    assert command.record.name == "action_start_page"
    palette.close()


def test_what_is_opened_after_leaving_the_page_is_a_session(driver: WindowDriver) -> None:
    """Else edits after the tour or a workspace button would be lost without a question."""
    window, document = driver.window, driver.document
    window.center.show_start_page()
    driver.shortcut("action_workspace_map")
    assert not window.center.start_page.isVisible()
    driver.open()
    assert document.sessions.begun
    document.timeline.add()
    assert document.sessions.dirty


def test_newer_weights_do_not_close_the_page(driver: WindowDriver, tmp_path: Path) -> None:
    model = replace(make_model(), run=tmp_path, epochs=1.0)
    driver.open(model)
    driver.window.center.show_start_page()
    driver.document.refine_model(replace(make_model(seed=1), run=tmp_path, epochs=2.0))
    assert driver.window.center.start_page.isVisible()
    driver.document.open(make_model(name="other"))
    assert not driver.window.center.start_page.isVisible()


def test_the_explore_button_leaves_the_page(driver: WindowDriver) -> None:
    driver.window.center.show_start_page()
    driver.click("tool_workspace_explore")
    assert not driver.window.center.start_page.isVisible()
    assert driver.window.dock("latent").in_front


def test_no_panel_appears_around_the_page(driver: WindowDriver) -> None:
    driver.open()
    driver.window.center.show_start_page()
    driver.shortcut("action_reset_layout")
    driver.window.resize(900, 600)
    driver.window.resize(1280, 800)
    QApplication.processEvents()
    assert not any(driver.window.dock(panel.name).isVisible() for panel in PANELS)
