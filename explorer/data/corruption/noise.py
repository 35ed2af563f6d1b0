"""A corruption as a value, and the interface of its kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from explorer.types import Floats


@dataclass(frozen=True)
class Noise:
    """One corruption.

    Attributes
    ----------
    kind
        Name of a registered kind.
    strength
        On the kind's own scale; 0 means unchanged.
    mean
        Mean of the added noise, for kinds with `Corruption.takes_mean`.
    seed
        Seed of the noise; None for new noise each time.
    """

    kind: str
    strength: float
    mean: float = 0.0
    seed: int | None = None


class Corruption(Protocol):
    """A kind of corruption, with the attributes of its controls.

    It does not modify its input and need not clip. A random kind draws all random numbers in one call, image by image,
    so that the noise of an image does not depend on the batch size.
    """

    name: str
    """Name in the syntax of `parse_noise`."""
    title: str
    about: str
    """Its effect, in a sentence for a tooltip."""
    scale: str
    """Meaning and range of the strength, for display."""
    unit: str
    """Unit of the strength; empty if it has none."""
    largest: float
    """Maximum of a slider; above this strength little is recognizable."""
    limit: float
    """Largest valid strength; may be infinite."""
    default: float
    """A strength with a clearly visible effect."""
    takes_mean: bool
    """Whether it uses `Noise.mean`."""
    random: bool
    """Whether the result depends on the seed."""

    def __call__(self, images: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
        """Return corrupted float32 images ``(n, h, w, c)``, a new array."""
