"""Salt and pepper: some pixels turn white or black."""

from __future__ import annotations

import numpy as np

from explorer.data.corruption.noise import Noise
from explorer.types import Floats


class SaltPepper:
    """Turn each pixel white or black, as likely one as the other; the strength is the share of pixels hit."""

    name = "salt_pepper"
    title = "Salt and pepper"
    about = "Turns pixels white or black at random, as dead pixels and faulty transmission do."
    scale = "share of the pixels, 0 to 1"
    unit = ""
    largest = 1.0
    limit = 1.0
    default = 0.2
    takes_mean = False
    random = True

    def __call__(self, images: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
        """Return float32 pictures with some pixels at 0 or 1 in all channels."""
        draw = rng.random(images.shape[:3], dtype=np.float32)[..., np.newaxis]
        strength = np.float32(noise.strength)
        # Multiplied and added, since picking by a mask is several times slower.
        result: Floats = images * (draw >= strength)
        result += draw < strength / 2
        return result
