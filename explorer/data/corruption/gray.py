"""Grayscale: saturation is removed, the input of colorization."""

from __future__ import annotations

import numpy as np

from explorer.data.corruption.noise import Corruption, Noise
from explorer.messages import message
from explorer.types import Floats

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R 601 luma, as in the preprocessing of grayscale images."""


def gray(images: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
    """Return images blended with gray of the same luma; the strength is the fraction of gray.

    Images of other than 3 channels have no luma: the mean of their channels is used.
    """
    if images.shape[3] == 1:
        return images.copy()
    strength = np.float32(noise.strength)
    result: Floats = images * (1 - strength)
    result += luma(images) * strength
    return result


def luma(images: Floats) -> Floats:
    """Return the luma ``(n, h, w, 1)`` of color images ``(n, h, w, 3)``, float32; of others the mean."""
    brightness: Floats = images @ _LUMA if images.shape[3] == 3 else images.mean(axis=3)
    return brightness[..., np.newaxis]


CORRUPTION = Corruption(
    name="gray",
    title=message("Grayscale"),
    about=message("Removes the color; a model that undoes it does colorization. Grayscale images are unchanged."),
    scale=message("fraction of the saturation, 0 to 1"),
    largest=1.0,
    limit=1.0,
    default=1.0,
    apply=gray,
)
