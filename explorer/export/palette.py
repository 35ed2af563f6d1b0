"""Color quantization to 256 colors.

Images with at most 256 colors together keep them exactly. Others get the nearest of 256 palette colors, which are the
centers of a k-means over all pixels of the animation. This works on a histogram of 64 levels per channel with the mean
color of each cell: an animation of a million pixels has about ten thousand cells, so that fit and lookup are fast, and
exact to one or two levels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.types import Floats, Shown

COLORS = 256

GRAYS = bytes(level for level in range(COLORS) for _ in range(3))
"""The palette of grayscale images, whose values are their indices: 256 RGB triplets, 768 bytes."""

INK = np.array([[level] * 3 for level in (0, 51, 102, 153, 204, 255)], dtype=np.uint8)
"""Colors of a caption, ``(6, 3)``."""

_NONE = np.zeros((0, 3), dtype=np.uint8)
_CELLS = 1 << 18
_ROUNDS = 4
_MAX_FITTED = 24_000
_INITIAL_PIXELS = 20_000
_BLOCK = 4_096


@dataclass(frozen=True, eq=False)
class ColorPalette:
    """A palette of up to 256 colors, ``(m, 3)`` uint8, and the mapping of images to it.

    It is `exact` if its images have only these colors, which are then in ascending order of `pack`. Otherwise it may
    `dither` the others (Floyd and Steinberg).
    """

    colors: Shown
    exact: bool
    dither: bool = False

    @property
    def table(self) -> bytes:
        """256 RGB triplets, 768 bytes, padded with black."""
        return self.colors.tobytes().ljust(3 * COLORS, b"\0")

    def indices(self, frame: Shown) -> NDArray[np.uint8]:
        """Return the palette indices ``(h, w)`` of an image ``(h, w, 3)``."""
        if self.exact:
            return np.searchsorted(pack(self.colors), pack(frame)).astype(np.uint8)
        if self.dither:
            mode = Image.Dither.FLOYDSTEINBERG
            return np.asarray(Image.fromarray(frame).quantize(palette=self._holder, dither=mode))
        cells = cell_of(frame)
        unknown = np.unique(cells[self._nearest[cells] < 0])
        if len(unknown):
            centers = np.stack([unknown >> 12, unknown >> 6 & 63, unknown & 63], axis=1).astype(np.float32) * 4 + 1.5
            self._nearest[unknown] = nearest_of(centers, self.colors.astype(np.float32))
        return self._nearest[cells].astype(np.uint8)

    def learn(self, histogram: Histogram) -> None:
        """Map the cells of a histogram by the mean color of their pixels, which is more exact than their center."""
        cells, colors, _ = histogram.occupied()
        self._nearest[cells] = nearest_of(colors, self.colors.astype(np.float32))

    @cached_property
    def _nearest(self) -> NDArray[np.int16]:
        """Nearest color for each cell of the histogram, ``(262144,)``; -1 where not computed yet."""
        return np.full(_CELLS, -1, dtype=np.int16)

    @cached_property
    def _holder(self) -> Image.Image:
        """Image with Pillow's cache of nearest colors; reusing it for all frames saves most of the time."""
        holder = Image.new("P", (1, 1))
        holder.putpalette(self.colors.tobytes())
        return holder


class Histogram:
    """Counts and mean colors in cells of 4 levels per channel."""

    def __init__(self) -> None:
        self._counts = np.zeros(_CELLS)
        self._sums = np.zeros((3, _CELLS))

    def add(self, frames: Iterable[Shown]) -> None:
        """Count the pixels of images ``(h, w, 3)``."""
        pixels = np.concatenate([frame.reshape(-1, 3) for frame in frames])
        cells = cell_of(pixels)
        self._counts += np.bincount(cells, minlength=_CELLS)
        for channel in range(3):
            self._sums[channel] += np.bincount(cells, weights=pixels[:, channel], minlength=_CELLS)

    def occupied(self) -> tuple[NDArray[np.intp], Floats, Floats]:
        """Return cells with pixels ``(m,)``, their mean colors ``(m, 3)`` and their counts ``(m,)``."""
        cells = np.flatnonzero(self._counts)
        counts = self._counts[cells]
        return cells, (self._sums[:, cells] / counts).T.astype(np.float32), counts.astype(np.float32)


