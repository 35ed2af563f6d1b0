"""Dragged images, codes and files become keyframes; what is dropped on the window is opened."""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from explorer_testing.builders import as_floats, make_model, make_source, write_bundle
from explorer_testing.drops import drop, files, hover
from explorer_testing.window import WindowDriver
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent
from PySide6.QtWidgets import QApplication

from explorer.document.timeline import Export
from explorer.document.views.image import IMAGE, ImageView
from explorer.messages import Message
from explorer.models.file_kind import FileKind, identify
from explorer.types import Floats
from explorer.ui.dialogs.import_model import ImportDialog
from explorer.ui.dragging import CODE, IMAGES, code_mime, code_of, files_of, images_mime, images_of
from explorer.workers import opening
from explorer.workers.loading import open_model

KEYS = np.array([[0, 0], [1, 2], [-1, 0.5]], np.float32)
NO_KEYS = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton
COPY = Qt.DropAction.CopyAction


@pytest.fixture
def laid(driver: WindowDriver) -> WindowDriver:
    """The window with three keyframes at frames 0, 89 and 178."""
    driver.open()
    driver.document.timeline.insert(KEYS, 0)
    driver.type_into("timeline_hold", "0")
    driver.document.forget_history()
    return driver


def keys_of(driver: WindowDriver) -> Floats:
    return driver.document.timeline.keys


def test_images_of_the_gallery_go_between_the_keyframes_where_they_are_dropped(laid: WindowDriver) -> None:
    gallery, track = laid.window.gallery, laid.window.timeline.track
    rows = [gallery.model.index(row) for row in (5, 2)]
    mime = gallery.model.mimeData(rows)
    assert gallery.view.dragEnabled()
    assert all(gallery.model.flags(row) & Qt.ItemFlag.ItemIsDragEnabled for row in rows)
    assert drop(track, mime, QPoint(int(track.x_of(120)), 40))
    laid.until(lambda: len(laid.document.state.keyframes) == 5)
    np.testing.assert_array_equal(keys_of(laid)[[0, 1, 4]], KEYS)
    assert str(laid.document.undo_label) == "Add 2 keyframes"
    laid.document.undo()
    np.testing.assert_array_equal(keys_of(laid), KEYS)


def test_a_code_goes_where_it_is_dropped(laid: WindowDriver) -> None:
    track = laid.window.timeline.track
    assert drop(track, code_mime(as_floats(0.5, 0.25)), QPoint(int(track.x_of(10)), 40))
    np.testing.assert_array_equal(keys_of(laid)[1], as_floats(0.5, 0.25))
    assert drop(track, code_mime(as_floats(1, 2, 3)), QPoint(int(track.x_of(10)), 40))
    assert "Codes of this model have shape (n, 2)" in str(laid.problems[-1].message)
    assert len(laid.document.state.keyframes) == 4


def test_an_image_from_the_desktop_becomes_a_keyframe(laid: WindowDriver, tmp_path: Path) -> None:
    Image.new("L", (30, 30), 200).save(tmp_path / "light.png")
    track = laid.window.timeline.track
    assert drop(track, files(tmp_path / "light.png"), QPoint(track.width() - 2, 40))
    laid.until(lambda: len(laid.document.state.keyframes) == 4)
    np.testing.assert_array_equal(keys_of(laid)[:3], KEYS)


def test_an_empty_timeline_takes_drops_too(driver: WindowDriver) -> None:
    driver.open()
    assert drop(driver.window.timeline.track, images_mime([1, 3]), QPoint(50, 40))
    driver.until(lambda: len(driver.document.state.keyframes) == 2)
    assert driver.document.timeline.frames == 216


def test_an_export_dropped_on_the_window_is_its_timeline_again(
    driver: WindowDriver, tmp_path: Path, explorer_home: Path
) -> None:
    write_bundle(explorer_home / "models" / "mine")
    driver.open(open_model(explorer_home / "models" / "mine"))
    driver.document.timeline.insert(KEYS, 0)
    written: list[Path] = []
    driver.document.exported.connect(written.append)
    driver.document.timeline.export_requested.emit(Export(tmp_path / "film.gif"))
    driver.until(lambda: bool(written))
    driver.document.timeline.clear()
    assert drop(driver.window, files(written[0]), QPoint(600, 300))
    driver.until(lambda: len(driver.document.state.keyframes) == 3)
    np.testing.assert_array_equal(keys_of(driver), KEYS)


def test_images_dropped_on_the_window_are_opened(driver: WindowDriver, tmp_path: Path) -> None:
    for number in range(3):
        Image.new("L", (8, 8), 80 * number).save(tmp_path / f"{number}.png")
    assert drop(driver.window, files(tmp_path), QPoint(600, 300))
    driver.until(lambda: driver.document.source is not None and driver.document.source.count == 3)


