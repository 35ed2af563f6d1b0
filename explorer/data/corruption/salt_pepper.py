"""Salt-and-pepper noise: random pixels become white or black."""

from __future__ import annotations

import numpy as np

from explorer.data.corruption.noise import Corruption, Noise
from explorer.messages import message
from explorer.types import Floats


def salt_pepper(images: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
    """Return images with some pixels, a fraction of the strength, at 0 or 1 in all channels with equal probability."""
    draw = rng.random(images.shape[:3], dtype=np.float32)[..., np.newaxis]
    strength = np.float32(noise.strength)
    # Arithmetic, since indexing with a mask is several times slower.
    result: Floats = images * (draw >= strength)
    result += draw < strength / 2
    return result


CORRUPTION = Corruption(
    name="salt_pepper",
    title=message("Salt-and-pepper"),
    about=message("Sets random pixels to white or black, like dead pixels and transmission errors."),
    scale=message("fraction of the pixels, 0 to 1"),
    largest=1.0,
    limit=1.0,
    default=0.2,
    random=True,
    apply=salt_pepper,
)
