"""Turn a few hundred pictures into thousands: rotate, shear, zoom, shift and bend them a little, seeded.

Made for letters and drawings. All five changes are one map of coordinates, so that each picture is resampled once.
Simard et al. 2003, "Best practices for convolutional neural networks", section 2, for the elastic part; here the random
field is a coarse grid drawn out by cubic B-splines instead of a blurred fine one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from explorer.errors import DataError
from explorer.types import Floats, Indices, Pixels, Progress

_BATCH = 256


@dataclass(frozen=True)
class Strengths:
    """How far the changes may go; the defaults leave letters legible.

    Attributes
    ----------
    rotate
        Largest angle, in degrees, either way.
    shear
        Largest slant, as a share: 0.2 moves the top by a tenth of the height one way and the bottom the other way.
    zoom
        Smallest and largest size.
    shift
        Largest shift, as a share of the side, each way.
    elastic
        Standard deviation of the bend, as a share of the side.
    cells
        Cells of the bend's coarse grid along each side: more bend shorter stretches.
    """

    rotate: float = 12.0
    shear: float = 0.2
    zoom: tuple[float, float] = (0.8, 1.05)
    shift: float = 0.05
    elastic: float = 0.025
    cells: int = 4


class Augmented(NamedTuple):
    """Pictures, uint8 ``(count, h, w, c)``, and the position that each came from, int64 ``(count,)``."""

    pixels: Pixels
    indices: Indices


def augment(
    pixels: Pixels,
    count: int,
    seed: int,
    *,
    strengths: Strengths | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Augmented:
    """Return `count` pictures: the originals first, in their order, then changed copies of each in turn.

    Parameters
    ----------
    pixels
        uint8 ``(n, h, w, c)``; not changed. What comes in from outside has the value of the picture's border.
    count
        How many to return. With fewer than there are, the first ones.
    seed
        Makes it repeatable.
    strengths
        How far the changes may go.
    progress
        Called from time to time; an exception that it raises ends the work.

    Raises
    ------
    DataError
        If there is no picture, or the count is below 1.
    """
    if pixels.ndim != 4 or not pixels.size or count < 1:
        raise DataError(
            "pictures (n, height, width, channels) and a count of at least 1", f"{pixels.shape} and {count}"
        )
    strengths = strengths or Strengths()
    originals = len(pixels)
    indices = np.arange(count, dtype=np.int64) % originals
    result = np.empty((count, *pixels.shape[1:]), np.uint8)
    result[:originals] = pixels[:count]
    rng = np.random.default_rng(seed)
    for start in range(originals, count, _BATCH):
        part = slice(start, min(start + _BATCH, count))
        images = pixels[indices[part]]
        rows, columns = _coordinates(len(images), images.shape[1], images.shape[2], strengths, rng)
        result[part] = _sampled(images, rows, columns)
        if progress is not None:
            progress(Progress(part.stop, count, "augmenting"))
    return Augmented(result, indices)


def _coordinates(
    count: int, height: int, width: int, strengths: Strengths, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return where each pixel of each new picture is taken from: rows and columns, float32 ``(count, h, w)``."""
    angle = np.deg2rad(rng.uniform(-strengths.rotate, strengths.rotate, count))
    slant = rng.uniform(-strengths.shear, strengths.shear, count)
    low, high = strengths.zoom
    zoom = np.exp(rng.uniform(np.log(low), np.log(high), (2, count)))
    shift = rng.uniform(-strengths.shift, strengths.shift, (2, count)) * np.array([[height], [width]])
    cosine, sine = np.cos(angle), np.sin(angle)
    # Inverse of rotate · shear · zoom, as rows of a 2 × 2 matrix for (row, column).
    matrix = np.array(
        [[cosine / zoom[0], -sine / zoom[0]], [(sine - slant * cosine) / zoom[1], (cosine + slant * sine) / zoom[1]]],
        np.float32,
    )
    down = (np.arange(height, dtype=np.float32) - (height - 1) / 2)[:, np.newaxis]
    across = (np.arange(width, dtype=np.float32) - (width - 1) / 2)[np.newaxis, :]
    cells = strengths.cells
    bend = rng.standard_normal((2, count, cells + 3, cells + 3), dtype=np.float32)
    basis_down, basis_across = _spline_basis(height, cells), _spline_basis(width, cells)
    fields = basis_down @ bend @ basis_across.T
    places = []
    for axis, side in enumerate((height, width)):
        moved = matrix[axis, 0][:, np.newaxis, np.newaxis] * down + matrix[axis, 1][:, np.newaxis, np.newaxis] * across
        moved += fields[axis] * np.float32(strengths.elastic * side)
        moved += ((side - 1) / 2 - shift[axis]).astype(np.float32)[:, np.newaxis, np.newaxis]
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
    """Return `images` read at fractional places, bilinear, with the border value outside."""
    count, height, width, channels = images.shape
    padded = np.empty((count, height + 2, width + 2, channels), np.uint8)
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
    pixels: Pixels = np.rint(_mix(upper, lower, down)).astype(np.uint8)
    return pixels


def _mix(start: Pixels | Floats, end: Pixels | Floats, share: Floats) -> Floats:
    first = start.astype(np.float32)
    first += (end.astype(np.float32) - first) * share
    return first


def _border_values(images: Pixels) -> Pixels:
    """Return the median of each picture's outermost pixels, uint8 ``(n, c)``."""
    edges = [images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]]
    values: Pixels = np.median(np.concatenate(edges, axis=1), axis=1).astype(np.uint8)
    return values
