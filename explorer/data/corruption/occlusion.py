"""Occlusion: a black rectangle covers a part of each image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.data.corruption.noise import Noise
from explorer.types import Floats

_LEAST_SLANT, _MOST_SLANT = 0.25, 0.75


class Occlusion:
    """Cover each image with a black rectangle of random position and aspect ratio; the strength is its relative area.

    The area is exact on average, and in each image up to the rounding to whole pixels.
    """

    name = "occlusion"
    title = "Occlusion"
    about = "Covers each image with a black rectangle of random position and aspect ratio."
    scale = "fraction of the area, 0 to 1"
    unit = ""
    largest = 0.9
    limit = 1.0
    default = 0.15
    takes_mean = False
    random = True

    def __call__(self, images: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
        """Return float32 images, each with one rectangle of zeros."""
        height, width = images.shape[1:3]
        slant, rounding, down, across = rng.random((len(images), 4)).T
        # The fractions of height and width multiply to the strength: s^a · s^(1-a) = s.
        share = noise.strength ** (_LEAST_SLANT + (_MOST_SLANT - _LEAST_SLANT) * slant)
        tall = np.clip(np.rint(share * height), np.ceil(noise.strength * height), height)
        wide = np.minimum(np.floor(noise.strength * height * width / tall + rounding), width)
        inside = _between(down, tall, height)[:, :, np.newaxis] & _between(across, wide, width)[:, np.newaxis, :]
        result: Floats = images * ~inside[..., np.newaxis]
        return result


def _between(place: NDArray[np.float64], length: NDArray[np.float64], side: int) -> NDArray[np.bool_]:
    """Return bool ``(n, side)``: the pixels of an interval of `length`, whose position `place` is in [0, 1)."""
    start = np.floor(place * (side - length + 1))[:, np.newaxis]
    positions = np.arange(side)
    inside: NDArray[np.bool_] = (positions >= start) & (positions < start + length[:, np.newaxis])
    return inside
