"""The track of the timeline: a ruler, keyframes over a strip of frames, segments, and two curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
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
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.types import Indices
from explorer.ui.dragging import CODE, IMAGES
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.text import filled
from explorer.ui.theme import Theme, current_theme
from explorer.ui.widgets.ticks import nice_step

_SIDE = 28
"""Left and right margin, so that the first and last keyframe are not cut off."""

_RULER, _IMAGES, _SEGMENTS, _CURVES = 18, 46, 18, 24
_TICKS = 70
"""Least distance of two numbers on the ruler, in pixels."""

_SMALLEST = 20
_THRESHOLD = 4
"""Pixels after which a press becomes a drag."""

_FAR = 3.0
"""Top of the axis for the distance from the data, in multiples of the usual distance."""


@dataclass(frozen=True, eq=False)
class TrackAnimation:
    """What the track shows of an animation.

    `hold` is the number of frames that the ends are held. `keys` are the frames ``(k,)`` on which the keyframes are
    shown first; `numbers` ``(frames,)`` which frame of the forward pass each frame shows. `segments` are labels; `own`
    is which segments have individual settings.
    """

    frames: int
    fps: float
    hold: int
    keys: Indices
    numbers: Indices
    segments: Sequence[str]
    own: Sequence[bool]


@dataclass(frozen=True, eq=False)
class TrackStrip:
    """Decoded frames of the forward pass: `frames` int64 ``(s,)``, rising, and an image for each."""

    frames: Indices
    images: Sequence[QImage]


@dataclass(frozen=True, eq=False)
class TrackCurves:
    """Two curves over the frames of the forward pass, int64 ``(m,)``, rising.

    `changes` are of the image from each frame to the next, ``(n,)``, n at most m - 1; `distances` from the data, in
    multiples of the usual distance, ``(m,)``.
    """

    frames: Indices
    changes: NDArray[np.float64]
    distances: NDArray[np.float64]


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
    removal_asked(int), duplicate_asked(int), menu_asked(int, QPoint)
        Of a keyframe; the context menu at a position on the screen.
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
    menu_asked = Signal(int, object)
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
        return QSize(400, _RULER + _IMAGES + _SEGMENTS + _CURVES + 2)

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
        self.setAccessibleDescription(text)

    # -- geometry ----------------------------------------------------------------------------------------------------

    def _axis(self) -> tuple[int, float, float]:
        """Return the number of frames, x of the first one, and pixels per frame."""
        frames = self._animation.frames if self._animation is not None else max(1, self._count)
        return frames, float(_SIDE), (self.width() - 2 * _SIDE) / max(1, frames - 1)

    def x_of(self, frame: float) -> float:
        _, left, step = self._axis()
        return left + frame * step

    def frame_at(self, x: float) -> int:
        frames, left, step = self._axis()
        return min(max(round((x - left) / step), 0), frames - 1) if step > 0 else 0

    def key_frame(self, number: int) -> int:
        return int(self._animation.keys[number]) if self._animation is not None else number

    def key_rect(self, number: int) -> QRectF:
        side = float(_IMAGES - 4)
        if self._animation is not None and self._count > 1:
            nearest = float(np.diff(self._animation.keys).min()) * self._axis()[2]
            side = min(side, max(_SMALLEST, nearest - 2))
        middle = self.x_of(self.key_frame(number)) if self._animation is not None else _SIDE + number * (side + 8)
        return QRectF(middle - side / 2, _RULER + (_IMAGES - side) / 2, side, side)

    def segment_rect(self, number: int) -> QRectF:
        assert self._animation is not None
        keys = self._animation.keys
        end = (
            int(keys[number + 1])
            if number + 1 < len(keys)
            else self._animation.hold + int(self._animation.numbers.max())
        )
        left, right = self.x_of(int(keys[number])), self.x_of(end)
        return QRectF(left + 1, _RULER + _IMAGES + 2, max(2, right - left - 2), _SEGMENTS - 4)

    def _key_at(self, point: QPointF) -> int | None:
        hits = [number for number in range(self._count) if self.key_rect(number).contains(point)]
        # The selected keyframe is drawn on top.
        return self._key if self._key in hits else hits[-1] if hits else None

    def _segment_at(self, point: QPointF) -> int | None:
        if self._animation is None or not _RULER + _IMAGES <= point.y() < _RULER + _IMAGES + _SEGMENTS:
            return None
        numbers = range(len(self._animation.segments))
        return next((n for n in numbers if self.segment_rect(n).adjusted(-1, -2, 1, 2).contains(point)), None)

    # -- input -------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self._count:
            return
        point = event.position()
        key, segment = self._key_at(point), self._segment_at(point)
        gesture = f"timeline-{next(self._gestures)}"
        if key is not None:
            self.choose_key(key)
            self.key_chosen.emit(key)
            off = point.x() - self.x_of(self.key_frame(key))
            self._grip = _Grip("key", key, point, gesture=gesture, off=off, axis=self._axis())
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

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_keys = event.reason() == QContextMenuEvent.Reason.Keyboard
        key = self._key if by_keys else self._key_at(QPointF(event.pos()))
        if key is not None and self._count:
            self.choose_key(key)
            where = self.mapToGlobal(self.key_rect(key).center().toPoint()) if by_keys else event.globalPos()
            self.menu_asked.emit(key, where)

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
        over = self._animation is not None and (self._key_at(point) is not None or self._segment_at(point) is not None)
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)
        self.setToolTip(plain_tooltip(self.values_at(point.x()) if point.y() > _RULER + _IMAGES + _SEGMENTS else ""))

    def values_at(self, x: float) -> str:
        """Return the values of the curves at x as text; empty if there are none."""
        if self._animation is None or self._curves is None or not len(self._curves.frames):
            return ""
        number = int(self._animation.numbers[self.frame_at(x)])
        nearest = int(np.abs(self._curves.frames - number).argmin())
        text = self.tr("distance to data %1×").replace("%1", f"{self._curves.distances[nearest]:.2g}")
        if nearest < len(self._curves.changes):
            change = self.tr("image change %1 per frame").replace("%1", f"{self._rates()[nearest]:.2g}")
            text = f"{text}, {change}"
        return text

    def _rates(self) -> NDArray[np.float64]:
        assert self._curves is not None
        spans = np.diff(self._curves.frames)[: len(self._curves.changes)]
        return self._curves.changes / np.maximum(spans, 1)

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
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(theme.color("accent" if self.hasFocus() else "border"), 1))
        painter.setBrush(theme.color("base"))
        painter.drawRoundedRect(whole, 4, 4)
        painter.setClipRect(whole.adjusted(1, 1, -1, -1))
        if self._animation is not None:
            self._paint_ruler(painter, theme)
            self._paint_strip(painter, theme)
            self._paint_segments(painter, theme)
            self._paint_curves(painter, theme)
        if self._animation is None and self._empty:
            left = self.key_rect(self._count - 1).right() + 16 if self._count else 16.0
            painter.setPen(theme.color("muted"))
            area = QRectF(left, 8, self.width() - left - 16, self.height() - 16)
            if self._count:
                area.setRect(left, _RULER, area.width(), _IMAGES)
            align = Qt.AlignmentFlag.AlignVCenter if self._count else Qt.AlignmentFlag.AlignCenter
            painter.drawText(area, int(align | Qt.TextFlag.TextWordWrap), self._empty)
        self._paint_keys(painter, theme)
        if self._animation is not None:
            self._paint_playhead(painter, theme)
        if self._drop is not None:
            painter.setPen(QPen(theme.color("accent"), 2, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(self._drop, 2), QPointF(self._drop, self.height() - 2))
        painter.end()

    def _paint_ruler(self, painter: QPainter, theme: Theme) -> None:
        animation = self._animation
        assert animation is not None
        step = nice_step(_TICKS / max(self._axis()[2], 1e-6) / animation.fps)
        for number in range(math.floor((animation.frames - 1) / animation.fps / step + 1e-9) + 1):
            frame = number * step * animation.fps
            x = self.x_of(frame)
            painter.setPen(theme.color("border"))
            painter.drawLine(QPointF(x, 2), QPointF(x, _RULER - 2))
            painter.setPen(theme.color("muted"))
            text = f"{number * step:g} s · f{round(frame)}"
            if x + 4 + painter.fontMetrics().horizontalAdvance(text) <= self.width() - 2:
                painter.drawText(QRectF(x + 4, 0, 100, _RULER), Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_strip(self, painter: QPainter, theme: Theme) -> None:
        animation, strip = self._animation, self._strip
        assert animation is not None
        row = QRectF(_SIDE, _RULER + 6, self.width() - 2 * _SIDE, _IMAGES - 12)
        painter.fillRect(row, theme.color("stage"))
        if strip is None or not len(strip.frames):
            return
        painter.setOpacity(0.75)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        image = strip.images[0]
        width = row.height() * image.width() / max(1, image.height())
        cells = max(1, round(row.width() / width))
        width = row.width() / cells
        last = int(strip.frames[-1])
        for cell in range(cells):
            number = int(animation.numbers[self.frame_at(row.left() + (cell + 0.5) * width)])
            if number > last + max(1, last // max(1, len(strip.frames) - 1)):
                continue  # not decoded yet
            nearest = int(np.abs(strip.frames - number).argmin())
            painter.drawImage(QRectF(row.left() + cell * width, row.top(), width, row.height()), strip.images[nearest])
        painter.setOpacity(1)
        self._paint_way_back(painter, theme, row)

    def _paint_way_back(self, painter: QPainter, theme: Theme, row: QRectF) -> None:
        """Dim the backward part, which has no keyframes to drag."""
        animation = self._animation
        assert animation is not None
        forward = int(np.argmax(animation.numbers)) + animation.hold
        if forward + 1 < animation.frames:
            overlay = theme.color("base")
            overlay.setAlphaF(0.6)
            left = self.x_of(forward + 0.5)
            painter.fillRect(QRectF(left, row.top(), row.right() - left, row.height()), overlay)

    def _paint_segments(self, painter: QPainter, theme: Theme) -> None:
        animation = self._animation
        assert animation is not None
        plain = painter.font()
        small = painter.font()
        small.setPointSizeF(small.pointSizeF() * 0.88)
        painter.setFont(small)
        for number, words in enumerate(animation.segments):
            rect, chosen = self.segment_rect(number), number == self._segment
            painter.setPen(QPen(theme.color("accent" if chosen or animation.own[number] else "border"), 1))
            painter.setBrush(theme.color("accent_soft" if chosen else "panel"))
            painter.drawRoundedRect(rect, 3, 3)
            painter.setPen(theme.color("text" if chosen else "muted"))
            inner = rect.adjusted(6, 0, -6, 0)
            metrics = painter.fontMetrics()
            # The number of frames alone says more than a label that is cut off.
            said = words if metrics.horizontalAdvance(words) <= inner.width() else words.split(" · ")[0]
            elided = metrics.elidedText(said, Qt.TextElideMode.ElideRight, int(inner.width()))
            painter.drawText(inner, Qt.AlignmentFlag.AlignCenter, elided)
        painter.setFont(plain)

    def _paint_curves(self, painter: QPainter, theme: Theme) -> None:
        animation, curves = self._animation, self._curves
        assert animation is not None
        row = QRectF(_SIDE, _RULER + _IMAGES + _SEGMENTS, self.width() - 2 * _SIDE, _CURVES - 2)
        if curves is None or len(curves.frames) < 2:
            return
        places = np.linspace(0, animation.frames - 1, min(animation.frames, 2 * max(2, int(row.width()))))
        numbers = animation.numbers[np.round(places).astype(np.int64)]
        xs = _SIDE + places * self._axis()[2]
        known = curves.frames[len(curves.changes)] if len(curves.changes) else -1
        usual = row.bottom() - row.height() / _FAR
        painter.setPen(QPen(theme.color("border"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(row.left(), usual), QPointF(row.right(), usual))
        shares = np.interp(numbers, curves.frames, np.minimum(curves.distances / _FAR, 1))
        self._paint_curve(painter, theme, "warn", row, xs[numbers <= known], shares[numbers <= known])
        if len(curves.changes):
            rates = self._rates()
            starts = curves.frames[: len(rates)]
            shares = np.interp(numbers, starts, rates) / max(float(rates.max()), 1e-12)
            # Held frames do not change.
            still = np.concatenate([numbers[1:] == numbers[:-1], [False]]) & (animation.frames <= len(places))
            shares[still] = 0
            self._paint_curve(painter, theme, "accent", row, xs[numbers < known], shares[numbers < known])
        self._paint_legend(painter, theme, row)

    def _paint_legend(self, painter: QPainter, theme: Theme, row: QRectF) -> None:
        plain = painter.font()
        small = painter.font()
        small.setPointSizeF(small.pointSizeF() * 0.8)
        painter.setFont(small)
        metrics = painter.fontMetrics()
        right = row.right()
        for color, words in (("warn", self.tr("Distance to data")), ("accent", self.tr("Change per frame"))):
            width = metrics.horizontalAdvance(words)
            place = QRectF(right - width - 4, row.top() - 2, width + 4, metrics.height())
            ground = theme.color("base")
            ground.setAlphaF(0.8)
            painter.fillRect(place, ground)
            painter.setPen(theme.color(color))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, words)
            right = place.left() - 6
        painter.setFont(plain)

    def _paint_curve(
        self,
        painter: QPainter,
        theme: Theme,
        color: str,
        row: QRectF,
        xs: NDArray[np.float64],
        shares: NDArray[np.float64],
    ) -> None:
        if not len(xs):
            return
        ys = row.bottom() - shares * (row.height() - 2)
        painter.setPen(QPen(theme.color(color), 1.5))
        painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]))

    def _paint_keys(self, painter: QPainter, theme: Theme) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        for number in [*(n for n in range(self._count) if n != self._key), *([self._key] if self._count else [])]:
            rect, chosen = self.key_rect(number), number == self._key and self._segment is None
            painter.fillRect(rect, theme.color("stage"))
            if number < len(self._images):
                image = self._images[number]
                fitted = image.size().scaled(rect.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
                place = QRectF(0, 0, fitted.width(), fitted.height())
                place.moveCenter(rect.center())
                painter.drawImage(place, image)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("base"), 4))
            painter.drawRect(rect)
            painter.setPen(QPen(theme.color("accent" if chosen else "warn"), 2.5 if chosen else 2))
            painter.drawRect(rect)

    def _paint_playhead(self, painter: QPainter, theme: Theme) -> None:
        x = self.x_of(self._playhead)
        painter.setPen(QPen(theme.color("text"), 1.5))
        painter.drawLine(QPointF(x, 4), QPointF(x, self.height() - 3))
        painter.setBrush(theme.color("text"))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(QPolygonF([QPointF(x - 5, 1), QPointF(x + 5, 1), QPointF(x, 9)]))
