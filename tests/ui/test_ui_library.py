"""The library: what is at hand, opening it, and what happens where it cannot be opened."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_source, write_bundle
from explorer_testing.codec import MatrixCodec
from explorer_testing.downloads import offer_download
from explorer_testing.menus import opened
from explorer_testing.window import WindowDriver, array_of, drag, plain
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QProgressBar, QPushButton, QTreeWidgetItem, QWidget
from pytestqt.qtbot import QtBot

from explorer.app import make_window
from explorer.data.pixel_cache import cache_size
from explorer.data.sources import known_sources
from explorer.data.sources.entry import RemoteFile, RemoteSet
from explorer.document.activity import JobView
from explorer.document.downloads import Download
from explorer.document.open_requests import OpenRequest
from explorer.document.opened_places import OpenedPlaces
from explorer.document.preferences import MOST_PLACES, PreferencesFile
from explorer.messages import message
from explorer.models.bundle import find_bundles, open_bundle
from explorer.paths import cache_dir, settings_path
from explorer.ui.card_images import has_images
from explorer.ui.main_window import MainWindow


@pytest.fixture
def models(explorer_home: Path) -> Path:
    """The user's models: two, both whole."""
    write_bundle(explorer_home / "models" / "one", MatrixCodec(seed=1))
    write_bundle(explorer_home / "models" / "two", MatrixCodec(latent_dim=3, seed=2))
    return explorer_home / "models"


def damage(bundle: Path) -> None:
    file = bundle / "decoder.onnx"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


def open_from_list(driver: WindowDriver, name: str) -> None:
    before = driver.document.model
    driver.open_item(driver.window.library.item_of("model", name))
    driver.until(lambda: driver.document.model is not before)


def test_it_lists_bundles_and_images(models: Path, driver: WindowDriver) -> None:
    library = driver.window.library
    for found in find_bundles():
        item = library.item_of("model", found.path.name)
        assert item is not None
        assert found.bundle is not None
        assert item.text(1) == f"{found.bundle.card.latent_dim:,}-D"
        title = {"reconstruct": "Reconstruction", "denoise": "Denoising", "colorize": "Colorization"}
        assert item.toolTip(0).startswith(f"{title[found.bundle.card.task]} · {found.bundle.card.architecture} · ")
    for source in known_sources():
        item = library.item_of("missing" if source.status == "missing" else "source", source.name)
        assert item is not None
        assert item.text(1) == ("Download" if source.status == "missing" else f"{source.count:,}")


def test_a_click_shows_the_card_and_opens_nothing(models: Path, driver: WindowDriver) -> None:
    library = driver.window.library
    driver.click_item(library.item_of("model", "two"))
    assert driver.document.jobs == ()
    assert plain(library.card.text).splitlines() == [
        "two",
        "Reconstruction · 3-D",
        "SSIM 0.50 · 13.0 dB",
        "trained on Tiny images",
    ]
    driver.until(lambda: bool(library.card.images.images))
    wanted = open_bundle(models / "two").sample.thumbnails[0]
    np.testing.assert_array_equal(array_of((library.card.images.images or ())[0]), wanted)
    driver.click("library_card_open")
    driver.until(lambda: driver.document.model is not None)
    assert driver.document.model is not None
    assert driver.document.model.name == "two"


def test_the_card_of_a_dataset_says_how_many_images_it_has(driver: WindowDriver) -> None:
    library = driver.window.library
    driver.click_item(library.item_of("source", "digits"))
    assert library.card.text.splitlines()[0] == "Digits"
    assert plain(library.card.text).splitlines()[2:] == ["10,000 images", "28×28 · grayscale"]
    driver.until(lambda: bool(library.card.images.images))
    item = library.item_of("source", "digits")
    assert item is not None
    assert not item.icon(0).isNull()
    assert driver.document.source is None


def test_the_tree_keeps_its_size_when_something_is_selected(models: Path, driver: WindowDriver) -> None:
    """Else a double-click could end on another item."""
    library = driver.window.library
    driver.tab("Library")
    driver.settle_layout()
    before = library.tree.geometry()
    driver.click_item(library.item_of("model", "one"))
    driver.settle_layout()
    assert library.tree.geometry() == before


