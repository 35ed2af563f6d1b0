"""How many pictures are worked on at once, so that memory is bounded whatever their size."""

from __future__ import annotations

from math import prod

from explorer.types import ImageShape

WORK_BYTES = 256 * 2**20
"""About the most that one layer's output may take for a batch."""

HELD_BYTES = 64 * 2**20
"""The most that the float32 pictures of a part may take."""

_MAPS = 128
"""Feature maps of the picture's full size in the widest network there is (``conv-spatial``)."""


def pictures_at_once(image_shape: ImageShape, most: int) -> int:
    """Return how many pictures or codes, 1 to `most`, may go through a network of any architecture at once."""
    height, width, _ = image_shape
    return max(1, min(most, WORK_BYTES // max(1, height * width * _MAPS * 4)))


def pictures_held(image_shape: ImageShape, most: int) -> int:
    """Return how many pictures, 1 to `most`, may lie in memory as float32 at once."""
    return max(1, min(most, HELD_BYTES // max(1, prod(image_shape) * 4)))
