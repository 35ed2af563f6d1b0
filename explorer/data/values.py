"""The range of the values of an array, and its 8-bit pixels: any numbers become images, from black to white."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.data.preprocessing import to_pixels
from explorer.errors import DataError
from explorer.messages import Value
from explorer.types import Pixels

AnyArray: TypeAlias = NDArray[Any]

_OVERSHOOT: Final = 1e-5
"""Resizing floats leaves values this far outside their range; they are clipped."""

_WHOLE_ENDS: Final = (16, 255, 1023, 4095, 16383, 65535)
"""Largest whole numbers: of scikit-learn's digits, then of 8, 10, 12, 14 and 16 bits."""

_BLOCK: Final = 1 << 22
"""Values that are converted at once: a float64 copy of all may not fit into memory."""


def found_range(array: AnyArray, name: Value, *more: AnyArray) -> tuple[float, float]:
    """Return the values that become black and white, the lower one first; `more` are other parts of the same set.

    * bool, and whole numbers 0 and 1: 0 to 1; other uint8: 0 to 255; other int8: -128 to 127;
    * other whole numbers from 0: 0 to the first of 16, 255, 1023, 4095, 16383, 65535 that is not below the largest;
    * floats within 0 to 1: 0 to 1; numbers within -1 to 1: -1 to 1; fractions from 0 to 128 … 255: 0 to 255, as 8-bit
      images that were resized;
    * all else: the smallest to the largest.

    DataError if they are not numbers, or some are NaN or infinite.
    """
    parts = [part for part in (array, *more) if part.size]
    kinds = {part.dtype for part in (array, *more)}
    wrong = next((kind for kind in kinds if kind.kind not in "biuf"), None)
    if wrong is not None:
        raise DataError("Cannot open {array}: its dtype is {dtype}. Save it as uint8.", array=name, dtype=wrong)
    low = min((float(part.min()) for part in parts), default=0.0)
    high = max((float(part.max()) for part in parts), default=0.0)
    if not (math.isfinite(low) and math.isfinite(high)):
        bad = sum(int((~np.isfinite(block)).sum()) for part in parts for block in _blocks(part))
        raise DataError(
            "Cannot open {array}: {bad:# value is|# values are} NaN or infinite. Replace them first.",
            array=name,
            bad=bad,
        )
    floats = any(kind.kind == "f" for kind in kinds)
    if kinds == {np.dtype(np.bool_)} or (low >= -_OVERSHOOT and (floats or high == 1) and high <= 1 + _OVERSHOOT):
        return 0.0, 1.0
    limits = next((np.iinfo(one) for one in (np.uint8, np.int8) if kinds == {np.dtype(one)}), None)
    if limits is not None:
        return float(limits.min), float(limits.max)
    if low < 0:
        return (-1.0, 1.0) if low >= -1 - _OVERSHOOT and high <= 1 + _OVERSHOOT else _distinct(low, high)
    if high <= _WHOLE_ENDS[-1] and all(_whole(part) for part in parts):
        return 0.0, float(next(end for end in _WHOLE_ENDS if high <= end))
    return (0.0, 255.0) if 128 < high <= 255 else _distinct(low, high)


def scaled(array: AnyArray, limits: tuple[float, float]) -> Pixels:
    """Return uint8 pixels in the shape of numbers: the lower limit becomes 0, the upper one 255; others are clipped.

    8-bit values from 0 to 255 are the array itself.
    """
    if array.dtype == np.uint8 and limits == (0.0, 255.0):
        return array
    pixels = np.empty(array.shape, np.uint8)
    table = None
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        table = _eight_bit(np.arange(np.iinfo(array.dtype).max + 1), limits)
    for block, target in zip(_blocks(array), _blocks(pixels), strict=True):
        if array.dtype.kind in ("b", "u") and limits == (0.0, 1.0):
            np.multiply(block != 0, np.uint8(255), out=target)
        elif table is not None:
            np.take(table, block, out=target, mode="clip")
        else:
            target[...] = _eight_bit(block, limits)
    return pixels


def _eight_bit(values: AnyArray, limits: tuple[float, float]) -> Pixels:
    low, high = (limit / 2 for limit in limits)  # halves: the difference of two floats may overflow
    return to_pixels(((values.astype(np.float64) / 2 - low) / (high - low)).astype(np.float32))


def _distinct(low: float, high: float) -> tuple[float, float]:
    return (low, high) if low < high else (low, low + max(1.0, abs(low)))


def _whole(array: AnyArray) -> bool:
    return array.dtype.kind != "f" or all(np.array_equal(block, np.rint(block)) for block in _blocks(array))


def _blocks(array: AnyArray) -> Iterator[AnyArray]:
    """Yield parts of an array along its first axis, none much larger than needed."""
    step = max(1, _BLOCK * len(array) // max(1, array.size))
    return (array[start : start + step] for start in range(0, len(array), step))
