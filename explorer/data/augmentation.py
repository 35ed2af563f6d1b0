"""Augment images with seeded random rotation, shear, zoom, shift and elastic deformation.

Made for letters and drawings. All five are one map of coordinates, so that each image is resampled once. The elastic
part follows Simard et al. 2003, "Best practices for convolutional neural networks", section 2; here the random field is
a coarse grid interpolated by cubic B-splines instead of a blurred fine one.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from explorer.errors import DataError
from explorer.messages import message
from explorer.paths import cache_dir
from explorer.types import Floats, Indices, Pixels, Progress

_VALUES_AT_ONCE = 1_000_000
"""Values per batch: enough to be fast, few enough to stay in the processor's cache."""

IN_MEMORY = 512 * 2**20
"""Larger results, in bytes, are memory-mapped from an unnamed temporary file."""

_LEFT_FREE = 256 * 2**20
"""Disk space that such a file leaves free, in bytes."""


@dataclass(frozen=True)
class Strengths:
    """Ranges of the random changes; with the defaults letters stay legible.

    Attributes
    ----------
    rotate
        Largest angle, in degrees, in both directions.
    shear
        Largest shear factor: 0.2 moves the top by a tenth of the height one way and the bottom the other way.
    zoom
        Smallest and largest scale.
    shift, elastic
        Largest shift in both directions, and standard deviation of the elastic displacement, as fractions of the side.
    cells
        Cells of the elastic grid along each side: more cells make finer deformations.
    """

    rotate: float = 12.0
    shear: float = 0.2
    zoom: tuple[float, float] = (0.8, 1.05)
    shift: float = 0.05
    elastic: float = 0.025
    cells: int = 4


class Augmented(NamedTuple):
    """Images ``(count, h, w, c)`` of the originals' dtype, and the original of each, int64 ``(count,)``."""

    pixels: Pixels
    indices: Indices


def augmenting(
    pixels: Pixels, count: int, seed: int, strengths: Strengths | None = None
) -> Iterator[Progress | Augmented]:
    """Return `count` images: the originals in their order, then augmented copies of all of them, repeatedly.

    Yields progress, and the result last. Image k of it is the output of `changed` for number k, whatever the count. A
    result above `IN_MEMORY` is in a temporary file, which is deleted with the array. The originals, ``(n, h, w, c)``,
    are not modified; pixels from outside get the value of the image's border. DataError if there is no image, the count
    is below 1, or memory and disk space do not suffice.
    """
    if pixels.ndim != 4 or not pixels.size or count < 1:
        raise DataError(
            "Cannot augment: the images have shape {shape}, the count is {count}. Give images (n, h, w, c) and a "
            "count of at least 1.",
            shape=str(pixels.shape),
            count=count,
        )
    originals = len(pixels)
    result = _room((count, *pixels.shape[1:]), pixels.dtype)
    indices = np.arange(count, dtype=np.int64) % originals
    result[:originals] = pixels[:count]
    at_once = _at_once(pixels)
    for start in range(originals, count, at_once):
        numbers = np.arange(start, min(start + at_once, count), dtype=np.int64)
        result[start : start + len(numbers)] = changed(pixels[indices[numbers]], numbers, seed, strengths)
        yield Progress(start + len(numbers), count, message("Augmenting"))
    yield Augmented(result, indices)


def changed(pixels: Pixels, numbers: Indices, seed: int, strengths: Strengths | None = None) -> Pixels:
    """Return images ``(n, h, w, c)`` with random changes, of the same dtype.

    The change of an image depends on its number, int64 ``(n,)``, 0 or more, and the seed only.
    """
    strengths = strengths or Strengths()
    height, width = pixels.shape[1:3]
    result = np.empty_like(pixels)
    at_once = _at_once(pixels)
    for start in range(0, len(pixels), at_once):
        part = slice(start, start + at_once)
        rows, columns = _coordinates(height, width, strengths, _draw(numbers[part], seed, strengths))
        result[part] = _sampled(pixels[part], rows, columns)
    return result


