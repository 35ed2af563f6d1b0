"""The library: what is at hand, opening it, and what happens where it cannot be opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_source, write_bundle
from explorer_testing.codec import MatrixCodec
from explorer_testing.window import Desk, drag
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from explorer.data.sources import known_sources
from explorer.models.bundle import find_bundles


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


def open_from_list(desk: Desk, name: str) -> None:
    before = desk.document.model
    desk.click_item(desk.window.library.item_of("model", name))
    desk.until(lambda: desk.document.model is not before)


def test_it_lists_bundles_and_pictures(models: Path, desk: Desk) -> None:
    library = desk.window.library
    for found in find_bundles():
        item = library.item_of("model", found.path.name)
        assert item is not None
        assert found.bundle is not None
        assert item.text(1) == f"{found.bundle.card.latent_dim}-D"
    for source in known_sources():
        item = library.item_of("source", source.name)
        assert item is not None
        assert bool(item.flags() & Qt.ItemFlag.ItemIsEnabled) == (source.status != "missing")


def test_a_click_opens_the_model(models: Path, desk: Desk) -> None:
    desk.document.open(source=make_source())
    open_from_list(desk, "one")
    desk.settle()
    model = desk.document.model
    assert model is not None
    assert model.path == models / "one"
    item = desk.window.library.item_of("model", "one")
    assert item is not None
    assert item.font(0).bold()
    assert desk.window.windowTitle().startswith("one")
    source = desk.document.source
    assert source is not None
    assert source.name == "tiny", "a model without pictures of its own leaves the open ones"


def test_return_opens_too(models: Path, desk: Desk) -> None:
    library = desk.window.library
    item = library.item_of("model", "two")
    assert item is not None
    library.tree.setFocus()
    library.tree.setCurrentItem(item)
    QTest.keyClick(library.tree, Qt.Key.Key_Return)
    desk.until(lambda: desk.document.model is not None)
    assert desk.document.model is not None
    assert desk.document.model.name == "two"


def test_a_click_opens_embedded_pictures(models: Path, desk: Desk) -> None:
    desk.click_item(desk.window.library.item_of("source", "digits"))
    desk.until(lambda: desk.document.source is not None)
    assert desk.document.source is not None
    assert desk.document.source.count == 10_000


def test_a_damaged_bundle_says_so_and_the_last_model_still_works(models: Path, desk: Desk) -> None:
    desk.document.open(source=make_source())
    open_from_list(desk, "one")
    desk.settle()
    model = desk.document.model
    damage(models / "two")
    desk.document.library_changed.emit()
    desk.click_item(desk.window.library.item_of("model", "two"))
    desk.until(lambda: bool(desk.problems))
    bar = desk.window.problem_bar
    assert bar.isVisible()
    assert "decoder.onnx" in bar.text
    assert "damaged" in bar.text
    assert desk.document.model is model
    before, sliders = desk.window.stage.edited.image, desk.window.latent.sliders
    drag(sliders.viewport(), [sliders.handle_position(0, value) for value in (0.0, 2.0)])
    desk.until_edited_shows(desk.code)
    assert desk.window.stage.edited.image != before
    desk.click("problem_dismiss")
    assert not bar.isVisible()


def test_a_bundle_damaged_since_it_was_listed(models: Path, desk: Desk) -> None:
    item = desk.window.library.item_of("model", "two")
    damage(models / "two")
    desk.click_item(item)
    desk.until(lambda: bool(desk.problems))
    assert "decoder.onnx" in desk.window.problem_bar.text
    assert desk.document.model is None


def test_a_bundle_without_a_part_is_listed_as_damaged_and_says_why(models: Path, desk: Desk) -> None:
    (models / "two" / "codes.npz").unlink()
    desk.document.library_changed.emit()
    item = desk.window.library.item_of("model", "two")
    assert item is not None
    assert item.text(1) == "damaged"
    assert "codes.npz" in item.toolTip(0)


def test_a_folder_with_unreadable_pictures_says_how_many_were_skipped(desk: Desk, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        Image.fromarray(rng.integers(0, 256, (12, 10), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    desk.document.open_source_requested.emit(str(tmp_path))
    desk.until(lambda: desk.document.source is not None)
    data = desk.find(QLabel, "status_data")
    assert "3 pictures" in data.text()
    assert "1 skipped" in data.text()
    assert "broken.png" in data.toolTip()
    desk.document.open(source=make_source())
    assert "broken.png" not in data.toolTip(), "the next source has its own"


def test_pictures_that_do_not_exist(desk: Desk, tmp_path: Path) -> None:
    desk.open()
    source = desk.document.source
    desk.document.open_source_requested.emit(str(tmp_path / "gone"))
    desk.until(lambda: bool(desk.problems))
    assert "gone" in desk.window.problem_bar.text
    assert desk.document.source is source
