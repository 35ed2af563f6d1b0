"""Images of more than 8 bits per channel: the range of their values, and their conversion to 8 bits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.errors import DataError
from explorer.types import Pixels

Range: TypeAlias = tuple[float, float]
"""The values that become black and white."""

_BITS: Final = (1, 8, 10, 12, 14, 16)
_USUAL: Final[tuple[Range, ...]] = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
_FILLED: Final = 0.5
"""Floats have a usual range if they fill at least this share of it."""

_PERCENTILES: Final = (0.1, 99.9)
_LOOKED_AT: Final = 1_000_000
_BLOCK: Final = 1 << 20
_ALL_16_BITS: Final = np.arange(1 << 16, dtype=np.uint16)


def found_range(values: NDArray[Any]) -> Range:
    """Return the range of values of any shape.

    Integers have the smallest of 1, 8, 10, 12, 14 and 16 bits that covers them: cameras and microscopes store 12 bits
    in 16-bit files, others store masks of 0 and 1. Floats, and other integers, have a usual range (0 to 1, −1 to 1, 0
    to 255) if they fill half of it; else from the 0.1th to the 99.9th percentile. DataError if no value is finite.
    """
    if values.dtype.kind in "iu" and (low := int(values.min())) >= 0 and (high := int(values.max())) < 1 << _BITS[-1]:
        return 0.0, float(next((1 << bits) - 1 for bits in _BITS if high < 1 << bits))
    some = values.reshape(-1)
    if values.dtype.kind == "f":
        finite = np.isfinite(some)
        some = some if finite.all() else some[finite]
        if not len(some):
            raise DataError("Cannot open the image: it has no finite value. Save it again as PNG.")
    low, high = some.min(), some.max()
    for usual in _USUAL:
        if usual[0] <= low and high <= usual[1] and float(high) - float(low) >= _FILLED * (usual[1] - usual[0]):
            return usual
    step = -(-len(some) // _LOOKED_AT)
    bottom, top = np.percentile(some[::step].astype(np.float64), _PERCENTILES).tolist()
    return (bottom, top) if bottom < top else (bottom, bottom + 1.0)


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
