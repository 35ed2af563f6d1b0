"""In and out of the window: what is dropped or pasted, what is copied or dragged away."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model, make_source, write_bundle
from explorer_testing.drops import drop, files, hover
from explorer_testing.window import WindowDriver, array_of
from numpy.testing import assert_allclose
from PIL import Image, ImageChops
from PySide6.QtCore import QByteArray, QMimeData, QPoint, Qt
from PySide6.QtGui import QAction, QDrag, QDragLeaveEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from explorer.data.preprocessing import to_floats
from explorer.data.source import ArraySource, Facts
from explorer.data.splits import random_splits
from explorer.document.views.image import IMAGE, ImageView
from explorer.document.views.neighbors import NEIGHBORS, NeighborsView
from explorer.models.bundle import FIRST_MODEL
from explorer.types import Floats
from explorer.ui.dialogs.import_model import ImportDialog
from explorer.ui.dragging import code_of, files_of
from explorer.ui.widgets.elided_label import ElidedLabel

MIDDLE = QPoint(600, 300)


def colors(mode: str, size: tuple[int, int]) -> Image.Image:
    """An image of that mode, of colors that are all different."""
    width, height = size
    noise = np.random.default_rng(3).integers(0, 256, (height, width, 4), dtype=np.uint8)
    if mode == "I;16":
        return Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    return Image.fromarray(noise).convert(mode)


def code_of_image(driver: WindowDriver, path: Path) -> Floats:
    """What the open model makes of a file, prepared as its data were, computed here."""
    model = driver.document.model
    assert model is not None
    with Image.open(path) as pil_image:
        pixels = model.card.preprocessing.pixels(pil_image)
    return model.codec.encode(to_floats(pixels[None])).reshape(-1)


def until_imported_image(driver: WindowDriver) -> ImageView:
    """Wait until an image of its own is encoded."""
    driver.until(
        lambda: driver.document.state.imported_image is not None and isinstance(driver.document.views[IMAGE], ImageView)
    )
    driver.until(lambda: driver.document.code is not None)
    view = driver.document.views[IMAGE]
    assert isinstance(view, ImageView)
    return view


@pytest.mark.parametrize(
    ("mode", "size", "ending"),
    [
        ("RGB", (400, 301), ".png"),
        ("RGBA", (17, 90), ".png"),
        ("L", (1, 1), ".png"),
        ("LA", (64, 64), ".webp"),
        ("P", (33, 44), ".gif"),
        ("1", (60, 20), ".bmp"),
        ("CMYK", (80, 80), ".jpg"),
        ("I;16", (50, 40), ".tif"),
    ],
)
def test_a_dropped_image_of_any_size_and_mode_is_encoded(
    driver: WindowDriver, tmp_path: Path, mode: str, size: tuple[int, int], ending: str
) -> None:
    driver.open()
    source, path = driver.document.source, tmp_path / f"mine{ending}"
    colors(mode, size).save(path)
    assert drop(driver.window, files(path), MIDDLE)
    view = until_imported_image(driver)
    assert driver.document.source is source, "the data stay"
    assert_allclose(driver.code, code_of_image(driver, path), atol=1e-4)
    stage = driver.window.stage
    driver.until(lambda: stage.reconstruction.detail.startswith(f"MSE {view.mse:.4f}"))
    assert view.mse == pytest.approx(float(((view.original - view.reconstruction) ** 2).mean()), rel=1e-4)
    sliders = driver.window.latent.sliders.values
    model = driver.document.model
    assert model is not None
    statistics = model.sample.statistics
    assert_allclose(sliders, (driver.code - statistics.mean) / statistics.sigma, atol=1e-4)
    assert f"mine{ending}" in driver.find(ElidedLabel, "stage_heading").text()


def test_a_dropped_image_shows_its_neighbors_among_the_data(driver: WindowDriver, tmp_path: Path) -> None:
    driver.open()
    driver.tab("Neighbors")
    driver.until(lambda: isinstance(driver.document.views[NEIGHBORS], NeighborsView))
    source, model = driver.document.source, driver.document.model
    assert source is not None
    assert model is not None
    path = tmp_path / "imported.png"
    source.pil_image(7).resize((200, 240), Image.Resampling.NEAREST).save(path)
    assert drop(driver.window, files(path), MIDDLE)
    until_imported_image(driver)
    codes = model.codec.encode(to_floats(source.read(np.arange(source.count), model.card.preprocessing)))
    order = np.argsort(np.linalg.norm(codes - driver.code, axis=1))

    def shown() -> bool:
        view = driver.document.views[NEIGHBORS]
        return isinstance(view, NeighborsView) and view.indices.tolist() == order[: len(view.indices)].tolist()

    driver.until(shown)
    assert order[0] == 7


def test_an_imported_image_goes_when_an_image_is_chosen_and_comes_back_with_undo(
    driver: WindowDriver, tmp_path: Path
) -> None:
    driver.open()
    first = driver.code.copy()
    heading, caption = driver.find(ElidedLabel, "stage_heading"), driver.find(QLabel, "gallery_caption")
    place, words = heading.geometry().center().y(), caption.text()
    colors("RGB", (40, 40)).save(tmp_path / "imported.png")
    drop(driver.window, files(tmp_path / "imported.png"), MIDDLE)
    until_imported_image(driver)
    imported_image = driver.code.copy()
    assert driver.find(QPushButton, "stage_invert").isVisible()
    assert heading.geometry().center().y() == place, "the button moves nothing"
    assert caption.text() == "imported.png (not in this dataset)"
    view = driver.window.gallery.view
    spot = view.visualRect(driver.window.gallery.model.index(0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    driver.until(lambda: driver.document.state.imported_image is None and driver.document.code is not None)
    assert_allclose(driver.code, first, atol=1e-6)
    assert caption.text() == words
    driver.shortcut("action_undo")
    until_imported_image(driver)
    assert_allclose(driver.code, imported_image, atol=1e-6)
    driver.shortcut("action_undo")
    driver.until(lambda: driver.document.state.imported_image is None and driver.document.code is not None)
    assert_allclose(driver.code, first, atol=1e-6)


def test_an_imported_image_stays_with_another_model_and_is_prepared_again(driver: WindowDriver, tmp_path: Path) -> None:
    driver.open()
    colors("RGB", (40, 40)).save(tmp_path / "imported.png")
    drop(driver.window, files(tmp_path / "imported.png"), MIDDLE)
    until_imported_image(driver)
    driver.document.open(make_model(image_shape=(16, 16, 3), latent_dim=3, name="other"))
    driver.until(lambda: driver.document.code is not None and len(driver.code) == 3)
    assert_allclose(driver.code, code_of_image(driver, tmp_path / "imported.png"), atol=1e-4)


def test_an_image_is_pasted(driver: WindowDriver) -> None:
    driver.open()
    qimage = QImage(90, 40, QImage.Format.Format_ARGB32)
    qimage.fill(Qt.GlobalColor.darkCyan)
    QApplication.clipboard().setImage(qimage)
    driver.shortcut("action_paste")
    until_imported_image(driver)
    model = driver.document.model
    assert model is not None
    pixels = model.card.preprocessing.pixels(Image.new("RGB", (90, 40), (0, 128, 128)))
    assert_allclose(driver.code, model.codec.encode(to_floats(pixels[None]))[0], atol=1e-4)
    imported_image = driver.document.state.imported_image
    assert imported_image is not None
    assert imported_image.title == "Pasted image"


def test_a_file_s_own_bytes_are_taken_before_what_qt_made_of_them(driver: WindowDriver) -> None:
    driver.open()
    raw = io.BytesIO()
    colors("I;16", (30, 30)).save(raw, "PNG")
    mime = QMimeData()
    mime.setData("image/png", QByteArray(raw.getvalue()))
    assert drop(driver.window, mime, MIDDLE)
    until_imported_image(driver)
    model = driver.document.model
    assert model is not None
    pixels = model.card.preprocessing.pixels(colors("I;16", (30, 30)))
    assert_allclose(driver.code, model.codec.encode(to_floats(pixels[None]))[0], atol=1e-4)


def test_a_drawing_that_is_dark_on_light_can_be_inverted(driver: WindowDriver, tmp_path: Path) -> None:
    ground = np.zeros((30, 12, 10, 1), np.uint8)
    ground[:, 4:8, 3:7] = 220
    source = ArraySource(Facts("light", "Light on dark", "/nowhere"), ground, random_splits(30))
    model = make_model()
    driver.open(replace(model, sample=replace(model.sample, thumbnails=ground)), source)
    said: list[str] = []
    driver.document.announced.connect(lambda news: said.append(str(news)))
    invert = driver.window.findChild(QAction, "action_invert_imported_image")
    assert invert is not None
    assert not invert.isEnabled()
    drawing = Image.new("L", (60, 72), 255)
    drawing.paste(20, (25, 25, 40, 50))
    drawing.save(tmp_path / "dark.png")
    drop(driver.window, files(tmp_path / "dark.png"), MIDDLE)
    until_imported_image(driver)
    driver.until(lambda: bool(said))
    assert "Ctrl+Shift+I" in str(said[0])
    before = driver.code.copy()
    driver.shortcut("action_invert_imported_image")
    driver.until(lambda: driver.document.code is not None and not np.array_equal(driver.document.code, before))
    negative = model.card.preprocessing.pixels(ImageChops.invert(drawing))
    assert_allclose(driver.code, model.codec.encode(to_floats(negative[None]))[0], atol=1e-4)
    assert driver.undo_label() == "Invert colors"
    said.clear()
    ImageChops.invert(drawing).save(tmp_path / "light.png")
    drop(driver.window, files(tmp_path / "light.png"), MIDDLE)
    driver.until(
        lambda: (
            driver.document.state.imported_image is not None
            and driver.document.state.imported_image.title == "light.png"
        )
    )
    assert not said


def test_of_a_dropped_animation_the_first_frame_is_encoded_and_it_says_so(driver: WindowDriver, tmp_path: Path) -> None:
    driver.open()
    said: list[str] = []
    driver.document.announced.connect(lambda news: said.append(str(news)))
    path = tmp_path / "film.gif"
    frames = [colors("L", (30, 30)), *(Image.new("L", (30, 30), value) for value in (10, 20))]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert drop(driver.window, files(path), MIDDLE)
    until_imported_image(driver)
    assert_allclose(driver.code, code_of_image(driver, path), atol=1e-4)
    assert said[-1].startswith("film.gif has 3 frames, and this is the first.")


def test_what_is_no_image_says_so_and_changes_nothing(driver: WindowDriver, tmp_path: Path) -> None:
    driver.open()
    before = driver.document.state
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    drop(driver.window, files(tmp_path / "broken.png"), MIDDLE)
    driver.until(lambda: bool(driver.problems))
    assert "broken.png" in str(driver.problems[0].message)
    mime = QMimeData()
    mime.setData("image/png", QByteArray(b"no image at all"))
    drop(driver.window, mime, MIDDLE)
    driver.until(lambda: len(driver.problems) == 2)
    assert driver.document.state is before


def test_if_nothing_is_open_the_first_model_encodes_an_image(driver: WindowDriver, tmp_path: Path) -> None:
    colors("L", (20, 20)).save(tmp_path / "one.png")
    driver.window.center.show_start_page()
    drop(driver.window, files(tmp_path / "one.png"), MIDDLE)
    driver.until(lambda: driver.document.state.imported_image is not None)
    driver.settle()
    model = driver.document.model
    assert model is not None
    assert model.name == FIRST_MODEL
    assert not driver.window.center.start_page.isVisible()
    assert driver.undo_label() == "Import one.png"


def test_without_a_model_a_single_image_is_opened_as_images(driver: WindowDriver, tmp_path: Path) -> None:
    colors("L", (20, 20)).save(tmp_path / "one.png")
    driver.document.open(source=make_source())
    drop(driver.window, files(tmp_path / "one.png"), MIDDLE)
    driver.until(lambda: driver.document.source is not None and driver.document.source.count == 1)
    mime = QMimeData()
    raw = io.BytesIO()
    colors("L", (20, 20)).save(raw, "PNG")
    mime.setData("image/png", QByteArray(raw.getvalue()))
    drop(driver.window, mime, MIDDLE)
    driver.until(lambda: bool(driver.problems))
    assert "encoder" in str(driver.problems[0].message)


def test_several_images_from_anywhere_become_one_set_in_their_order(driver: WindowDriver, tmp_path: Path) -> None:
    driver.open()
    paths = []
    for number, gray in enumerate((10, 200, 90)):
        (tmp_path / str(number)).mkdir()
        paths.append(tmp_path / str(number) / "same name.png")
        Image.new("L", (12, 12), gray).save(paths[-1])
    QApplication.clipboard().setMimeData(files(*paths))
    driver.shortcut("action_paste")
    driver.until(lambda: driver.document.source is not None and driver.document.source.count == 3)
    source = driver.document.source
    assert source is not None
    assert [source.pil_image(place).getpixel((0, 0)) for place in range(3)] == [10, 200, 90]
    assert Path(source.spec).is_dir(), "a training's process finds them again"


def test_a_bundle_and_a_folder_dropped_together_are_both_opened(
    driver: WindowDriver, tmp_path: Path, explorer_home: Path
) -> None:
    write_bundle(explorer_home / "models" / "mine")
    (tmp_path / "images").mkdir()
    for number in range(2):
        Image.new("L", (12, 10), 80 * number).save(tmp_path / "images" / f"{number}.png")
    drop(driver.window, files(explorer_home / "models" / "mine", tmp_path / "images"), MIDDLE)
    driver.until(lambda: driver.document.model is not None)
    driver.until(lambda: driver.document.source is not None and driver.document.source.count == 2)


def test_a_keras_file_brings_the_import_dialog(driver: WindowDriver, tmp_path: Path) -> None:
    (tmp_path / "theirs.h5").write_bytes(b"\x89HDF\r\n\x1a\n and nothing that could be read")
    assert hover(driver.window, files(tmp_path / "theirs.h5"), MIDDLE)
    assert driver.window.clipboard_dnd.overlay.words == "Drop to open model or images theirs.h5"
    drop(driver.window, files(tmp_path / "theirs.h5"), MIDDLE)
    driver.until(lambda: any(dialog.isVisible() for dialog in driver.window.findChildren(ImportDialog)))
    dialog = driver.window.findChild(ImportDialog)
    assert dialog is not None
    driver.until(lambda: driver.document.imports.view.phase == "failed")
    dialog.close()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("model.keras",), "Drop to import model model.keras"),
        (("3dshapes.hdf5",), "Drop to open model or images 3dshapes.hdf5"),
        (("enc.h5", "dec.h5"), "Drop to import encoder and decoder"),
        (("test_x.h5", "test_y.h5"), "Drop to open 2 files"),
    ],
)
def test_the_overlay_says_that_hdf5_has_models_or_images(
    driver: WindowDriver, tmp_path: Path, names: tuple[str, ...], words: str
) -> None:
    assert hover(driver.window, files(*(tmp_path / name for name in names)), MIDDLE)
    assert driver.window.clipboard_dnd.overlay.words == words


def test_the_overlay_says_what_a_drop_would_do_and_goes_again(driver: WindowDriver, tmp_path: Path) -> None:
    driver.open()
    overlay = driver.window.clipboard_dnd.overlay
    before = driver.window.grab().toImage()
    assert hover(driver.window, files(tmp_path), MIDDLE)
    assert overlay.isVisible()
    assert tmp_path.name in overlay.words
    assert driver.window.grab().toImage() != before
    QApplication.sendEvent(driver.window, QDragLeaveEvent())
    assert not overlay.isVisible()
    assert hover(driver.window, files(tmp_path, tmp_path), MIDDLE)
    assert "2 files" in overlay.words
    colors("L", (8, 8)).save(tmp_path / "a.png")
    drop(driver.window, files(tmp_path / "a.png"), MIDDLE)
    assert not overlay.isVisible()
    until_imported_image(driver)


# -- out ---------------------------------------------------------------------------------------------------------------


def test_the_edited_image_is_copied_pixel_by_pixel(driver: WindowDriver) -> None:
    driver.open()
    driver.document.set_code(as_floats(0.5, -0.25))
    driver.until_edited_shows(driver.code)
    driver.shortcut("action_copy_image")
    copied = QApplication.clipboard().image()
    shown = driver.window.stage.edited.image
    assert shown is not None
    np.testing.assert_array_equal(
        array_of(copied.convertToFormat(QImage.Format.Format_RGB888)),
        array_of(shown.convertToFormat(QImage.Format.Format_RGB888)),
    )


def test_a_code_is_copied_as_text_and_pasted_again(driver: WindowDriver) -> None:
    driver.open()
    driver.document.set_code(as_floats(0.5, -0.25))
    driver.shortcut("action_copy_code")
    assert json.loads(QApplication.clipboard().text()) == [0.5, -0.25]
    driver.document.reset_code()
    driver.shortcut("action_paste")
    np.testing.assert_array_equal(driver.code, as_floats(0.5, -0.25))
    assert driver.undo_label() == "Paste code"
    QApplication.clipboard().setText("  1.5,\t-2e-1 ")
    driver.shortcut("action_paste")
    assert_allclose(driver.code, [1.5, -0.2], atol=1e-6)


@pytest.mark.parametrize("text", ["some words", "", "1, 2, 3", "nan, 1", "1e99, 0"])
def test_what_is_no_code_of_the_model_is_refused(driver: WindowDriver, text: str) -> None:
    driver.open()
    before = driver.code
    QApplication.clipboard().setText(text)
    driver.shortcut("action_paste")
    assert len(driver.problems) == 1
    assert driver.code is before


def test_nothing_to_copy_says_what_to_do(driver: WindowDriver) -> None:
    driver.shortcut("action_copy_image")
    driver.shortcut("action_copy_code")
    assert [("library" in str(problem.message)) for problem in driver.problems] == [True, True]


def test_a_field_keeps_the_clipboard_s_keys(driver: WindowDriver) -> None:
    driver.open()
    field = driver.window.latent.filter
    field.setFocus()
    QTest.keyClicks(field, "0-1")
    QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(field, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == "0-1"
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert field.text() == "0-1"
    assert not driver.problems


def test_the_edited_image_is_dragged_onto_the_timeline(driver: WindowDriver) -> None:
    driver.open()
    driver.document.set_code(as_floats(0.5, -0.25))
    driver.until_edited_shows(driver.code)
    frame, track = driver.window.stage.edited, driver.window.timeline.track
    start = frame.image_rect().center().toPoint()
    QTest.mousePress(frame, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(frame, start + QPoint(2, 2))
    assert not frame.findChildren(QDrag), "a hand that trembles drags nothing"
    QTest.mouseMove(frame, start + QPoint(30, 30))
    (drag,) = frame.findChildren(QDrag)
    assert not drag.pixmap().isNull()
    assert drop(track, drag.mimeData(), QPoint(60, 40))
    driver.until(lambda: len(driver.document.state.keyframes) == 1)
    np.testing.assert_array_equal(driver.document.state.keyframes[0].code, as_floats(0.5, -0.25))


def test_a_dragged_image_is_a_file_for_other_programs(driver: WindowDriver, explorer_home: Path) -> None:
    driver.open()
    content = driver.window.clipboard_dnd.content_of(driver.window.stage.edited, "edited", edited=True)
    assert content is not None
    mime, look = content
    assert not look.isNull()
    (path,) = files_of(mime)
    assert path.is_relative_to(explorer_home)
    with Image.open(path) as pil_image:
        assert pil_image.size == (10, 12)
    carried = code_of(mime)
    assert carried is not None
    np.testing.assert_array_equal(carried, driver.code)
    other = driver.window.clipboard_dnd.content_of(driver.window.stage.original, "original")
    assert other is not None
    assert code_of(other[0]) is None


def test_a_place_that_cannot_be_written_to_is_reported(driver: WindowDriver, explorer_home: Path) -> None:
    driver.open()
    (explorer_home / "cache").mkdir(exist_ok=True)
    (explorer_home / "cache" / "dragged").write_text("in the way")
    assert driver.window.clipboard_dnd.content_of(driver.window.stage.edited, "edited") is None
    assert len(driver.problems) == 1


def test_a_press_without_a_move_is_no_drag(driver: WindowDriver) -> None:
    driver.open()
    frame = driver.window.stage.edited
    QTest.mousePress(frame, Qt.MouseButton.LeftButton, pos=QPoint(40, 40))
    QTest.mouseMove(frame, QPoint(41, 41))
    QTest.mouseRelease(frame, Qt.MouseButton.LeftButton, pos=QPoint(41, 41))
    assert not frame.findChildren(QDrag)
