"""In and out of the window: what is dropped or pasted, what is copied or dragged away."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model, write_bundle
from explorer_testing.drops import drop, files, hover
from explorer_testing.window import Desk, array_of
from numpy.testing import assert_allclose
from PIL import Image, ImageChops
from PySide6.QtCore import QByteArray, QMimeData, QPoint, Qt
from PySide6.QtGui import QAction, QDrag, QDragLeaveEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from explorer.data.preprocessing import to_floats
from explorer.data.source import ArraySource, Facts
from explorer.data.splits import random_splits
from explorer.document.views import NeighboursView, PictureView
from explorer.types import Floats
from explorer.ui.dialogs.import_model import ImportDialog
from explorer.ui.dragging import code_of, files_of
from explorer.ui.widgets.elided_label import ElidedLabel

MIDDLE = QPoint(600, 300)


def colours(mode: str, size: tuple[int, int]) -> Image.Image:
    """A picture of that mode, of colours that are all different."""
    width, height = size
    noise = np.random.default_rng(3).integers(0, 256, (height, width, 4), dtype=np.uint8)
    if mode == "I;16":
        return Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    return Image.fromarray(noise).convert(mode)


def code_of_picture(desk: Desk, path: Path) -> Floats:
    """What the open model makes of a file, prepared as its data were, computed here."""
    model = desk.document.model
    assert model is not None
    with Image.open(path) as picture:
        pixels = model.card.preprocessing.pixels(picture)
    return model.codec.encode(to_floats(pixels[None])).reshape(-1)


def until_guest(desk: Desk) -> PictureView:
    """Wait until a picture of its own is encoded."""
    desk.until(lambda: desk.document.guest is not None and isinstance(desk.document.picture_view, PictureView))
    desk.until(lambda: desk.document.code is not None)
    view = desk.document.picture_view
    assert isinstance(view, PictureView)
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
def test_a_dropped_picture_of_any_size_and_mode_is_encoded(
    desk: Desk, tmp_path: Path, mode: str, size: tuple[int, int], ending: str
) -> None:
    desk.open()
    source, path = desk.document.source, tmp_path / f"mine{ending}"
    colours(mode, size).save(path)
    assert drop(desk.window, files(path), MIDDLE)
    view = until_guest(desk)
    assert desk.document.source is source, "the data stay"
    assert_allclose(desk.code, code_of_picture(desk, path), atol=1e-4)
    stage = desk.window.stage
    desk.until(lambda: stage.reconstruction.detail.startswith(f"MSE {view.mse:.4f}"))
    assert view.mse == pytest.approx(float(((view.original - view.reconstruction) ** 2).mean()), rel=1e-4)
    sliders = desk.window.latent.sliders.values
    model = desk.document.model
    assert model is not None
    statistics = model.sample.statistics
    assert_allclose(sliders, (desk.code - statistics.mean) / statistics.sigma, atol=1e-4)
    assert f"mine{ending}" in desk.find(ElidedLabel, "stage_heading").text()


def test_a_dropped_picture_shows_its_neighbours_among_the_data(desk: Desk, tmp_path: Path) -> None:
    desk.open()
    desk.tab("Neighbors")
    desk.until(lambda: isinstance(desk.document.neighbours_view, NeighboursView))
    source, model = desk.document.source, desk.document.model
    assert source is not None
    assert model is not None
    path = tmp_path / "guest.png"
    source.picture(7).resize((200, 240), Image.Resampling.NEAREST).save(path)
    assert drop(desk.window, files(path), MIDDLE)
    until_guest(desk)
    codes = model.codec.encode(to_floats(source.read(np.arange(source.count), model.card.preprocessing)))
    order = np.argsort(np.linalg.norm(codes - desk.code, axis=1))

    def shown() -> bool:
        view = desk.document.neighbours_view
        return isinstance(view, NeighboursView) and view.indices.tolist() == order[: len(view.indices)].tolist()

    desk.until(shown)
    assert order[0] == 7


def test_a_guest_goes_when_a_picture_is_chosen_and_comes_back_with_undo(desk: Desk, tmp_path: Path) -> None:
    desk.open()
    first = desk.code.copy()
    heading, caption = desk.find(ElidedLabel, "stage_heading"), desk.find(QLabel, "gallery_caption")
    place, words = heading.geometry().center().y(), caption.text()
    colours("RGB", (40, 40)).save(tmp_path / "guest.png")
    drop(desk.window, files(tmp_path / "guest.png"), MIDDLE)
    until_guest(desk)
    guest = desk.code.copy()
    assert desk.find(QPushButton, "stage_invert").isVisible()
    assert heading.geometry().center().y() == place, "the button moves nothing"
    assert caption.text() == "guest.png (not in this dataset)"
    view = desk.window.gallery.view
    spot = view.visualRect(desk.window.gallery.model.index(0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    desk.until(lambda: desk.document.guest is None and desk.document.code is not None)
    assert_allclose(desk.code, first, atol=1e-6)
    assert caption.text() == words
    desk.shortcut("action_undo")
    until_guest(desk)
    assert_allclose(desk.code, guest, atol=1e-6)
    desk.shortcut("action_undo")
    desk.until(lambda: desk.document.guest is None and desk.document.code is not None)
    assert_allclose(desk.code, first, atol=1e-6)


def test_a_guest_stays_with_another_model_and_is_prepared_anew(desk: Desk, tmp_path: Path) -> None:
    desk.open()
    colours("RGB", (40, 40)).save(tmp_path / "guest.png")
    drop(desk.window, files(tmp_path / "guest.png"), MIDDLE)
    until_guest(desk)
    desk.document.open(make_model(image_shape=(16, 16, 3), latent_dim=3, name="other"))
    desk.until(lambda: desk.document.code is not None and len(desk.code) == 3)
    assert_allclose(desk.code, code_of_picture(desk, tmp_path / "guest.png"), atol=1e-4)


def test_a_picture_is_pasted(desk: Desk) -> None:
    desk.open()
    image = QImage(90, 40, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.darkCyan)
    QApplication.clipboard().setImage(image)
    desk.shortcut("action_paste")
    until_guest(desk)
    model = desk.document.model
    assert model is not None
    pixels = model.card.preprocessing.pixels(Image.new("RGB", (90, 40), (0, 128, 128)))
    assert_allclose(desk.code, model.codec.encode(to_floats(pixels[None]))[0], atol=1e-4)
    guest = desk.document.guest
    assert guest is not None
    assert guest.title == "Pasted image"


def test_a_file_s_own_bytes_are_taken_before_what_qt_made_of_them(desk: Desk) -> None:
    desk.open()
    raw = io.BytesIO()
    colours("I;16", (30, 30)).save(raw, "PNG")
    mime = QMimeData()
    mime.setData("image/png", QByteArray(raw.getvalue()))
    assert drop(desk.window, mime, MIDDLE)
    until_guest(desk)
    model = desk.document.model
    assert model is not None
    pixels = model.card.preprocessing.pixels(colours("I;16", (30, 30)))
    assert_allclose(desk.code, model.codec.encode(to_floats(pixels[None]))[0], atol=1e-4)


def test_a_drawing_that_is_dark_on_light_can_be_inverted(desk: Desk, tmp_path: Path) -> None:
    ground = np.zeros((30, 12, 10, 1), np.uint8)
    ground[:, 4:8, 3:7] = 220
    source = ArraySource(Facts("light", "Light on dark", "/nowhere"), ground, random_splits(30))
    model = make_model()
    desk.open(replace(model, sample=replace(model.sample, thumbnails=ground)), source)
    said: list[str] = []
    desk.document.announced.connect(said.append)
    invert = desk.window.findChild(QAction, "action_invert_guest")
    assert invert is not None
    assert not invert.isEnabled()
    drawing = Image.new("L", (60, 72), 255)
    drawing.paste(20, (25, 25, 40, 50))
    drawing.save(tmp_path / "dark.png")
    drop(desk.window, files(tmp_path / "dark.png"), MIDDLE)
    until_guest(desk)
    desk.until(lambda: bool(said))
    assert "Ctrl+Shift+I" in said[0]
    before = desk.code.copy()
    desk.shortcut("action_invert_guest")
    desk.until(lambda: desk.document.code is not None and not np.array_equal(desk.document.code, before))
    negative = model.card.preprocessing.pixels(ImageChops.invert(drawing))
    assert_allclose(desk.code, model.codec.encode(to_floats(negative[None]))[0], atol=1e-4)
    assert desk.undo_label() == "Invert colors"
    said.clear()
    ImageChops.invert(drawing).save(tmp_path / "light.png")
    drop(desk.window, files(tmp_path / "light.png"), MIDDLE)
    desk.until(lambda: desk.document.guest is not None and desk.document.guest.title == "light.png")
    assert not said


def test_what_is_no_picture_says_so_and_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    desk.open()
    before = desk.document.state
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    drop(desk.window, files(tmp_path / "broken.png"), MIDDLE)
    desk.until(lambda: bool(desk.problems))
    assert "broken.png" in str(desk.problems[0].message)
    mime = QMimeData()
    mime.setData("image/png", QByteArray(b"no picture at all"))
    drop(desk.window, mime, MIDDLE)
    desk.until(lambda: len(desk.problems) == 2)
    assert desk.document.state is before


def test_without_a_model_a_single_picture_is_opened_as_pictures(desk: Desk, tmp_path: Path) -> None:
    colours("L", (20, 20)).save(tmp_path / "one.png")
    drop(desk.window, files(tmp_path / "one.png"), MIDDLE)
    desk.until(lambda: desk.document.source is not None and desk.document.source.count == 1)
    mime = QMimeData()
    raw = io.BytesIO()
    colours("L", (20, 20)).save(raw, "PNG")
    mime.setData("image/png", QByteArray(raw.getvalue()))
    drop(desk.window, mime, MIDDLE)
    desk.until(lambda: bool(desk.problems))
    assert "encoder" in str(desk.problems[0].message)


def test_several_pictures_from_anywhere_become_one_set_in_their_order(desk: Desk, tmp_path: Path) -> None:
    desk.open()
    paths = []
    for number, grey in enumerate((10, 200, 90)):
        (tmp_path / str(number)).mkdir()
        paths.append(tmp_path / str(number) / "same name.png")
        Image.new("L", (12, 12), grey).save(paths[-1])
    QApplication.clipboard().setMimeData(files(*paths))
    desk.shortcut("action_paste")
    desk.until(lambda: desk.document.source is not None and desk.document.source.count == 3)
    source = desk.document.source
    assert source is not None
    assert [source.picture(place).getpixel((0, 0)) for place in range(3)] == [10, 200, 90]
    assert Path(source.spec).is_dir(), "a training's process finds them again"


def test_a_bundle_and_a_folder_dropped_together_are_both_opened(
    desk: Desk, tmp_path: Path, explorer_home: Path
) -> None:
    write_bundle(explorer_home / "models" / "mine")
    (tmp_path / "pictures").mkdir()
    for number in range(2):
        Image.new("L", (12, 10), 80 * number).save(tmp_path / "pictures" / f"{number}.png")
    drop(desk.window, files(explorer_home / "models" / "mine", tmp_path / "pictures"), MIDDLE)
    desk.until(lambda: desk.document.model is not None)
    desk.until(lambda: desk.document.source is not None and desk.document.source.count == 2)


def test_a_keras_file_brings_the_import_dialog(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "theirs.h5").write_bytes(b"\x89HDF\r\n\x1a\n and nothing that could be read")
    assert hover(desk.window, files(tmp_path / "theirs.h5"), MIDDLE)
    assert "import" in desk.window.exchange.veil.words
    drop(desk.window, files(tmp_path / "theirs.h5"), MIDDLE)
    desk.until(lambda: any(dialog.isVisible() for dialog in desk.window.findChildren(ImportDialog)))
    dialog = desk.window.findChild(ImportDialog)
    assert dialog is not None
    desk.until(lambda: desk.document.imports.view.phase == "failed")
    dialog.close()


def test_a_session_is_asked_for_by_its_path(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "work.latent").write_bytes(b"")
    asked: list[str] = []
    desk.document.open_source_requested.connect(asked.append)
    drop(desk.window, files(tmp_path / "work.latent"), MIDDLE)
    assert asked == [str(tmp_path / "work.latent")]
    desk.until(lambda: not desk.document.jobs)


def test_the_veil_says_what_a_drop_would_do_and_goes_again(desk: Desk, tmp_path: Path) -> None:
    desk.open()
    veil = desk.window.exchange.veil
    before = desk.window.grab().toImage()
    assert hover(desk.window, files(tmp_path), MIDDLE)
    assert veil.isVisible()
    assert tmp_path.name in veil.words
    assert desk.window.grab().toImage() != before
    QApplication.sendEvent(desk.window, QDragLeaveEvent())
    assert not veil.isVisible()
    assert hover(desk.window, files(tmp_path, tmp_path), MIDDLE)
    assert "2 files" in veil.words
    colours("L", (8, 8)).save(tmp_path / "a.png")
    drop(desk.window, files(tmp_path / "a.png"), MIDDLE)
    assert not veil.isVisible()
    until_guest(desk)


# -- out ---------------------------------------------------------------------------------------------------------------


def test_the_edited_picture_is_copied_pixel_by_pixel(desk: Desk) -> None:
    desk.open()
    desk.document.set_code(as_floats(0.5, -0.25))
    desk.until_edited_shows(desk.code)
    desk.shortcut("action_copy_picture")
    copied = QApplication.clipboard().image()
    shown = desk.window.stage.edited.image
    assert shown is not None
    np.testing.assert_array_equal(
        array_of(copied.convertToFormat(QImage.Format.Format_RGB888)),
        array_of(shown.convertToFormat(QImage.Format.Format_RGB888)),
    )


def test_a_code_is_copied_as_text_and_pasted_again(desk: Desk) -> None:
    desk.open()
    desk.document.set_code(as_floats(0.5, -0.25))
    desk.shortcut("action_copy_code")
    assert json.loads(QApplication.clipboard().text()) == [0.5, -0.25]
    desk.document.reset_code()
    desk.shortcut("action_paste")
    np.testing.assert_array_equal(desk.code, as_floats(0.5, -0.25))
    assert desk.undo_label() == "Paste code"
    QApplication.clipboard().setText("  1.5,\t-2e-1 ")
    desk.shortcut("action_paste")
    assert_allclose(desk.code, [1.5, -0.2], atol=1e-6)


@pytest.mark.parametrize("text", ["some words", "", "1, 2, 3", "nan, 1", "1e99, 0"])
def test_what_is_no_code_of_the_model_is_refused(desk: Desk, text: str) -> None:
    desk.open()
    before = desk.code
    QApplication.clipboard().setText(text)
    desk.shortcut("action_paste")
    assert len(desk.problems) == 1
    assert desk.code is before


def test_nothing_to_copy_says_what_to_do(desk: Desk) -> None:
    desk.shortcut("action_copy_picture")
    desk.shortcut("action_copy_code")
    assert [("library" in str(problem.message)) for problem in desk.problems] == [True, True]


def test_a_field_keeps_the_clipboard_s_keys(desk: Desk) -> None:
    desk.open()
    field = desk.window.latent.filter
    field.setFocus()
    QTest.keyClicks(field, "0-1")
    QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(field, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == "0-1"
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert field.text() == "0-1"
    assert not desk.problems


def test_the_edited_picture_is_dragged_onto_the_timeline(desk: Desk) -> None:
    desk.open()
    desk.document.set_code(as_floats(0.5, -0.25))
    desk.until_edited_shows(desk.code)
    frame, track = desk.window.stage.edited, desk.window.timeline.track
    start = frame.picture_rect().center().toPoint()
    QTest.mousePress(frame, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(frame, start + QPoint(2, 2))
    assert not frame.findChildren(QDrag), "a hand that trembles drags nothing"
    QTest.mouseMove(frame, start + QPoint(30, 30))
    (drag,) = frame.findChildren(QDrag)
    assert not drag.pixmap().isNull()
    assert drop(track, drag.mimeData(), QPoint(60, 40))
    desk.until(lambda: len(desk.document.keyframes) == 1)
    np.testing.assert_array_equal(desk.document.keyframes[0].code, as_floats(0.5, -0.25))


def test_a_dragged_picture_is_a_file_for_other_programs(desk: Desk, explorer_home: Path) -> None:
    desk.open()
    content = desk.window.exchange.content_of(desk.window.stage.edited, "edited", edited=True)
    assert content is not None
    mime, look = content
    assert not look.isNull()
    (path,) = files_of(mime)
    assert path.is_relative_to(explorer_home)
    with Image.open(path) as picture:
        assert picture.size == (10, 12)
    carried = code_of(mime)
    assert carried is not None
    np.testing.assert_array_equal(carried, desk.code)
    other = desk.window.exchange.content_of(desk.window.stage.original, "original")
    assert other is not None
    assert code_of(other[0]) is None


def test_a_place_that_cannot_be_written_to_is_told(desk: Desk, explorer_home: Path) -> None:
    desk.open()
    (explorer_home / "cache").mkdir(exist_ok=True)
    (explorer_home / "cache" / "dragged").write_text("in the way")
    assert desk.window.exchange.content_of(desk.window.stage.edited, "edited") is None
    assert len(desk.problems) == 1


def test_a_press_without_a_move_is_no_drag(desk: Desk) -> None:
    desk.open()
    frame = desk.window.stage.edited
    QTest.mousePress(frame, Qt.MouseButton.LeftButton, pos=QPoint(40, 40))
    QTest.mouseMove(frame, QPoint(41, 41))
    QTest.mouseRelease(frame, Qt.MouseButton.LeftButton, pos=QPoint(41, 41))
    assert not frame.findChildren(QDrag)
