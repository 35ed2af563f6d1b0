"""The morph timeline: keyframes, scrubbing, playing, and the way to a GIF."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model
from explorer_testing.window import Desk, drag
from PIL import Image
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QMenu, QPushButton

from explorer.data.preprocessing import to_pixels
from explorer.document.timeline import Export
from explorer.document.views import FilmView, KeyframesView
from explorer.latent.curves import picture_change
from explorer.latent.film import FilmSettings, Segment, film_codes
from explorer.types import Floats

KEYS = (as_floats(-1, 0.5), as_floats(1, -0.5), as_floats(0.25, 1.5))


def add_keyframes(desk: Desk, count: int = 2) -> None:
    """Add keyframes by the button, as a person does, and begin the history."""
    for key in KEYS[:count]:
        desk.document.set_code(key)
        desk.click("timeline_add")
    desk.until(lambda: isinstance(desk.document.keyframes_view, KeyframesView))
    desk.document.forget_history()


def codes_of(desk: Desk) -> list[Floats]:
    return [keyframe.code for keyframe in desk.document.keyframes]


def choose(desk: Desk, name: str, value: str) -> None:
    """Choose from a box by keyboard."""
    box = desk.find(QComboBox, name)
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    for _ in range(box.findData(value)):
        QTest.keyClick(box, Qt.Key.Key_Down)
    assert box.currentData() == value


def set_film(desk: Desk, steps: int, hold: int, loop: str) -> None:
    desk.type_into("timeline_steps", str(steps))
    desk.type_into("timeline_hold", str(hold))
    choose(desk, "timeline_loop", loop)
    assert desk.document.film == FilmSettings(steps=steps, hold=hold, loop=loop)  # type: ignore[arg-type]


def act(desk: Desk, name: str) -> None:
    """Choose an entry of a menu."""
    action = next(action for action in desk.window.timeline.findChildren(QAction) if action.objectName() == name)
    assert action.isEnabled()
    action.trigger()


def middle_of(desk: Desk, number: int) -> QPointF:
    return desk.window.timeline.track.key_rect(number).center()


def measured(desk: Desk) -> FilmView:
    desk.until(lambda: isinstance(desk.document.film_view, FilmView) and desk.document.film_view.done)
    view = desk.document.film_view
    assert isinstance(view, FilmView)
    return view


def evened(desk: Desk) -> bool:
    return desk.document.timeline.evened


def test_without_keyframes_it_says_what_to_do(desk: Desk) -> None:
    timeline = desk.window.timeline
    assert not timeline.add.isEnabled()
    desk.open()
    assert timeline.add.isEnabled()
    assert timeline.track.key_count == 0
    assert "Ctrl+K" in timeline.track.accessibleDescription()
    assert not timeline.export.isEnabled()
    assert not timeline.play.isEnabled()
    assert timeline.track.values_at(100) == ""


def test_keyframes_are_where_the_cursor_was(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    desk.shortcut("action_keyframe")
    np.testing.assert_array_equal(codes_of(desk), [KEYS[0], KEYS[1], KEYS[1]])
    assert desk.window.timeline.track.key_count == 3
    assert desk.undo_label() == "Add keyframe"
    desk.until(lambda: desk.window.timeline.track.has_images)


def test_delete_takes_the_chosen_keyframe_out(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk, 3)
    track = desk.window.timeline.track
    track.setFocus()
    track.choose_key(1)
    QTest.keyClick(track, Qt.Key.Key_Delete)
    np.testing.assert_array_equal(codes_of(desk), [KEYS[0], KEYS[2]])
    track.choose_key(0)
    act(desk, "timeline_delete")
    np.testing.assert_array_equal(codes_of(desk), [KEYS[2]])
    desk.document.undo()
    desk.document.undo()
    assert track.key_count == 3


def test_a_keyframe_is_doubled_and_replaced(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk, 2)
    track = desk.window.timeline.track
    track.setFocus()
    track.choose_key(0)
    QTest.keyClick(track, Qt.Key.Key_Insert)
    np.testing.assert_array_equal(codes_of(desk), [KEYS[0], KEYS[0], KEYS[1]])
    assert track.key == 1, "the double is chosen"
    desk.shortcut("action_duplicate")
    assert len(codes_of(desk)) == 4
    desk.document.set_code(KEYS[2])
    where = middle_of(desk, 0).toPoint()
    QApplication.sendEvent(track, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, track.mapToGlobal(where)))
    desk.until(lambda: bool(desk.window.timeline.findChildren(QMenu, "timeline_menu")))
    act(desk, "timeline_menu_replace")
    desk.window.timeline.findChildren(QMenu, "timeline_menu")[-1].close()
    np.testing.assert_array_equal(codes_of(desk)[0], KEYS[2])


def test_alt_and_arrows_reorder(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk, 3)
    track = desk.window.timeline.track
    track.setFocus()
    track.choose_key(0)
    QTest.keyClick(track, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    np.testing.assert_array_equal(codes_of(desk), [KEYS[1], KEYS[0], KEYS[2]])
    assert track.key == 1, "the keyframe stays chosen"
    QTest.keyClick(track, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    QTest.keyClick(track, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    np.testing.assert_array_equal(codes_of(desk), [KEYS[1], KEYS[2], KEYS[0]])
    QTest.keyClick(track, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    np.testing.assert_array_equal(codes_of(desk), [KEYS[1], KEYS[0], KEYS[2]])


def test_clear_is_one_step(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk, 3)
    act(desk, "timeline_clear")
    assert codes_of(desk) == []
    assert not desk.find(QPushButton, "timeline_more").isEnabled()
    desk.document.undo()
    np.testing.assert_array_equal(codes_of(desk), KEYS)


def test_a_click_on_a_keyframe_goes_there(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk, 3)
    QTest.mouseClick(desk.window.timeline.track, Qt.MouseButton.LeftButton, pos=middle_of(desk, 0).toPoint())
    np.testing.assert_array_equal(desk.code, KEYS[0])


def test_enter_on_a_keyframe_goes_there(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk, 3)
    track = desk.window.timeline.track
    track.setFocus()
    QTest.keyClick(track, Qt.Key.Key_Left)
    QTest.keyClick(track, Qt.Key.Key_Return)
    np.testing.assert_array_equal(desk.code, KEYS[1])


def test_a_dragged_keyframe_is_shown_at_another_time_and_the_others_stay(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk, 3)
    desk.type_into("timeline_hold", "0")
    desk.document.forget_history()
    track = desk.window.timeline.track
    start, to = middle_of(desk, 1), QPointF(track.x_of(40), middle_of(desk, 1).y())
    drag(track, [start, start - QPointF(8, 0), to])
    film = desk.document.timeline.film
    assert film is not None
    assert film.key_frames().tolist() == pytest.approx([0, 40, 178], abs=2)
    np.testing.assert_array_equal(codes_of(desk), KEYS)
    assert film.frames == 2 * 179 - 2, "the last keyframe stays where it is"
    desk.document.undo()
    assert desk.document.undo_label is None, "a drag is one step"
    assert [segment.steps for segment in desk.document.timeline.film.segments] == [90, 90]  # type: ignore[union-attr]


def test_a_keyframe_dragged_past_another_changes_places_and_back_nothing_is_pushed_about(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk, 3)
    desk.type_into("timeline_hold", "0")
    track = desk.window.timeline.track
    start = middle_of(desk, 0)
    far = QPointF(track.x_of(120), start.y())
    QTest.mousePress(track, Qt.MouseButton.LeftButton, pos=start.toPoint())
    QTest.mouseMove(track, far.toPoint())
    QApplication.processEvents()
    np.testing.assert_array_equal(codes_of(desk), [KEYS[1], KEYS[0], KEYS[2]])
    assert track.key == 1
    QTest.mouseMove(track, start.toPoint())
    QApplication.processEvents()
    QTest.mouseRelease(track, Qt.MouseButton.LeftButton, pos=start.toPoint())
    np.testing.assert_array_equal(codes_of(desk), KEYS)
    film = desk.document.timeline.film
    assert film is not None
    assert [segment.steps for segment in film.segments] == [90, 90]


def test_a_segment_goes_its_own_way(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk, 3)
    track = desk.window.timeline.track
    assert desk.find(QLabel, "timeline_which").text() == "All segments"
    QTest.mouseClick(track, Qt.MouseButton.LeftButton, pos=track.segment_rect(1).center().toPoint())
    assert desk.find(QLabel, "timeline_which").text() == "Segment 2 → 3"
    choose(desk, "timeline_path", "slerp")
    choose(desk, "timeline_easing", "ease_in")
    desk.type_into("timeline_steps", "20")
    film = desk.document.timeline.film
    assert film is not None
    assert film.segments == (Segment(90), Segment(20, "slerp", "ease_in"))
    assert desk.document.film.segment == Segment(90), "the others go on as they did"
    desk.click("timeline_for_all")
    assert desk.document.timeline.film.segments == (Segment(20, "slerp", "ease_in"),) * 2  # type: ignore[union-attr]
    assert desk.find(QLabel, "timeline_which").text() == "All segments"
    desk.document.undo()
    assert desk.document.timeline.film.segments[0] == Segment(90)  # type: ignore[union-attr]


def test_the_way_along_the_data_is_laid_behind_the_window(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    choose(desk, "timeline_path", "data")
    assert desk.document.timeline.film is not None
    desk.until(lambda: desk.document.timeline.curve is not None)
    model = desk.document.model
    assert model is not None
    expected = film_codes(np.stack(KEYS[:2]), desk.document.timeline.film, model.sample.codes)
    desk.document.timeline.set_playhead(50, "here")
    np.testing.assert_allclose(desk.code, expected[50], atol=1e-6)
    straight = film_codes(np.stack(KEYS[:2]), FilmSettings())
    assert np.abs(straight[50] - expected[50]).max() > 1e-3


def test_strip_and_curves_are_those_of_the_film(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    view = measured(desk)
    film, model = desk.document.timeline.film, desk.document.model
    assert film is not None
    assert model is not None
    codes = film_codes(np.stack(KEYS[:2]), film)[film.hold : film.hold + film.pass_frames]
    decoded = np.clip(model.codec.decode(codes), 0, 1)
    np.testing.assert_allclose(view.changes_of_pass(), picture_change(decoded), atol=1e-6)
    np.testing.assert_array_equal(view.pixels, to_pixels(decoded[view.shown]))
    track = desk.window.timeline.track
    assert track.strip is not None
    assert "OOD distance" in track.values_at(track.x_of(30))
    assert "image change" in track.values_at(track.x_of(30))


def test_even_motion_changes_the_picture_evenly(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    choose(desk, "timeline_easing", "ease_in")
    uneven = measured(desk).changes_of_pass()
    act(desk, "timeline_even")
    even = measured(desk).changes_of_pass()
    assert even.std() < 0.3 * uneven.std()
    assert desk.undo_label() == "Equalize visual speed"
    act(desk, "timeline_even")
    assert not evened(desk)
    desk.document.undo()
    assert evened(desk)
    desk.type_into("timeline_steps", "30")
    assert not evened(desk), "other frames are timed anew"


def test_the_scrub_moves_the_cursor_and_is_one_step(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    before, track = desk.code, desk.window.timeline.track
    drag(track, [QPointF(track.x_of(5 * step), 6) for step in range(11)])
    frame = desk.document.timeline.playhead
    assert 45 < frame < 55
    expected = film_codes(np.stack(KEYS[:2]), desk.document.film)[frame]
    np.testing.assert_allclose(desk.code, expected, atol=1e-6)
    assert f"{frame + 1}/216 · 4.32 s" in desk.find(QLabel, "timeline_length").text()
    desk.until_edited_shows(desk.code)
    desk.document.undo()
    np.testing.assert_array_equal(desk.code, before)
    assert desk.document.undo_label is None


def test_ctrl_and_arrows_move_the_playhead(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    track = desk.window.timeline.track
    track.setFocus()
    for _ in range(3):
        QTest.keyClick(track, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(track, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert desk.document.timeline.playhead == 2


def test_playing_starts_over_where_it_should(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    set_film(desk, 4, 0, "repeat")
    frames: list[int] = []

    def note() -> None:
        frames.append(desk.document.timeline.playhead)

    desk.document.timeline.playhead_changed.connect(note)
    desk.click("timeline_play")
    assert desk.window.timeline.play.text() == "Pause"
    # A busy machine leaves frames out; it never shows another order.
    desk.until(lambda: sum(after < before for before, after in pairwise(frames)) >= 3)
    desk.click("timeline_play")
    assert set(frames) <= {0, 1, 2, 3}
    assert desk.window.timeline.play.text() == "Play"


def test_playing_once_stops_at_the_end(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    set_film(desk, 4, 1, "none")
    frames: list[int] = []

    def note() -> None:
        frames.append(desk.document.timeline.playhead)

    desk.document.timeline.playhead_changed.connect(note)
    before = desk.code
    desk.click("timeline_play")
    desk.until(lambda: not desk.window.timeline.play.isChecked())
    assert frames == sorted(set(frames))
    assert frames[-1] == 5
    np.testing.assert_allclose(desk.code, KEYS[1], atol=1e-6)
    desk.document.undo()
    np.testing.assert_array_equal(desk.code, before)
    played = len(frames)
    desk.click("timeline_play")  # from the end it starts over
    desk.until(lambda: frames[played : played + 1] == [0])


def test_playing_stops_with_the_keyframes(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    desk.click("timeline_play")
    desk.until(lambda: desk.document.timeline.playhead > 2)
    act(desk, "timeline_clear")
    assert not desk.window.timeline.play.isChecked()
    assert desk.document.timeline.frames == 0


def test_playing_stops_with_the_model(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    desk.click("timeline_play")
    desk.document.open(make_model(name="other"))
    assert not desk.window.timeline.play.isChecked()
    assert desk.window.timeline.track.key_count == 0
    desk.settle()


def test_playing_goes_on_with_a_model_that_learns(desk: Desk) -> None:
    run = Path("/nowhere/run")
    desk.open(replace(make_model(), run=run, epochs=1.0))
    add_keyframes(desk)
    desk.click("timeline_play")
    desk.until(lambda: desk.document.timeline.playhead > 0)
    newer = replace(make_model(seed=1), run=run, epochs=2.0)
    desk.document.refine_model(newer)
    at = desk.document.timeline.playhead
    desk.until(lambda: desk.document.timeline.playhead != at)
    assert desk.window.timeline.play.isChecked()
    desk.click("timeline_play")
    desk.until_edited_shows(desk.code)


def test_settings_change_the_length(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    length = desk.find(QLabel, "timeline_length")
    assert "1/216 · 4.32 s" in length.text()
    set_film(desk, 10, 2, "repeat")
    desk.type_into("timeline_fps", "25")
    assert desk.document.film.fps == 25
    assert "/14 · 0.56 s" in length.text()


def read_gif(path: Path) -> tuple[int, int]:
    """Return the number of frames and the whole length in milliseconds, every frame decoded."""
    with Image.open(path) as film:
        frames, length = getattr(film, "n_frames", 1), 0
        for frame in range(frames):
            film.seek(frame)
            film.load()
            length += int(film.info["duration"])
    return frames, length


def test_export_writes_a_gif_through_the_dialog(desk: Desk, tmp_path: Path) -> None:
    desk.open()
    add_keyframes(desk)
    written: list[Path] = []
    desk.document.exported.connect(written.append)
    desk.click("timeline_export")
    desk.until(lambda: "216 frames, 210×252 px" in desk.find(QLabel, "export_size").text())
    desk.click("export_write")
    desk.save_as(tmp_path / "film.gif")
    desk.until(lambda: bool(written))
    assert written == [tmp_path / "film.gif"]
    assert read_gif(written[0]) == (216, 4320)
    assert "film.gif" in desk.find(QLabel, "status_said").text()
    assert [file.name for file in tmp_path.iterdir()] == ["film.gif"]


@pytest.mark.parametrize("place", ["nowhere", "file"])
def test_an_export_that_cannot_be_written_says_so_and_leaves_nothing(desk: Desk, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("in the way")
    desk.open()
    add_keyframes(desk)
    desk.document.timeline.export_requested.emit(Export(tmp_path / place / "film.gif"))
    desk.until(lambda: bool(desk.problems))
    assert place in desk.window.problem_bar.text
    assert desk.window.problem_bar.isVisible()
    desk.until(lambda: not desk.document.jobs)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "in the way"
