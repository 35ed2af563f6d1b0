"""Drives the real window from inside its process; child processes only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PySide6.QtCore import QEvent, QEventLoop, QObject, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QSpinBox, QWidget

from explorer.app import Running, make_application, make_window, open_first
from explorer.bench.harness import MeasureError
from explorer.document.views.cursor import CURSOR
from explorer.document.views.image import IMAGE
from explorer.models.settings import make_request
from explorer.paths import user_models_dir

FRAME_MS = 16
"""One frame at 60 Hz, rounded down to milliseconds."""

OPEN_SECONDS = 60.0
TRAINING_SECONDS = 120.0
_POLL_MS = 10
_CALM_SECONDS = 1.0


@contextmanager
def open_window() -> Iterator[Running]:
    """Open the window like the program, wait until everything is painted, and close it at the end."""
    app: QApplication = make_application()
    running = make_window()
    try:
        open_first(running.document)
        running.window.show()
        wait_until(lambda: is_whole(running), OPEN_SECONDS, "the first paint of the window")
        calm_down()
        yield running
    finally:
        running.close()
        app.processEvents()


def is_whole(running: Running) -> bool:
    document = running.document
    mapped = document.map.window is None or document.map.ready
    return document.views[IMAGE] is not None and document.views[CURSOR] is not None and mapped


def calm_down() -> None:
    """Run the event loop for a while, so that earlier work completes."""
    end = time.monotonic() + _CALM_SECONDS
    wait_until(lambda: time.monotonic() >= end, _CALM_SECONDS + OPEN_SECONDS, "the clock")


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Run the event loop until a condition is true; MeasureError if it takes longer than `seconds`."""
    loop, end = QEventLoop(), time.monotonic() + seconds
    timer = QTimer()
    timer.timeout.connect(lambda: loop.quit() if condition() or time.monotonic() > end else None)
    timer.start(_POLL_MS)
    if not condition():
        loop.exec()
    timer.stop()
    if not condition():
        raise MeasureError("Timed out after {seconds:g} s while waiting for {what}.", seconds=seconds, what=what)


class FrameTimer(QObject):
    """A 60 Hz timer that records its longest gap, which grows while the main thread is busy."""

    def __init__(self) -> None:
        super().__init__()
        self.longest_ms = 0.0
        self._last: float | None = None
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timeout)

    def start(self) -> None:
        self._last = time.perf_counter()
        self._timer.start(FRAME_MS)

    def stop(self) -> None:
        """The current gap counts."""
        self._timer.stop()
        self._on_timeout()

    def _on_timeout(self) -> None:
        now = time.perf_counter()
        if self._last is not None:
            self.longest_ms = max(self.longest_ms, (now - self._last) * 1000)
        self._last = now


class _Painted(QObject):
    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.seen = False
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.seen = self.seen or event.type() == QEvent.Type.Paint
        return False


def start_training(running: Running, epochs: int) -> None:
    """Start a training in the background and wait for its first steps."""
    out = user_models_dir() / "bench"
    request = make_request(architecture="deep-dense", data="digits", epochs=epochs, out=out)
    document = running.document
    document.training_requested.emit(request)
    wait_until(
        lambda: document.training.step > 0 or not document.training.active, TRAINING_SECONDS, "the training to begin"
    )
    if not document.training.active:
        raise MeasureError("The training did not start: {note}", note=document.training.note)


def end_training(running: Running) -> None:
    document = running.document
    if not document.training.active:
        raise MeasureError("The training ended before the measurement: {note}", note=document.training.note)
    document.training_cancel_requested.emit()
    wait_until(lambda: not document.training.active, TRAINING_SECONDS, "the training to stop")


def press_start(running: Running, epochs: int, before: Callable[[], None]) -> None:
    """Open the Train panel, set the number of epochs, and press Train; `before` is called just before that."""
    window = running.window
    window.show_panel("train")
    field = window.train.findChild(QSpinBox, "train_epochs")
    assert field is not None
    field.setValue(epochs)
    # Wait only for the paint, so that the model process is still warming up.
    painted = _Painted(window.train.start)
    wait_until(lambda: painted.seen, OPEN_SECONDS, "the Train panel to be painted")
    before()
    QTest.mouseClick(window.train.start, Qt.MouseButton.LeftButton)
    if not running.document.training.active:
        raise MeasureError("The training did not start: {note}", note=running.document.training.note)
