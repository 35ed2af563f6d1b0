"""Steps of the tour: keyframes on the timeline, and a GIF."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel, QLineEdit, QPushButton

from explorer.document.open_requests import OpenRequest
from explorer.document.views.animation import ANIMATION, AnimationView
from explorer.document.views.keyframes import KEYFRAMES
from explorer.errors import EngineError, UsageError
from explorer.tour.guide import Tour
from explorer.ui.actions import WindowAction

GIF_NAME, FIRST_NAME = "morph.gif", "first.gif"
MOST_CLICKS = 10
"""Largest number of clicks for a first animation."""


def keyframes(tour: Tour) -> None:
    """Add three images to the timeline, scrub, and play."""
    tour.show_panel("map")
    for image in (3, 5, 9):
        tour.document.choose_image(image)
        tour.settle()
        tour.click("tool_keyframe")
    tour.type_number("timeline_steps", 30)
    tour.type_number("timeline_hold", 6)
    tour.until(lambda: tour.document.views[KEYFRAMES] is not None, "the keyframes' thumbnails")
    track = tour.running.window.timeline.track
    tour.drag(track, [QPointF(track.x_of(2 * step), 6) for step in range(12)])
    scrubbed = tour.document.timeline.playhead
    tour.click("timeline_play")
    tour.until(lambda: tour.document.timeline.playhead > scrubbed + 5, "the animation to play")
    tour.click("timeline_play")
    tour.settle()
    tour.shoot("timeline")


def paths(tour: Tour) -> None:
    """Change path and easing of one segment, retime a keyframe, and equalize the visual speed."""
    if tour.document.timeline.frames == 0:
        keyframes(tour)
    timeline = tour.running.window.timeline
    track = timeline.track
    QTest.mouseClick(track, Qt.MouseButton.LeftButton, pos=track.segment_rect(0).center().toPoint())
    tour.choose("timeline_path", "data")
    tour.choose("timeline_easing", "ease")
    start = track.key_rect(1).center()
    tour.drag(track, [start, start + QPointF(12, 0), QPointF(track.x_of(50), start.y())])
    _measured(tour)
    even = next(action for action in timeline.findChildren(WindowAction) if action.record.name == "timeline_even")
    tour.until(lambda: even.available, "the curves of the animation")
    even.trigger()
    _measured(tour)
    tour.shoot("timeline-paths")


def one_of_each(tour: Tour) -> None:
    """Apply the preset with one image per class, and undo it."""
    tour.click("timeline_presets")
    tour.choose("preset_kind", "classes")
    tour.click("preset_apply")
    _measured(tour)
    tour.shoot("timeline-classes")
    tour.document.undo()


def reopen(tour: Tour) -> None:
    """Reopen the GIF, and check that the timeline is the same."""
    if tour.gif is None:
        gif(tour)
    assert tour.gif is not None
    before = tour.document.timeline.animation
    tour.document.timeline.clear()
    tour.document.open_requested.emit(OpenRequest((tour.gif,)))
    tour.until(lambda: tour.document.timeline.frames > 0, "the reopened animation")
    if tour.document.timeline.animation != before:
        raise EngineError("The reopened animation differs from the exported one.")
    _measured(tour)
    tour.shoot("timeline-reopened")


def _measured(tour: Tour) -> None:
    def done() -> bool:
        view = tour.document.views[ANIMATION]
        return isinstance(view, AnimationView) and view.done and view.animation is tour.document.timeline.animation

    tour.until(done, "the curves of the animation")
    tour.until(lambda: tour.running.window.timeline.track.has_images, "the images of the keyframes")


def first(tour: Tour) -> None:
    """Make a first animation from the start screen, and count the clicks."""
    view = tour.running.window.gallery.view
    clicks = tour.clicks
    clicks.begin()
    for place in (0, 1):
        index = tour.running.window.gallery.model.index(place)
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center())
        tour.until(lambda place=place: tour.document.state.image_index == place, "the clicked image")  # type: ignore[misc]
        tour.settle()
        tour.click("tool_keyframe")
    _export(tour, tour.out / FIRST_NAME)
    clicks.end()
    if clicks.count > MOST_CLICKS:
        raise EngineError(
            "Making a first animation took {count} clicks; at most {most} are allowed.",
            count=clicks.count,
            most=MOST_CLICKS,
        )
    tour.shoot(f"first-animation-in-{clicks.count}-clicks")
    tour.document.timeline.clear()


def gif(tour: Tour) -> None:
    if tour.document.timeline.frames == 0:
        keyframes(tour)
    _export(tour, tour.out / GIF_NAME)
    tour.gif = tour.out / GIF_NAME
    tour.shoot("export")


def _export(tour: Tour, target: Path) -> None:
    written: list[Path] = []
    tour.document.exported.connect(written.append)
    target.unlink(missing_ok=True)
    tour.click("timeline_export")
    size = tour.find(QLabel, "export_size")
    tour.until(lambda: "about" in size.text(), "the estimated file size")
    tour.shoot("export-dialog", size.window())
    tour.click("export_write")
    tour.until(lambda: bool(tour.running.window.findChildren(QFileDialog)), "the file dialog")
    dialog = tour.running.window.findChildren(QFileDialog)[-1]
    edit = dialog.findChild(QLineEdit, "fileNameEdit")
    if edit is None:
        raise UsageError("The file dialog has no field for the name.")
    # The completion popup would take the keyboard focus.
    edit.setCompleter(None)  # type: ignore[arg-type]
    dialog.setDirectory(str(tour.out))
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, target.name)
    save = next(button for button in dialog.findChildren(QPushButton) if button.isDefault())
    # While the folder is being read, the button is labeled “Open” and would open it.
    tour.until(lambda: save.isEnabled() and "Save" in save.text(), "the dialog to take the name")
    QTest.mouseClick(save, Qt.MouseButton.LeftButton)
    tour.until(lambda: bool(written), "the GIF")
    tour.document.exported.disconnect(written.append)
