"""Process an image of any size in overlapping tiles, blended without seams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from explorer.data.preprocessing import to_floats, to_pixels
from explorer.messages import message
from explorer.types import Floats, Indices, Pixels, Progress

Transform = Callable[[Floats], Floats]
"""Maps float32 tiles ``(n, th, tw, c)`` in [0, 1] to tiles of the same shape; any n > 0."""


@dataclass(frozen=True, eq=False)
class Cover:
    """Intervals of one length that cover a side, each overlapping the next by half or more.

    `starts` is the first pixel of each, int64 ``(k,)``, ascending from 0; `weights`, float32 ``(k, tile)``, the weight
    of each of its pixels. At every pixel of the side the weights sum to 1.
    """

    starts: Indices
    weights: Floats


def cover(side: int, tile: int) -> Cover:
    """Return the intervals of `tile` pixels that cover `side` pixels, ``side >= tile >= 1``.

    The weights are a raised cosine, so that a tile fades out where the next one fades in.
    """
    steps = -(-(side - tile) // max(1, tile // 2))
    starts = np.rint(np.linspace(0, side - tile, steps + 1)).astype(np.int64)
    bell = np.sin(np.pi * (np.arange(tile) + 0.5) / tile) ** 2
    reached = starts[:, np.newaxis] + np.arange(tile)
    whole = np.bincount(reached.ravel(), np.tile(bell, len(starts)), side)
    return Cover(starts, (bell / whole[reached]).astype(np.float32))


def through_tiles(
    pixels: Pixels, size: tuple[int, int], transform: Transform, *, at_once: int = 64
) -> Iterator[Progress | Pixels]:
    """Apply `transform` to an image tile by tile: yields progress after each row of tiles, and the image last.

    The image is ``(h, w, c)``; one smaller than a tile is padded by reflection, and cropped at the end. `size` is
    height and width of a tile, of which at most `at_once` are transformed together. The blended output is clipped to
    [0, 1].
    """
    padded, top, left = _padded(pixels, size)
    height, width, channels = padded.shape
    rows, columns = cover(height, size[0]), cover(width, size[1])
    result = np.empty_like(padded)
    # Weighted sums of the pixel rows that later rows of tiles still reach; only these are kept as floats.
    sums = np.zeros((size[0], width, channels), np.float32)
    ends = [*rows.starts[1:], height]
    for place, (start, end) in enumerate(zip(rows.starts, ends, strict=True)):
        line = _across(padded[start : start + size[0]], columns, transform, at_once)
        sums += rows.weights[place][:, np.newaxis, np.newaxis] * line
        done = int(end - start)
        result[start:end] = to_pixels(sums[:done], padded.dtype)
        sums[: size[0] - done] = sums[done:].copy()
        sums[size[0] - done :] = 0
        yield Progress(place + 1, len(rows.starts), message("Denoising"))
    yield np.ascontiguousarray(result[top : top + pixels.shape[0], left : left + pixels.shape[1]])


def _padded(pixels: Pixels, size: tuple[int, int]) -> tuple[Pixels, int, int]:
    """Return the image padded to at least one tile, and the top left corner of the original in it."""
    lacking = [max(0, wanted - side) for side, wanted in zip(pixels.shape[:2], size, strict=True)]
    if not any(lacking):
        return pixels, 0, 0
    before = [(missing // 2, missing - missing // 2) for missing in lacking]
    return np.pad(pixels, (*before, (0, 0)), mode="reflect"), before[0][0], before[1][0]


def _across(line: Pixels, columns: Cover, transform: Transform, at_once: int) -> Floats:
    """Return one row of tiles ``(th, width, c)``, blended from left to right."""
    tile = columns.weights.shape[1]
    blended = np.zeros(line.shape, np.float32)
    for first in range(0, len(columns.starts), at_once):
        part = columns.starts[first : first + at_once]
        tiles = transform(to_floats(np.stack([line[:, start : start + tile] for start in part])))
        weights = columns.weights[first : first + at_once, np.newaxis, :, np.newaxis]
        for start, weighted in zip(part, tiles * weights, strict=True):
            blended[:, start : start + tile] += weighted
    return blended
