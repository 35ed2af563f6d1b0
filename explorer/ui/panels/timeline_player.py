"""Playback of the timeline, and the settings of all of the animation."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from PySide6.QtCore import QElapsedTimer, QSignalBlocker, Qt, QTimer
from PySide6.QtWidgets import QWidget

from explorer.document.document import Document
from explorer.types import Floats
from explorer.ui.text import filled
from explorer.ui.widgets.elided_label import ElidedLabel
from explorer.ui.widgets.fields import button, combo_box, decimal_box, spin_box
from explorer.ui.widgets.layouts import hbox

_TICK_MS = 10


class TimelinePlayer(QWidget):
    """Plays the animation on the stage: each frame becomes the current code."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._gestures = count(1)
        self._gesture = ""
        self._ticking = False
        self._played: Floats | None = None
        self._started = 0
        self._make_controls()
        self._make_clock()
        self._fps.setSuffix(self.tr(" fps"))
        self._hold.setPrefix(self.tr("Hold ends "))
        # In pixels, so that the row fits at the minimum width of the window.
        self._loop.setFixedWidth(128)
        self._fps.setFixedWidth(84)
        self._hold.setFixedWidth(108)
        self.setLayout(hbox(self.play, self._loop, self._fps, self._hold, 4, (self._length, 1), spacing=6, margins=0))
        for number in (self._hold, self._fps):
            number.valueChanged.connect(lambda value: self._on_settings_edited())
        self._loop.activated.connect(lambda row: self._on_settings_edited())
        document.timeline.playhead_changed.connect(self._show_length)
        document.changed.code.connect(self._on_code_changed)

    def _make_controls(self) -> None:
        self.play = button("timeline_play", self.tr("Play"), self.tr("Play the animation on the stage (Ctrl+Space)"))
        self.play.setCheckable(True)
        self.play.setFixedWidth(64)
        self._length = ElidedLabel(
            "timeline_length", "", self.tr("Frame at the playhead, number of frames, duration"), look="muted"
        )
        self._hold = spin_box(
            "timeline_hold", self.tr("Hold: number of extra frames for the first and last image"), 0, 1000, 18
        )
        self._fps = decimal_box("timeline_fps", self.tr("Frames per second; GIF supports at most 50"), (1, 60), 1, 1)
        loops: list[tuple[str, object]] = [
            (self.tr("Ping-pong"), "pingpong"),
            (self.tr("Loop"), "repeat"),
            (self.tr("Once"), "none"),
        ]
        self._loop = combo_box(
            "timeline_loop", self.tr("At the end: play backward (ping-pong), start over (loop), or stop (once)"), loops
        )

    def _make_clock(self) -> None:
        self._clock = QTimer(self)
        self._clock.setTimerType(Qt.TimerType.PreciseTimer)
        self._clock.setInterval(_TICK_MS)
        self._clock.timeout.connect(self._on_clock_ticked)
        self._elapsed = QElapsedTimer()
        self.play.toggled.connect(self._on_play_toggled)

    def stop(self) -> None:
        self.play.setChecked(False)

    def refresh(self) -> None:
        """Show the settings and the length of the animation; stop if there is none."""
        settings, there = self._document.state.animation, self._document.timeline.animation is not None
        blockers = [QSignalBlocker(box) for box in (self._hold, self._fps, self._loop)]
        self._hold.setValue(settings.hold)
        self._fps.setValue(settings.fps)
        self._loop.setCurrentIndex(self._loop.findData(settings.loop))
        for blocker in blockers:
            blocker.unblock()
        self.play.setEnabled(there)
        if not there:
            self.stop()
        self._show_length()

    def _show_length(self) -> None:
        timeline = self._document.timeline
        animation = timeline.animation
        if animation is None:
            self._length.setText("")
            return
        words = self.tr("%1/%2 · %3 s")
        frame = str(timeline.playhead + 1)
        self._length.setText(filled(words, frame, animation.frames, f"{animation.seconds:.2f}"))

    def _on_settings_edited(self) -> None:
        animation = replace(
            self._document.state.animation,
            hold=self._hold.value(),
            fps=self._fps.value(),
            loop=self._loop.currentData(),
        )
        self._document.timeline.set_animation_settings(animation)

    # -- playing -----------------------------------------------------------------------------------------------------

    def _on_play_toggled(self, playing: bool) -> None:
        self.play.setText(self.tr("Pause") if playing else self.tr("Play"))
        if playing:
            self._gesture = f"playhead-{next(self._gestures)}"
            timeline = self._document.timeline
            self._started = 0 if timeline.playhead >= timeline.frames - 1 else timeline.playhead
            self._show_frame(self._started)
            self._elapsed.start()
            self._clock.start()
        else:
            self._clock.stop()

    def _on_clock_ticked(self) -> None:
        """Show the frame for the elapsed time: slow models skip frames, so that the speed stays right."""
        timeline = self._document.timeline
        animation = timeline.animation
        if animation is None:
            return
        frame = self._started + int(self._elapsed.elapsed() * animation.fps / 1000)
        if frame >= animation.frames:
            if animation.loop == "none":
                self._show_frame(animation.frames - 1)
                self.stop()
                return
            frame %= animation.frames
        if frame != timeline.playhead:
            self._show_frame(frame)

    def _show_frame(self, frame: int) -> None:
        self._ticking = True
        self._document.timeline.set_playhead(frame, self._gesture)
        self._ticking = False
        self._played = self._document.code

    def _on_code_changed(self) -> None:
        """Stop playing when the user edits the code.

        A model in training signals this too, when the code of its image has changed but the current code has not.
        """
        if self.play.isChecked() and not self._ticking and self._document.code is not self._played:
            self.stop()
