"""The document's state: frozen, replaced as a whole by every edit, so that undo is a matter of keeping the old one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from explorer.data.corruption import Noise
from explorer.data.source import Source
from explorer.latent.arithmetic import combine, cross
from explorer.latent.directions import Direction
from explorer.latent.film import FilmSettings, Segment
from explorer.models.card import Card
from explorer.models.codes import CodeSample
from explorer.types import Codec, Floats, Pixels


@dataclass(frozen=True, eq=False)
class OpenModel:
    """A model that is ready to decode.

    Attributes
    ----------
    card
        What it is.
    sample
        Codes of held-out pictures with their statistics.
    codec
        Pictures to codes and back.
    path
        The bundle's folder; that of one to be, while the model still learns.
    run
        The training that it comes from, where that is known: its newer versions take its place.
    epochs
        Epochs done, with a fraction, while the model still learns; None where it is finished.
    """

    card: Card
    sample: CodeSample
    codec: Codec
    path: Path
    run: Path | None = None
    epochs: float | None = None

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.card.name

    @property
    def latent_dim(self) -> int:
        """Length of one flat code."""
        return self.card.latent_dim

    def continues(self, other: OpenModel | None) -> bool:
        """Say whether this is the same model as `other`, at another time of its training."""
        return other is not None and self.run is not None and self.run == other.run


AXES_ABOVE = 64
"""Longer codes are shown along their principal axes at first, since single dimensions say little."""


@dataclass(frozen=True)
class GridSettings:
    """The plane of codes that the map shows.

    Attributes
    ----------
    dims
        The dimensions across and up.
    low, high
        Range of both that is shown at first, in code units; along axes in σ.
    steps
        Pictures a side in that range, both ends counted.
    axes
        Whether `dims` are numbers of principal axes and not of dimensions.
    quantiles
        Whether coordinates are quantiles of the standard normal prior and not code units; low and high lie in (0, 1).
    corners
        Three codes, ``latent_dim`` numbers each: the plane through them in the place of one of dimensions or axes. The
        first is at (0, 0), the others at (1, 0) and (0, 1).
    """

    dims: tuple[int, int] = (0, 1)
    low: float = -3.0
    high: float = 3.0
    steps: int = 15
    axes: bool = False
    quantiles: bool = False
    corners: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class Jitter:
    """Latent noise: how far codes are thrown around the cursor.

    Attributes
    ----------
    sigma
        Standard deviation of the noise, in standard deviations of the data's codes in each dimension; 0 or more.
    seed
        What draws it.
    """

    sigma: float = 0.5
    seed: int = 0


@dataclass(frozen=True)
class Sampling:
    """How random codes are drawn.

    Attributes
    ----------
    prior
        ``normal``: N(0, I); ``fitted``: a mixture of Gaussians fitted to the model's codes; ``auto``: the first for a
        variational model, the second for any other.
    temperature
        Factor on the spread; 0 or more.
    seed
        What draws them.
    """

    prior: Literal["auto", "normal", "fitted"] = "auto"
    temperature: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Traversal:
    """Rows of pictures around the cursor.

    Attributes
    ----------
    by
        ``dimensions`` or ``axes``: a row for each, from −reach to +reach. ``maximum``: the mean code with one dimension
        after the other at the largest value that the data have there.
    reach
        In standard deviations of the data; above 0.
    """

    by: Literal["dimensions", "axes", "maximum"] = "dimensions"
    reach: float = 3.0


@dataclass(frozen=True, eq=False)
class Keyframe:
    """A code that the morph passes through.

    Attributes
    ----------
    code
        Float32 ``(latent_dim,)``.
    segment
        The way from here to the next keyframe; None where it is that of the whole film.
    """

    code: Floats
    segment: Segment | None = None


@dataclass(frozen=True, eq=False)
class Slot:
    """A term of a sum of codes: the mean of its codes ``(latent_dim,)``, times its strength."""

    strength: float = 1.0
    codes: tuple[Floats, ...] = ()


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """What the cursor is made of, where it is made of other codes.

    Attributes
    ----------
    slots
        Three terms: a − b + c at first.
    mode
        ``sum`` of all terms; ``cross`` of the first and the last, each dimension from one of them.
    share
        Of a cross: share of the dimensions that are the last one's, in [0, 1].
    seed
        Of a cross: which ones.
    """

    slots: tuple[Slot, Slot, Slot] = (Slot(1.0), Slot(-1.0), Slot(1.0))
    mode: Literal["sum", "cross"] = "sum"
    share: float = 0.5
    seed: int = 0

    def result(self) -> Floats | None:
        """Return the code that comes of it, ``(latent_dim,)``; None where a slot that is needed is empty."""
        filled = [slot for slot in self.slots if slot.codes]
        if self.mode == "sum":
            return combine([(slot.strength, np.stack(slot.codes)) for slot in filled]) if filled else None
        first, _, last = self.slots
        if not first.codes or not last.codes:
            return None
        one, other = (combine([(1.0, np.stack(slot.codes))]) for slot in (first, last))
        return cross(one, other, self.share, self.seed)


@dataclass(frozen=True, eq=False)
class NamedDirection:
    """A direction in the model's code space, and what it is called: ``hair: bald``, say."""

    name: str
    direction: Direction


