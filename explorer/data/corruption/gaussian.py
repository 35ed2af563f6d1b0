"""Gaussian noise: a normal random number is added to each value."""

from __future__ import annotations

import math

import numpy as np

from explorer.data.corruption.noise import Corruption, Noise
from explorer.messages import message
from explorer.types import Floats


def gaussian(images: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
    """Return images plus N(mean, σ²), not clipped; the strength is σ, for values in [0, 1]."""
    if not noise.strength:
        return np.add(images, np.float32(noise.mean), dtype=np.float32)
    # In place and in float32 throughout: this runs over the whole training set each epoch.
    noisy: Floats = rng.standard_normal(images.shape, dtype=np.float32)
    noisy *= np.float32(noise.strength)
    if noise.mean:
        noisy += np.float32(noise.mean)
    noisy += images
    return noisy


CORRUPTION = Corruption(
    name="gaussian",
    title=message("Gaussian noise"),
    about=message("Adds Gaussian noise to every value, like a sensor in low light."),
    scale=message("standard deviation, for values from 0 to 1"),
    largest=1.0,
    limit=math.inf,
    default=0.2,
    takes_mean=True,
    random=True,
    apply=gaussian,
)
