"""Colour pictures in 256 colours.

Pictures that have no more than 256 colours together keep them exactly: those colours are then the palette. Others are
brought to the nearest of 256 chosen ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.types import Pixels

COLOURS = 256

GREYS = bytes(level for level in range(COLOURS) for _ in range(3))
"""The palette of a grey picture, whose values are their own indices: 768 bytes, RGB after RGB."""

_SAMPLE_FRAMES = 24
_SAMPLE_PIXELS = 20_000


@dataclass(frozen=True, eq=False)
class ColourPalette:
    """Up to 256 colours, and how pictures are brought to them.

    Attributes
    ----------
    colours
        ``(m, 3)`` uint8, m from 1 to 256; exact ones stand in rising order of `pack`.
    exact
        Whether every picture it is meant for has only these colours.
    dither
        Whether missing colours are mixed (Floyd and Steinberg).
    """

    colours: Pixels
    exact: bool
    dither: bool = False

    @property
    def table(self) -> bytes:
        """768 bytes, RGB after RGB, filled up with black."""
        return self.colours.tobytes().ljust(3 * COLOURS, b"\0")

    def indices(self, frame: Pixels) -> NDArray[np.uint8]:
        """Find the indices ``(h, w)`` into the palette of a picture ``(h, w, 3)``."""
        if self.exact:
            # Pillow's own look-up rounds colours to 6 bits, so that near neighbours could swap.
            known = pack(self.colours)
            return np.searchsorted(known, pack(frame)).astype(np.uint8)
        mode = Image.Dither.FLOYDSTEINBERG if self.dither else Image.Dither.NONE
        return np.asarray(Image.fromarray(frame).quantize(palette=self._holder, dither=mode))

    @cached_property
    def _holder(self) -> Image.Image:
        """Pillow fills its table of nearest colours here: kept from frame to frame, it saves most of the time."""
        holder = Image.new("P", (1, 1))
        holder.putpalette(self.colours.tobytes())
        return holder


def pack(colours: Pixels) -> NDArray[np.uint32]:
    """One number for each colour ``(..., 3)``: red, green, blue from the highest byte down."""
    wide = colours.astype(np.uint32)
    return np.asarray((wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2], dtype=np.uint32)


def unpack(packed: NDArray[np.uint32]) -> Pixels:
    """Colours ``(m, 3)`` of packed ones ``(m,)``."""
    return np.stack([packed >> 16, packed >> 8, packed], axis=-1).astype(np.uint8)


def few_colours(frame: Pixels, so_far: NDArray[np.uint32] | None) -> NDArray[np.uint32] | None:
    """Packed colours of `so_far` and of a picture ``(h, w, 3)``, rising; None once there are more than 256."""
    if so_far is None:
        return None
    packed = pack(frame).ravel()
    new = packed[~np.isin(packed, so_far)] if len(so_far) else packed
    if not len(new):
        return so_far
    colours = np.union1d(so_far, new)
    return colours if len(colours) <= COLOURS else None


def palette_for(frames: Sequence[Pixels], dither: bool, exact: NDArray[np.uint32] | None) -> ColourPalette:
    """Choose the palette of frames ``(h, w, 3)``.

    Parameters
    ----------
    frames
        At least one, all of one shape. Of many, an even sample is looked at.
    dither
        Whether missing colours will be mixed.
    exact
        All colours of the frames, packed and rising, if they are 256 or fewer.
    """
    if exact is not None:
        return ColourPalette(unpack(exact), exact=True)
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), _SAMPLE_FRAMES)).round().astype(int))
    pixels = np.concatenate([frames[number].reshape(-1, 3) for number in chosen])
    # An odd step does not meet the same columns of every row, since widths are mostly even.
    step = -(-len(pixels) // _SAMPLE_PIXELS) | 1
    sample = Image.fromarray(np.ascontiguousarray(pixels[::step])[None])
    # Measured on photographs: median cut refined by k-means 35.1 dB in 80 ms, octree 34.7 dB in 1 ms, plain median cut
    # 33.8 dB. The slow one pays once for a film, not once for every frame.
    if len(frames) > 1:
        quantised = sample.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, kmeans=1)
    else:
        quantised = sample.quantize(COLOURS, method=Image.Quantize.FASTOCTREE)
    colours = np.array(quantised.getpalette(), dtype=np.uint8).reshape(-1, 3)
    return ColourPalette(colours[:COLOURS], exact=False, dither=dither)
