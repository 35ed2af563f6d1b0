"""The Neighbors tab: live as the cursor moves, beside neighbors by pixels; what is near can be chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source
from explorer_testing.window import WindowDriver
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QListWidget

from explorer.data.imported_image import ImportedImage
from explorer.data.preprocessing import to_floats
from explorer.data.sources import open_source
from explorer.document.document import Document
from explorer.document.neighbors import MOST, pooled, step_for
from explorer.document.views.neighbors import NEIGHBORS, NeighborsView
from explorer.errors import UsageError
from explorer.messages import message
from explorer.types import Floats, Indices
from explorer.ui.actions import ActionMenu
from explorer.ui.dragging import images_of
from explorer.ui.panels.neighbors import NeighborsPanel

PLACE = Qt.ItemDataRole.UserRole


@pytest.fixture
def shown(driver: WindowDriver) -> WindowDriver:
    """The window with 30 small images and the tab open."""
    driver.open()
    driver.tab("Neighbors")
    driver.click("neighbors_options")
    until_found(driver)
    return driver


def until_found(driver: WindowDriver) -> None:
    driver.until(lambda: isinstance(driver.document.views[NEIGHBORS], NeighborsView))
    driver.until(lambda: driver.document.jobs == ())


def view_of(driver: WindowDriver) -> NeighborsView:
    view = driver.document.views[NEIGHBORS]
    assert isinstance(view, NeighborsView)
    return view


def all_codes(driver: WindowDriver) -> tuple[Floats, Floats]:
    """Every image's code and pixels, by the open model."""
    model, source = driver.document.model, driver.document.source
    assert model is not None
    assert source is not None
    images = to_floats(source.read(np.arange(source.count), model.card.preprocessing))
    return model.codec.encode(images), images.reshape(len(images), -1)


def nearest(table: Floats, query: Floats, count: int) -> Indices:
    distances = np.square(table.astype(np.float64) - query).sum(axis=1)
    return np.argsort(distances, kind="stable")[:count]


def places(row: QListWidget) -> list[int]:
    return [int(row.item(number).data(PLACE)) for number in range(row.count())]


def test_neighbors_follow_the_cursor(shown: WindowDriver) -> None:
    codes, pixels = all_codes(shown)
    model, panel = shown.document.model, shown.window.neighbors
    assert model is not None
    for code in (codes[7], codes[3] + 0.1, -codes[3]):
        shown.document.set_code(code)
        wanted = nearest(codes, code, 10)
        shown.until(lambda wanted=wanted: places(panel.by_code) == wanted.tolist())
        alike = nearest(pixels, model.codec.decode(code[None]).clip(0, 1).reshape(-1), 10)
        assert places(panel.by_pixels) == alike.tolist()
    np.testing.assert_allclose(
        view_of(shown).distances, np.linalg.norm(codes[view_of(shown).indices] + codes[3], axis=1), rtol=1e-4
    )


def test_an_image_is_not_its_own_neighbor_and_is_compared_by_its_own_pixels(shown: WindowDriver) -> None:
    codes, pixels = all_codes(shown)
    panel, model = shown.window.neighbors, shown.document.model
    assert model is not None
    made = model.codec.decode(codes).clip(0, 1).reshape(len(codes), -1)
    differing = [
        place
        for place in range(len(codes))
        if nearest(pixels, pixels[place], 11)[1:].tolist() != nearest(pixels, made[place], 11)[1:].tolist()
    ]
    assert differing, "the reconstruction has other neighbors"
    for place in (differing[0], differing[-1]):
        shown.document.choose_image(place)
        shown.until(lambda place=place: places(panel.by_code) == nearest(codes, codes[place], 11)[1:].tolist())
        assert places(panel.by_pixels) == nearest(pixels, pixels[place], 11)[1:].tolist()
        assert place not in places(panel.by_code) + places(panel.by_pixels)
    shown.document.set_code(codes[place] + 0.01)
    shown.until(lambda: places(panel.by_code)[0] == place)