def test_a_file_dropped_on_a_model_of_several_channels_keeps_its_channels(driver: WindowDriver, tmp_path: Path) -> None:
    driver.open(make_model(image_shape=(12, 10, 4)), make_source(image_shape=(12, 10, 4)))
    cells = np.arange(480, dtype=np.uint16).reshape(4, 12, 10)
    tifffile.imwrite(tmp_path / "cells.ome.tif", cells, metadata={"axes": "CYX"}, photometric="minisblack")
    assert drop(driver.window, files(tmp_path / "cells.ome.tif"), QPoint(300, 300))
    driver.until(lambda: driver.document.source is not None and driver.document.source.name == "cells.ome.tif")
    driver.settle()
    view = driver.document.views[IMAGE]
    assert isinstance(view, ImageView)
    assert view.original.shape == (12, 10, 4)


@pytest.mark.parametrize(
    ("channels", "taken", "said"),
    [
        (4, 1, "“in.tif” has 4 channels, and the model “tiny” takes 1. Open a model of 4 channels, or open the image"),
        (4, 3, "“in.tif” has 4 channels, and the model “tiny” takes 3"),
        (3, 4, "“in.tif” has 3 channels, and the model “tiny” takes 4"),
    ],
)
def test_an_image_of_other_channels_than_the_model_takes_says_why(
    driver: WindowDriver, tmp_path: Path, channels: int, taken: int, said: str
) -> None:
    driver.open(make_model(image_shape=(12, 10, taken)), make_source(image_shape=(12, 10, taken)))
    source = driver.document.source
    values = np.arange(120 * channels, dtype=np.uint8).reshape(12, 10, channels)
    if channels == 3:
        Image.fromarray(values).save(tmp_path / "in.tif")
    else:
        tifffile.imwrite(
            tmp_path / "in.tif", np.moveaxis(values, 2, 0), metadata={"axes": "CYX"}, photometric="minisblack"
        )
    assert drop(driver.window, files(tmp_path / "in.tif"), QPoint(300, 300))
    driver.until(lambda: len(driver.problems) == 1)
    assert str(driver.problems[0].message).startswith(said)
    assert driver.document.source is source, "the open images stay"


def test_an_image_of_many_channels_opens_where_nothing_is_open(driver: WindowDriver, tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "in.tif", np.zeros((4, 12, 10), np.uint16), metadata={"axes": "CYX"}, photometric="minisblack"
    )
    assert drop(driver.window, files(tmp_path / "in.tif"), QPoint(300, 300))
    driver.until(lambda: driver.document.source is not None)
    assert driver.document.source is not None
    assert driver.document.source.image_shape == (12, 10, 4)
    assert driver.problems == []


def test_what_is_nothing_of_ours_is_not_taken(laid: WindowDriver) -> None:
    mime = QMimeData()
    mime.setText("words")
    assert not drop(laid.window.timeline.track, mime, QPoint(50, 40))
    assert not drop(laid.window, mime, QPoint(600, 300))
    web = QMimeData()
    web.setUrls([QUrl("https://example.org/image.png")])
    assert not drop(laid.window.timeline.track, web, QPoint(50, 40))


def test_a_drag_that_goes_on_leaves_no_mark(laid: WindowDriver) -> None:
    track = laid.window.timeline.track
    before = track.grab().toImage()
    mime = code_mime(as_floats(0, 0))
    QApplication.sendEvent(track, QDragEnterEvent(QPoint(90, 40), COPY, mime, LEFT, NO_KEYS))
    assert track.grab().toImage() != before
    QApplication.sendEvent(track, QDragLeaveEvent())
    assert track.grab().toImage() == before


@pytest.mark.parametrize("raw", [b"", b"no json", b'{"a": 1}', b'["1"]', b"[true]", b"[1.5]", b"[-1]"])
def test_third_party_bytes_of_the_same_name_are_no_images(raw: bytes) -> None:
    mime = QMimeData()
    mime.setData(IMAGES, raw)
    assert images_of(mime) == []


def test_a_drag_keeps_what_it_holds() -> None:
    assert images_of(images_mime([3, 1])) == [3, 1]
    code = as_floats(0.1, -2.5)
    taken = code_of(code_mime(code))
    assert taken is not None
    np.testing.assert_array_equal(taken, code)
    mime = QMimeData()
    mime.setData(CODE, b"[[1]]")
    assert code_of(mime) is None
    assert files_of(mime) == []


# -- what a file is ----------------------------------------------------------------------------------------------------


