"""Gaussian blur."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from explorer.data.corruption.noise import Corruption, Noise
from explorer.data.corruption.separable import apply_along_sides
from explorer.messages import message
from explorer.types import Floats

_REACH = 4.0
"""Radius of the kernel, in standard deviations."""


def blur(images: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
    """Return images convolved with a Gaussian; the strength is σ in pixels. Mirrored borders preserve each mean."""
    height, width = images.shape[1:3]
    return apply_along_sides(images, _bell(height, noise.strength), _bell(width, noise.strength))


@lru_cache(maxsize=32)
def _bell(side: int, sigma: float) -> Floats:
    """Return the blur of one axis as a matrix, float32 ``(side, side)``; rows sum to 1."""
    radius = int(_REACH * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    with np.errstate(over="ignore", under="ignore"):  # for a σ near 0 only the center remains
        weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    # Mirrored at the borders (… b a | a b c | c b …), as often as the kernel reaches.
    reached = (np.arange(side)[:, np.newaxis] + offsets) % (2 * side)
    columns = np.minimum(reached, 2 * side - 1 - reached)
    matrix = np.zeros((side, side))
    np.add.at(matrix, (np.arange(side)[:, np.newaxis], columns), weights / weights.sum())
    return matrix.astype(np.float32)


CORRUPTION = Corruption(
    name="blur",
    title=message("Blur"),
    about=message("Convolves each image with a Gaussian, like a lens out of focus."),
    scale=message("standard deviation, in pixels"),
    unit="px",
    largest=8.0,
    limit=100.0,
    default=1.5,
    apply=blur,
)
