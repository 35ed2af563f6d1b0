"""Drag an image from the gallery and a point from the map to the timeline, with drag and drop of the window system.

    python scripts/drag_for_real.py

Run it under X; the offscreen platform has no drag and drop. Fails if a keyframe is missing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from PySide6.QtCore import QEventLoop, QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from explorer.app import make_application, make_window, open_first
from explorer.document.views.image import IMAGE

PATIENCE_MS = 60_000
_STEP_MS = 30
_STEPS = 12
_NONE = Qt.KeyboardModifier.NoModifier


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Run the event loop until a condition is true.

    Raises
    ------
    TimeoutError
        If it takes too long.
    """
    loop, timer, end = QEventLoop(), QTimer(), QTimer()
    end.setSingleShot(True)
    end.timeout.connect(loop.quit)
    end.start(PATIENCE_MS)
    timer.timeout.connect(lambda: loop.quit() if condition() else None)
    timer.start(10)
    if not condition():
        loop.exec()
    if not condition():
        raise TimeoutError(what)


def drag(source: QWidget, start: QPoint, target: QWidget, end: QPoint, keys: Qt.KeyboardModifier = _NONE) -> None:
    """Press, move and release the mouse; a drag runs its own event loop, so a timer moves the mouse."""
    window = source.window()
    handle = window.windowHandle()
    assert handle is not None
    first, last = source.mapTo(window, start), target.mapTo(window, end)
    over: list[bool] = []

    def move(number: int) -> None:
        if number > _STEPS:
            QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=last)
            over.append(True)
            return
        # Before the move, because the call that starts the drag returns only after the drop.
        QTimer.singleShot(_STEP_MS, lambda: move(number + 1))
        share = number / _STEPS
        across, down = last.x() - first.x(), last.y() - first.y()
        QTest.mouseMove(handle, QPoint(round(first.x() + share * across), round(first.y() + share * down)))

    QTest.mousePress(handle, Qt.MouseButton.LeftButton, keys, first)
    QTimer.singleShot(_STEP_MS, lambda: move(1))
    wait_until(lambda: bool(over), "the drag to end")


def main() -> int:
    """Run the drags; return the exit status."""
    make_application()
    running = make_window()
    document, window = running.document, running.window
    try:
        open_first(document)
        window.show()
        view, track = window.gallery.view, window.timeline.track
        wait_until(lambda: document.views[IMAGE] is not None, "the first image")
        wait_until(lambda: window.gallery.model.rowCount() > 3, "the gallery")
        document.timeline.add()
        wait_until(lambda: track.isVisible() and window.timeline.height() > 100, "the track")
        start = view.visualRect(window.gallery.model.index(2)).center()
        drag(view.viewport(), start, track, QPoint(track.width() - 40, track.height() // 2))
        wait_until(lambda: len(document.state.keyframes) == 2, "a keyframe from the dropped image")
        window.show_panel("map")
        wait_until(lambda: document.map.ready, "the map")
        canvas, control = window.map.canvas, Qt.KeyboardModifier.ControlModifier
        drag(canvas, canvas.plane_rect().center().toPoint(), track, QPoint(track.width() // 2, 40), control)
        wait_until(lambda: len(document.state.keyframes) == 3, "a keyframe from the dropped point of the map")
    finally:
        running.close()
        QApplication.processEvents()
    print(f"drag and drop under {QApplication.platformName()}: from gallery and map to the timeline")
    return 0


if __name__ == "__main__":
    sys.exit(main())
