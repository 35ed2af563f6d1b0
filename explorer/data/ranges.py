"""The range of values that become black and white: the rules for arrays and for image files."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.errors import DataError
from explorer.messages import Value

AnyArray: TypeAlias = NDArray[Any]
Range: TypeAlias = tuple[float, float]
"""The values that become black and white, the lower one first."""

_WHOLE_ENDS: Final = (1, 16, 255, 1023, 4095, 16383, 65535)
"""Largest whole numbers: of masks and scikit-learn's digits, then of 8, 10, 12, 14 and 16 bits."""

_ONE, _SIGNED, _BYTES = (0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)
_FILLED: Final = 0.5
"""Measurements have a usual range if they fill at least this share of it."""

_OVERSHOOT: Final = 1e-5
"""Resizing floats leaves values this far outside their range; they are clipped."""

_PERCENTILES: Final = (0.1, 99.9)
_MOST_HOT, _HOT_SHARE, _NEARLY_BLACK = 20, 10_000, 16
"""A sensor's hot pixels: at most so many, one of so many, and so many times brighter than the range of the others. More
are objects, such as stars."""

_LOOKED_AT: Final = 1_000_000
_BLOCK: Final = 1 << 22
"""Values that are checked at once: a copy of all may not fit into memory."""


def found_range(array: AnyArray, name: Value, *more: AnyArray) -> Range:
    """Return the range of the values of an array; `more` are other parts of the same set.

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
        bad = sum(int((~np.isfinite(block)).sum()) for part in parts for block in blocks(part))
        raise DataError(
            "Cannot open {array}: {bad:# value is|# values are} NaN or infinite. Replace them first.",
            array=name,
            bad=bad,
        )
    floats = any(kind.kind == "f" for kind in kinds)
    if kinds == {np.dtype(np.bool_)} or (low >= -_OVERSHOOT and (floats or high == 1) and high <= 1 + _OVERSHOOT):
        return _ONE
    limits = next((np.iinfo(one) for one in (np.uint8, np.int8) if kinds == {np.dtype(one)}), None)
    if limits is not None:
        return float(limits.min), float(limits.max)
    if -1 - _OVERSHOOT <= low < 0 and high <= 1 + _OVERSHOOT:
        return _SIGNED
    if _fits_whole(low, high) and all(is_whole(part) for part in parts):
        return _whole_range(max(high, 2))
    return _BYTES if low >= 0 and 128 < high <= 255 else _distinct(low, high)


def file_range(values: AnyArray, *, covering: bool = False) -> Range:
    """Return the range of the values of an image file of more than 8 bits, which are measurements, of any shape.

    Integers from 0 have the smallest end of 1, 16, 255, 1023, 4095, 16383, 65535 that covers them: cameras and
    microscopes store 12 bits in 16-bit files, others store masks of 0 and 1. Unless it must be `covering`, up to 20
    values, and one of 10,000, may be brighter, if the rest would be nearly black with them: in a sixteenth of the
    range, of 8 bits or more. Floats, and other integers, have a usual range (0 to 1, −1 to 1, 0 to 255) if they fill
    half of it; else from the 0.1th to the 99.9th percentile, since one hot pixel is no range. DataError if no value is
    finite.
    """
    some = values.reshape(-1)
    if values.dtype.kind == "f":
        finite = np.isfinite(some)
        some = some if finite.all() else some[finite]
        if not len(some):
            raise DataError("Cannot open the image: it has no finite value. Save it again as PNG.")
    low, high = float(some.min()), float(some.max())
    if values.dtype.kind in "iu" and _fits_whole(low, high):
        whole = _whole_range(high)
        return whole if covering else _without_hot(some, whole)
    for usual in (_ONE, _SIGNED, _BYTES):
        if usual[0] <= low and high <= usual[1] and high - low >= _FILLED * (usual[1] - usual[0]):
            return usual
    step = -(-len(some) // _LOOKED_AT)
    # With a common divisor, the sample would be of some channels or columns only.
    while math.gcd(step, math.prod(values.shape)) > 1:
        step += 1
    bottom, top = np.percentile(some[::step].astype(np.float64), _PERCENTILES).tolist()
    return (bottom, top) if bottom < top else (bottom, bottom + 1.0)


def _without_hot(values: AnyArray, whole: Range) -> Range:
    for end in _WHOLE_ENDS[2:]:
        if _NEARLY_BLACK * end > whole[1]:
            break
        hot = sum(int(np.count_nonzero(block > end)) for block in blocks(values))
        if hot <= min(_MOST_HOT, len(values) // _HOT_SHARE):
            # Where all else is black, it is a drawing of a few white pixels.
            return (0.0, float(end)) if np.count_nonzero(values) > hot else whole
    return whole


def is_whole(array: AnyArray) -> bool:
    """Return whether all values are whole numbers, of any dtype."""
    return array.dtype.kind != "f" or all(np.array_equal(block, np.rint(block)) for block in blocks(array))


def blocks(array: AnyArray) -> Iterator[AnyArray]:
    """Yield parts of an array along its first axis, none much larger than needed."""
    step = max(1, _BLOCK * len(array) // max(1, array.size))
    return (array[start : start + step] for start in range(0, len(array), step))


def _fits_whole(low: float, high: float) -> bool:
    return low >= 0 and high <= _WHOLE_ENDS[-1]


def _whole_range(high: float) -> Range:
    return 0.0, float(next(end for end in _WHOLE_ENDS if high <= end))


def _distinct(low: float, high: float) -> Range:
    return (low, high) if low < high else (low, low + max(1.0, abs(low)))
