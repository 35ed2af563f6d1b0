"""The tasks of a new user: each begins with a first start of the program, and has a limit of clicks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from PySide6.QtCore import QCoreApplication, QMimeData, QPoint, Qt, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QSpinBox, QTreeWidget, QWidget

from explorer.app import ErrorCatcher, begin, make_window
from explorer.data.preprocessing import to_floats
from explorer.data.sources import open_source
from explorer.document.preferences import PreferencesFile
from explorer.document.state import OpenModel
from explorer.document.views.neighbors import NEIGHBORS, NeighborsView
from explorer.document.views.noise import NOISE, NoiseView
from explorer.errors import EngineError
from explorer.models.file_kind import SESSION_SUFFIX
from explorer.paths import settings_path, user_dir
from explorer.tour.guide import Tour
from explorer.ui.dialogs.help import HelpBrowser
from explorer.ui.images import image_to_qimage
from explorer.ui.widgets.card_delegate import CardDelegate

_LEFT = Qt.MouseButton.LeftButton


@dataclass(frozen=True)
class Task:
    """A task, and the largest number of clicks that it may take."""

    run: Callable[[Tour], None]
    most: int


def run_task(tour: Tour, name: str) -> int:
    """Run a task in a new window of the tour; return the number of clicks.

    EngineError if it fails, or takes more clicks than allowed.
    """
    task = TASKS[name]
    _start(tour)
    catcher = ErrorCatcher(tour.document)
    catcher.install()
    try:
        tour.clicks.begin()
        task.run(tour)
        tour.clicks.end()
        QCoreApplication.processEvents()
        tour.shoot(f"task-{name}")
    finally:
        tour.clicks.end()
        tour.leave()
        catcher.remove()
    if tour.clicks.count > task.most:
        raise EngineError(
            "The task “{name}” took {count} clicks; at most {most} are allowed.",
            name=name,
            count=tour.clicks.count,
            most=task.most,
        )
    return tour.clicks.count


def _start(tour: Tour) -> None:
    """Start the program as its user does."""
    user_dir().mkdir(parents=True, exist_ok=True)
    preferences = PreferencesFile(settings_path())
    tour.enter(make_window(preferences))
    begin(tour.running, preferences)
    tour.until(tour.running.window.isActiveWindow, "the window")


# -- the tasks ---------------------------------------------------------------------------------------------------------


def large(tour: Tour) -> None:
    """See an image large."""
    _open(tour, "faces-conv-16")
    frame, window = tour.running.window.stage.edited, tour.running.window
    assert frame.image is not None
    rect = frame.image_rect()
    _check(rect.width() * rect.height() >= 0.12 * window.width() * window.height(), "The edited image is small.")
    before = frame.axes(frame.image)[0].scale
    tour.wheel(frame, rect.center().toPoint(), 4)
    _check(frame.axes(frame.image)[0].scale >= 2 * before, "The wheel did not enlarge the image.")


def edit(tour: Tour) -> None:
    """Edit a digit."""
    _open(tour, "digits-vae-2d")
    _drag_slider(tour)


def gif(tour: Tour) -> None:
    """Make a GIF from 2 over 7 to 0 of exactly 512 px."""
    model = _open(tour, "digits-vae-2d")
    source, window = tour.document.source, tour.running.window
    assert source is not None
    tour.click("timeline_expand")
    digits = [1, 0, 3]
    _check([source.label(index) for index in digits] == ["2", "7", "0"], "The first digits are others.")
    track, view = window.timeline.track, window.gallery.view
    tour.until(lambda: track.height() > 20, "the timeline to open")
    for number, index in enumerate(digits, 1):
        tour.drag_to(view, window.gallery.model.index(index), track, QPoint(track.width() - 8, track.height() // 2))
        tour.until(lambda number=number: len(tour.document.state.keyframes) == number, "the keyframe")  # type: ignore[misc]
    codes = model.codec.encode(to_floats(source.read(np.array(digits), model.card.preprocessing)))
    made = np.stack([keyframe.code for keyframe in tour.document.state.keyframes])
    _check(np.allclose(made, codes, atol=1e-4), "The keyframes are other images.")
    tour.press("action_export")
    _type(tour, "export_side", "512")
    target = user_dir() / "digits.gif"
    written: list[object] = []
    tour.document.exported.connect(written.append)
    tour.type_path(target)
    tour.until(lambda: bool(written), "the GIF")
    with Image.open(target) as animation:
        count = getattr(animation, "n_frames", 1)
        sizes = set()
        for frame in range(count):
            animation.seek(frame)
            sizes.add(animation.size)
    _check(sizes == {(512, 512)}, "The GIF has another size.")
    _check(count > 50, "The GIF has too few frames.")


def train(tour: Tour) -> None:
    """Train on 500 images of a folder for 5 epochs, and open the model."""
    folder = user_dir() / "my images"
    folder.mkdir(parents=True)
    digits = open_source("digits")
    for number in range(700):
        digits.pil_image(number).save(folder / f"{number:03}.png")
    tour.click("start_folder")
    tour.type_path(folder)
    tour.until(lambda: tour.document.source is not None and tour.document.source.count == 700, "the folder")
    tour.press("action_workspace_train")
    for name, value in (("train_limit", "500"), ("train_epochs", "5")):
        box = tour.find(QSpinBox, name)
        tour.until(box.isVisible, "the settings of the training")
        _double_click(box.lineEdit())
        _type(tour, name, value)
    tour.click("train_start")
    tour.until(lambda: tour.document.training.phase == "finished", "the training")
    training = tour.document.training
    tour.click("notice_choice_0")
    tour.until(lambda: _model(tour).name == training.title and _model(tour).epochs is None, "the trained model")
    card = _model(tour).card
    _check([point.epoch for point in training.curve] == [1, 2, 3, 4, 5], "The training had another number of epochs.")
    _check((card.trained.epochs, card.trained.limit) == (5, 500), "The settings of the training are others.")
    _check(card.data.name == folder.name and card.data.train >= 500, "It was trained on other images.")
    tour.settle()


def similar(tour: Tour) -> None:
    """Find similar images."""
    _open(tour, "faces-conv-16")
    tour.click("tool_show_neighbors")
    tour.until(lambda: isinstance(tour.document.views[NEIGHBORS], NeighborsView), "the neighbors")
    view, row = tour.document.views[NEIGHBORS], tour.running.window.neighbors.by_code
    assert isinstance(view, NeighborsView)
    _check(tour.document.state.image_index not in view.indices, "The image is its own neighbor.")
    _check(bool((np.diff(view.distances) >= 0).all() and view.distances[0] > 0), "The distances are wrong.")
    shown = [row.item(number).text().partition(" ")[0] for number in range(row.count())]
    _check(shown == [f"{distance:.2f}" for distance in view.distances], "The panel shows other distances.")


def denoise(tour: Tour) -> None:
    """Remove noise."""
    _open(tour, "digits-denoise")
    tour.click("tool_show_noise")
    tour.until(lambda: isinstance(tour.document.views[NOISE], NoiseView), "the noisy image")
    view, page = tour.document.views[NOISE], tour.running.window.noise.one
    assert isinstance(view, NoiseView)
    _check(view.of_reconstruction.psnr > view.of_noisy.psnr + 3, "The noise was not removed.")
    _check(f"PSNR {view.of_reconstruction.psnr:.1f} dB" in page.reconstruction.detail, "The PSNR is not shown.")


def sunglasses(tour: Tour) -> None:
    """Put sunglasses on a face."""
    _open(tour, "faces-conv-16")
    tour.press("action_find_directions")
    _type(tour, "directions_search", "sunglasses")
    tour.until(lambda: len(tour.document.direction_search.found) > 0, "the direction")
    (found,) = tour.document.direction_search.found
    _check("sunglasses" in found.name and found.direction.accuracy > 0.8, "It is not the direction of sunglasses.")
    tour.click("directions_keep")
    before = np.array(tour.document.code)
    _drag_slider(tour)
    change = np.array(tour.document.code) - before
    along = float(change @ found.direction.vector) / float(np.linalg.norm(change))
    _check(along > 0.99 * float(np.linalg.norm(found.direction.vector)), "The code changed in another direction.")


def compare(tour: Tour) -> None:
    """Compare a model with another one."""
    _open(tour, "faces-conv-16")
    tour.click("tool_show_compare")
    tour.click("compare_measure")
    comparison, table = tour.document.comparison, tour.find(QTreeWidget, "compare_table")
    tour.until(lambda: len(comparison.table) == 2, "the metrics of both models")
    _check([row.name for row in comparison.table] == ["faces-conv-16", "PCA 16"], "Other models were compared.")
    rows = [table.topLevelItem(number) for number in range(table.topLevelItemCount())]
    filled = [row is not None and bool(row.text(1)) and bool(row.text(2)) for row in rows]
    _check(table.isVisible() and len(filled) > 10 and all(filled), "The table is incomplete.")


def reopen(tour: Tour) -> None:
    """Edit, save the session, and reopen it after another start of the program."""
    _open(tour, "digits-vae-2d")
    _drag_slider(tour)
    code = np.array(tour.document.code)
    path = user_dir() / f"mine{SESSION_SUFFIX}"
    tour.press("action_session_save")
    tour.type_path(path)
    tour.until(lambda: tour.document.sessions.path == path and not tour.document.sessions.dirty, "the session")
    saved = tour.document.state
    tour.leave()
    _start(tour)
    tour.settle()
    tour.press("action_session_open")
    tour.type_path(path)
    tour.until(lambda: tour.document.sessions.path == path, "the session to open")
    tour.settle()
    now = tour.document.state
    _check(np.array_equal(np.array(tour.document.code), code), "The code is another one.")
    _check(_model(tour).name == "digits-vae-2d" and now.image_index == saved.image_index, "The image is another one.")
    _check((now.noises, now.grid, now.animation) == (saved.noises, saved.grid, saved.animation), "Settings differ.")


def photo(tour: Tour) -> None:
    """Drop a photo."""
    path = user_dir() / "photo.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    photo = Image.new("RGB", (320, 240), (10, 20, 30))
    ImageDraw.Draw(photo).ellipse((110, 40, 210, 200), outline=(240, 240, 200), width=24)
    photo.save(path)
    _drop(tour, path)
    tour.until(lambda: tour.document.state.imported_image is not None, "the photo")
    tour.settle()
    subject, model = tour.document.state.subject, _model(tour)
    assert subject is not None
    pixels = subject[0].read(np.array([subject[1]]), model.card.preprocessing)
    code = model.codec.encode(to_floats(pixels))[0]
    _check(np.allclose(np.array(tour.document.code), code, atol=1e-4), "The code is not that of the photo.")
    _check(subject[0].title == "photo.jpg", "Another image is shown.")


def undo(tour: Tour) -> None:
    """Undo an edit, which does not count itself."""
    _open(tour, "digits-vae-2d")
    before = np.array(tour.document.code)
    _drag_slider(tour)
    tour.clicks.begin()
    tour.press("action_undo")
    tour.until(lambda: np.array_equal(np.array(tour.document.code), before), "the code before the edit")
    _until_edited_shows(tour)


def help_page(tour: Tour) -> None:
    """Find help on noise."""
    tour.press("action_help")
    _type(tour, "help_search", "remove noise")
    browser = tour.find(HelpBrowser, "help_text")
    _check(browser.isVisible() and browser.page == "analyze", "Another page is shown.")
    _check("noise" in browser.source().fragment(), "Another section is shown.")


TASKS: dict[str, Task] = {
    "large": Task(large, 1),
    "edit": Task(edit, 2),
    "gif": Task(gif, 7),
    "train": Task(train, 8),
    "similar": Task(similar, 2),
    "denoise": Task(denoise, 2),
    "sunglasses": Task(sunglasses, 6),
    "compare": Task(compare, 3),
    "reopen": Task(reopen, 4),
    "photo": Task(photo, 1),
    "undo": Task(undo, 1),
    "help": Task(help_page, 2),
}
"""All tasks by name, in the order of `docs/guide/index.md`."""


# -- hands -------------------------------------------------------------------------------------------------------------


def _check(correct: bool, problem: str) -> None:
    if not correct:
        raise EngineError("{problem}", problem=problem)


def _model(tour: Tour) -> OpenModel:
    assert tour.document.model is not None
    return tour.document.model


def _open(tour: Tour, name: str) -> OpenModel:
    """Press the button of a card on the start page."""
    cards = tour.running.window.center.start_page.cards
    model, delegate = cards.model(), cards.itemDelegate()
    assert isinstance(delegate, CardDelegate)
    index = next(model.index(row, 0) for row in range(model.rowCount()) if model.index(row, 0).data() == name)
    while not cards.viewport().rect().contains(where := delegate.button_rect(cards.visualRect(index)).center()):
        tour.wheel(cards.viewport(), cards.viewport().rect().center(), -1)
    QTest.mouseClick(cards.viewport(), _LEFT, pos=where)
    tour.until(lambda: tour.document.model is not None and tour.document.model.name == name, f"{name} to open")
    tour.settle()
    return _model(tour)


def _drag_slider(tour: Tour) -> None:
    """Drag the first slider, and wait for the image."""
    sliders = tour.running.window.latent.sliders
    start, before = float(sliders.values[0]), tour.running.window.stage.edited.image
    points = [sliders.handle_position(0, start + step * (2 - start) / 10) for step in range(11)]
    tour.drag(sliders.viewport(), points)
    _check(float(sliders.values[0]) > start + 0.5, "The slider did not move.")
    _until_edited_shows(tour)
    _check(tour.running.window.stage.edited.image != before, "The image did not change.")


def _until_edited_shows(tour: Tour) -> None:
    """Wait until the stage shows what the current code is decoded to."""
    code = tour.document.code
    assert code is not None
    wanted = image_to_qimage(_model(tour).codec.decode(code[None])[0])
    tour.until(lambda: tour.running.window.stage.edited.image == wanted, "the edited image")


def _type(tour: Tour, name: str, text: str) -> None:
    """Type into a field, which has the focus already, and press Return."""
    field = tour.find(QWidget, name)
    tour.until(field.hasFocus, f"the focus of {name}")
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def _double_click(widget: QWidget) -> None:
    QTest.mouseClick(widget, _LEFT)
    QTest.mouseDClick(widget, _LEFT)


def _drop(tour: Tour, path: Path) -> None:
    """Drop a file of another program on the window."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    tour.drop(tour.running.window, mime, tour.running.window.rect().center())