def test_a_double_click_opens_the_model(models: Path, driver: WindowDriver) -> None:
    driver.document.open(source=make_source())
    open_from_list(driver, "one")
    driver.settle()
    model = driver.document.model
    assert model is not None
    assert model.path == models / "one"
    item = driver.window.library.item_of("model", "one")
    assert item is not None
    assert item.font(0).bold()
    assert driver.window.windowTitle().startswith("one")
    source = driver.document.source
    assert source is not None
    assert source.name == "tiny", "a model without images of its own leaves the open ones"


def test_return_opens_too(models: Path, driver: WindowDriver) -> None:
    library = driver.window.library
    item = library.item_of("model", "two")
    assert item is not None
    library.tree.setFocus()
    library.tree.setCurrentItem(item)
    QTest.keyClick(library.tree, Qt.Key.Key_Return)
    driver.until(lambda: driver.document.model is not None)
    assert driver.document.model is not None
    assert driver.document.model.name == "two"


def test_a_double_click_opens_embedded_images(models: Path, driver: WindowDriver) -> None:
    driver.open_item(driver.window.library.item_of("source", "digits"))
    driver.until(lambda: driver.document.source is not None)
    assert driver.document.source is not None
    assert driver.document.source.count == 10_000


def test_a_damaged_bundle_says_so_and_the_last_model_still_works(models: Path, driver: WindowDriver) -> None:
    driver.document.open(source=make_source())
    open_from_list(driver, "one")
    driver.settle()
    model = driver.document.model
    damage(models / "two")
    driver.document.library_changed.emit()
    driver.open_item(driver.window.library.item_of("model", "two"))
    driver.until(lambda: bool(driver.problems))
    bar = driver.window.problem_bar
    assert bar.isVisible()
    assert "decoder.onnx" in bar.text
    assert "damaged" in bar.text
    assert driver.document.model is model
    before, sliders = driver.window.stage.edited.image, driver.window.latent.sliders
    drag(sliders.viewport(), [sliders.handle_position(0, value) for value in (0.0, 2.0)])
    driver.until_edited_shows(driver.code)
    assert driver.window.stage.edited.image != before
    driver.click("problem_dismiss")
    assert not bar.isVisible()


def test_a_bundle_damaged_since_it_was_listed(models: Path, driver: WindowDriver) -> None:
    item = driver.window.library.item_of("model", "two")
    damage(models / "two")
    driver.open_item(item)
    driver.until(lambda: bool(driver.problems))
    assert "decoder.onnx" in driver.window.problem_bar.text
    assert driver.document.model is None


def test_a_bundle_without_a_part_is_listed_as_damaged_and_says_why(models: Path, driver: WindowDriver) -> None:
    (models / "two" / "codes.npz").unlink()
    driver.document.library_changed.emit()

    def listed() -> QTreeWidgetItem:
        item = driver.window.library.item_of("model", "two")
        assert item is not None
        return item

    driver.until(lambda: listed().text(1) == "damaged")
    item = listed()
    assert "codes.npz" in item.toolTip(0)


