"""Drags a slider with mouse events at 60 Hz, and measures the latency of each value; child processes only."""

from __future__ import annotations

import math
import time

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from explorer.app import Running
from explorer.bench.window import FRAME_MS, wait_until
from explorer.document.views.cursor import CURSOR, CursorView

_ROW = 0
_PERIOD = 150
"""Moves per period of the slider motion."""

_ANSWER_SECONDS = 30.0


def drag(running: Running, steps: int) -> list[float]:
    """Drag the first slider back and forth; return the milliseconds from each move to the paint that shows it.

    A value that is replaced by a newer one before it is painted counts until the newer one is painted. MeasureError if
    the image does not follow the slider.
    """
    hand = _Hand(running, steps)
    try:
        wait_until(hand.is_done, steps * FRAME_MS / 1000 + _ANSWER_SECONDS, "the image to follow the slider")
    finally:
        hand.release()
    return hand.latencies_ms


def swing(step: int) -> float:
    """Return the position on the track at a move, from 0 to 1; consecutive positions differ."""
    # The phase avoids two equal values at a turning point, the second of which would not be painted.
    return 0.5 + 0.45 * math.sin(2 * math.pi * (step + 1 / 3) / _PERIOD)


class _Hand(QObject):
    def __init__(self, running: Running, steps: int) -> None:
        super().__init__()
        self.latencies_ms: list[float] = []
        self._document, self._stage, self._sliders = (
            running.document,
            running.window.stage,
            running.window.latent.sliders,
        )
        self._steps = steps
        self._moved_at: list[float] = []
        self._answered = 0
        self._document.views.changed(CURSOR).connect(self._on_cursor_view_changed)
        self._stage.edited.painted.connect(self._on_painted)
        self._send(QEvent.Type.MouseButtonPress, self._place(0))
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timeout)
        self._timer.start(FRAME_MS)

    def is_done(self) -> bool:
        return len(self.latencies_ms) == self._steps

    def release(self) -> None:
        self._timer.stop()
        self._document.views.changed(CURSOR).disconnect(self._on_cursor_view_changed)
        self._stage.edited.painted.disconnect(self._on_painted)
        self._send(QEvent.Type.MouseButtonRelease, self._place(self._steps))

    def _on_timeout(self) -> None:
        if len(self._moved_at) == self._steps:
            self._timer.stop()
            return
        place = self._place(len(self._moved_at) + 1)
        self._moved_at.append(time.perf_counter())
        self._send(QEvent.Type.MouseMove, place)

    def _place(self, step: int) -> QPointF:
        track = self._sliders.track_rect(_ROW)
        return QPointF(track.left() + swing(step) * track.width(), track.center().y())

    def _send(self, kind: QEvent.Type, place: QPointF) -> None:
        """Deliver an event as the window system would, without moving the real mouse pointer."""
        viewport, left = self._sliders.viewport(), Qt.MouseButton.LeftButton
        button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else left
        held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else left
        event = QMouseEvent(kind, place, viewport.mapToGlobal(place), button, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(viewport, event)

    def _on_cursor_view_changed(self) -> None:
        # The renderer passes only the answer to the latest request, so this is the latest value.
        if isinstance(self._document.views[CURSOR], CursorView):
            self._answered = len(self._moved_at)

    def _on_painted(self) -> None:
        now = time.perf_counter()
        caught_up = self._moved_at[len(self.latencies_ms) : self._answered]
        self.latencies_ms += [(now - moved) * 1000 for moved in caught_up]