@dataclass(frozen=True, eq=False)
class Bookmark:
    """A code that can be gone back to.

    Attributes
    ----------
    name
        What it is called.
    code
        Float32 ``(latent_dim,)``.
    thumbnail
        What it is decoded to, uint8 ``(h, w, c)``, small; None until it is.
    """

    name: str
    code: Floats
    thumbnail: Pixels | None = None


@dataclass(frozen=True, eq=False)
class State:
    """Everything that an edit can change.

    Attributes
    ----------
    model, source
        What is open, or None.
    picture
        Position of the chosen picture in the source, or None.
    guest
        A picture of its own that is looked at in the place of the chosen one, a source of one: it was dropped or
        pasted.
    start_code
        The picture's own code, ``(latent_dim,)`` float32; None until the encoder has answered.
    code
        The latent cursor, ``(latent_dim,)`` float32; None until the encoder has answered.
    noises
        The corruptions of the noise lab, applied first to last.
    jitter
        Its noise on the code.
    sampling, traversal
        Random codes, and rows of pictures around the cursor.
    keyframes, film
        The morph.
    times
        Where each frame of one pass stands along the keyframes, where its motion was evened out (see
        `explorer.latent.film.Film`); or None.
    grid
        What the map shows.
    directions
        Directions of the model's code space that are kept.
    arithmetic
        Codes that the cursor is made of.
    bookmarks
        Codes that are kept by name.
    """

    model: OpenModel | None = None
    source: Source | None = None
    picture: int | None = None
    guest: Source | None = None
    start_code: Floats | None = None
    code: Floats | None = None
    noises: tuple[Noise, ...] = (Noise("gaussian", 0.2, seed=0),)
    jitter: Jitter = field(default_factory=Jitter)
    sampling: Sampling = field(default_factory=Sampling)
    traversal: Traversal = field(default_factory=Traversal)
    keyframes: tuple[Keyframe, ...] = ()
    film: FilmSettings = field(default_factory=FilmSettings)
    times: tuple[float, ...] | None = None
    grid: GridSettings = field(default_factory=GridSettings)
    directions: tuple[NamedDirection, ...] = ()
    arithmetic: Arithmetic = field(default_factory=Arithmetic)
    bookmarks: tuple[Bookmark, ...] = ()

    @property
    def subject(self) -> tuple[Source, int] | None:
        """The picture that is looked at, as its source and its position there: the guest, or else the chosen one."""
        if self.guest is not None:
            return self.guest, 0
        return None if self.source is None or self.picture is None else (self.source, self.picture)