def test_a_folder_with_unreadable_images_says_how_many_were_skipped(driver: WindowDriver, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        Image.fromarray(rng.integers(0, 256, (12, 10), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    driver.document.open_requested.emit(OpenRequest((str(tmp_path),), "images"))
    driver.until(lambda: driver.document.source is not None)
    driver.until(lambda: bool(driver.problems))
    assert driver.window.problem_bar.isVisible()
    assert driver.window.problem_bar.text.startswith("Skipped 1 of 4 files: broken.png: ")
    assert driver.problems[-1].details.startswith("broken.png: ")
    data = driver.find(QLabel, "status_data")
    assert "3 images" in data.text()
    assert "1 skipped" in data.text()
    assert "broken.png" in data.toolTip()
    driver.document.open(source=make_source())
    assert "broken.png" not in data.toolTip(), "the next source has its own"


def test_images_that_do_not_exist(driver: WindowDriver, tmp_path: Path) -> None:
    driver.open()
    source = driver.document.source
    driver.document.open_requested.emit(OpenRequest((str(tmp_path / "gone"),), "images"))
    driver.until(lambda: bool(driver.problems))
    assert "gone" in driver.window.problem_bar.text
    assert driver.document.source is source


# -- getting what is not here ------------------------------------------------------------------------------------------


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens where LFW is fetched from."""
    monkeypatch.setenv("NO_PROXY", "*")
    file = RemoteFile("lfw-funneled.tgz", "http://127.0.0.1:9/lfw.tgz", "0" * 64, 1_000)
    offer_download(monkeypatch, "lfw", RemoteSet((file,), "lfw-funneled.tgz"))


def open_get(window: MainWindow, name: str) -> QWidget:
    """Click what is missing; return the dialog."""
    item = window.library.item_of("missing", name)
    assert item is not None
    tree = window.library.tree
    tree.scrollToItem(item)
    where = tree.visualItemRect(item).center()
    QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=where)
    QTest.mouseDClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=where)
    dialog = window.findChild(QWidget, "get_dialog")
    assert dialog is not None
    return dialog


def part(dialog: QWidget, name: str) -> QLabel:
    found = dialog.findChild(QLabel, name)
    assert found is not None
    return found


def press(dialog: QWidget, name: str) -> None:
    found = dialog.findChild(QPushButton, name)
    assert found is not None
    QTest.mouseClick(found, Qt.MouseButton.LeftButton)


def test_what_is_missing_says_where_it_comes_from(bare_window: MainWindow) -> None:
    entry = next(entry for entry in known_sources() if entry.name == "lfw")
    dialog = open_get(bare_window, "lfw")
    assert dialog.isVisible()
    assert part(dialog, "get_url").text() == entry.url
    assert entry.license[1:] in part(dialog, "get_license").text()
    assert part(dialog, "get_size").text() == f"{entry.size_mb:,} MB to download"
    assert part(dialog, "get_how").text() == str(entry.how)
    open_get(bare_window, "lfw")
    assert len(bare_window.findChildren(QWidget, "get_dialog")) == 1


def test_without_a_network_it_says_so_and_can_be_tried_again(away: None, driver: WindowDriver) -> None:
    dialog = open_get(driver.window, "lfw")
    driver.click("get_download")
    note = part(dialog, "get_note")
    driver.until(lambda: bool(note.property("problem")))
    assert "127.0.0.1:9" in note.text()
    assert "no network" in note.text()
    again = dialog.findChild(QPushButton, "get_download")
    assert again is not None
    assert again.isEnabled()
    assert again.text() == "Retry"
    assert driver.problems == [], "it is told where it was asked for, and not twice"


def test_a_download_shows_how_far_it_is_and_can_be_cancelled(bare_window: MainWindow) -> None:
    document = bare_window.document
    asked: list[str] = []
    cancelled: list[int] = []
    document.downloads.download_requested.connect(asked.append)
    document.job_cancel_requested.connect(cancelled.append)
    dialog = open_get(bare_window, "lfw")
    press(dialog, "get_download")
    assert asked == ["lfw"]
    document.downloads.put_download(Download("lfw", 7))
    document.put_jobs(
        (
            JobView(6, message("another")),
            JobView(7, message("Getting lfw"), 3 * 2**31, 4 * 2**31, message("downloading lfw.tgz"), 65),
        )
    )
    bar = dialog.findChild(QProgressBar, "get_progress")
    assert bar is not None
    assert bar.value() / bar.maximum() == 0.75
    assert part(dialog, "get_note").text() == "Downloading lfw.tgz, 1 min 5 s left"
    press(dialog, "get_cancel")
    assert cancelled == [7]
    document.downloads.put_download(Download("lfw", 7, "cancelled"))
    assert not bar.isVisible()
    assert part(dialog, "get_note").text().startswith("Canceled")


def test_what_was_fetched_can_be_opened(bare_window: MainWindow) -> None:
    document = bare_window.document
    opened: list[object] = []
    document.open_requested.connect(lambda request: opened.extend(request.paths))
    dialog = open_get(bare_window, "lfw")
    document.downloads.put_download(Download("lfw", 7, "finished"))
    press(dialog, "get_open")
    assert opened == ["lfw"]
    assert not dialog.isVisible()


def test_who_has_it_already_opens_a_file_or_folder(bare_window: MainWindow) -> None:
    dialog = open_get(bare_window, "lfw")
    press(dialog, "get_file")
    asking = dialog.findChild(QFileDialog)
    assert asking is not None
    for ending in ("*.tgz", "*.zip", "*.npz", "*.ttf", "*.png"):
        assert ending in asking.nameFilters()[0]
    asking.reject()


# -- the cache of images -----------------------------------------------------------------------------------------------


def test_the_image_cache_is_reported_and_cleared_after_a_question(driver: WindowDriver) -> None:
    driver.tab("Library")
    label = driver.find(QLabel, "library_cache")
    assert not label.isVisible()
    folder = cache_dir() / "images" / "some"
    folder.mkdir(parents=True)
    (folder / "pixels").write_bytes(bytes(2_500_000))
    driver.document.library_changed.emit()
    driver.until(label.isVisible)
    assert label.text() == "Image cache: 3 MB"
    driver.click("library_clear_cache")
    driver.click("cache_keep")
    assert cache_size() > 0
    driver.click("library_clear_cache")
    driver.until(lambda: len(driver.window.findChildren(QPushButton, "cache_clear_confirm")) == 1)
    driver.click("cache_clear_confirm")
    driver.until(lambda: not label.isVisible())
    assert cache_size() == 0


def highlighted(driver: WindowDriver) -> list[str]:
    """Return the names that are bold or selected in the section of the models."""
    library = driver.window.library
    section = library.tree.topLevelItem(0)
    assert section is not None
    items = [item for row in range(section.childCount()) if (item := section.child(row)) is not None]
    return [item.text(0) for item in items if item.font(0).bold() or item is library.tree.currentItem()]


def open_by_path(driver: WindowDriver, path: Path) -> None:
    before = driver.document.model
    driver.document.open_requested.emit(OpenRequest((str(path),), "images"))
    driver.until(lambda: driver.document.model is not before)


def test_a_model_that_lies_elsewhere_is_the_one_highlighted(models: Path, driver: WindowDriver, tmp_path: Path) -> None:
    """The one that was opened before it stayed selected."""
    write_bundle(tmp_path / "mine", MatrixCodec(seed=3))
    write_bundle(tmp_path / "other" / "one", MatrixCodec(seed=4))
    driver.document.open(source=make_source())
    open_from_list(driver, "one")
    assert highlighted(driver) == ["one"]
    open_by_path(driver, tmp_path / "mine")
    assert highlighted(driver) == ["mine"]
    driver.document.library_changed.emit()
    driver.until(lambda: highlighted(driver) == ["mine"])
    open_by_path(driver, tmp_path / "other" / "one")
    assert highlighted(driver) == ["one"]
    item = driver.window.library.tree.currentItem()
    assert item is not None
    assert str(tmp_path / "other") in item.toolTip(0), "it is not the library's model of that name"
    open_by_path(driver, models / "two")
    assert highlighted(driver) == ["two"]
    assert driver.window.library.item_of("model", "mine") is None, "what is open no more is no part of the library"


def test_a_library_behind_a_link_is_the_same_library(
    driver: WindowDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bundle(tmp_path / "real" / "one", MatrixCodec(seed=1))
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    monkeypatch.setattr("explorer.models.bundle.user_models_dir", lambda: tmp_path / "link")
    driver.window.library.tree.refresh()
    driver.document.open(source=make_source())
    for path in (tmp_path / "link" / "one", tmp_path / "real" / "one"):
        open_by_path(driver, path)
        assert highlighted(driver) == ["one"]
    library = driver.window.library
    assert len([item for item in library.tree.items() if item.text(0) == "one"]) == 1


# -- what the user opened ----------------------------------------------------------------------------------------------


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(6):
        Image.fromarray(rng.integers(0, 256, (12, 10), dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def next_window(themed: QApplication, qtbot: QtBot) -> Iterator[Callable[[], WindowDriver]]:
    """Makes windows one after another, as starts of the program with the same settings do."""
    made: list[WindowDriver] = []

    def make() -> WindowDriver:
        if made:
            made[-1].close()
        made.append(WindowDriver(make_window(PreferencesFile(settings_path())), qtbot))
        return made[-1]

    yield make
    made[-1].close()


def open_photos(driver: WindowDriver, photos: Path) -> QTreeWidgetItem:
    driver.document.open_requested.emit(OpenRequest((photos,), "images"))
    driver.until(lambda: driver.window.library.item_of("place", "photos") is not None)
    driver.until(lambda: has_images(str(photos.resolve())))
    item = driver.window.library.item_of("place", "photos")
    assert item is not None
    return item


def test_an_opened_folder_stays_with_its_thumbnail_across_restarts(
    next_window: Callable[[], WindowDriver], photos: Path
) -> None:
    open_photos(next_window(), photos)
    second = next_window()
    library = second.window.library
    item = library.item_of("place", "photos")
    assert item is not None
    second.until(lambda: not item.icon(0).isNull())
    second.click_item(item)
    assert library.card.text.splitlines()[0] == "photos"
    second.until(lambda: bool(library.card.images.images))
    second.open_item(library.item_of("place", "photos"))
    second.until(lambda: second.document.source is not None)
    assert second.document.source is not None
    assert second.document.source.count == 6


def test_a_folder_that_is_gone_is_shown_as_missing_and_can_be_removed(
    next_window: Callable[[], WindowDriver], photos: Path
) -> None:
    open_photos(next_window(), photos)
    photos.rename(photos.with_name("elsewhere"))
    second = next_window()
    library = second.window.library
    item = library.item_of("place", "photos")
    assert item is not None
    assert item.text(1) == "missing"
    second.click_item(item)
    assert "missing" in library.card.text
    assert not second.find(QPushButton, "library_card_open").isEnabled()
    second.click("library_card_remove")
    second.until(lambda: library.item_of("place", "photos") is None)
    assert next_window().window.library.item_of("place", "photos") is None


def test_delete_and_the_context_menu_remove_it(driver: WindowDriver, photos: Path) -> None:
    library = driver.window.library
    driver.click_item(open_photos(driver, photos))
    library.tree.setFocus()
    QTest.keyClick(library.tree, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    menu = opened(library.tree, "library_menu")
    names = [action.objectName() for action in menu.actions()]
    assert names == ["library_menu_open", "library_menu_reading", "library_menu_remove"]
    assert all(action.isEnabled() for action in menu.actions())
    menu.close()
    QTest.keyClick(library.tree, Qt.Key.Key_Delete)
    driver.until(lambda: library.item_of("place", "photos") is None)
    assert photos.is_dir()
    driver.click_item(library.item_of("source", "digits"))
    QTest.keyClick(library.tree, Qt.Key.Key_Delete)
    assert library.item_of("source", "digits") is not None, "what ships cannot be removed"


def test_the_list_is_bounded_and_keeps_its_order(explorer_home: Path) -> None:
    preferences = PreferencesFile()
    places = OpenedPlaces()
    places.begin(preferences)
    for number in range(MOST_PLACES + 3):
        folder = explorer_home / str(number)
        folder.mkdir()
        source = make_source()
        source.spec = str(folder)
        places.add(source)
        places.add(source)
    names = [Path(path).name for path in places.paths]
    assert names == [str(number) for number in reversed(range(3, MOST_PLACES + 3))]


def test_dialogs_remember_their_folder_by_purpose(
    next_window: Callable[[], WindowDriver], photos: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    (models / "one").mkdir(parents=True)
    library = next_window().window.library
    for ask, chosen in ((library.ask_folder, photos), (library.ask_model, models / "one")):
        ask()
        dialog = library.findChildren(QFileDialog)[-1]
        dialog.fileSelected.emit(str(chosen))
        dialog.close()
    library = next_window().window.library
    for ask, folder in ((library.ask_file, photos.parent), (library.ask_model, models)):
        ask()
        dialog = library.findChildren(QFileDialog)[-1]
        assert Path(dialog.directory().absolutePath()) == folder
        dialog.reject()
    shutil.rmtree(models)
    library.ask_model()
    dialog = library.findChildren(QFileDialog)[-1]
    assert Path(dialog.directory().absolutePath()) != models
    dialog.reject()