@pytest.fixture
def identified(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is identified from now on."""
    asked: list[object] = []

    def counted(spec: str | Path) -> FileKind:
        asked.append(spec)
        return identify(spec)

    monkeypatch.setattr(opening, "identify", counted)
    return asked


def jobs_of(driver: WindowDriver, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The titles of all jobs that start from now on."""
    titles: list[str] = []
    runner = driver.running.backend.jobs
    start = runner.start

    def counted(title: Message, *rest: Any, **named: Any) -> int:
        titles.append(str(title))
        return start(title, *rest, **named)

    monkeypatch.setattr(runner, "start", counted)
    return titles


def saved_session(driver: WindowDriver, folder: Path) -> Path:
    path = folder / "work.latent"
    driver.document.sessions.begin()
    driver.document.sessions.save_requested.emit(path, False)
    driver.until(lambda: driver.document.sessions.path == path)
    driver.document.sessions.begin()
    return path


def bundle(driver: WindowDriver, folder: Path) -> Path:
    write_bundle(folder / "theirs")
    return folder / "theirs"


def keras_file(driver: WindowDriver, folder: Path) -> Path:
    (folder / "theirs.h5").write_bytes(b"\x89HDF\r\n\x1a\n and nothing that could be read")
    return folder / "theirs.h5"


def exported(driver: WindowDriver, folder: Path) -> Path:
    driver.document.timeline.insert(KEYS, 0)
    written: list[Path] = []
    driver.document.exported.connect(written.append)
    driver.document.timeline.export_requested.emit(Export(folder / "animation.gif"))
    driver.until(lambda: bool(written))
    driver.document.timeline.clear()
    return written[0]


def photo(driver: WindowDriver, folder: Path) -> Path:
    Image.new("L", (30, 30), 200).save(folder / "photo.png")
    return folder / "photo.png"


def photos(driver: WindowDriver, folder: Path) -> Path:
    (folder / "photos").mkdir()
    for number in range(3):
        Image.new("L", (8, 8), 80 * number).save(folder / "photos" / f"{number}.png")
    return folder / "photos"


def array(driver: WindowDriver, folder: Path) -> Path:
    np.save(folder / "three.npy", np.zeros((3, 9, 9, 1), np.uint8))
    return folder / "three.npy"


def three_images(driver: WindowDriver) -> bool:
    return driver.document.source is not None and driver.document.source.count == 3


def imports(driver: WindowDriver) -> bool:
    return driver.document.imports.view.phase == "failed"


KINDS: dict[str, tuple[Callable[[WindowDriver, Path], Path], Callable[[WindowDriver], bool]]] = {
    "session": (saved_session, lambda driver: driver.document.sessions.name == "work"),
    "model": (bundle, lambda driver: driver.document.model is not None and driver.document.model.name == "theirs"),
    "third_party": (keras_file, imports),
    "animation": (exported, lambda driver: len(driver.document.state.keyframes) == 3),
    "image": (photo, lambda driver: driver.document.state.imported_image is not None),
    "folder": (photos, three_images),
    "array": (array, three_images),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_dropped_file_is_identified_once_and_opened_by_one_job(
    driver: WindowDriver,
    tmp_path: Path,
    explorer_home: Path,
    identified: list[object],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    write_bundle(explorer_home / "models" / "mine")
    driver.open(open_model(explorer_home / "models" / "mine"))
    make, is_open = KINDS[kind]
    path = make(driver, tmp_path)
    started = jobs_of(driver, monkeypatch)
    assert drop(driver.window, files(path), QPoint(600, 300))
    driver.until(lambda: is_open(driver))
    assert identified == [path]
    examined = [f"Reading {path.name}"] if kind == "third_party" else []
    assert started == [f"Opening {path.name}", *examined]
    for dialog in driver.window.findChildren(ImportDialog):
        dialog.close()


def test_encoder_and_decoder_are_imported_together(driver: WindowDriver, tmp_path: Path) -> None:
    driver.open()
    half = keras_file(driver, tmp_path)
    encoder, decoder = half.with_name("encoder.bin"), half.with_name("a decoder.bin")
    for path in (encoder, decoder):
        path.write_bytes(half.read_bytes())
    assert drop(driver.window, files(decoder, encoder), QPoint(600, 300))
    driver.until(lambda: imports(driver))
    request = driver.document.imports.view.request
    assert request is not None
    assert (request.encoder, request.decoder) == (encoder, decoder)
    for dialog in driver.window.findChildren(ImportDialog):
        dialog.close()


def test_of_several_files_one_that_is_damaged_does_not_keep_the_others(driver: WindowDriver, tmp_path: Path) -> None:
    driver.open()
    (tmp_path / "words.txt").write_text("no images")
    assert drop(driver.window, files(tmp_path / "words.txt", photos(driver, tmp_path)), QPoint(600, 300))
    driver.until(lambda: three_images(driver) and bool(driver.problems))
    assert "words.txt" in str(driver.problems[0].message)


@pytest.mark.parametrize("name", ["work.latent", "theirs.keras", "photo.png", "photos", "what.bin"])
def test_a_drag_over_the_window_reads_no_file(
    driver: WindowDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"")
    touched: list[object] = []

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(place: Any, *rest: Any, **named: Any) -> Any:
            if str(place).startswith(str(tmp_path)):
                touched.append(place)
            return function(place, *rest, **named)

        return call

    for module, function in ((os, "stat"), (os, "lstat"), (os, "scandir"), (io, "open"), (builtins, "open")):
        monkeypatch.setattr(module, function, watched(getattr(module, function)))
    assert hover(driver.window, files(path), QPoint(600, 300))
    assert name in driver.window.clipboard_dnd.overlay.words
    assert hover(driver.window, files(path, path), QPoint(600, 300))
    assert not touched
