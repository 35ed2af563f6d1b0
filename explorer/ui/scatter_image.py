"""Scatter plots of tens of thousands of points, drawn with NumPy: QPainter would take seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from explorer.types import Floats, Pixels

_RADIUS = 1.6
_STRONG_RADIUS = 2.6
_FAINT = 70
"""Opacity of points that are not selected while others are."""

_CELL = 6
"""Side of a density cell, in device-independent pixels."""


@dataclass(frozen=True, eq=False)
class Scatter:
    """Points on a plane.

    `points` are float32 ``(n, 2)`` in the plane's coordinates, `colors` uint8 ``(n, 3)``. `shown`, bool ``(n,)``, are
    to be drawn; `picked`, bool ``(n,)``, are selected and drawn larger. `density` draws their density instead.
    """

    points: Floats
    colors: Pixels
    shown: NDArray[np.bool_]
    picked: NDArray[np.bool_] | None = None
    density: bool = False


def scatter_image(scatter: Scatter, places: Floats, size: tuple[int, int], device: float) -> QImage:
    """Draw points on a transparent image of `size`, width and height in device pixels.

    `places` are positions in device pixels, float32 ``(n, 2)``, also outside; `device` is device pixels per pixel.
    """
    width, height = size
    image = np.zeros((height, width, 4), np.uint8)
    within = scatter.shown & (places > -9).all(axis=1) & (places[:, 0] < width + 9) & (places[:, 1] < height + 9)
    if scatter.density:
        _draw_density(image, scatter, places, within, max(1, round(_CELL * device)))
    else:
        picked = scatter.picked
        if picked is None:
            _stamp(image, places[within], scatter.colors[within], _RADIUS * device, 220)
        else:
            rest, chosen = within & ~picked, within & picked
            _stamp(image, places[rest], scatter.colors[rest], _RADIUS * device, _FAINT)
            _stamp(image, places[chosen], scatter.colors[chosen], _STRONG_RADIUS * device, 255)
    qimage = QImage(image.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
    qimage = qimage.copy()  # the array is freed
    qimage.setDevicePixelRatio(device)
    return qimage


def _stamp(image: Pixels, places: Floats, colors: Pixels, radius: float, opacity: int) -> None:
    """Draw round dots, later ones over earlier ones."""
    height, width, _ = image.shape
    reach = int(np.ceil(radius))
    # A pixel is one uint32, and a margin holds what exceeds the image, so that no dot needs clipping.
    room = np.zeros((height + 4 * reach, width + 4 * reach), np.uint32)
    room[2 * reach : 2 * reach + height, 2 * reach : 2 * reach + width] = image.view(np.uint32)[..., 0]
    values = np.concatenate([colors, np.full((len(colors), 1), opacity, np.uint8)], axis=1).view(np.uint32)[:, 0]
    middle = np.round(places).astype(np.int64)
    near = (middle >= -reach).all(axis=1) & (middle[:, 0] < width + reach) & (middle[:, 1] < height + reach)
    flat, values = (middle[near, 1] + 2 * reach) * room.shape[1] + middle[near, 0] + 2 * reach, values[near]
    target = room.reshape(-1)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            if right * right + down * down <= radius * radius:
                target[flat + (down * room.shape[1] + right)] = values
    image.view(np.uint32)[..., 0] = room[2 * reach : 2 * reach + height, 2 * reach : 2 * reach + width]


def _draw_density(image: Pixels, scatter: Scatter, places: Floats, within: NDArray[np.bool_], cell: int) -> None:
    """Fill cells with the mean color of their points; more points are more opaque."""
    height, width, _ = image.shape
    rows, columns = -(-height // cell), -(-width // cell)
    x, y = (places[within] // cell).astype(np.int64).T
    fits = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
    flat = y[fits] * columns + x[fits]
    counts = np.bincount(flat, minlength=rows * columns)
    colors = scatter.colors[within][fits].astype(np.float64)
    sums = np.stack([np.bincount(flat, colors[:, channel], rows * columns) for channel in range(3)], axis=1)
    cells = np.zeros((rows * columns, 4), np.uint8)
    there = counts > 0
    cells[there, :3] = np.round(sums[there] / counts[there, None])
    cells[there, 3] = np.round(40 + 215 * np.sqrt(counts[there] / counts.max()))
    whole = cells.reshape(rows, columns, 4).repeat(cell, axis=0).repeat(cell, axis=1)
    image[:] = whole[:height, :width]
