"""Sessions in the window: New, Open, Save, Recent with mouse and keys, and what is asked on the way."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import as_floats, write_bundle
from explorer_testing.codec import MatrixCodec
from explorer_testing.drops import drop, files
from explorer_testing.window import WindowDriver, drag
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMenu, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from explorer.app import make_window
from explorer.data.preprocessing import Preprocessing
from explorer.data.sources import open_source
from explorer.document.open_requests import OpenRequest
from explorer.document.session_file import Session, read_session, write_session
from explorer.document.state import State
from explorer.document.views.image import IMAGE, ImageView
from explorer.models.recent import recent_sessions
from explorer.ui.widgets.elided_label import ElidedLabel
from explorer.workers.loading import open_model


@pytest.fixture
def places(explorer_home: Path, tmp_path: Path) -> dict[str, Path]:
    """A model in the library and images in a file; and where sessions are saved."""
    write_bundle(explorer_home / "models" / "one", MatrixCodec(seed=1))
    data = tmp_path / "data"
    data.mkdir()
    images = np.random.default_rng(0).integers(0, 256, (20, 12, 10, 1), dtype=np.uint8)
    np.savez(data / "images.npz", x=images)
    sessions = tmp_path / "sessions"
    sessions.mkdir()
    return {"model": explorer_home / "models" / "one", "data": data / "images.npz", "sessions": sessions}


def begin(driver: WindowDriver, places: dict[str, Path]) -> None:
    """Open model and images, as `explorer.app.open_first` does."""
    driver.document.open(open_model(places["model"]), open_source(str(places["data"])))
    driver.settle()
    driver.document.forget_history()
    driver.document.sessions.begin()
    driver.window.sessions.asks = True


@pytest.fixture
def user(driver: WindowDriver, places: dict[str, Path]) -> WindowDriver:
    begin(driver, places)
    return driver


@pytest.fixture
def another(themed: QApplication, qtbot: QtBot) -> Iterator[Callable[[], WindowDriver]]:
    """Further windows."""
    made: list[WindowDriver] = []

    def make() -> WindowDriver:
        made.append(WindowDriver(make_window(), qtbot))
        return made[-1]

    yield make
    for driver in made:
        driver.window.sessions.asks = False
        driver.close()


@pytest.fixture(autouse=True)
def _closed_unasked(driver: WindowDriver) -> Iterator[None]:
    yield
    driver.window.sessions.asks = False


def press(driver: WindowDriver, action: str) -> None:
    """Press the keys of an action in a window that may have lost the keyboard to a dialog or another window."""
    driver.window.activateWindow()
    driver.until(driver.window.isActiveWindow)
    driver.shortcut(action)


def work(driver: WindowDriver) -> State:
    """Do what a session holds: a dragged slider, keyframes, a bookmark, noise, a picked image, another tab."""
    sliders = driver.window.latent.sliders
    driver.document.choose_image(7)
    driver.settle()
    press(driver, "action_keyframe")
    drag(sliders.viewport(), [sliders.handle_position(1, value) for value in (0.0, 1.0, 1.5)])
    press(driver, "action_keyframe")
    press(driver, "action_bookmark")
    driver.type_into("timeline_steps", "24")
    driver.tab("Noise")
    driver.settle()
    return driver.document.state


def save_as(driver: WindowDriver, path: Path) -> None:
    press(driver, "action_session_save_as")
    type_path(driver, path)
    driver.until(lambda: driver.document.sessions.path == path)


def type_path(driver: WindowDriver, path: Path) -> None:
    """Type a path into the file dialog that is open, and press its button."""
    driver.until(lambda: bool(open_dialogs(driver)))
    dialog = open_dialogs(driver)[-1]
    edit = dialog.findChild(QLineEdit, "fileNameEdit")
    assert edit is not None
    edit.setCompleter(None)  # type: ignore[arg-type]
    dialog.setDirectory(str(path.parent))
    button = next(button for button in dialog.findChildren(QPushButton) if button.isDefault())
    saving = dialog.acceptMode() == QFileDialog.AcceptMode.AcceptSave

    def typed() -> bool:
        """The dialog chooses its own suggestion once more when it has read the folder."""
        ready = button.isEnabled() and (not saving or "Save" in button.text())
        if edit.text() != path.name or dialog.selectedFiles() != [str(path)]:
            edit.setFocus()
            edit.selectAll()
            QTest.keyClicks(edit, path.name)
            return False
        return ready

    driver.until(typed)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def open_dialogs(driver: WindowDriver) -> list[QFileDialog]:
    return [dialog for dialog in driver.window.findChildren(QFileDialog) if dialog.isVisible()]


def question(driver: WindowDriver, name: str) -> QMessageBox:
    driver.until(lambda: any(box.isVisible() for box in driver.window.findChildren(QMessageBox, name)))
    return driver.window.findChildren(QMessageBox, name)[-1]


def answer(driver: WindowDriver, name: str, button: str) -> None:
    box = question(driver, name)
    made = box.findChild(QPushButton, button)
    assert made is not None
    QTest.mouseClick(made, Qt.MouseButton.LeftButton)


def open_session(driver: WindowDriver, path: Path) -> None:
    press(driver, "action_session_open")
    type_path(driver, path)


def same(driver: WindowDriver, state: State) -> None:
    """Check that the window shows that work, whoever did it."""
    now = driver.document.state
    assert now.model is not None
    assert state.model is not None
    assert now.model.card.decoder_hash == state.model.card.decoder_hash
    assert now.image_index == state.image_index
    assert now.animation == state.animation
    assert now.noises == state.noises
    for one, other in ((now.keyframes, state.keyframes), (now.bookmarks, state.bookmarks)):
        assert len(one) == len(other)
    assert [key.code.tobytes() for key in now.keyframes] == [key.code.tobytes() for key in state.keyframes]
    assert now.code is not None
    assert state.code is not None
    np.testing.assert_array_equal(now.code, state.code)
    assert now.start_code is not None
    np.testing.assert_array_equal(now.start_code, state.start_code)


# -- there and back ----------------------------------------------------------------------------------------------------


def test_what_is_saved_is_opened_in_another_window(
    user: WindowDriver, places: dict[str, Path], another: Callable[[], WindowDriver]
) -> None:
    assert user.window.windowTitle() == "one – Latent Explorer"
    state = work(user)
    assert user.window.windowTitle() == "Untitled* – one – Latent Explorer"
    path = places["sessions"] / "tonight.latent"
    save_as(user, path)
    assert user.window.windowTitle() == "tonight – one – Latent Explorer"
    other = another()
    open_session(other, path)
    other.until(lambda: other.document.sessions.path == path)
    other.settle()
    same(other, state)
    assert other.window.windowTitle() == "tonight – one – Latent Explorer"
    assert other.window.dock("noise").in_front
    assert (other.document.undo_label, other.window.bookmarks.list.count()) == (None, 1)
    other.until_edited_shows(other.code)
    assert not other.problems


def test_each_models_timeline_is_saved_and_found_in_another_window(
    user: WindowDriver, places: dict[str, Path], another: Callable[[], WindowDriver], explorer_home: Path
) -> None:
    write_bundle(explorer_home / "models" / "two", MatrixCodec(seed=2))
    state = work(user)
    user.document.sessions.put_workspace("animate")
    user.document.sessions.put_stage("swipe")
    user.document.open_requested.emit(OpenRequest((explorer_home / "models" / "two",), "model"))
    user.until(lambda: user.document.model is not None and user.document.model.name == "two")
    user.settle()
    assert user.window.timeline.track.key_count == user.window.bookmarks.list.count() == 0
    path = places["sessions"] / "two.latent"
    save_as(user, path)
    other = another()
    heard: list[tuple[str, str]] = []
    sessions = other.document.sessions
    sessions.workspace_restored.connect(lambda name: heard.append(("workspace", name)))
    sessions.stage_restored.connect(lambda mode: heard.append(("stage", mode)))
    open_session(other, path)
    other.until(lambda: sessions.path == path)
    other.settle()
    assert heard == [("workspace", "animate"), ("stage", "swipe")]
    assert not sessions.dirty
    other.document.open_requested.emit(OpenRequest((explorer_home / "models" / "one",), "model"))
    other.until(lambda: other.window.timeline.track.key_count == 2)
    other.settle()
    now = other.document.state
    assert [key.code.tobytes() for key in now.keyframes] == [key.code.tobytes() for key in state.keyframes]
    assert (now.animation, now.bookmarks[0].name) == (state.animation, state.bookmarks[0].name)
    assert other.window.bookmarks.list.count() == 1
    press(other, "action_undo")
    other.until(lambda: other.document.model is not None and other.document.model.name == "two")
    assert other.window.timeline.track.key_count == 0
    assert not other.problems


def bring_in(driver: WindowDriver, path: Path) -> None:
    """Drop an image on the window, and wait until it is encoded."""
    Image.fromarray(np.random.default_rng(3).integers(0, 256, (40, 30, 3), dtype=np.uint8)).save(path)
    assert drop(driver.window, files(path), QPoint(600, 300))
    driver.until(
        lambda: driver.document.state.imported_image is not None and isinstance(driver.document.views[IMAGE], ImageView)
    )
    driver.settle()


def test_an_image_that_was_brought_in_is_saved_too(
    user: WindowDriver, places: dict[str, Path], another: Callable[[], WindowDriver], tmp_path: Path
) -> None:
    user.document.choose_image(7)
    user.settle()
    bring_in(user, tmp_path / "mine.png")
    user.click("stage_invert")
    user.until(lambda: user.document.code is not None)
    user.settle()
    sliders = user.window.latent.sliders
    drag(sliders.viewport(), [sliders.handle_position(1, value) for value in (0.0, 1.0, 1.5)])
    user.settle()
    state, view = user.document.state, user.document.views[IMAGE]
    assert isinstance(view, ImageView)
    path = places["sessions"] / "mine.latent"
    save_as(user, path)
    (tmp_path / "mine.png").unlink()
    other = another()
    open_session(other, path)
    other.until(lambda: other.document.sessions.path == path)
    other.settle()
    same(other, state)
    found = other.document.views[IMAGE]
    assert isinstance(found, ImageView)
    np.testing.assert_array_equal(found.original, view.original)
    assert "mine.png" in other.find(ElidedLabel, "stage_heading").text()
    assert not other.document.sessions.dirty
    assert not other.problems
    other.document.choose_image(7)
    other.until(lambda: other.document.state.imported_image is None and other.document.code is not None)


def test_an_image_that_is_too_large_to_be_saved_is_reported(
    user: WindowDriver, places: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.data.imported_image.MOST_BYTES", 1000)
    bring_in(user, tmp_path / "mine.png")
    said: list[str] = []
    user.document.announced.connect(lambda news: said.append(str(news)))
    save_as(user, places["sessions"] / "mine.latent")
    user.until(lambda: bool(said))
    assert said == ["Saved mine.latent without the imported image, which is too large. Keep its file."]


def test_the_star_comes_with_an_edit_and_goes_with_its_undoing(user: WindowDriver, places: dict[str, Path]) -> None:
    save_as(user, places["sessions"] / "a.latent")
    press(user, "action_keyframe")
    assert user.window.windowTitle().startswith("a* – ")
    press(user, "action_undo")
    assert user.window.windowTitle().startswith("a – ")
    press(user, "action_redo")
    press(user, "action_session_save")
    user.until(lambda: user.window.windowTitle().startswith("a – "))
    session, _ = read_session(places["sessions"] / "a.latent")
    assert len(session.record.segments) == 1
    press(user, "action_undo")
    assert user.window.windowTitle().startswith("a* – ")


def test_the_encoders_answer_is_no_change(
    user: WindowDriver, places: dict[str, Path], another: Callable[[], WindowDriver]
) -> None:
    save_as(user, places["sessions"] / "a.latent")
    other = another()
    other.window.sessions.open(places["sessions"] / "a.latent")
    other.until(lambda: other.document.sessions.path is not None)
    other.settle()
    assert other.document.code is other.document.state.start_code
    assert not other.document.sessions.dirty


def test_recent_sessions_are_in_the_menu(user: WindowDriver, places: dict[str, Path]) -> None:
    first, second = places["sessions"] / "first.latent", places["sessions"] / "second & more.latent"
    save_as(user, first)
    press(user, "action_keyframe")
    save_as(user, second)
    menu = user.window.findChild(QMenu, "menu_recent")
    assert menu is not None
    menu.aboutToShow.emit()
    texts = [action.text() for action in menu.actions() if action.text()]
    assert texts == ["second && more", "first", "Clear list"]
    menu.actions()[1].trigger()
    user.until(lambda: user.document.sessions.path == first)
    assert user.document.state.keyframes == ()
    assert recent_sessions() == [first, second]
    second.unlink()
    menu.aboutToShow.emit()
    assert [action.text() for action in menu.actions() if action.text()] == ["first", "Clear list"]
    menu.actions()[-1].trigger()
    menu.aboutToShow.emit()
    (nothing,) = menu.actions()
    assert not nothing.isEnabled()


def test_a_new_session_keeps_the_model_and_the_images(user: WindowDriver, places: dict[str, Path]) -> None:
    work(user)
    save_as(user, places["sessions"] / "a.latent")
    press(user, "action_session_new")
    document = user.document
    assert (document.state.keyframes, document.bookmarks.kept, document.state.image_index) == ((), (), 0)
    assert document.model is not None
    assert document.model.name == "one"
    assert (document.sessions.path, document.sessions.dirty, document.undo_label) == (None, False, None)
    user.settle()
    assert user.window.windowTitle() == "one – Latent Explorer"
    assert len(read_session(places["sessions"] / "a.latent")[0].record.segments) == 2


# -- what is not saved -------------------------------------------------------------------------------------------------


def test_closing_asks_and_cancel_stays(user: WindowDriver) -> None:
    press(user, "action_keyframe")
    user.window.close()
    box = question(user, "unsaved_question")
    assert user.window.isVisible()
    assert "Save this session?" in box.text()
    QTest.keyClick(box, Qt.Key.Key_Escape)
    assert user.window.isVisible()
    press(user, "action_shuffle")
    assert user.undo_label() == "Random code"
    # And once more: asked twice in a row it asks once.
    user.window.close()
    user.window.close()
    boxes = [box for box in user.window.findChildren(QMessageBox, "unsaved_question") if box.isVisible()]
    assert len(boxes) == 1
    answer(user, "unsaved_question", "unsaved_drop")
    assert not user.window.isVisible()


def test_closing_saves_first_where_that_is_wanted(user: WindowDriver, places: dict[str, Path]) -> None:
    path = places["sessions"] / "a.latent"
    save_as(user, path)
    press(user, "action_keyframe")
    user.window.close()
    answer(user, "unsaved_question", "unsaved_save")
    user.until(lambda: not user.window.isVisible())
    assert len(read_session(path)[0].record.segments) == 1


def test_closing_asks_where_to_save_what_has_no_file(user: WindowDriver, places: dict[str, Path]) -> None:
    press(user, "action_keyframe")
    user.window.close()
    answer(user, "unsaved_question", "unsaved_save")
    type_path(user, places["sessions"] / "b.latent")
    user.until(lambda: not user.window.isVisible())
    assert len(read_session(places["sessions"] / "b.latent")[0].record.segments) == 1


def test_a_window_without_changes_closes_at_once(user: WindowDriver) -> None:
    press(user, "action_keyframe")
    press(user, "action_undo")
    user.window.close()
    assert not user.window.isVisible()


def test_new_and_open_ask_too(user: WindowDriver, places: dict[str, Path]) -> None:
    path = places["sessions"] / "a.latent"
    save_as(user, path)
    press(user, "action_keyframe")
    press(user, "action_session_new")
    answer(user, "unsaved_question", "unsaved_cancel")
    assert len(user.document.state.keyframes) == 1
    user.window.sessions.open(path)
    answer(user, "unsaved_question", "unsaved_drop")
    user.until(lambda: not user.document.state.keyframes)
    assert user.document.sessions.path == path


def test_a_dropped_session_asks_before_it_replaces_unsaved_changes(user: WindowDriver, places: dict[str, Path]) -> None:
    path = places["sessions"] / "a.latent"
    save_as(user, path)
    press(user, "action_session_new")
    user.settle()
    press(user, "action_keyframe")
    before = user.document.state
    assert drop(user.window, files(path), QPoint(600, 300))
    answer(user, "unsaved_question", "unsaved_cancel")
    assert user.document.state is before
    assert drop(user.window, files(path), QPoint(600, 300))
    answer(user, "unsaved_question", "unsaved_drop")
    user.until(lambda: user.document.sessions.path == path)
    assert not user.document.sessions.dirty


def test_a_session_that_is_dropped_on_itself_and_saved_keeps_what_was_saved(
    user: WindowDriver, places: dict[str, Path]
) -> None:
    path = places["sessions"] / "a.latent"
    save_as(user, path)
    press(user, "action_keyframe")
    opened: list[object] = []
    user.document.sessions.opened.connect(opened.append)
    assert drop(user.window, files(path), QPoint(600, 300))
    answer(user, "unsaved_question", "unsaved_save")
    user.until(lambda: bool(opened))
    user.settle()
    assert len(user.document.state.keyframes) == 1
    assert not user.document.sessions.dirty
    press(user, "action_keyframe")
    press(user, "action_session_save")
    user.until(lambda: not user.document.sessions.dirty)
    assert user.problems == []


def test_what_cannot_be_saved_stays_open_and_unsaved(user: WindowDriver, places: dict[str, Path]) -> None:
    path = places["sessions"] / "a.latent"
    save_as(user, path)
    press(user, "action_keyframe")
    shutil.rmtree(places["sessions"])
    user.window.close()
    answer(user, "unsaved_question", "unsaved_save")
    user.until(lambda: bool(user.problems))
    assert user.window.isVisible()
    assert user.document.sessions.dirty
    assert "does not exist. Create it" in str(user.problems[0].message)


# -- two windows on one file -------------------------------------------------------------------------------------------


def test_a_file_that_another_window_has_saved_is_not_overwritten_unasked(
    user: WindowDriver, places: dict[str, Path], another: Callable[[], WindowDriver]
) -> None:
    path = places["sessions"] / "a.latent"
    save_as(user, path)
    other = another()
    other.window.sessions.open(path)
    other.until(lambda: other.document.sessions.path == path)
    other.settle()
    press(other, "action_bookmark")
    press(other, "action_session_save")
    other.until(lambda: not other.document.sessions.dirty)
    theirs = path.read_bytes()
    press(user, "action_keyframe")
    press(user, "action_session_save")
    answer(user, "conflict_question", "conflict_cancel")
    assert (path.read_bytes(), user.document.sessions.dirty) == (theirs, True)
    press(user, "action_session_save")
    answer(user, "conflict_question", "conflict_elsewhere")
    type_path(user, places["sessions"] / "mine.latent")
    user.until(lambda: not user.document.sessions.dirty)
    assert path.read_bytes() == theirs
    # The other one saves again: nobody has changed its file meanwhile.
    press(other, "action_keyframe")
    press(other, "action_session_save")
    other.until(lambda: not other.document.sessions.dirty)
    # And who insists may.
    user.window.sessions.open(path)
    user.until(lambda: user.document.sessions.path == path)
    user.settle()
    press(other, "action_keyframe")
    press(other, "action_session_save")
    other.until(lambda: not other.document.sessions.dirty)
    press(user, "action_undo")
    press(user, "action_shuffle")
    press(user, "action_session_save")
    answer(user, "conflict_question", "conflict_replace")
    user.until(lambda: not user.document.sessions.dirty)
    assert len(read_session(path)[0].record.segments) == 1


# -- what is not where it was ------------------------------------------------------------------------------------------


def test_a_model_that_moved_is_asked_for_and_the_rest_is_kept(
    user: WindowDriver, places: dict[str, Path], another: Callable[[], WindowDriver], tmp_path: Path
) -> None:
    state = work(user)
    path = places["sessions"] / "a.latent"
    save_as(user, path)
    moved = tmp_path / "elsewhere"
    shutil.move(places["model"], moved)
    write_bundle(tmp_path / "wrong", MatrixCodec(seed=5))
    other = another()
    other.window.sessions.open(path)
    box = question(other, "missing_question")
    assert "Where is the model “one”?" in box.text()
    answer(other, "missing_question", "missing_folder")
    choose_folder(other, tmp_path / "wrong")
    # Another model is not taken for it; the question comes again.
    other.until(lambda: "“wrong” does not contain the model" in question(other, "missing_question").informativeText())
    answer(other, "missing_question", "missing_folder")
    choose_folder(other, moved)
    other.until(lambda: other.document.sessions.path == path)
    other.settle()
    same(other, state)
    assert other.document.model is not None
    assert other.document.model.path == moved


def test_a_model_is_found_in_the_library_whatever_its_folder_is_called(
    user: WindowDriver, places: dict[str, Path], another: Callable[[], WindowDriver]
) -> None:
    state = work(user)
    path = places["sessions"] / "a.latent"
    save_as(user, path)
    shutil.move(places["model"], places["model"].with_name("renamed"))
    other = another()
    other.window.sessions.open(path)
    other.until(lambda: other.document.sessions.path == path)
    other.settle()
    same(other, state)


def test_without_the_model_the_images_open_and_the_file_is_left(
    user: WindowDriver, places: dict[str, Path], another: Callable[[], WindowDriver]
) -> None:
    work(user)
    path = places["sessions"] / "a.latent"
    save_as(user, path)
    before = path.read_bytes()
    shutil.rmtree(places["model"])
    other = another()
    other.window.sessions.open(path)
    answer(other, "missing_question", "missing_skip")
    other.until(lambda: other.document.source is not None)
    assert (other.document.model, other.document.state.image_index, other.document.state.keyframes) == (None, 7, ())
    # What is left would take the place of what was lost: it has no file.
    assert other.document.sessions.path is None
    press(other, "action_session_save")
    other.until(lambda: bool(open_dialogs(other)))
    QTest.keyClick(open_dialogs(other)[0], Qt.Key.Key_Escape)
    assert path.read_bytes() == before


def test_images_that_moved_are_asked_for_and_the_rest_is_kept(
    user: WindowDriver, places: dict[str, Path], another: Callable[[], WindowDriver], tmp_path: Path
) -> None:
    state = work(user)
    path = places["sessions"] / "a.latent"
    save_as(user, path)
    moved = tmp_path / "moved.npz"
    shutil.move(places["data"], moved)
    other = another()
    other.window.sessions.open(path)
    assert "Where is the dataset" in question(other, "missing_question").text()
    answer(other, "missing_question", "missing_file")
    type_path(other, moved)
    other.until(lambda: other.document.sessions.path == path)
    other.settle()
    same(other, state)


def test_images_that_moved_with_the_session_are_found(
    user: WindowDriver, places: dict[str, Path], another: Callable[[], WindowDriver], tmp_path: Path
) -> None:
    state = work(user)
    save_as(user, places["sessions"] / "a.latent")
    away = tmp_path / "away"
    away.mkdir()
    for part in ("data", "sessions"):
        shutil.move(tmp_path / part, away / part)
    other = another()
    other.window.sessions.open(away / "sessions" / "a.latent")
    other.until(lambda: other.document.sessions.path is not None)
    other.settle()
    same(other, state)


def test_without_the_images_the_codes_open(
    user: WindowDriver, places: dict[str, Path], another: Callable[[], WindowDriver]
) -> None:
    state = work(user)
    path = places["sessions"] / "a.latent"
    save_as(user, path)
    places["data"].unlink()
    other = another()
    other.window.sessions.open(path)
    answer(other, "missing_question", "missing_skip")
    other.until(lambda: other.document.model is not None)
    assert (other.document.source, other.document.sessions.path) == (None, None)
    assert len(other.document.state.keyframes) == len(state.keyframes)
    np.testing.assert_array_equal(other.code, state.code)
    other.until_edited_shows(other.code)


def choose_folder(driver: WindowDriver, folder: Path) -> None:
    """Choose a folder in the dialog that is open."""
    driver.until(lambda: bool(open_dialogs(driver)))
    dialog = open_dialogs(driver)[-1]
    dialog.setDirectory(str(folder.parent))
    edit = dialog.findChild(QLineEdit, "fileNameEdit")
    assert edit is not None
    edit.setCompleter(None)  # type: ignore[arg-type]
    button = next(button for button in dialog.findChildren(QPushButton) if button.isDefault())

    def typed() -> bool:
        if dialog.selectedFiles() != [str(folder)]:
            edit.setFocus()
            edit.selectAll()
            QTest.keyClicks(edit, str(folder))
            return False
        return button.isEnabled()

    driver.until(typed)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    driver.until(lambda: not dialog.isVisible())


def test_images_that_are_prepared_otherwise_now_are_reported(user: WindowDriver, places: dict[str, Path]) -> None:
    path = places["sessions"] / "a.latent"
    session = user.document.sessions.take()
    assert session.record.model is not None
    other = Preprocessing.standard((12, 10, 1), invert=True)
    model = session.record.model.model_copy(update={"preprocessing": other})
    write_session(path, Session(session.record.model_copy(update={"model": model}), session.arrays))
    user.window.sessions.open(path)
    user.until(lambda: bool(user.problems))
    assert "has changed since this session was saved" in str(user.problems[0].message)
    assert user.document.sessions.path == path


# -- what is no session ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["damaged", "newer", "empty"])
def test_what_cannot_be_opened_is_reported_and_what_is_open_stays(
    user: WindowDriver, places: dict[str, Path], what: str
) -> None:
    path = places["sessions"] / "a.latent"
    if what == "newer":
        session = user.document.sessions.take()
        write_session(path, Session(session.record.model_copy(update={"version": 99}), session.arrays))
    else:
        path.write_bytes(b"" if what == "empty" else b"PK\x03\x04 nothing")
    user.document.set_code(as_floats(1, 2))
    before = user.document.state
    user.window.sessions.open(path)
    answer(user, "unsaved_question", "unsaved_drop")
    user.until(lambda: bool(user.problems))
    assert user.document.state is before
    assert user.document.sessions.dirty
    words = {"newer": "version 99", "damaged": "as a zip archive", "empty": "as a zip archive"}[what]
    assert words in str(user.problems[0].message)
    assert user.window.problem_bar.isVisible()


def test_a_session_that_is_opened_as_anything_else_is_opened_as_one(
    user: WindowDriver, places: dict[str, Path]
) -> None:
    """From the command line and by a drop, which both hand on what they are given."""
    path = places["sessions"] / "a.latent"
    save_as(user, path)
    press(user, "action_session_new")
    assert user.document.sessions.path is None
    user.document.open_requested.emit(OpenRequest((str(path),), "images"))
    user.until(lambda: user.document.sessions.path == path)
    press(user, "action_session_new")
    user.document.open_requested.emit(OpenRequest((path,)))
    user.until(lambda: user.document.sessions.path == path)


def test_every_question_can_be_answered_with_keys(user: WindowDriver) -> None:
    press(user, "action_keyframe")
    press(user, "action_session_new")
    box = question(user, "unsaved_question")
    for button in box.buttons():
        assert button.objectName()
        assert button.text()
    drop = box.findChild(QPushButton, "unsaved_drop")
    assert drop is not None
    drop.setFocus()
    QTest.keyClick(drop, Qt.Key.Key_Space)
    assert user.document.state.keyframes == ()
