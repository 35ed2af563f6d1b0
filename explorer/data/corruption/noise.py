"""One step of corruption as a value, and the contract of a kind."""

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
        On the kind's own scale, which starts at 0 = unchanged.
    mean
        What is added on average; only for kinds that take one.
    seed
        Makes it repeatable; None for new noise each time.
    """

    kind: str
    strength: float
    mean: float = 0.0
    seed: int | None = None


class Kind(Protocol):
    """A kind of corruption; it leaves its input alone and need not clip."""

    name: str
    title: str
    scale: str
    """What the strength measures, for people."""
    largest: float
    """A strength above which nothing is left to see: the end of a slider, and not a limit."""
    takes_mean: bool

    def __call__(self, images: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
        """Return float32 pictures ``(n, h, w, c)``, a new array, corrupted."""
