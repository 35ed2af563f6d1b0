"""What the track of the timeline shows of an animation, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage

from explorer.types import Indices

SIDE = 28
"""Left and right margin, so that the first and last keyframe are not cut off."""

RULER_HEIGHT, IMAGES_HEIGHT, SEGMENTS_HEIGHT, CURVES_HEIGHT = 18, 46, 18, 24
"""Heights of the rows, from above, in pixels."""

SEGMENTS_TOP = RULER_HEIGHT + IMAGES_HEIGHT
CURVES_TOP = SEGMENTS_TOP + SEGMENTS_HEIGHT
TRACK_HEIGHT = CURVES_TOP + CURVES_HEIGHT + 2

_SMALLEST = 20


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

    def rates(self) -> NDArray[np.float64]:
        """Return the change per frame, ``(n,)``."""
        spans = np.diff(self.frames)[: len(self.changes)]
        return self.changes / np.maximum(spans, 1)


@dataclass(frozen=True, eq=False)
class TrackPlaces:
    """Where the parts of a track of some width are: `count` keyframes, in a row while there is no animation."""

    animation: TrackAnimation | None
    count: int
    width: int

    @property
    def axis(self) -> tuple[int, float, float]:
        """Number of frames, x of the first one, and pixels per frame."""
        frames = self.animation.frames if self.animation is not None else max(1, self.count)
        return frames, float(SIDE), (self.width - 2 * SIDE) / max(1, frames - 1)

    def x_of(self, frame: float) -> float:
        _, left, step = self.axis
        return left + frame * step

    def frame_at(self, x: float) -> int:
        frames, left, step = self.axis
        return min(max(round((x - left) / step), 0), frames - 1) if step > 0 else 0

    def key_frame(self, number: int) -> int:
        return int(self.animation.keys[number]) if self.animation is not None else number

    def key_rect(self, number: int) -> QRectF:
        side = float(IMAGES_HEIGHT - 4)
        if self.animation is not None and self.count > 1:
            nearest = float(np.diff(self.animation.keys).min()) * self.axis[2]
            side = min(side, max(_SMALLEST, nearest - 2))
        middle = self.x_of(self.key_frame(number)) if self.animation is not None else SIDE + number * (side + 8)
        return QRectF(middle - side / 2, RULER_HEIGHT + (IMAGES_HEIGHT - side) / 2, side, side)

    def segment_rect(self, number: int) -> QRectF:
        assert self.animation is not None
        keys = self.animation.keys
        end = int(keys[number + 1]) if number + 1 < len(keys) else self.forward_end
        left, right = self.x_of(int(keys[number])), self.x_of(end)
        return QRectF(left + 1, SEGMENTS_TOP + 2, max(2, right - left - 2), SEGMENTS_HEIGHT - 4)

    @property
    def forward_end(self) -> int:
        """The frame that shows the last of the forward pass first."""
        assert self.animation is not None
        return self.animation.hold + int(self.animation.numbers.max())
