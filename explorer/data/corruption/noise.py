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
    """A kind of corruption, with all that a control for it needs.

    It leaves its input alone and need not clip. A random kind draws what it needs in one call, picture after picture,
    so that the noise of a picture does not depend on how many follow it, nor on how a set is cut into batches.
    """

    name: str
    """In the grammar of the command line."""
    title: str
    about: str
    """What it does, in a sentence for a tool tip."""
    scale: str
    """What the strength measures, for people."""
    unit: str
    """Short, to stand behind the number; empty for a plain number."""
    largest: float
    """The end of a slider: a strength above which little is left to see."""
    limit: float
    """The largest strength that is taken; infinite where any is."""
    default: float
    """A strength at which the effect is plain to see."""
    takes_mean: bool
    """Whether `Noise.mean` means anything."""
    random: bool
    """Whether another seed gives another result."""

    def __call__(self, images: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
        """Return float32 pictures ``(n, h, w, c)``, a new array, corrupted."""
