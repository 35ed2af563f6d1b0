"""The pixels of arrays: any numbers become images, from black to white.

Arrays of more than 8 bits keep their depth, if there is more in them than 8 bits can hold.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from explorer.data.color_profiles import values_to_srgb
from explorer.data.deep_pixels import Deep
from explorer.data.preprocessing import DTYPES, Alpha, Depth, Invert, PixelValue, Preprocessing, to_pixels
from explorer.data.ranges import AnyArray, blocks, file_range, is_whole
from explorer.data.source import Found
from explorer.types import Floats, Pixels

_STEP_ERROR: Final = 1e-3
"""Largest distance of 8-bit values that became floats from whole numbers."""

_LIMITS: Final = {8: (0.0, 255.0), 16: (0.0, 65535.0), "float": (0.0, 1.0)}
"""Range of the pixels of each depth."""


def found_depth(limits: tuple[float, float], *parts: AnyArray) -> Depth:
    """Return the depth that keeps the values between the limits in all parts of a set.

    Whole numbers have 8 bits if the limits are at most 255 apart, 16 bits if at most 65535. Fractions have 8 bits if
    they were made of 8 bits, 255 even steps between the limits; all else is float.
    """
    width = limits[1] - limits[0]
    if width <= 0xFFFF and all(is_whole(part) for part in parts):
        return 8 if width <= 255 else 16
    return 8 if all(_in_255_steps(block, limits) for part in parts for block in blocks(part)) else "float"


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
    for block, target in zip(blocks(array), blocks(pixels), strict=True):
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
    limits = limits or file_range(colors)
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
