"""Directions: found in the dialog, kept as sliders, parted, saved and opened again, all of it undone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model
from explorer_testing.codec import MatrixCodec
from explorer_testing.window import WindowDriver
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QListWidget, QPushButton

from explorer.data.attribute_masks import attribute_masks, categories
from explorer.data.attributes import Attribute
from explorer.data.preprocessing import to_floats
from explorer.data.source import ArraySource, Facts
from explorer.data.splits import random_splits
from explorer.document.state import NamedDirection
from explorer.errors import DataError, ModelError, UsageError
from explorer.latent.directions import Direction, Ruler, attribute_direction
from explorer.models.direction_file import read_directions, write_directions
from explorer.types import Floats
from explorer.ui.dialogs.find_directions import FindDirectionsDialog
from explorer.ui.main_window import MainWindow


def test_without_a_model_there_is_nothing_to_do_with_directions(bare_window: MainWindow) -> None:
    assert not named(bare_window, "latent_find_directions").isVisible()
    assert not named(bare_window, "latent_statistics").isEnabled()


def named(window: MainWindow, name: str) -> QPushButton:
    found = window.findChild(QPushButton, name)
    assert found is not None
    return found


def source_with_attributes(count: int = 120) -> ArraySource:
    """Random images; those of the color red are brighter on the left, and sizes grow with the brightness."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 160, (count, 12, 10, 1), dtype=np.uint8)
    red = np.arange(count) % 3 == 0
    images[red, :, :5] += 90
    colors = np.where(red, 0, np.where(np.arange(count) % 3 == 1, 1, 2)).astype(np.int64)
    colors[7] = -1
    attributes = {
        "color": Attribute(colors, ("red", "green", "rare")),
        "size": Attribute(images.mean(axis=(1, 2, 3)).astype(np.float32)),
    }
    attributes["rare"] = Attribute((np.arange(count) < 3).astype(np.int64), ("no", "yes"))
    attributes["rarer"] = Attribute(np.repeat([1, 2, 0], [2, 2, count - 4]), ("no", "two", "other two"))
    facts = Facts(name="color", title="Color images", spec="/nowhere/color")
    return ArraySource(facts, images, random_splits(count), (np.arange(count) % 4).astype(np.int64), None, attributes)


@pytest.fixture
def opened(driver: WindowDriver) -> WindowDriver:
    """The window with colored images, a model of six dimensions, and the dialog."""
    driver.open(make_model(MatrixCodec((12, 10, 1), 6)), source_with_attributes())
    driver.shortcut("action_find_directions")
    assert driver.find(FindDirectionsDialog, "directions_dialog").isVisible()
    return driver


def codes_of(driver: WindowDriver) -> Floats:
    model, source = driver.document.model, driver.document.source
    assert model is not None
    assert source is not None
    return model.codec.encode(to_floats(source.read(np.arange(source.count), model.card.preprocessing)))


def test_a_value_is_found_by_its_name_and_return_finds_its_direction(opened: WindowDriver) -> None:
    search = opened.find(QLineEdit, "directions_search")
    assert QApplication.focusWidget() is search
    QTest.keyClicks(search, "GREE")
    box, values = opened.find(QComboBox, "directions_attribute"), opened.find(QListWidget, "directions_values")
    assert box.currentData() == "color"
    assert [item.text() for item in values.selectedItems()] == ["green"]
    QTest.keyClick(search, Qt.Key.Key_Return)
    opened.until(lambda: [one.name for one in opened.document.direction_search.found] == ["color: green"])
    opened.type_into("directions_search", "size")
    assert box.currentData() == "size", "an attribute without values is found by its own name"
    search.setText("nothing has this name")
    assert box.currentIndex() == -1
    assert not opened.find(QPushButton, "directions_find").isEnabled()
    search.clear()
    assert not values.selectedItems()


def choose(driver: WindowDriver, name: str, value: object) -> None:
    box = driver.find(QComboBox, name)
    box.setCurrentIndex(box.findData(value))


def find(driver: WindowDriver, attribute: str | None) -> None:
    choose(driver, "directions_attribute", attribute)
    found: list[bool] = []
    driver.document.direction_search.found_changed.connect(lambda: found.append(True))
    driver.click("directions_find")
    driver.until(lambda: bool(found))
    driver.until(lambda: driver.document.jobs == ())


def test_what_is_found_is_said_with_whether_it_is_real(opened: WindowDriver) -> None:
    find(opened, "color")
    dialog = opened.find(FindDirectionsDialog, "directions_dialog")
    names = [dialog.table.topLevelItem(row).text(0) for row in range(dialog.table.topLevelItemCount())]  # type: ignore[union-attr]
    assert names == ["color: red", "color: green", "color: rare"]
    red = opened.document.direction_search.found[0].direction
    known = np.arange(120) != 7
    codes = codes_of(opened)
    expected = attribute_direction(codes[known], (np.arange(120) % 3 == 0)[known])
    np.testing.assert_allclose(red.vector, expected.vector, atol=1e-5)
    assert red.p < 0.01
    assert red.count == (40, 79)
    item = dialog.table.topLevelItem(0)
    assert item is not None
    assert item.toolTip(0) == f"Significant (p = {red.p:.3f}, 200 permutations)"


