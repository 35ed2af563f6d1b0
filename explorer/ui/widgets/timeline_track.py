"""The track of the timeline: a ruler, keyframes over a strip of frames, segments, and two curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.ui.dragging import CODE, IMAGES
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.text import filled
from explorer.ui.theme import current_theme
from explorer.ui.widgets.track_painter import TrackPainter
from explorer.ui.widgets.track_places import (
    CURVES_TOP,
    IMAGES_HEIGHT,
    RULER_HEIGHT,
    SEGMENTS_TOP,
    TRACK_HEIGHT,
    TrackAnimation,
    TrackCurves,
    TrackPlaces,
    TrackStrip,
)

_THRESHOLD = 4
"""Pixels after which a press becomes a drag."""


@dataclass
class _Grip:
    """What is being dragged."""

    kind: str
    number: int = 0
    start: QPointF = field(default_factory=QPointF)
    moved: bool = False
    gesture: str = ""
    off: float = 0.0
    axis: tuple[int, float, float] = (1, 0.0, 1.0)


class TimelineTrack(QWidget):
    """Track with keyframes over time.

    Signals
    -------
    key_chosen(int), key_taken(int)
        A keyframe was selected; the user jumps to it with a click or Enter.
    segment_chosen(int)
        The segment after a keyframe was selected; -1 for none.
    scrubbed(int, str)
        The playhead was moved to a frame, with a name for the gesture.
    retime_begun(), retimed(int, int, str)
        The drag of a keyframe began; it was dragged: its number, the frame of the forward pass, the gesture.
    moved(int, int)
        A keyframe was moved to another position with the keyboard.
    removal_asked(int), duplicate_asked(int)
        Of a keyframe.
    dropped(QMimeData, int)
        Something was dropped at a frame.
    """

    key_chosen = Signal(int)
    key_taken = Signal(int)
    segment_chosen = Signal(int)
    scrubbed = Signal(int, str)
    retime_begun = Signal()
    retimed = Signal(int, int, str)
    moved = Signal(int, int)
    removal_asked = Signal(int)
    duplicate_asked = Signal(int)
    dropped = Signal(object, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = 0
        self._animation: TrackAnimation | None = None
        self._images: Sequence[QImage] = ()
        self._strip: TrackStrip | None = None
        self._curves: TrackCurves | None = None
        self._playhead = 0
        self._key = 0
        self._segment: int | None = None
        self._grip: _Grip | None = None
        self._drop: float | None = None
        self._empty = ""
        self._gestures = count(1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAcceptDrops(True)
        self.setMouseTracking(True)

    # -- display -----------------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(400, TRACK_HEIGHT)

    def show_animation(self, count: int, animation: TrackAnimation | None, empty: str = "") -> None:
        """Show keyframes and animation; with fewer than two keyframes, there is none and `empty` is shown."""
        self._count, self._animation, self._empty = count, animation, empty
        self._key = min(self._key, max(0, count - 1))
        if animation is None or (self._segment is not None and self._segment >= len(animation.segments)):
            self._segment = None
        self._describe()
        self.update()

    def show_images(self, images: Sequence[QImage]) -> None:
        self._images = images
        self.update()

    def show_measures(self, strip: TrackStrip | None, curves: TrackCurves | None) -> None:
        self._strip, self._curves = strip, curves
        self._describe()
        self.update()

    def set_playhead(self, frame: int) -> None:
        self._playhead = frame
        self._describe()
        self.update()

    def choose_key(self, number: int) -> None:
        self._key, self._segment = min(max(number, 0), max(0, self._count - 1)), None
        self._describe()
        self.update()

    def choose_segment(self, number: int | None) -> None:
        self._segment = number
        self.update()

    @property
    def key(self) -> int:
        return self._key

    @property
    def segment(self) -> int | None:
        """Number of the selected segment, None for all."""
        return self._segment

    @property
    def key_count(self) -> int:
        return self._count

    @property
    def has_images(self) -> bool:
        return len(self._images) == self._count

    @property
    def strip(self) -> TrackStrip | None:
        return self._strip

    @property
    def curves(self) -> TrackCurves | None:
        return self._curves

    def _describe(self) -> None:
        text = self._empty
        if self._animation is not None:
            seconds = self._playhead / self._animation.fps
            text = self.tr("Keyframe %1 of %2, playhead at %3 s")
            text = filled(text, self._key + 1, self._count, f"{seconds:.2f}")
            text = ", ".join(filter(None, (text, self._values_of(self._playhead))))
        self.setAccessibleDescription(text)

    # -- geometry ----------------------------------------------------------------------------------------------------

    @property
    def _places(self) -> TrackPlaces:
        return TrackPlaces(self._animation, self._count, self.width())

    def x_of(self, frame: float) -> float:
        return self._places.x_of(frame)

    def frame_at(self, x: float) -> int:
        return self._places.frame_at(x)

    def key_rect(self, number: int) -> QRectF:
        return self._places.key_rect(number)

    def segment_rect(self, number: int) -> QRectF:
        return self._places.segment_rect(number)

    def key_at(self, point: QPointF) -> int | None:
        """Return the number of the keyframe at a position; of several, the selected one."""
        hits = [number for number in range(self._count) if self.key_rect(number).contains(point)]
        # The selected keyframe is drawn on top.
        return self._key if self._key in hits else hits[-1] if hits else None

    def _segment_at(self, point: QPointF) -> int | None:
        if self._animation is None or not SEGMENTS_TOP <= point.y() < CURVES_TOP:
            return None
        numbers = range(len(self._animation.segments))
        return next((n for n in numbers if self.segment_rect(n).adjusted(-1, -2, 1, 2).contains(point)), None)

    # -- input -------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self._count:
            return
        point = event.position()
        key, segment = self.key_at(point), self._segment_at(point)
        gesture = f"timeline-{next(self._gestures)}"
        if key is not None:
            self.choose_key(key)
            self.key_chosen.emit(key)
            off = point.x() - self.x_of(self._places.key_frame(key))
            self._grip = _Grip("key", key, point, gesture=gesture, off=off, axis=self._places.axis)
        elif segment is not None:
            self.choose_segment(None if segment == self._segment else segment)
            self.segment_chosen.emit(-1 if self._segment is None else segment)
        elif self._animation is not None:
            self._grip = _Grip("playhead", gesture=gesture)
            self.scrubbed.emit(self.frame_at(point.x()), gesture)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag a keyframe or the playhead; without a button pressed, show the values under the mouse."""
        grip, point = self._grip, event.position()
        if grip is None:
            self._show_hint(point)
        elif grip.kind == "playhead":
            self.scrubbed.emit(self.frame_at(point.x()), grip.gesture)
        elif self._animation is not None:
            if not grip.moved and abs(point.x() - grip.start.x()) < _THRESHOLD:
                return
            if not grip.moved:
                grip.moved = True
                self.retime_begun.emit()
            # With the scale at the start of the drag: dragging changes the length of the animation.
            _, left, step = grip.axis
            frame = round((point.x() - grip.off - left) / step) - self._animation.hold
            self.retimed.emit(grip.number, frame, grip.gesture)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the drag; a click on a keyframe jumps to it."""
        grip, self._grip = self._grip, None
        if grip is not None and grip.kind == "key" and not grip.moved:
            self.key_taken.emit(grip.number)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, modifiers = event.key(), event.modifiers()
        sideways = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(key))
        alt = bool(modifiers & Qt.KeyboardModifier.AltModifier)
        control = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        if not self._count:
            super().keyPressEvent(event)
        elif sideways is not None and alt:
            if 0 <= self._key + sideways < self._count:
                self.moved.emit(self._key, self._key + sideways)
        elif sideways is not None and control:
            if self._animation is not None:
                frame = min(max(self._playhead + sideways, 0), self._animation.frames - 1)
                self.scrubbed.emit(frame, "~playhead-steps")
        elif sideways is not None:
            self.choose_key(self._key + sideways)
            self.key_chosen.emit(self._key)
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space}:
            self.key_taken.emit(self._key)
        elif key in {Qt.Key.Key_Delete, Qt.Key.Key_Backspace}:
            self.removal_asked.emit(self._key)
        elif key == Qt.Key.Key_Insert:
            self.duplicate_asked.emit(self._key)
        else:
            super().keyPressEvent(event)

    def _show_hint(self, point: QPointF) -> None:
        over = self._animation is not None and (self.key_at(point) is not None or self._segment_at(point) is not None)
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)
        self.setToolTip(plain_tooltip(self.values_at(point.x()) if point.y() > CURVES_TOP else ""))

    def values_at(self, x: float) -> str:
        """Return the values of the curves at x as text; empty if there are none."""
        return self._values_of(self.frame_at(x))

    def _values_of(self, frame: int) -> str:
        distance, change = self._measures(frame)
        parts = [] if distance is None else [self.tr("distance to data %1×").replace("%1", f"{distance:.2g}")]
        parts += [] if change is None else [self.tr("image change %1 per frame").replace("%1", f"{change:.2g}")]
        return ", ".join(parts)

    def _measures(self, frame: int) -> tuple[float | None, float | None]:
        """Return distance from the data and change of a frame, each None if it is not known."""
        if self._animation is None or self._curves is None or not len(self._curves.frames):
            return None, None
        number = int(self._animation.numbers[min(frame, self._animation.frames - 1)])
        nearest = int(np.abs(self._curves.frames - number).argmin())
        changed = nearest < len(self._curves.changes)
        return float(self._curves.distances[nearest]), float(self._curves.rates()[nearest]) if changed else None

    def _legend(self) -> tuple[str, str]:
        """Return the names of the curves, with their values at the playhead."""
        distance, change = self._measures(self._playhead)
        return (
            self.tr("Distance to data") + ("" if distance is None else f" {distance:.1f}×"),
            self.tr("Change per frame") + ("" if change is None else f" {change:.3f}"),
        )

    # -- drops -------------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        mime = event.mimeData()
        if mime.hasFormat(IMAGES) or mime.hasFormat(CODE) or any(url.isLocalFile() for url in mime.urls()):
            self._drop = event.position().x()
            event.acceptProposedAction()
            self.update()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._drop = event.position().x()
        event.acceptProposedAction()
        self.update()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._drop = None
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        self._drop = None
        event.acceptProposedAction()
        self.update()
        self.dropped.emit(event.mimeData(), self.frame_at(event.position().x()))

    # -- painting ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, animation = current_theme(), self._animation
        painter = QPainter(self)
        paints = TrackPainter(painter, self._places)
        whole = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(theme.color("accent" if self.hasFocus() else "border"), 1))
        painter.setBrush(theme.color("base"))
        painter.drawRoundedRect(whole, 4, 4)
        painter.setClipRect(whole.adjusted(1, 1, -1, -1))
        if animation is None:
            self._paint_empty(painter)
        else:
            paints.ruler(animation)
            paints.strip(animation, self._strip)
            paints.segments(animation, self._segment)
            if self._curves is not None:
                paints.curves(animation, self._curves, self._legend())
        paints.keys(self._images, self._key, selected=self._segment is None)
        if animation is not None:
            paints.playhead(self._playhead, self.height())
        if self._drop is not None:
            painter.setPen(QPen(theme.color("accent"), 2, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(self._drop, 2), QPointF(self._drop, self.height() - 2))
        painter.end()

    def _paint_empty(self, painter: QPainter) -> None:
        """Say beside the keyframes, if there are any, what is missing."""
        left = self.key_rect(self._count - 1).right() + 16 if self._count else 16.0
        area = QRectF(left, 8, self.width() - left - 16, self.height() - 16)
        if self._count:
            area.setRect(left, RULER_HEIGHT, area.width(), IMAGES_HEIGHT)
        align = Qt.AlignmentFlag.AlignVCenter if self._count else Qt.AlignmentFlag.AlignCenter
        painter.setPen(current_theme().color("muted"))
        painter.drawText(area, int(align | Qt.TextFlag.TextWordWrap), self._empty)
