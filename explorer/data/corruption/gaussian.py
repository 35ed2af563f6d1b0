"""Gaussian noise: each value is moved by a normal random number."""

from __future__ import annotations

import math

import numpy as np

from explorer.data.corruption.noise import Noise
from explorer.types import Floats


class Gaussian:
    """Add N(mean, σ²) to every value; the strength is σ, in the value range 0 to 1."""

    name = "gaussian"
    title = "Gaussian noise"
    about = "Adds a normal random number to every value, as a sensor does in poor light."
    scale = "standard deviation, in the value range 0 to 1"
    unit = ""
    largest = 1.0
    limit = math.inf
    default = 0.2
    takes_mean = True
    random = True

    def __call__(self, images: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
        """Return noisy float32 pictures, not clipped."""
        if not noise.strength:
            return np.add(images, np.float32(noise.mean), dtype=np.float32)
        # In place and in float32 all the way: this runs over the whole training set each epoch.
        noisy: Floats = rng.standard_normal(images.shape, dtype=np.float32)
        noisy *= np.float32(noise.strength)
        if noise.mean:
            noisy += np.float32(noise.mean)
        noisy += images
        return noisy
