"""Grey: colour is taken away; what colourisation starts from."""

from __future__ import annotations

import numpy as np

from explorer.data.corruption.noise import Noise
from explorer.types import Floats

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R 601 luma, as in the recipe for grey pictures."""


class Grey:
    """Take saturation away; the strength is the share that goes. Grey pictures stay as they are."""

    name = "grey"
    title = "Grey"
    about = "Takes the colour away; a model that undoes it colourises. Grey pictures stay as they are."
    scale = "share of the saturation, 0 to 1"
    unit = ""
    largest = 1.0
    limit = 1.0
    default = 1.0
    takes_mean = False
    random = False

    def __call__(self, images: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
        """Return float32 pictures with their colours drawn towards grey of the same brightness."""
        if images.shape[3] == 1:
            return images.copy()
        strength = np.float32(noise.strength)
        result: Floats = images * (1 - strength)
        result += luma(images) * strength
        return result


def luma(images: Floats) -> Floats:
    """Return the brightness ``(n, h, w, 1)`` of colour pictures ``(n, h, w, 3)``, float32."""
    brightness: Floats = images @ _LUMA
    return brightness[..., np.newaxis]
