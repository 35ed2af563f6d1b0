"""Conversion of images of more than 8 bits per channel to 8 bits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.data.ranges import Range
from explorer.types import Pixels

_BLOCK: Final = 1 << 20
_ALL_16_BITS: Final = np.arange(1 << 16, dtype=np.uint16)


def common_range(ranges: Iterable[Range]) -> Range | None:
    """Return the range that covers all of these; None without any."""
    lows, highs = [], []
    for low, high in ranges:
        lows.append(low)
        highs.append(high)
    return (min(lows), max(highs)) if lows else None


def to_bytes(values: NDArray[Any], value_range: Range) -> Pixels:
    """Return uint8 values of the same shape: the range becomes 0 to 255, values outside are clipped, NaN is 0."""
    if values.dtype == np.uint16 and values.size > _ALL_16_BITS.size:
        table: Pixels = _scaled(_ALL_16_BITS, value_range)[values]
        return table
    flat = np.ascontiguousarray(values).reshape(-1)
    pixels = np.empty(flat.shape, np.uint8)
    # A float64 copy of all would take many times the memory of the image.
    for start in range(0, len(flat), _BLOCK):
        pixels[start : start + _BLOCK] = _scaled(flat[start : start + _BLOCK], value_range)
    return pixels.reshape(values.shape)


def _scaled(values: NDArray[Any], value_range: Range) -> Pixels:
    low, high = value_range
    scaled = (values.astype(np.float64) - low) * (255 / (high - low))
    return np.rint(np.nan_to_num(np.clip(scaled, 0, 255), nan=0.0)).astype(np.uint8)
