"""The range of the values of an array, and its pixels: any numbers become images, from black to white.

Arrays of more than 8 bits keep their depth, if there is more in them than 8 bits can hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.data.color_profiles import values_to_srgb
from explorer.data.deep_pixels import Deep
from explorer.data.preprocessing import DTYPES, Alpha, Depth, Invert, PixelValue, Preprocessing, to_pixels
from explorer.data.source import Found
from explorer.errors import DataError
from explorer.messages import Value, message
from explorer.types import Floats, Pixels

AnyArray: TypeAlias = NDArray[Any]

_OVERSHOOT: Final = 1e-5
"""Resizing floats leaves values this far outside their range; they are clipped."""

_WHOLE_ENDS: Final = (16, 255, 1023, 4095, 16383, 65535)
"""Largest whole numbers: of scikit-learn's digits, then of 8, 10, 12, 14 and 16 bits."""

_STEP_ERROR: Final = 1e-3
"""Largest distance of 8-bit values that became floats from whole numbers."""

_LIMITS: Final = {8: (0.0, 255.0), 16: (0.0, 65535.0), "float": (0.0, 1.0)}
"""Range of the pixels of each depth."""

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


def found_depth(limits: tuple[float, float], *parts: AnyArray) -> Depth:
    """Return the depth that keeps the values between the limits in all parts of a set.

    Whole numbers have 8 bits if the limits are at most 255 apart, 16 bits if at most 65535. Fractions have 8 bits if
    they were made of 8 bits, 255 even steps between the limits; all else is float.
    """
    width = limits[1] - limits[0]
    if width <= 0xFFFF and all(_whole(part) for part in parts):
        return 8 if width <= 255 else 16
    return 8 if all(_in_255_steps(block, limits) for part in parts for block in _blocks(part)) else "float"


def scaled(array: AnyArray, limits: tuple[float, float], depth: Depth | None = None) -> Pixels:
    """Return pixels in the shape of numbers: the lower limit becomes 0, the upper one the largest value of the dtype.

    Values beyond are clipped. Without a `depth` it is found. If the values have this range and dtype already, the array
    itself is returned.
    """
    depth = found_depth(limits, array) if depth is None else depth
    dtype = DTYPES[depth]
    if array.dtype == dtype and limits == _LIMITS[depth] and depth != "float":
        return array
    pixels = np.empty(array.shape, dtype)
    table = None
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        table = _converted(np.arange(np.iinfo(array.dtype).max + 1), limits, dtype)
    for block, target in zip(_blocks(array), _blocks(pixels), strict=True):
        if depth == 8 and array.dtype.kind in ("b", "u") and limits == (0.0, 1.0):
            np.multiply(block != 0, np.uint8(255), out=target)
        elif table is not None:
            np.take(table, block, out=target, mode="clip")
        else:
            target[...] = _converted(block, limits, dtype)
    return pixels


def depth_of_files(found: Found) -> Depth:
    """Return the depth of image files that were read in this way."""
    if found.range is None:
        return 8
    width = found.range[1] - found.range[0]
    return "float" if found.dtype.startswith("float") or width > 0xFFFF else 16


def deep_pixels(
    deep: Deep, limits: tuple[float, float] | None, preprocessing: Preprocessing, *, negative: bool = False
) -> Pixels:
    """Return the pixels ``(h, w, c)`` for a model of the values of one file.

    Without limits they are found; NaN becomes the lower one. They are scaled first, then converted to sRGB, and then
    composited over the background, as 8-bit images are.
    """
    colors = deep.colors
    limits = limits or found_range(colors, message("the image"))
    if colors.dtype.kind == "f":
        colors = np.nan_to_num(colors, nan=limits[0], posinf=limits[1], neginf=limits[0])
    images = scaled(colors.reshape(1, *colors.shape[:2], -1), limits, preprocessing.reading.depth)
    images = values_to_srgb(images, deep.profile)
    images = Invert().on_array(images) if negative else images
    over = next((step for step in preprocessing.steps if isinstance(step, Alpha)), None)
    if over is not None and deep.alpha is not None:
        images = over.composited(images, deep.alpha[np.newaxis])
    pixels: Pixels = preprocessing.array_pixels(images)[0]
    return pixels


def _parts_of_range(values: AnyArray, limits: tuple[float, float]) -> Floats:
    low, high = (limit / 2 for limit in limits)  # halves: the difference of two floats may overflow
    return ((values.astype(np.float64) / 2 - low) / (high - low)).astype(np.float32)


def _converted(values: AnyArray, limits: tuple[float, float], dtype: type[PixelValue]) -> Pixels:
    return to_pixels(_parts_of_range(values, limits), dtype)


def _in_255_steps(values: AnyArray, limits: tuple[float, float]) -> bool:
    """Return whether all values between the limits are in 255 even steps, up to rounding."""
    steps = _parts_of_range(values, limits) * np.float32(255)
    off = max(_STEP_ERROR, 255 * float(np.finfo(values.dtype).eps)) if values.dtype.kind == "f" else _STEP_ERROR
    inside = np.clip(steps, 0, 255)
    return bool((np.abs(inside - np.rint(inside)) <= off).all())


def _distinct(low: float, high: float) -> tuple[float, float]:
    return (low, high) if low < high else (low, low + max(1.0, abs(low)))


def _whole(array: AnyArray) -> bool:
    return array.dtype.kind != "f" or all(np.array_equal(block, np.rint(block)) for block in _blocks(array))


def _blocks(array: AnyArray) -> Iterator[AnyArray]:
    """Yield parts of an array along its first axis, none much larger than needed."""
    step = max(1, _BLOCK * len(array) // max(1, array.size))
    return (array[start : start + step] for start in range(0, len(array), step))