def cell_of(colors: Shown) -> NDArray[np.int32]:
    """Return the cell of the histogram for each color ``(..., 3)``."""
    wide = (colors >> 2).astype(np.int32)
    return np.asarray((wide[..., 0] << 12) | (wide[..., 1] << 6) | wide[..., 2], dtype=np.int32)


def nearest_of(colors: Floats, palette: Floats) -> NDArray[np.intp]:
    """Return the index ``(m,)`` of the palette color ``(n, 3)`` nearest to each color ``(m, 3)``."""
    found = np.empty(len(colors), dtype=np.intp)
    offsets = (palette**2).sum(axis=1)
    for start in range(0, len(colors), _BLOCK):
        block = colors[start : start + _BLOCK]
        found[start : start + _BLOCK] = np.argmin(offsets - 2 * (block @ palette.T), axis=1)
    return found


def pack(colors: Shown) -> NDArray[np.uint32]:
    """Return each color ``(..., 3)`` as one number: red, green, blue from the highest byte down."""
    wide = colors.astype(np.uint32)
    return np.asarray((wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2], dtype=np.uint32)


def unpack(packed: NDArray[np.uint32]) -> Shown:
    """Return the colors ``(m, 3)`` of packed ones ``(m,)``."""
    return np.stack([packed >> 16, packed >> 8, packed], axis=-1).astype(np.uint8)


def few_colors(frame: Shown, so_far: NDArray[np.uint32] | None) -> NDArray[np.uint32] | None:
    """Return the packed colors of `so_far` and an image ``(h, w, 3)``, ascending; None if more than 256."""
    if so_far is None:
        return None
    packed = pack(frame).ravel()
    new = packed[~np.isin(packed, so_far)] if len(so_far) else packed
    if not len(new):
        return so_far
    colors = np.union1d(so_far, new)
    return colors if len(colors) <= COLORS else None


def inked(strip: Shown) -> Shown:
    """Return a caption ``(h, w, 3)`` in the colors of `INK` only, to save palette entries."""
    return (np.rint(strip / 51) * 51).astype(np.uint8)


def exact_palette(packed: NDArray[np.uint32]) -> ColorPalette:
    """At most 256 packed colors in ascending order."""
    return ColorPalette(unpack(packed), exact=True)


def quick_palette(frame: Shown, dither: bool, reserved: Shown | None = None) -> ColorPalette:
    """Return a fast palette of one image ``(h, w, 3)``: Pillow's octree, and the reserved colors."""
    kept = _NONE if reserved is None else reserved
    quantized = Image.fromarray(frame).quantize(COLORS - len(kept), method=Image.Quantize.FASTOCTREE)
    colors = np.concatenate([_palette_of(quantized)[: COLORS - len(kept)], kept])
    return ColorPalette(colors, exact=False, dither=dither)


def fitted_palette(histogram: Histogram, dither: bool, reserved: Shown | None = None) -> ColorPalette:
    """Return the palette of an animation: median cut, then k-means over all pixels.

    The palette must contain the `reserved` colors, ``(r, 3)`` uint8.
    """
    kept = _NONE if reserved is None else reserved
    _, colors, counts = histogram.occupied()
    if len(colors) > _MAX_FITTED:
        # Evenly spaced: the most frequent ones alone would omit whole shades.
        chosen = np.linspace(0, len(colors) - 1, _MAX_FITTED).round().astype(np.int64)
        colors, counts = colors[chosen], counts[chosen]
    # Each cell in proportion to its count, and at least once.
    copies = np.maximum(counts / counts.sum() * _INITIAL_PIXELS, 1).astype(np.int64)
    sample = np.repeat(np.rint(colors).astype(np.uint8), copies, axis=0)
    first = Image.fromarray(sample[None]).quantize(COLORS - len(kept), method=Image.Quantize.MEDIANCUT)
    centers = _palette_of(first)[: COLORS - len(kept)].astype(np.float32)
    for _ in range(_ROUNDS):
        belongs = nearest_of(colors, centers)
        weights = np.bincount(belongs, counts, len(centers))
        used = weights > 0
        for channel in range(3):
            sums = np.bincount(belongs, counts * colors[:, channel], len(centers))
            centers[used, channel] = sums[used] / weights[used]
    palette = ColorPalette(np.concatenate([np.rint(centers).astype(np.uint8), kept]), exact=False, dither=dither)
    palette.learn(histogram)
    return palette


def _palette_of(quantized: Image.Image) -> Shown:
    return np.array(quantized.getpalette(), dtype=np.uint8).reshape(-1, 3)[:COLORS]
