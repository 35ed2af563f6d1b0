"""The morph timeline: keyframes, scrubbing, playing, and the way to a GIF."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model
from explorer_testing.menus import opened, pick
from explorer_testing.window import WindowDriver, choose, drag
from PIL import Image
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton

from explorer.data.preprocessing import to_pixels
from explorer.document.timeline import Export
from explorer.document.views.animation import ANIMATION, AnimationView
from explorer.document.views.decoded import DecodedView
from explorer.document.views.keyframes import KEYFRAMES
from explorer.latent.animation import AnimationSettings, Segment, animation_codes
from explorer.latent.curves import image_change
from explorer.types import Floats


@pytest.fixture
def driver(driver: WindowDriver) -> WindowDriver:
    """A window in which the timeline is open before there are keyframes."""
    driver.window.workspaces.switch("animate")
    return driver


KEYS = (as_floats(-1, 0.5), as_floats(1, -0.5), as_floats(0.25, 1.5))


def add_keyframes(driver: WindowDriver, count: int = 2) -> None:
    """Add keyframes by the button, as a person does, and begin the history."""
    for key in KEYS[:count]:
        driver.document.set_code(key)
        driver.click("timeline_add")
    driver.until(lambda: isinstance(driver.document.views[KEYFRAMES], DecodedView))
    driver.document.forget_history()


def codes_of(driver: WindowDriver) -> list[Floats]:
    return [keyframe.code for keyframe in driver.document.state.keyframes]


def set_animation_settings(driver: WindowDriver, steps: int, hold: int, loop: str) -> None:
    driver.type_into("timeline_steps", str(steps))
    driver.type_into("timeline_hold", str(hold))
    choose(driver.window, "timeline_loop", loop)
    assert driver.document.state.animation == AnimationSettings(steps=steps, hold=hold, loop=loop)  # type: ignore[arg-type]


def act(driver: WindowDriver, name: str) -> None:
    """Choose an entry of a menu."""
    action = next(action for action in driver.window.timeline.findChildren(QAction) if action.objectName() == name)
    assert action.isEnabled()
    action.trigger()


def middle_of(driver: WindowDriver, number: int) -> QPointF:
    return driver.window.timeline.track.key_rect(number).center()


def measured(driver: WindowDriver) -> AnimationView:
    driver.until(lambda: getattr(driver.document.views[ANIMATION], "done", False))
    view = driver.document.views[ANIMATION]
    assert isinstance(view, AnimationView)
    return view


def evened(driver: WindowDriver) -> bool:
    return driver.document.timeline.evened


def test_without_keyframes_it_says_what_to_do(driver: WindowDriver) -> None:
    timeline = driver.window.timeline
    assert not timeline.add.isEnabled()
    driver.open()
    assert timeline.add.isEnabled()
    assert timeline.track.key_count == 0
    assert "Ctrl+Shift+K" in timeline.track.accessibleDescription()
    assert not timeline.export.isEnabled()
    assert not timeline.player.play.isEnabled()
    assert timeline.track.values_at(100) == ""


def test_keyframes_are_where_the_cursor_was(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver)
    driver.shortcut("action_keyframe")
    np.testing.assert_array_equal(codes_of(driver), [KEYS[0], KEYS[1], KEYS[1]])
    assert driver.window.timeline.track.key_count == 3
    assert driver.undo_label() == "Add keyframe"
    driver.until(lambda: driver.window.timeline.track.has_images)


def test_delete_takes_the_chosen_keyframe_out(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver, 3)
    track = driver.window.timeline.track
    track.setFocus()
    track.choose_key(1)
    QTest.keyClick(track, Qt.Key.Key_Delete)
    np.testing.assert_array_equal(codes_of(driver), [KEYS[0], KEYS[2]])
    track.choose_key(0)
    act(driver, "timeline_delete")
    np.testing.assert_array_equal(codes_of(driver), [KEYS[2]])
    driver.document.undo()
    driver.document.undo()
    assert track.key_count == 3


def test_a_keyframe_is_doubled_and_replaced(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver, 2)
    track = driver.window.timeline.track
    track.setFocus()
    track.choose_key(0)
    QTest.keyClick(track, Qt.Key.Key_Insert)
    np.testing.assert_array_equal(codes_of(driver), [KEYS[0], KEYS[0], KEYS[1]])
    assert track.key == 1, "the double is chosen"
    driver.shortcut("action_duplicate", track)
    assert len(codes_of(driver)) == 4
    driver.document.set_code(KEYS[2])
    where = middle_of(driver, 0).toPoint()
    QApplication.sendEvent(track, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, track.mapToGlobal(where)))
    driver.until(lambda: bool(driver.window.timeline.findChildren(QMenu, "timeline_menu")))
    act(driver, "timeline_menu_replace")
    driver.window.timeline.findChildren(QMenu, "timeline_menu")[-1].close()
    np.testing.assert_array_equal(codes_of(driver)[0], KEYS[2])
    track.choose_key(1)
    QTest.keyClick(track, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    pick(opened(track, "timeline_menu"), "timeline_menu_delete")
    assert len(codes_of(driver)) == 3


def test_alt_and_arrows_reorder(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver, 3)
    track = driver.window.timeline.track
    track.setFocus()
    track.choose_key(0)
    QTest.keyClick(track, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    np.testing.assert_array_equal(codes_of(driver), [KEYS[1], KEYS[0], KEYS[2]])
    assert track.key == 1, "the keyframe stays chosen"
    QTest.keyClick(track, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    QTest.keyClick(track, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    np.testing.assert_array_equal(codes_of(driver), [KEYS[1], KEYS[2], KEYS[0]])
    QTest.keyClick(track, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    np.testing.assert_array_equal(codes_of(driver), [KEYS[1], KEYS[0], KEYS[2]])


def test_clear_is_one_step(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver, 3)
    act(driver, "timeline_clear")
    assert codes_of(driver) == []
    assert not driver.find(QPushButton, "timeline_more").isEnabled()
    driver.document.undo()
    np.testing.assert_array_equal(codes_of(driver), KEYS)


def test_a_click_on_a_keyframe_goes_there(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver, 3)
    QTest.mouseClick(driver.window.timeline.track, Qt.MouseButton.LeftButton, pos=middle_of(driver, 0).toPoint())
    np.testing.assert_array_equal(driver.code, KEYS[0])


def test_enter_on_a_keyframe_goes_there(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver, 3)
    track = driver.window.timeline.track
    track.setFocus()
    QTest.keyClick(track, Qt.Key.Key_Left)
    QTest.keyClick(track, Qt.Key.Key_Return)
    np.testing.assert_array_equal(driver.code, KEYS[1])


def test_a_dragged_keyframe_is_shown_at_another_time_and_the_others_stay(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver, 3)
    driver.type_into("timeline_hold", "0")
    driver.document.forget_history()
    track = driver.window.timeline.track
    start, to = middle_of(driver, 1), QPointF(track.x_of(40), middle_of(driver, 1).y())
    drag(track, [start, start - QPointF(8, 0), to])
    animation = driver.document.timeline.animation
    assert animation is not None
    assert animation.key_frames().tolist() == pytest.approx([0, 40, 178], abs=2)
    np.testing.assert_array_equal(codes_of(driver), KEYS)
    assert animation.frames == 2 * 179 - 2, "the last keyframe stays where it is"
    driver.document.undo()
    assert driver.document.undo_label is None, "a drag is one step"
    assert [segment.steps for segment in driver.document.timeline.animation.segments] == [90, 90]  # type: ignore[union-attr]


def test_a_keyframe_dragged_past_another_changes_places_and_back_nothing_is_pushed_about(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver, 3)
    driver.type_into("timeline_hold", "0")
    track = driver.window.timeline.track
    start = middle_of(driver, 0)
    far = QPointF(track.x_of(120), start.y())
    QTest.mousePress(track, Qt.MouseButton.LeftButton, pos=start.toPoint())
    QTest.mouseMove(track, far.toPoint())
    QApplication.processEvents()
    np.testing.assert_array_equal(codes_of(driver), [KEYS[1], KEYS[0], KEYS[2]])
    assert track.key == 1
    QTest.mouseMove(track, start.toPoint())
    QApplication.processEvents()
    QTest.mouseRelease(track, Qt.MouseButton.LeftButton, pos=start.toPoint())
    np.testing.assert_array_equal(codes_of(driver), KEYS)
    animation = driver.document.timeline.animation
    assert animation is not None
    assert [segment.steps for segment in animation.segments] == [90, 90]


def test_a_segment_goes_its_own_way(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver, 3)
    track = driver.window.timeline.track
    assert driver.find(QLabel, "timeline_which").text() == "All segments"
    QTest.mouseClick(track, Qt.MouseButton.LeftButton, pos=track.segment_rect(1).center().toPoint())
    assert driver.find(QLabel, "timeline_which").text() == "Segment 2 → 3"
    choose(driver.window, "timeline_path", "slerp")
    choose(driver.window, "timeline_easing", "ease_in")
    driver.type_into("timeline_steps", "20")
    animation = driver.document.timeline.animation
    assert animation is not None
    assert animation.segments == (Segment(90), Segment(20, "slerp", "ease_in"))
    assert driver.document.state.animation.segment == Segment(90), "the others go on as they did"
    driver.click("timeline_for_all")
    assert driver.document.timeline.animation.segments == (Segment(20, "slerp", "ease_in"),) * 2  # type: ignore[union-attr]
    assert driver.find(QLabel, "timeline_which").text() == "All segments"
    driver.document.undo()
    assert driver.document.timeline.animation.segments[0] == Segment(90)  # type: ignore[union-attr]


def test_the_way_along_the_data_is_laid_behind_the_window(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver)
    choose(driver.window, "timeline_path", "data")
    assert driver.document.timeline.animation is not None
    driver.until(lambda: driver.document.timeline.curve is not None)
    model = driver.document.model
    assert model is not None
    expected = animation_codes(np.stack(KEYS[:2]), driver.document.timeline.animation, model.sample.codes)
    driver.document.timeline.set_playhead(50, "here")
    np.testing.assert_allclose(driver.code, expected[50], atol=1e-6)
    straight = animation_codes(np.stack(KEYS[:2]), AnimationSettings())
    assert np.abs(straight[50] - expected[50]).max() > 1e-3


def test_strip_and_curves_are_those_of_the_animation(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver)
    view = measured(driver)
    animation, model = driver.document.timeline.animation, driver.document.model
    assert animation is not None
    assert model is not None
    codes = animation_codes(np.stack(KEYS[:2]), animation)[animation.hold : animation.hold + animation.pass_frames]
    decoded = np.clip(model.codec.decode(codes), 0, 1)
    np.testing.assert_allclose(view.changes_of_pass(), image_change(decoded), atol=1e-6)
    np.testing.assert_array_equal(view.pixels, to_pixels(decoded[view.shown]))
    track = driver.window.timeline.track
    assert track.strip is not None
    assert "distance to data" in track.values_at(track.x_of(30))
    assert "image change" in track.values_at(track.x_of(30))
    driver.document.timeline.set_playhead(30, "to-frame-30")
    assert track.accessibleDescription().endswith(track.values_at(track.x_of(30)))


def test_even_motion_changes_the_image_evenly(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver)
    choose(driver.window, "timeline_easing", "ease_in")
    uneven = measured(driver).changes_of_pass()
    act(driver, "timeline_even")
    even = measured(driver).changes_of_pass()
    assert even.std() < 0.3 * uneven.std()
    assert driver.undo_label() == "Equalize visual speed"
    act(driver, "timeline_even")
    assert not evened(driver)
    driver.document.undo()
    assert evened(driver)
    driver.type_into("timeline_steps", "30")
    assert not evened(driver), "other frames are timed again"


def test_the_scrub_moves_the_cursor_and_is_one_step(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver)
    before, track = driver.code, driver.window.timeline.track
    drag(track, [QPointF(track.x_of(5 * step), 6) for step in range(11)])
    frame = driver.document.timeline.playhead
    assert 45 < frame < 55
    expected = animation_codes(np.stack(KEYS[:2]), driver.document.state.animation)[frame]
    np.testing.assert_allclose(driver.code, expected, atol=1e-6)
    assert f"{frame + 1}/216 · 4.32 s" in driver.find(QLabel, "timeline_length").text()
    driver.until_edited_shows(driver.code)
    driver.document.undo()
    np.testing.assert_array_equal(driver.code, before)
    assert driver.document.undo_label is None


def test_ctrl_and_arrows_move_the_playhead(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver)
    track = driver.window.timeline.track
    track.setFocus()
    for _ in range(3):
        QTest.keyClick(track, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(track, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert driver.document.timeline.playhead == 2


def test_playing_starts_over_where_it_should(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver)
    set_animation_settings(driver, 4, 0, "repeat")
    frames: list[int] = []

    def note() -> None:
        frames.append(driver.document.timeline.playhead)

    driver.document.timeline.playhead_changed.connect(note)
    driver.click("timeline_play")
    assert driver.window.timeline.player.play.text() == "Pause"
    # A busy machine leaves frames out; it never shows another order.
    driver.until(lambda: sum(after < before for before, after in pairwise(frames)) >= 3)
    driver.click("timeline_play")
    assert set(frames) <= {0, 1, 2, 3}
    assert driver.window.timeline.player.play.text() == "Play"


def test_playing_once_stops_at_the_end(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver)
    set_animation_settings(driver, 4, 1, "none")
    frames: list[int] = []

    def note() -> None:
        frames.append(driver.document.timeline.playhead)

    driver.document.timeline.playhead_changed.connect(note)
    before = driver.code
    driver.click("timeline_play")
    driver.until(lambda: not driver.window.timeline.player.play.isChecked())
    assert frames == sorted(set(frames))
    assert frames[-1] == 5
    np.testing.assert_allclose(driver.code, KEYS[1], atol=1e-6)
    driver.document.undo()
    np.testing.assert_array_equal(driver.code, before)
    played = len(frames)
    driver.click("timeline_play")  # from the end it starts over
    driver.until(lambda: frames[played : played + 1] == [0])


def test_playing_stops_with_the_keyframes(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver)
    driver.click("timeline_play")
    driver.until(lambda: driver.document.timeline.playhead > 2)
    act(driver, "timeline_clear")
    assert not driver.window.timeline.player.play.isChecked()
    assert driver.document.timeline.frames == 0


def test_playing_stops_with_the_model(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver)
    driver.click("timeline_play")
    driver.document.open(make_model(name="other"))
    assert not driver.window.timeline.player.play.isChecked()
    assert driver.window.timeline.track.key_count == 0
    driver.settle()


def test_each_model_shows_its_own_timeline(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver, 3)
    track = driver.window.timeline.track
    driver.document.open(make_model(name="other", seed=1))
    assert track.key_count == 0
    driver.settle()
    for key in KEYS[::-1]:
        driver.document.set_code(key)
        driver.click("timeline_add")
    driver.until(lambda: track.key_count == 3 and track.has_images)
    driver.document.open(make_model())
    assert not track.has_images, "not the images of the other model"
    driver.until(lambda: track.key_count == 3 and track.has_images)
    assert [code.tolist() for code in codes_of(driver)] == [key.tolist() for key in KEYS[:3]]
    driver.document.undo()
    assert not track.has_images
    driver.until(lambda: track.has_images)
    driver.settle()


def test_playing_goes_on_with_a_model_that_learns(driver: WindowDriver) -> None:
    run = Path("/nowhere/run")
    driver.open(replace(make_model(), run=run, epochs=1.0))
    add_keyframes(driver)
    driver.click("timeline_play")
    driver.until(lambda: driver.document.timeline.playhead > 0)
    newer = replace(make_model(seed=1), run=run, epochs=2.0)
    driver.document.refine_model(newer)
    at = driver.document.timeline.playhead
    driver.until(lambda: driver.document.timeline.playhead != at)
    assert driver.window.timeline.player.play.isChecked()
    driver.click("timeline_play")
    driver.until_edited_shows(driver.code)


def test_settings_change_the_length(driver: WindowDriver) -> None:
    driver.open()
    add_keyframes(driver)
    length = driver.find(QLabel, "timeline_length")
    assert "1/216 · 4.32 s" in length.text()
    set_animation_settings(driver, 10, 2, "repeat")
    driver.type_into("timeline_fps", "25")
    assert driver.document.state.animation.fps == 25
    assert "/14 · 0.56 s" in length.text()


def read_gif(path: Path) -> tuple[int, int]:
    """Return the number of frames and the whole length in milliseconds, every frame decoded."""
    with Image.open(path) as animation:
        frames, length = getattr(animation, "n_frames", 1), 0
        for frame in range(frames):
            animation.seek(frame)
            animation.load()
            length += int(animation.info["duration"])
    return frames, length


def test_export_writes_a_gif_through_the_dialog(driver: WindowDriver, tmp_path: Path) -> None:
    driver.open()
    add_keyframes(driver)
    written: list[Path] = []
    driver.document.exported.connect(written.append)
    driver.click("timeline_export")
    words = driver.find(QLabel, "export_size")
    assert words.text().startswith("216 frames, 213×256 px, 4.32 s, "), "known at once"
    driver.until(lambda: "about" in words.text())
    driver.click("export_write")
    driver.save_as(tmp_path / "film.gif")
    driver.until(lambda: bool(written))
    assert written == [tmp_path / "film.gif"]
    assert read_gif(written[0]) == (216, 4320)
    with Image.open(written[0]) as image:
        assert image.size == (213, 256)
    assert "film.gif" in driver.find(QLabel, "status_said").text()
    assert [file.name for file in tmp_path.iterdir()] == ["film.gif"]


@pytest.mark.parametrize("place", ["nowhere", "file"])
def test_an_export_that_cannot_be_written_says_so_and_leaves_nothing(
    driver: WindowDriver, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    driver.open()
    add_keyframes(driver)
    driver.document.timeline.export_requested.emit(Export(tmp_path / place / "film.gif"))
    driver.until(lambda: bool(driver.problems))
    assert place in driver.window.problem_bar.text
    assert driver.window.problem_bar.isVisible()
    driver.until(lambda: not driver.document.jobs)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "in the way"
