"""Whether pictures are dark drawings on light ground, told by their borders.

Letters and digits are easier to learn light on dark: most of a picture is then 0, and the network spends itself on the
strokes. Photographs have no ground, and are never taken for drawings.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.data.preprocessing import Alpha, Channels, Fit, Orientation, Preprocessing, Scale
from explorer.data.source import Source
from explorer.errors import DataError
from explorer.types import Pixels

_LIGHT = 160
"""A ground is light from this value on; paper in a bad scan has 180."""

_EVEN = 32
"""So far may values of one ground lie apart."""

_CONTRAST = 80
"""So much darker than the ground is ink."""

_COLOUR = 24
"""Colours whose channels lie further apart are no greys, not even a camera's."""

_SHARE = 0.9
"""Share of a border that must be ground, and of the pictures that must agree."""

_SAMPLE = 64
_SIDE = 64


def dark_on_light(images: Pixels) -> bool:
    """Say whether these are dark drawings on light ground.

    A picture counts where it is grey, nine tenths of its border have one light value, ground fills at least a third of
    it, and something on it is much darker. Nine tenths of the pictures must count; empty ones (one value all over) are
    left out.

    Parameters
    ----------
    images
        uint8 ``(n, h, w, c)``, channels 1 or 3.

    Returns
    -------
    bool
        False too where there is no picture with something on it.
    """
    if not images.size:
        return False
    values = images.astype(np.int16)
    coloured = np.ptp(values, axis=3).max(axis=(1, 2)) > _COLOUR
    grey = values.mean(axis=3)
    drawn = np.ptp(grey, axis=(1, 2)) >= _CONTRAST
    if not drawn.any():
        return False
    ground = np.median(_borders(grey), axis=1)
    border_even = (np.abs(_borders(grey) - ground[:, np.newaxis]) <= _EVEN).mean(axis=1) >= _SHARE
    distance = grey - ground[:, np.newaxis, np.newaxis]
    mostly_ground = (np.abs(distance) <= _EVEN).mean(axis=(1, 2)) >= 1 / 3
    inked = distance.min(axis=(1, 2)) <= -_CONTRAST
    votes = ~coloured & (ground >= _LIGHT) & border_even & mostly_ground & inked
    return bool(votes[drawn].mean() >= _SHARE)


def suggests_invert(source: Source) -> bool:
    """Say whether a source's pictures are dark on light, by a small sample spread over its training pictures.

    Sizes are brought to 64 pixels a side at most, without cutting: the border is what counts. Where a picture cannot be
    read the answer is False: it is a suggestion, and stops nothing.
    """
    try:
        return dark_on_light(source.read(source.splits.select("train", _SAMPLE), _whole(source)))
    except DataError:
        return False


def _whole(source: Source) -> Preprocessing:
    height, width, channels = source.image_shape or (_SIDE, _SIDE, 3)
    fit = Fit(height=min(height, _SIDE), width=min(width, _SIDE), mode="stretch")
    return Preprocessing(steps=(Orientation(), Alpha(), fit, Channels(count=1 if channels == 1 else 3), Scale()))


def _borders(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the outermost pixels ``(n, k)`` of pictures ``(n, h, w)``."""
    return np.concatenate([grey[:, 0], grey[:, -1], grey[:, 1:-1, 0], grey[:, 1:-1, -1]], axis=1)