def _at_once(pixels: Pixels) -> int:
    return max(1, _VALUES_AT_ONCE // math.prod(pixels.shape[1:]))


def check_room(shape: tuple[int, ...], dtype: DTypeLike = np.uint8) -> None:
    """Check that images of a shape ``(n, h, w, c)`` fit into memory or, above `IN_MEMORY`, on the disk.

    Raises DataError if they do not.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size <= IN_MEMORY:
        return
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if size > free - _LEFT_FREE:
        raise DataError(
            "Cannot augment to {count:# image|# images} of {shape}: {size:.1f} GB are needed in {folder}, but "
            "{free:.1f} GB are free. Make fewer (--augment) or smaller (--size) images, or free disk space.",
            count=shape[0],
            shape="×".join(map(str, shape[1:])),
            size=size / 1e9,
            folder=folder,
            free=free / 1e9,
        )


def _room(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Pixels:
    """Return an uninitialized array, in memory or, if it is large, in a temporary file.

    Raises DataError if the disk is too full.
    """
    check_room(shape, dtype)
    size = math.prod(shape) * dtype.itemsize
    if size <= IN_MEMORY:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile(dir=cache_dir(), prefix="augmented-") as file:
        file.truncate(size)
        return np.memmap(file, dtype, "r+", shape=shape)


class _Draw(NamedTuple):
    """Random numbers of n images: angle (radians), slant ``(n,)``; zoom, shift ``(2, n)``, vertical and horizontal.

    The shift is a fraction of the side. `bend` is float32 ``(2, n, cells + 3, cells + 3)``, standard normal.
    """

    angle: NDArray[np.float64]
    slant: NDArray[np.float64]
    zoom: NDArray[np.float64]
    shift: NDArray[np.float64]
    bend: Floats


def _draw(numbers: Indices, seed: int, strengths: Strengths) -> _Draw:
    grid = 2 * (strengths.cells + 3) ** 2
    uniform = np.empty((len(numbers), 6))
    normal = np.empty((len(numbers), grid), np.float32)
    for row, number in enumerate(numbers.tolist()):
        rng = np.random.Generator(np.random.PCG64([seed, number]))
        uniform[row] = rng.uniform(-1, 1, 6)
        normal[row] = rng.standard_normal(grid, dtype=np.float32)
    low, high = np.log(strengths.zoom)
    return _Draw(
        np.deg2rad(strengths.rotate) * uniform[:, 0],
        strengths.shear * uniform[:, 1],
        np.exp((low + high) / 2 + (high - low) / 2 * uniform[:, 2:4].T),
        strengths.shift * uniform[:, 4:6].T,
        normal.reshape(len(numbers), 2, strengths.cells + 3, -1).swapaxes(0, 1),
    )


def _coordinates(height: int, width: int, strengths: Strengths, draw: _Draw) -> tuple[Floats, Floats]:
    """Return the source row and column of each output pixel, both float32 ``(n, h, w)``."""
    cosine, sine, slant, zoom = np.cos(draw.angle), np.sin(draw.angle), draw.slant, draw.zoom
    # Inverse of rotate · shear · zoom, as rows of a 2×2 matrix for (row, column).
    matrix = np.array(
        [[cosine / zoom[0], -sine / zoom[0]], [(sine - slant * cosine) / zoom[1], (cosine + slant * sine) / zoom[1]]],
        np.float32,
    )
    down = (np.arange(height, dtype=np.float32) - (height - 1) / 2)[:, np.newaxis]
    across = (np.arange(width, dtype=np.float32) - (width - 1) / 2)[np.newaxis, :]
    basis_down, basis_across = _spline_basis(height, strengths.cells), _spline_basis(width, strengths.cells)
    fields = basis_down @ draw.bend @ basis_across.T
    places = []
    for axis, side in enumerate((height, width)):
        moved = matrix[axis, 0][:, np.newaxis, np.newaxis] * down + matrix[axis, 1][:, np.newaxis, np.newaxis] * across
        moved += fields[axis] * np.float32(strengths.elastic * side)
        moved += ((side - 1) / 2 - draw.shift[axis] * side).astype(np.float32)[:, np.newaxis, np.newaxis]
        places.append(moved)
    return places[0], places[1]


def _spline_basis(side: int, cells: int) -> Floats:
    """Return the weights ``(side, cells + 3)`` of uniform cubic B-splines, scaled to unit gain on white noise."""
    position = np.linspace(0, cells, side, endpoint=False) + cells / side / 2
    cell = np.minimum(position.astype(int), cells - 1)
    t = position - cell
    weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
    basis = np.zeros((side, cells + 3))
    for offset in range(4):
        basis[np.arange(side), cell + offset] = weights[:, offset]
    scaled: Floats = (basis / np.linalg.norm(basis, axis=1).mean()).astype(np.float32)
    return scaled


def _sampled(images: Pixels, rows: Floats, columns: Floats) -> Pixels:
    """Return images sampled bilinearly at fractional coordinates, with the border value outside."""
    count, height, width, channels = images.shape
    padded = np.empty((count, height + 2, width + 2, channels), images.dtype)
    padded[:] = _border_values(images)[:, np.newaxis, np.newaxis, :]
    padded[:, 1:-1, 1:-1] = images
    rows = np.clip(rows + 1, 0, height + 1)
    columns = np.clip(columns + 1, 0, width + 1)
    top = np.minimum(rows.astype(np.int32), height)
    left = np.minimum(columns.astype(np.int32), width)
    down, across = (rows - top)[..., np.newaxis], (columns - left)[..., np.newaxis]
    first = (np.arange(count, dtype=np.int32) * ((height + 2) * (width + 2)))[:, np.newaxis, np.newaxis]
    corner = first + top * (width + 2) + left
    flat = padded.reshape(-1, channels)
    upper = _mix(flat[corner], flat[corner + 1], across)
    lower = _mix(flat[corner + width + 2], flat[corner + width + 3], across)
    mixed = _mix(upper, lower, down)
    return mixed if images.dtype == np.float32 else np.rint(mixed).astype(images.dtype)


def _mix(start: Pixels | Floats, end: Pixels | Floats, share: Floats) -> Floats:
    first = start.astype(np.float32)
    first += (end.astype(np.float32) - first) * share
    return first


def _border_values(images: Pixels) -> Pixels:
    """Return the median of each image's outermost pixels, ``(n, c)`` of their dtype."""
    edges = [images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]]
    values: Pixels = np.median(np.concatenate(edges, axis=1), axis=1).astype(images.dtype)
    return values