def test_too_few_are_said_and_left_out(opened: WindowDriver) -> None:
    find(opened, "rare")
    assert opened.document.direction_search.found == ()
    assert "at least 5" in opened.find(QLabel, "directions_words").text()
    assert not opened.find(QPushButton, "directions_keep").isEnabled()
    find(opened, "rarer")
    assert opened.document.direction_search.found == ()
    assert "(2 more)" in opened.find(QLabel, "directions_words").text()


def test_kept_directions_are_sliders(opened: WindowDriver) -> None:
    find(opened, "color")
    opened.click("directions_keep")
    assert [one.name for one in opened.document.state.directions] == ["color: red", "color: green", "color: rare"]
    sliders = opened.window.latent.sliders
    assert sliders.row_count == 3
    model = opened.document.model
    assert model is not None
    ruler = Ruler(opened.document.state.directions[0].direction.vector, model.sample.codes)
    start = opened.code.copy()
    assert float(sliders.values[0]) == pytest.approx(ruler.value(start), abs=1e-4)
    opened.document.set_along(0, 2.0)
    assert ruler.value(opened.code) == pytest.approx(2.0, abs=1e-4)
    moved = opened.code - start
    along = opened.document.state.directions[0].direction.vector
    cosine = moved @ along / np.linalg.norm(moved) / np.linalg.norm(along)
    assert abs(cosine) == pytest.approx(1, abs=1e-4), "across it nothing changes"
    opened.document.reset_along(0)
    np.testing.assert_allclose(opened.code, start, atol=1e-4)
    row = sliders.row_rect(1)
    QTest.mouseClick(sliders.viewport(), Qt.MouseButton.LeftButton, pos=row.center())
    opened.click("latent_drop_direction")
    assert [one.name for one in opened.document.state.directions] == ["color: red", "color: rare"]
    opened.document.undo()
    assert len(opened.document.state.directions) == 3


def test_parted_directions_share_nothing(opened: WindowDriver) -> None:
    find(opened, None)
    opened.click("directions_keep")
    opened.click("latent_part_directions")
    vectors = np.stack([one.direction.vector for one in opened.document.state.directions])
    table = vectors @ vectors.T
    np.testing.assert_allclose(table - np.diag(np.diag(table)), 0, atol=1e-4)
    assert opened.undo_label() == "Orthogonalize directions"


def test_a_number_is_parted_at_its_middle(opened: WindowDriver) -> None:
    find(opened, "size")
    (one,) = opened.document.direction_search.found
    assert one.name.startswith("size above ")
    assert one.direction.count == (60, 60)
    assert one.direction.accuracy > 0.6


def test_directions_are_shared_as_a_file(opened: WindowDriver, tmp_path: Path) -> None:
    find(opened, "color")
    opened.click("directions_keep")
    dialog = opened.find(FindDirectionsDialog, "directions_dialog")
    path = tmp_path / "mine.directions.json"
    dialog.save(path)
    kept = opened.document.state.directions
    opened.document.direction_search.drop([0, 1, 2])
    assert len(opened.document.state.directions) == 0
    dialog.open_file(path)
    again: list[NamedDirection] = list(opened.document.state.directions)
    for before, after in zip(kept, again, strict=True):
        assert before.name == after.name
        np.testing.assert_array_equal(before.direction.vector, after.direction.vector)
        assert before.direction.p == after.direction.p
    assert opened.problems == []
    path.write_text(path.read_text().replace('"version":1', '"version":2'))
    dialog.open_file(path)
    assert "version" in str(opened.problems[-1].message)


def test_a_file_of_another_model_is_refused(tmp_path: Path) -> None:
    card = make_model().card.model_copy(update={"files": {"decoder.keras": "a"}})
    other = card.model_copy(update={"files": {"decoder.keras": "b"}})
    direction = Direction(np.ones(2, np.float32), "means", (5, 5), 1.0, 2.0, (0.0, 0.1), 0.005)
    path = tmp_path / "x.directions.json"
    write_directions(path, card, {"up": direction})
    assert list(read_directions(path, card)) == ["up"]
    with pytest.raises(ModelError, match="Open that model"):
        read_directions(path, other)
    record = json.loads(path.read_text())
    for change in ({"vector": [1.0]}, {"vector": ["x", 1]}, {"name": ""}, {"surprise": 1}):
        record["directions"][0] = json.loads(path.read_text())["directions"][0] | change
        bad = tmp_path / "bad.directions.json"
        bad.write_text(json.dumps(record))
        with pytest.raises(ModelError):
            read_directions(bad, card)
    with pytest.raises(ModelError):
        read_directions(tmp_path / "none.json", card)


def test_another_model_has_other_directions(opened: WindowDriver) -> None:
    find(opened, "color")
    opened.click("directions_keep")
    opened.open(make_model(name="other"))
    assert opened.document.state.directions == ()
    direction = Direction(np.ones(5, np.float32), "means", (5, 5), 1.0, 2.0, (0.0, 0.1), 0.005)
    with pytest.raises(UsageError):
        opened.document.direction_search.keep([NamedDirection("long", direction)])


def test_answers_out_of_columns() -> None:
    source = source_with_attributes()
    assert categories(source, "color") == ("red", "green", "rare")
    assert categories(source, None) == ("0", "1", "2", "3")
    assert categories(source, "size") == ()
    ((name, known, has),) = attribute_masks(source, "color", ("green",))
    assert name == "color: green"
    assert not known[7]
    assert has.sum() == 39, "one of them is not known"
    for attribute, values in (("weight", ()), ("color", ("blue",))):
        with pytest.raises(DataError):
            attribute_masks(source, attribute, values)