def test_an_imported_image_is_compared_by_its_own_pixels(shown: WindowDriver) -> None:
    _, pixels = all_codes(shown)
    model, source = shown.document.model, shown.document.source
    assert model is not None
    assert source is not None
    image = Image.fromarray(source.read([4], model.card.preprocessing)[0, ..., 0])
    shown.document.receive(ImportedImage(image, "photo", b""))
    shown.until(lambda: places(shown.window.neighbors.by_pixels)[:1] == [4])
    assert places(shown.window.neighbors.by_pixels) == nearest(pixels, pixels[4], 10).tolist()


def test_those_of_the_image_leave_it_out(shown: WindowDriver) -> None:
    codes, pixels = all_codes(shown)
    shown.document.choose_image(5)
    shown.click("neighbors_image")
    shown.until(lambda: places(shown.window.neighbors.by_code) == nearest(codes, codes[5], 11)[1:].tolist())
    assert places(shown.window.neighbors.by_pixels) == nearest(pixels, pixels[5], 11)[1:].tolist()
    shown.document.set_code(codes[9])
    assert shown.document.neighbors.settings.of == "image"
    shown.until(lambda: places(shown.window.neighbors.by_code) == nearest(codes, codes[5], 11)[1:].tolist())


def test_a_click_goes_there_and_chosen_ones_become_keyframes(shown: WindowDriver) -> None:
    row = shown.window.neighbors.by_code
    place = int(row.item(2).data(PLACE))
    assert not shown.find(QListWidget, "neighbors_by_code").selectedItems()
    QTest.mouseClick(row.viewport(), Qt.MouseButton.LeftButton, pos=row.visualItemRect(row.item(2)).center())
    shown.until(lambda: shown.document.state.image_index == place)
    shown.settle()
    shown.until(lambda: place not in places(row))
    codes, _ = all_codes(shown)
    chosen = places(row)[:2]
    for number in range(2):
        at = row.visualItemRect(row.item(number)).center()
        QTest.mouseClick(row.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, at)
    assert shown.document.state.image_index == place, "with Ctrl, images are only selected"
    shown.click("neighbors_add")
    shown.until(lambda: len(shown.document.state.keyframes) == 2)
    np.testing.assert_allclose(shown.document.timeline.keys, codes[chosen], atol=1e-5)
    mime = row.mimeData([row.item(0), row.item(1)])
    assert images_of(mime) == places(row)[:2]


