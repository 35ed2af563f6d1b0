"""Gaussian noise: a normal random number is added to each value."""

from __future__ import annotations

import math

import numpy as np

from explorer.data.corruption.noise import Noise
from explorer.types import Floats


class Gaussian:
    """Add N(mean, σ²) to every value; the strength is σ, for values in [0, 1]."""

    name = "gaussian"
    title = "Gaussian noise"
    about = "Adds normal noise to every value, like a sensor in low light."
    scale = "standard deviation, for values from 0 to 1"
    unit = ""
    largest = 1.0
    limit = math.inf
    default = 0.2
    takes_mean = True
    random = True

    def __call__(self, images: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
        """Return noisy float32 images, not clipped."""
        if not noise.strength:
            return np.add(images, np.float32(noise.mean), dtype=np.float32)
        # In place and in float32 throughout: this runs over the whole training set each epoch.
        noisy: Floats = rng.standard_normal(images.shape, dtype=np.float32)
        noisy *= np.float32(noise.strength)
        if noise.mean:
            noisy += np.float32(noise.mean)
        noisy += images
        return noisy
