"""The settings of a segment of the timeline, or of all."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QWidget

from explorer.document.document import Document
from explorer.latent.animation import Segment
from explorer.ui.plain_text import PlainLabel
from explorer.ui.text import filled
from explorer.ui.widgets.easing_preview import EasingPreview
from explorer.ui.widgets.fields import button, combo_box, label, name_control, spin_box
from explorer.ui.widgets.layouts import hbox
from explorer.ui.widgets.timeline_track import TimelineTrack


class SegmentSettings(QWidget):
    """Frames, path and easing of the segment that is selected on the track, or of all."""

    def __init__(self, document: Document, track: TimelineTrack) -> None:
        super().__init__()
        self._document = document
        self._track = track
        self._make_controls()
        self._steps.setSuffix(self.tr(" frames"))
        # In pixels, so that both rows fit at the minimum width of the window.
        self._steps.setFixedWidth(98)
        self._path.setFixedWidth(112)
        self._easing.setFixedWidth(106)
        path, easing = PlainLabel(self.tr("Path")), PlainLabel(self.tr("Easing"))
        parts = (self._which, self._steps, path, self._path, easing, self._easing, self._preview, self._for_all)
        self.setLayout(hbox(*parts, spacing=6, margins=0))
        self._steps.valueChanged.connect(lambda value: self._on_edited())
        for box in (self._path, self._easing):
            box.activated.connect(lambda row: self._on_edited())
        self._for_all.clicked.connect(self._on_for_all_clicked)
        track.key_chosen.connect(lambda number: self.refresh())
        track.segment_chosen.connect(lambda number: self.refresh())

    def _make_controls(self) -> None:
        self._which = label("timeline_which", look="plain", wrap=False)
        self._steps = spin_box(
            "timeline_steps", self.tr("Frames of the segment, including both keyframes"), 2, 10_000, 90
        )
        ways: list[tuple[str, object]] = [
            (self.tr("Linear"), "linear"),
            (self.tr("Slerp"), "slerp"),
            (self.tr("Spline"), "spline"),
            (self.tr("Data path"), "data"),
        ]
        self._path = combo_box(
            "timeline_path",
            self.tr("Path in latent space: line, arc (slerp), spline, or shortest path through codes of the data"),
            ways,
        )
        easings: list[tuple[str, object]] = [
            (self.tr("Linear"), "linear"),
            (self.tr("Ease in-out"), "ease"),
            (self.tr("Ease in"), "ease_in"),
            (self.tr("Ease out"), "ease_out"),
        ]
        about = self.tr("Easing: constant speed, or slow at the start (in) or end (out) of the segment")
        self._easing = combo_box("timeline_easing", about, easings)
        self._preview = EasingPreview()
        name_control(self._preview, "timeline_easing_preview", self.tr("Easing curve: progress over time"))
        self._for_all = button(
            "timeline_for_all",
            self.tr("Apply to all"),
            self.tr("Copy these settings to every segment"),
            self.tr("all segments, copy settings"),
        )
        # Selecting a segment must not change the width of the row.
        room = self._for_all.sizePolicy()
        room.setRetainSizeWhenHidden(True)
        self._for_all.setSizePolicy(room)

    def words(self, segment: Segment) -> str:
        """Return what the track says of a segment."""
        path = self._path.itemText(self._path.findData(segment.path))
        easing = self._easing.itemText(self._easing.findData(segment.easing))
        return f"{segment.steps} · {path}" + (f" · {easing}" if segment.easing != "linear" else "")

    def _shown_segment(self) -> Segment:
        number = self._track.segment
        return self._document.state.animation.segment if number is None else self._document.timeline.segment(number)

    def refresh(self) -> None:
        number, segment = self._track.segment, self._shown_segment()
        if number is None:
            self._which.setText(self.tr("All segments"))
        else:
            to = number + 1 if number + 1 < len(self._document.state.keyframes) else 0
            words = self.tr("Segment %1 → %2")
            self._which.setText(filled(words, number + 1, to + 1))
        blockers = [QSignalBlocker(box) for box in (self._steps, self._path, self._easing)]
        self._steps.setValue(segment.steps)
        self._path.setCurrentIndex(self._path.findData(segment.path))
        self._easing.setCurrentIndex(self._easing.findData(segment.easing))
        for blocker in blockers:
            blocker.unblock()
        self._preview.show_easing(segment.easing)
        self._for_all.setVisible(number is not None)

    def _on_edited(self) -> None:
        segment = Segment(self._steps.value(), self._path.currentData(), self._easing.currentData())
        number = self._track.segment
        if number is None:
            animation = replace(
                self._document.state.animation, steps=segment.steps, path=segment.path, easing=segment.easing
            )
            self._document.timeline.set_animation_settings(animation)
        else:
            self._document.timeline.set_segment(number, segment)
        self._preview.show_easing(segment.easing)

    def _on_for_all_clicked(self) -> None:
        segment = self._shown_segment()
        self._track.choose_segment(None)
        self._document.timeline.use_for_all(segment)
        self.refresh()
