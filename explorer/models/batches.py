"""How many pictures are worked on at once, so that memory is bounded whatever their size."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from explorer.data.preprocessing import Preprocessing
from explorer.data.source import Source
from explorer.errors import DataError
from explorer.types import ImageShape, Indices, Pixels

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


def readable_batches(
    source: Source, indices: Indices, preprocessing: Preprocessing, step: int
) -> Iterator[tuple[int, Pixels, Indices]]:
    """Read images a part at a time; those that cannot be read are left out, and are in `Source.skipped` then.

    Yields
    ------
    done, pixels, kept
        How many of `indices` were tried so far; uint8 ``(m, h, w, c)``, m > 0; their positions in the source.

    Raises
    ------
    DataError
        If none of them can be read.
    """
    any_read = False
    for start in range(0, len(indices), step):
        pixels, kept = source.read_available(indices[start : start + step], preprocessing)
        if len(kept):
            any_read = True
            yield min(start + step, len(indices)), pixels, kept
    if len(indices) and not any_read:
        first = source.skipped[-1] if source.skipped else None
        reason = f", such as {first.name} ({first.reason})" if first else ""
        raise DataError(
            f"at least one image that can be read in {source.name}",
            f"{len(indices)} that cannot{reason}",
            "Replace them.",
        )
