"""Downsampling: resized to a smaller size and back, the input of super-resolution."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image

from explorer.data.corruption.noise import Corruption, Noise
from explorer.data.corruption.separable import apply_along_sides
from explorer.messages import message
from explorer.types import Floats


def downsample(images: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
    """Return images resized to a smaller size and back, not clipped: bicubic filters overshoot."""
    sides = images.shape[1:3]
    down, across = (_there_and_back(side, max(1, round(side * (1 - noise.strength)))) for side in sides)
    return apply_along_sides(images, down, across)


@lru_cache(maxsize=32)
def _there_and_back(side: int, small: int) -> Floats:
    """Return a resize to `small` pixels and back along one axis as a matrix, float32 ``(side, side)``."""
    if small == side:
        return np.eye(side, dtype=np.float32)
    # Pillow's antialiased resize is linear, so resizing the unit vectors, one per row, gives its matrix.
    unit = Image.fromarray(np.eye(side, dtype=np.float32))
    reduced = unit.resize((small, side), Image.Resampling.BICUBIC)
    return np.ascontiguousarray(np.asarray(reduced.resize((side, side), Image.Resampling.BICUBIC)).T)


CORRUPTION = Corruption(
    name="downsample",
    title=message("Downsampling"),
    about=message("Resizes each image to a smaller size and back; a model that undoes it does super-resolution."),
    scale=message("1 − new size / old size, 0 to 1"),
    largest=0.95,
    limit=1.0,
    default=0.5,
    apply=downsample,
)
