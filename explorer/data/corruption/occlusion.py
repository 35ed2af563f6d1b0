"""Occlusion: a black rectangle hides a part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.data.corruption.noise import Noise
from explorer.types import Floats

_LEAST_SLANT, _MOST_SLANT = 0.25, 0.75


class Occlusion:
    """Lay one black rectangle of random place and proportions over each picture; the strength is its share of the area.

    The share is met exactly on average, and in each picture but for the rounding to whole pixels.
    """

    name = "occlusion"
    title = "Occlusion"
    about = "Hides a part of each picture behind a black rectangle of random place and proportions."
    scale = "share of the area, 0 to 1"
    unit = ""
    largest = 0.9
    limit = 1.0
    default = 0.15
    takes_mean = False
    random = True

    def __call__(self, images: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
        """Return float32 pictures, each with one rectangle of zeros."""
        height, width = images.shape[1:3]
        slant, rounding, down, across = rng.random((len(images), 4)).T
        # The sides' shares multiply to the strength: s^a · s^(1-a) = s.
        share = noise.strength ** (_LEAST_SLANT + (_MOST_SLANT - _LEAST_SLANT) * slant)
        tall = np.clip(np.rint(share * height), np.ceil(noise.strength * height), height)
        wide = np.minimum(np.floor(noise.strength * height * width / tall + rounding), width)
        inside = _between(down, tall, height)[:, :, np.newaxis] & _between(across, wide, width)[:, np.newaxis, :]
        result: Floats = images * ~inside[..., np.newaxis]
        return result


def _between(place: NDArray[np.float64], length: NDArray[np.float64], side: int) -> NDArray[np.bool_]:
    """Return bool ``(n, side)``: where along a side a stretch of `length` lies, whose place is drawn from [0, 1)."""
    start = np.floor(place * (side - length + 1))[:, np.newaxis]
    positions = np.arange(side)
    inside: NDArray[np.bool_] = (positions >= start) & (positions < start + length[:, np.newaxis])
    return inside