def test_the_menu_of_a_neighbor(shown: WindowDriver) -> None:
    codes, _ = all_codes(shown)
    row = shown.window.neighbors.by_pixels
    place = int(row.item(1).data(PLACE))
    row.setFocus()
    row.setCurrentRow(1)
    QTest.keyClick(row, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    menu = row.viewport().findChildren(ActionMenu, "image_menu")[-1]
    for name in ("image_keyframe", "image_neighbors"):
        action = menu.findChild(QAction, name)
        assert action is not None
        action.trigger()
    menu.close()
    np.testing.assert_allclose(shown.document.timeline.keys[0], codes[place], atol=1e-5)
    assert shown.document.state.image_index == place
    shown.until(lambda: places(row)[:1] not in ([], [place]))


def test_what_is_near_can_be_chosen(shown: WindowDriver) -> None:
    codes, _ = all_codes(shown)
    model = shown.document.model
    assert model is not None
    code = codes[4] * 0.3
    shown.document.set_code(code)
    box = shown.find(QComboBox, "neighbors_metric")
    box.setCurrentIndex(box.findData("cosine"))
    box.activated.emit(box.currentIndex())
    unit = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    wanted = np.argsort(-(unit @ code), kind="stable")[:10]
    shown.until(lambda: set(places(shown.window.neighbors.by_code)) == set(wanted.tolist()))
    box.setCurrentIndex(0)
    box.activated.emit(0)
    shown.click("neighbors_whitened")
    statistics = model.sample.statistics
    axes = (codes - statistics.mean) @ statistics.components.T / statistics.component_sigma
    here = (code - statistics.mean) @ statistics.components.T / statistics.component_sigma
    shown.until(lambda: places(shown.window.neighbors.by_code)[0] == nearest(np.asarray(axes, np.float32), here, 1)[0])
    shown.type_into("neighbors_count", "3")
    shown.until(lambda: shown.window.neighbors.by_code.count() == 3)


def test_an_index_says_how_good_it_is(shown: WindowDriver) -> None:
    note = shown.find(QLabel, "neighbors_note")
    assert not note.isVisible()
    box = shown.find(QComboBox, "neighbors_index")
    box.setCurrentIndex(box.findData("hnsw"))
    box.activated.emit(box.currentIndex())
    shown.until(lambda: note.isVisible() and "100%" in note.text())
    until_found(shown)


def test_another_model_and_other_images_are_indexed_again(shown: WindowDriver) -> None:
    first = shown.document.neighbors.index
    shown.open(make_model(latent_dim=3, name="other"), make_source(count=12, name="few"))
    shown.until(lambda: shown.document.neighbors.index is not first)
    until_found(shown)
    assert shown.window.neighbors.by_code.count() == 10
    assert max(places(shown.window.neighbors.by_code)) < 12


def test_nothing_is_computed_where_nobody_looks(driver: WindowDriver) -> None:
    driver.open()
    assert driver.document.neighbors.index is None
    driver.tab("Neighbors")
    until_found(driver)
    driver.tab("Map")
    before = driver.document.views[NEIGHBORS]
    driver.document.set_code(driver.code + 1)
    driver.until_edited_shows(driver.code)
    assert driver.document.views[NEIGHBORS] is before


def test_small_images_are_means_of_blocks() -> None:
    images = np.random.default_rng(0).uniform(0, 1, (2, 7, 6, 3)).astype(np.float32)
    made = pooled(images, 3).reshape(2, 2, 2, 3)
    np.testing.assert_allclose(made[1, 1, 0], images[1, 3:6, 0:3].mean(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_array_equal(pooled(images, 1), images.reshape(2, -1))
    assert step_for(10_000, (28, 28, 1)) == 1
    assert step_for(100_000, (64, 64, 3)) > 1


def test_how_many(driver: WindowDriver) -> None:
    for count in (0, MOST + 1):
        with pytest.raises(UsageError):
            driver.document.neighbors.set(count=count)


def test_an_image_that_cannot_be_decoded_is_named_and_left_out(driver: WindowDriver, tmp_path: Path) -> None:
    for number in (0, 1, 3, 4):
        Image.new("L", (4, 4), 40 * number).save(tmp_path / f"{number}.png")
    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "2.png")
    content = bytearray((tmp_path / "2.png").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "2.png").write_bytes(content)
    driver.open(source=open_source(tmp_path))
    driver.tab("Neighbors")
    until_found(driver)
    assert sorted(places(driver.window.neighbors.by_code)) == [1, 3, 4], "without the selected one"
    (problem,) = driver.problems
    assert str(problem.message).startswith("Skipped 1 of 5 files: 2.png")
    assert driver.document.source is not None
    assert [one.name for one in driver.document.source.skipped] == ["2.png"]


def test_where_nothing_was_encoded_the_panel_says_so() -> None:
    document = Document()
    document.open(make_model(), make_source())
    panel = NeighborsPanel(document)
    empty = panel.findChild(QLabel, "neighbors_empty")
    assert empty is not None
    assert empty.text() == "Encoding the images…"
    document.analysis.put_running("index", 7)
    assert empty.text() == "Encoding the images…"
    document.analysis.put_problem("index", message("Canceled."))  # as a job says that ended without a result
    document.analysis.put_running("index", None)
    assert empty.text() == "Encoding the images failed.\nCanceled."
    document.analysis.put_running("index", 8)
    assert empty.text() == "Encoding the images…"
    panel.deleteLater()
