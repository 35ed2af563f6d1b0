"""Occlusion: a black rectangle covers a part of each image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.data.corruption.noise import Corruption, Noise
from explorer.messages import message
from explorer.types import Floats

_LEAST_SLANT, _MOST_SLANT = 0.25, 0.75


def occlusion(images: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
    """Return images, each with one rectangle of zeros of random position and aspect ratio; the strength is its area.

    The relative area is exact on average, and in each image up to the rounding to whole pixels.
    """
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


CORRUPTION = Corruption(
    name="occlusion",
    title=message("Occlusion"),
    about=message("Covers each image with a black rectangle of random position and aspect ratio."),
    scale=message("fraction of the area, 0 to 1"),
    largest=0.9,
    limit=1.0,
    default=0.15,
    random=True,
    apply=occlusion,
)
