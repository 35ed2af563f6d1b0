"""Steps of the tour: keyframes on the timeline, and a GIF."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit, QPushButton

from explorer.errors import UsageError
from explorer.tour.guide import Tour

GIF_NAME = "morph.gif"


def keyframes(tour: Tour) -> None:
    """Put three pictures on the timeline, scrub, and play a little."""
    tour.tab(tour.running.window.map)
    for picture in (3, 5, 9):
        tour.document.choose_picture(picture)
        tour.settle()
        tour.click("timeline_add")
    tour.type_number("timeline_steps", 30)
    tour.type_number("timeline_hold", 6)
    tour.until(lambda: tour.document.keyframes_view is not None, "the keyframes' thumbnails")
    track = tour.running.window.timeline.track
    tour.drag(track, [QPointF(track.x_of(2 * step), 6) for step in range(12)])
    scrubbed = tour.document.timeline.playhead
    tour.click("timeline_play")
    tour.until(lambda: tour.document.timeline.playhead > scrubbed + 5, "the morph to play")
    tour.click("timeline_play")
    tour.settle()
    tour.shoot("timeline")


def gif(tour: Tour) -> None:
    """Export the morph through the file dialog."""
    if tour.document.timeline.frames == 0:
        keyframes(tour)
    written: list[Path] = []
    tour.document.exported.connect(written.append)
    target = tour.out / GIF_NAME
    target.unlink(missing_ok=True)
    tour.click("timeline_export")
    tour.until(lambda: bool(tour.running.window.findChildren(QFileDialog)), "the file dialog")
    dialog = tour.running.window.findChildren(QFileDialog)[-1]
    edit = dialog.findChild(QLineEdit, "fileNameEdit")
    if edit is None:
        raise UsageError("the file dialog's field for the name", "none")
    # Its list of completions pops up when the folder has been read, and takes the keyboard away.
    edit.setCompleter(None)  # type: ignore[arg-type]
    dialog.setDirectory(str(tour.out))
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, target.name)
    save = next(button for button in dialog.findChildren(QPushButton) if button.isDefault())
    # While the folder is being read the button says “Open”, and would.
    tour.until(lambda: save.isEnabled() and "Save" in save.text(), "the dialog to take the name")
    QTest.mouseClick(save, Qt.MouseButton.LeftButton)
    tour.until(lambda: bool(written), "the GIF")
    tour.gif = written[0]
    tour.shoot("export")
