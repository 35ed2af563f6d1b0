"""The morph timeline: keyframes, scrubbing, playing, and the way to a GIF."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model
from explorer_testing.window import Desk, drag
from PIL import Image
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton

from explorer.document.views import KeyframesView
from explorer.latent.film import FilmSettings, film_codes
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


def set_film(desk: Desk, steps: int, hold: int, loop: str) -> None:
    desk.type_into("timeline_steps", str(steps))
    desk.type_into("timeline_hold", str(hold))
    box = desk.find(QComboBox, "timeline_loop")
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    for _ in range(box.findData(loop)):
        QTest.keyClick(box, Qt.Key.Key_Down)
    assert desk.document.film == FilmSettings(steps=steps, hold=hold, loop=loop)  # type: ignore[arg-type]


def test_without_keyframes_it_says_what_to_do(desk: Desk) -> None:
    timeline = desk.window.timeline
    assert not timeline.add.isEnabled()
    desk.open()
    assert timeline.add.isEnabled()
    assert not timeline.strip.isVisible()
    assert any("Add keyframe" in label.text() for label in timeline.findChildren(QLabel) if label.isVisible())
    assert not timeline.export.isEnabled()
    assert not timeline.playhead.isEnabled()


def test_keyframes_are_where_the_cursor_was(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    desk.shortcut("action_keyframe")
    np.testing.assert_array_equal(codes_of(desk), [KEYS[0], KEYS[1], KEYS[1]])
    assert desk.window.timeline.strip.count() == 3
    assert desk.document.undo_label == "Add keyframe"
    desk.until(lambda: not desk.window.timeline.strip.item(2).icon().isNull())


def test_delete_takes_the_chosen_keyframe_out(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk, 3)
    strip = desk.window.timeline.strip
    strip.setFocus()
    strip.setCurrentRow(1)
    QTest.keyClick(strip, Qt.Key.Key_Delete)
    np.testing.assert_array_equal(codes_of(desk), [KEYS[0], KEYS[2]])
    strip.setCurrentRow(0)
    desk.click("timeline_delete")
    np.testing.assert_array_equal(codes_of(desk), [KEYS[2]])
    desk.document.undo()
    desk.document.undo()
    assert strip.count() == 3


def test_alt_and_arrows_reorder(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk, 3)
    strip = desk.window.timeline.strip
    strip.setFocus()
    strip.setCurrentRow(0)
    QTest.keyClick(strip, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    np.testing.assert_array_equal(codes_of(desk), [KEYS[1], KEYS[0], KEYS[2]])
    assert strip.currentRow() == 1, "the keyframe stays chosen"
    QTest.keyClick(strip, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    QTest.keyClick(strip, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    np.testing.assert_array_equal(codes_of(desk), [KEYS[1], KEYS[2], KEYS[0]])
    QTest.keyClick(strip, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    np.testing.assert_array_equal(codes_of(desk), [KEYS[1], KEYS[0], KEYS[2]])


def test_clear_is_one_step(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk, 3)
    desk.click("timeline_clear")
    assert codes_of(desk) == []
    assert not desk.find(QPushButton, "timeline_clear").isEnabled()
    desk.document.undo()
    np.testing.assert_array_equal(codes_of(desk), KEYS)


def test_a_click_on_a_keyframe_goes_there(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk, 3)
    strip = desk.window.timeline.strip
    where = strip.visualItemRect(strip.item(0)).center()
    QTest.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=where)
    np.testing.assert_array_equal(desk.code, KEYS[0])


def test_enter_on_a_keyframe_goes_there(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk, 3)
    strip = desk.window.timeline.strip
    strip.setFocus()
    QTest.keyClick(strip, Qt.Key.Key_Left)
    QTest.keyClick(strip, Qt.Key.Key_Return)
    np.testing.assert_array_equal(desk.code, KEYS[1])


def test_the_scrub_moves_the_cursor_and_is_one_step(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    before, playhead = desk.code, desk.window.timeline.playhead
    middle = playhead.rect().center().y()
    drag(playhead, [QPointF(7 + step * playhead.width() / 40, middle) for step in range(11)])
    frame = desk.document.playhead
    assert 20 < frame < 80
    expected = film_codes(np.stack(KEYS[:2]), desk.document.film)[frame]
    np.testing.assert_allclose(desk.code, expected, atol=1e-6)
    assert f"frame {frame + 1} of 216, 4.32 s" in desk.find(QLabel, "timeline_length").text()
    desk.until_edited_shows(desk.code)
    desk.document.undo()
    np.testing.assert_array_equal(desk.code, before)
    assert desk.document.undo_label is None


def test_playing_starts_over_where_it_should(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    set_film(desk, 4, 0, "repeat")
    frames: list[int] = []

    def note() -> None:
        frames.append(desk.document.playhead)

    desk.document.playhead_changed.connect(note)
    desk.click("timeline_play")
    assert desk.window.timeline.play.text() == "Pause"
    desk.until(lambda: len(frames) >= 9)
    desk.click("timeline_play")
    assert frames[:9] == [1, 2, 3, 0, 1, 2, 3, 0, 1]
    assert desk.window.timeline.play.text() == "Play"


def test_playing_once_stops_at_the_end(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    set_film(desk, 4, 1, "none")
    frames: list[int] = []

    def note() -> None:
        frames.append(desk.document.playhead)

    desk.document.playhead_changed.connect(note)
    before = desk.code
    desk.click("timeline_play")
    desk.until(lambda: not desk.window.timeline.play.isChecked())
    assert frames == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(desk.code, KEYS[1], atol=1e-6)
    desk.document.undo()
    np.testing.assert_array_equal(desk.code, before)
    desk.click("timeline_play")  # from the end it starts over
    desk.until(lambda: frames[5:7] == [0, 1])


def test_playing_stops_with_the_keyframes(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    desk.click("timeline_play")
    desk.until(lambda: desk.document.playhead > 2)
    desk.click("timeline_clear")
    assert not desk.window.timeline.play.isChecked()
    assert desk.document.frame_count == 0


def test_playing_stops_with_the_model(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    desk.click("timeline_play")
    desk.document.open(make_model(name="other"))
    assert not desk.window.timeline.play.isChecked()
    assert desk.window.timeline.strip.count() == 0
    desk.settle()


def test_playing_goes_on_with_a_model_that_learns(desk: Desk) -> None:
    run = Path("/nowhere/run")
    desk.open(replace(make_model(), run=run, epochs=1.0))
    add_keyframes(desk)
    desk.click("timeline_play")
    desk.until(lambda: desk.document.playhead > 0)
    newer = replace(make_model(seed=1), run=run, epochs=2.0)
    desk.document.refine_model(newer)
    at = desk.document.playhead
    desk.until(lambda: desk.document.playhead != at)
    assert desk.window.timeline.play.isChecked()
    desk.click("timeline_play")
    desk.until_edited_shows(desk.code)


def test_settings_change_the_length(desk: Desk) -> None:
    desk.open()
    add_keyframes(desk)
    length = desk.find(QLabel, "timeline_length")
    assert "of 216, 4.32 s" in length.text()
    set_film(desk, 10, 2, "repeat")
    desk.type_into("timeline_fps", "25")
    assert desk.document.film.fps == 25
    assert "of 14, 0.56 s" in length.text()
    assert desk.window.timeline.playhead.maximum() == 13


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
    desk.document.export_requested.emit(tmp_path / place / "film.gif")
    desk.until(lambda: bool(desk.problems))
    assert place in desk.window.problem_bar.text
    assert desk.window.problem_bar.isVisible()
    desk.until(lambda: not desk.document.jobs)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "in the way"
