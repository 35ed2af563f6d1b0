"""Scatter plots of tens of thousands of points, drawn with NumPy: QPainter would take seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from explorer.types import Floats, Shown
from explorer.ui.color_map import heat

_RADIUS = 1.6
_STRONG_RADIUS = 2.6
_FAINT = 70
"""Opacity of points that are not selected while others are."""

_OPAQUE = 220
_CELL = 6
"""Side of a density cell, in device-independent pixels."""


@dataclass(frozen=True, eq=False)
class Scatter:
    """Points on a plane.

    `points` are float32 ``(n, 2)`` in the plane's coordinates, `colors` uint8 ``(n, 3)``. `shown`, bool ``(n,)``, are
    to be drawn; `picked`, bool ``(n,)``, are selected and drawn larger. `density` draws how many there are instead.
    """

    points: Floats
    colors: Shown
    shown: NDArray[np.bool_]
    picked: NDArray[np.bool_] | None = None
    density: bool = False


def scatter_image(scatter: Scatter, places: Floats, size: tuple[int, int], device: float) -> tuple[QImage, int]:
    """Draw points on a transparent image of `size`, width and height in device pixels.

    `places` are positions in device pixels, float32 ``(n, 2)``, also outside; `device` is device pixels per pixel. Also
    return the most points of a density cell, 0 where single points are drawn.
    """
    width, height = size
    image = np.zeros((height, width, 4), np.uint8)
    within = scatter.shown & (places > -9).all(axis=1) & (places[:, 0] < width + 9) & (places[:, 1] < height + 9)
    most = 0
    if scatter.density:
        most = _draw_density(image, places[within], max(1, round(_CELL * device)))
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
    return qimage, most


def _stamp(image: Shown, places: Floats, colors: Shown, radius: float, opacity: int) -> None:
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


def _draw_density(image: Shown, places: Floats, cell: int) -> int:
    """Color cells by the square root of how many points they have, and return the most."""
    height, width, _ = image.shape
    rows, columns = -(-height // cell), -(-width // cell)
    x, y = (places // cell).astype(np.int64).T
    fits = (x >= 0) & (x < columns) & (y >= 0) & (y < rows)
    counts = np.bincount(y[fits] * columns + x[fits], minlength=rows * columns).reshape(rows, columns)
    most = int(counts.max())
    cells = np.zeros((rows, columns, 4), np.uint8)
    cells[..., :3] = heat(np.asarray(np.sqrt(counts / max(most, 1)) / 2, np.float32))
    cells[..., 3] = np.where(counts > 0, _OPAQUE, 0)
    image[:] = cells.repeat(cell, axis=0).repeat(cell, axis=1)[:height, :width]
    return most
