"""A corruption as a value, and the record of its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from explorer.messages import Message
from explorer.types import Floats


@dataclass(frozen=True)
class Noise:
    """One corruption of a registered kind; the strength is on the kind's own scale, 0 means unchanged.

    `mean` is that of the added noise, for kinds with `Corruption.takes_mean`; without a seed the noise is new each
    time.
    """

    kind: str
    strength: float
    mean: float = 0.0
    seed: int | None = None


@dataclass(frozen=True)
class Corruption:
    """A kind of corruption, with all that its controls need.

    Attributes
    ----------
    name
        As in the syntax of `parse_noise`.
    about
        Its effect, in a sentence for a tooltip.
    scale
        Meaning and range of the strength, for display.
    largest
        Maximum of a slider; above this strength little is recognizable.
    limit
        Largest valid strength; may be infinite.
    default
        A strength with a clearly visible effect.
    apply
        ``apply(images, noise, rng)`` returns corrupted float32 images ``(n, h, w, c)``, a new array that need not be
        clipped. It draws all random numbers in one call, image by image, so that the noise of an image does not depend
        on the batch size. It is not called with strength and mean 0.
    takes_mean
        Whether it uses `Noise.mean`.
    random
        Whether the result depends on the seed.
    """

    name: str
    title: Message
    about: Message
    scale: Message
    largest: float
    limit: float
    default: float
    apply: Callable[[Floats, Noise, np.random.Generator], Floats]
    unit: str = ""
    takes_mean: bool = False
    random: bool = False
