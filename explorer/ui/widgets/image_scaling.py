"""Enlarges images so that every pixel has the same size; the edges between pixels are antialiased."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QImage

SHARP = 2.0
"""Device pixels per image pixel from which on images are not smoothed."""

_TINY = 1e-6
_WHOLE = 256
_ROWS = 16
"""Rows that are mixed at once; more would not stay in the cache."""
_EVEN = 0x00FF00FF


@dataclass(frozen=True)
class Axis:
    """One direction of a painted image, in device pixels.

    `length` pixels are visible from `place` on; they are those from `start` on of the whole enlarged image, whose image
    pixels are `scale` wide. `count` is the number of image pixels.
    """

    place: int
    start: int
    length: int
    scale: float
    count: int

    @property
    def whole(self) -> float:
        """The length of the whole enlarged image."""
        return self.scale * self.count

    @property
    def center(self) -> float:
        """The middle of the visible part, as a share of the whole."""
        return (self.start + self.length / 2) / self.whole

    def share(self, place: float) -> float:
        """Return where in the image a place is: 0 at its start, 1 at its end."""
        return (place - self.place + self.start) / self.whole

    def position(self, pixel: int) -> float:
        """Return the place at which an image pixel starts."""
        return self.place - self.start + pixel * self.scale

    def pixels(self) -> range:
        """Return the image pixels that are visible, at least in part."""
        return range(math.floor(self.start / self.scale), math.ceil((self.start + self.length) / self.scale - _TINY))


def axis(place: int, length: int, count: int, scale: float, center: float) -> Axis:
    """Return where `count` image pixels are painted in a box: centered, or the part around `center` of a larger one."""
    whole = max(1, round(count * scale))
    if whole <= length:
        return Axis(place + (length - whole) // 2, 0, whole, whole / count, count)
    start = min(max(round(center * whole - length / 2), 0), whole - length)
    return Axis(place, start, length, whole / count, count)


def enlarged(qimage: QImage, across: Axis, down: Axis, former: QImage | None = None) -> QImage:
    """Return the visible part of an enlarged image.

    From `SHARP` on it is what area sampling gives, so nearest neighbor at whole factors; below it is smooth. `former`
    is an image that is not needed any more; its memory is used again, since new memory takes longer than the pixels.
    """
    if min(across.scale, down.scale) < SHARP:
        whole = QSize(round(across.whole), round(down.whole))
        smooth = Qt.TransformationMode.SmoothTransformation
        seen = QRect(across.start, down.start, across.length, down.length)
        scaled = qimage.scaled(whole, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
        return scaled if seen.size() == whole else scaled.copy(seen)
    clear = qimage.hasAlphaChannel()
    form = QImage.Format.Format_ARGB32_Premultiplied if clear else QImage.Format.Format_RGB32
    small = qimage.convertToFormat(form)
    pixels = np.frombuffer(small.constBits(), np.uint32).reshape(small.height(), small.bytesPerLine() // 4)
    # Columns first: the rows, which are many more then, are copied as a whole.
    wide = np.empty((across.length, small.height()), np.uint32)
    _sample(pixels[:, : small.width()].T, across, wide)
    size = QSize(across.length, down.length)
    made = former if former is not None and (former.size(), former.format()) == (size, form) else QImage(size, form)
    _sample(np.ascontiguousarray(wide.T), down, np.frombuffer(made.bits(), np.uint32).reshape(down.length, -1))
    return made


def _sample(pixels: NDArray[np.uint32], along: Axis, made: NDArray[np.uint32]) -> None:
    """Fill the rows of `made`, of four bytes a pixel, with the means of the parts of `pixels` that they cover."""
    low = (along.start + np.arange(along.length)) / along.scale
    high = low + 1 / along.scale
    last = along.count - 1
    first = np.clip(np.floor(low + _TINY).astype(np.int64), 0, last)
    second = np.clip(np.ceil(high - _TINY).astype(np.int64) - 1, 0, last)
    np.take(pixels, first, axis=0, out=made, mode="clip")
    (mixed,) = np.nonzero(second > first)
    share = np.rint((high[mixed] - second[mixed]) * along.scale * _WHOLE).astype(np.uint32)[:, None]
    for begin in range(0, len(mixed), _ROWS):
        part = slice(begin, begin + _ROWS)
        rows = mixed[part]
        made[rows] = _mixed(made[rows], pixels[second[rows]], share[part])


def _mixed(first: NDArray[np.uint32], second: NDArray[np.uint32], share: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return weighted means of four bytes each, two of them at once; `share` is that of the second, of `_WHOLE`."""
    keep, half = _WHOLE - share, 0x00800080
    even = (first & _EVEN) * keep + (second & _EVEN) * share + half
    odd = (first >> 8 & _EVEN) * keep + (second >> 8 & _EVEN) * share + half
    return np.asarray((even >> 8 & _EVEN) | (odd & _EVEN << 8), np.uint32)
