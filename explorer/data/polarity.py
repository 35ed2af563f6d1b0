"""Detect black-on-white images by their borders.

Letters and digits are easier to learn white-on-black: most pixels are then 0, and the loss depends on the strokes.
Photographs have no uniform background and are never detected.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.data.preprocessing import Alpha, Channels, Fit, Orientation, Preprocessing, Scale
from explorer.data.source import Source
from explorer.errors import DataError
from explorer.types import Pixels

_LIGHT = 160
"""A background is light from this value on; paper in a bad scan has 180."""

_EVEN = 32
"""Largest difference between values of one background."""

_CONTRAST = 80
"""Least difference between background and ink."""

_COLOR = 24
"""Largest difference between the channels of a gray pixel, with camera noise."""

_SHARE = 0.9
"""Fraction of a border that must be background, and of the images that must agree."""

_SAMPLE = 64
_SIDE = 64


def dark_on_light(images: Pixels) -> bool:
    """Return whether images uint8 ``(n, h, w, 1 | 3)`` are black-on-white; False if all are uniform.

    An image counts if it is gray, 90% of its border have one light value, this background fills at least a third of it,
    and something on it is much darker. 90% of the images must count; uniform ones are ignored.
    """
    if not images.size:
        return False
    values = images.astype(np.int16)
    colored = np.ptp(values, axis=3).max(axis=(1, 2)) > _COLOR
    gray = values.mean(axis=3)
    drawn = np.ptp(gray, axis=(1, 2)) >= _CONTRAST
    if not drawn.any():
        return False
    ground = np.median(_borders(gray), axis=1)
    border_even = (np.abs(_borders(gray) - ground[:, np.newaxis]) <= _EVEN).mean(axis=1) >= _SHARE
    distance = gray - ground[:, np.newaxis, np.newaxis]
    mostly_ground = (np.abs(distance) <= _EVEN).mean(axis=(1, 2)) >= 1 / 3
    inked = distance.min(axis=(1, 2)) <= -_CONTRAST
    votes = ~colored & (ground >= _LIGHT) & border_even & mostly_ground & inked
    return bool(votes[drawn].mean() >= _SHARE)


def suggests_invert(source: Source) -> bool:
    """Return whether a source is black-on-white, by a small sample of its training images.

    Images are resized to at most 64 pixels per side without cropping, because the border counts. Unreadable ones are
    skipped. False if another error prevents it, since this is only a suggestion.
    """
    try:
        return dark_on_light(source.read_available(source.splits.select("train", _SAMPLE), _whole(source))[0])
    except DataError:
        return False


def _whole(source: Source) -> Preprocessing:
    height, width, channels = source.image_shape or (_SIDE, _SIDE, 3)
    fit = Fit(height=min(height, _SIDE), width=min(width, _SIDE), mode="stretch")
    return Preprocessing(steps=(Orientation(), Alpha(), fit, Channels(count=1 if channels == 1 else 3), Scale()))


def _borders(gray: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the outermost pixels ``(n, k)`` of images ``(n, h, w)``."""
    return np.concatenate([gray[:, 0], gray[:, -1], gray[:, 1:-1, 0], gray[:, 1:-1, -1]], axis=1)
