"""The document's state: frozen, and replaced as a whole by every edit, so that undo restores an old one."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import numpy as np
from psygnal import Signal, SignalGroup
from pydantic import Field

from explorer.data.corruption import Noise
from explorer.data.mixer import DEFAULT_MIXER, Mixer
from explorer.data.source import Source
from explorer.errors import UsageError
from explorer.latent.animation import AnimationSettings, Segment
from explorer.latent.arithmetic import combine, cross
from explorer.latent.directions import Direction
from explorer.models.card import Card
from explorer.models.codes import CodeSample
from explorer.types import Codec, Floats, Shown


@dataclass(frozen=True, eq=False)
class OpenModel:
    """A model that is ready to decode.

    `sample` has codes of validation images with their statistics. `path` is the bundle's folder; in training, the
    future one. `run` is the training run that it is from, if known; newer versions of the run replace it. `epochs` are
    completed ones, fractional, in training; None once it is finished.
    """

    card: Card
    sample: CodeSample
    codec: Codec
    path: Path
    run: Path | None = None
    epochs: float | None = None

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def latent_dim(self) -> int:
        return self.card.latent_dim

    def continues(self, other: OpenModel | None) -> bool:
        """Return whether this is the same model as `other`, at another time of its training."""
        return other is not None and self.run is not None and self.run == other.run


_LARGEST = 1e12
Amount: TypeAlias = Annotated[float, Field(ge=-_LARGEST, le=_LARGEST)]
Size: TypeAlias = Annotated[float, Field(ge=0, le=_LARGEST)]
Index: TypeAlias = Annotated[int, Field(ge=0, le=2**31)]
Seed: TypeAlias = Annotated[int, Field(ge=0, lt=2**63)]
"""Numbers in settings, with the limits that apply when a session is read or written."""

COMPONENTS_ABOVE = 64
"""Longer codes show their principal components by default, since single dimensions say little."""


GRID_LIMIT = 40
"""Most images per side of the map's grid."""


@dataclass(frozen=True)
class GridSettings:
    """The plane of the map; UsageError if the range is empty, or there are too few or too many steps.

    Attributes
    ----------
    dims
        The dimensions of the x and y axes; with `components`, principal components.
    low, high
        Initial range of both, in code units; for principal components in σ.
    steps
        Images per side in this range, including both ends.
    quantiles
        Whether coordinates are quantiles of the standard normal prior, low and high in (0, 1), not code units.
    corners
        Three codes of ``latent_dim`` numbers: the plane through them instead of `dims`. The first is at (0, 0), the
        others at (1, 0) and (0, 1).
    """

    dims: tuple[Index, Index] = (0, 1)
    low: Amount = -3.0
    high: Amount = 3.0
    steps: int = 15
    components: bool = False
    quantiles: bool = False
    corners: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        if not (self.low < self.high and 2 <= self.steps <= GRID_LIMIT):
            raise UsageError(
                "Invalid map: range {low:g} to {high:g}, {steps:# step|# steps}. The range must not be empty, the "
                "steps must be from 2 to {most}.",
                low=self.low,
                high=self.high,
                steps=self.steps,
                most=GRID_LIMIT,
            )
        if self.quantiles and (self.components or self.corners or not 0 < self.low < self.high < 1):
            raise UsageError(
                "Prior quantiles need dimensions and a range between 0 and 1, not {low:g} to {high:g}.",
                low=self.low,
                high=self.high,
            )

    @property
    def axes(self) -> tuple[object, ...]:
        """The plane and its coordinates, whatever their range."""
        return self.dims, self.components, self.quantiles, self.corners

    @property
    def component_axes(self) -> tuple[int, int] | None:
        """The principal components of the x and y axes; None for a plane of another kind."""
        return self.dims if self.components and not self.corners else None


@dataclass(frozen=True)
class Jitter:
    """Latent noise: random codes around the current one; `sigma` is in σ of each dimension, 0 or more."""

    sigma: Size = 0.5
    seed: Seed = 0


@dataclass(frozen=True)
class Sampling:
    """Settings of random codes; the temperature is a factor of the standard deviation, 0 or more.

    ``normal`` is N(0, I), ``fitted`` a Gaussian mixture fitted to the model's codes; ``auto`` is the first for a VAE,
    the second for other models.
    """

    prior: Literal["auto", "normal", "fitted"] = "auto"
    temperature: Size = 1.0
    seed: Seed = 0


@dataclass(frozen=True)
class Traversal:
    """Latent traversals around the current code; `reach` in σ, above 0.

    By ``dimensions`` or ``components`` (principal components) there is a row for each, from −reach to +reach; by
    ``maximum`` the mean code has one dimension at a time at the maximum of the data.
    """

    by: Literal["dimensions", "components", "maximum"] = "dimensions"
    reach: Annotated[float, Field(gt=0, le=_LARGEST)] = 3.0


@dataclass(frozen=True, eq=False)
class Keyframe:
    """A code that the animation passes through, float32 ``(latent_dim,)``.

    `segment` has the settings up to the next keyframe; None for those of the animation.
    """

    code: Floats
    segment: Segment | None = None


@dataclass(frozen=True, eq=False)
class Term:
    """A term of the code arithmetic: the mean of its codes ``(latent_dim,)``, times its strength."""

    strength: float = 1.0
    codes: tuple[Floats, ...] = ()


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """Code arithmetic, whose result becomes the latent cursor.

    ``sum`` is that of all terms, a − b + c by default. ``cross`` is the crossover of the first and the last: `share`,
    in [0, 1], of the dimensions, chosen by `seed`, are from the last.
    """

    terms: tuple[Term, Term, Term] = (Term(1.0), Term(-1.0), Term(1.0))
    mode: Literal["sum", "cross"] = "sum"
    share: float = 0.5
    seed: int = 0

    @property
    def settings(self) -> tuple[object, ...]:
        """Everything but the codes."""
        return tuple(term.strength for term in self.terms), self.mode, self.share, self.seed

    def result(self) -> Floats | None:
        """``(latent_dim,)``; None if a required term is empty."""
        filled = [term for term in self.terms if term.codes]
        if self.mode == "sum":
            return combine([(term.strength, np.stack(term.codes)) for term in filled]) if filled else None
        first, _, last = self.terms
        if not first.codes or not last.codes:
            return None
        one, other = (combine([(1.0, np.stack(term.codes))]) for term in (first, last))
        return cross(one, other, self.share, self.seed)


@dataclass(frozen=True, eq=False)
class NamedDirection:
    """A direction in latent space with its name, such as ``hair: bald``."""

    name: str
    direction: Direction


@dataclass(frozen=True, eq=False)
class Bookmark:
    """A named code, float32 ``(latent_dim,)``, and its small image ``(h, w, c)`` as shown; None until it is decoded."""

    name: str
    code: Floats
    thumbnail: Shown | None = None


@dataclass(frozen=True)
class ModelId:
    """What identifies a model that is not open.

    `decoder_hash` is `explorer.models.card.Card.decoder_hash`, empty before the model is saved; `path` and `run` are
    those of `OpenModel`.
    """

    name: str
    path: Path
    run: Path | None
    decoder_hash: str
    latent_dim: int

    @classmethod
    def of(cls, model: OpenModel) -> ModelId:
        return cls(model.name, model.path, model.run, model.card.decoder_hash or "", model.latent_dim)

    def fits(self, model: OpenModel) -> bool:
        """Return whether this is the same model, perhaps at another time of its training."""
        if self.latent_dim != model.latent_dim:
            return False
        if self.decoder_hash and self.decoder_hash == model.card.decoder_hash:
            return True
        if self.run is not None or model.run is not None:
            return self.run == model.run
        # An imported encoder has neither. A folder may hold another training's model by now, but that has a run.
        return not self.decoder_hash and self.path == model.path


@dataclass(frozen=True, eq=False)
class KeptTimeline:
    """The timeline, bookmarks, directions and arithmetic of a model that is not open, as in `State`."""

    model: ModelId
    keyframes: tuple[Keyframe, ...] = ()
    animation: AnimationSettings = field(default_factory=AnimationSettings)
    times: tuple[float, ...] | None = None
    bookmarks: tuple[Bookmark, ...] = ()
    directions: tuple[NamedDirection, ...] = ()
    arithmetic: Arithmetic = field(default_factory=Arithmetic)

    @property
    def codes(self) -> list[Floats]:
        """Those of the keyframes, bookmarks and directions, and of the terms of the arithmetic."""
        return [
            *(keyframe.code for keyframe in self.keyframes),
            *(bookmark.code for bookmark in self.bookmarks),
            *(named.direction.vector for named in self.directions),
            *(code for term in self.arithmetic.terms for code in term.codes),
        ]


@dataclass(frozen=True, eq=False)
class State:
    """Everything that an edit can change.

    Changes are signaled in the order of the fields: what listens to the code also reads its model.

    `image_index` is the position of the selected image in the source; `imported_image`, a source of one image, is shown
    instead. `times` are the positions of the frames of one pass along the keyframes, if its speed was equalized (see
    `explorer.latent.animation.Animation`). `noises` are the corruptions of the Noise tab, applied in order. `mixer` is
    how the channels are shown. `start_code` and `code` are those of the shown image and the
    latent cursor, float32 ``(latent_dim,)``, not writable; None until the image is encoded. `timelines` are what other
    models keep, the last left one last.
    """

    source: Source | None = None
    model: OpenModel | None = None
    image_index: int | None = None
    imported_image: Source | None = None
    keyframes: tuple[Keyframe, ...] = ()
    animation: AnimationSettings = field(default_factory=AnimationSettings)
    times: tuple[float, ...] | None = None
    grid: GridSettings = field(default_factory=GridSettings)
    noises: tuple[Noise, ...] = (Noise("gaussian", 0.2, seed=0),)
    jitter: Jitter = field(default_factory=Jitter)
    sampling: Sampling = field(default_factory=Sampling)
    traversal: Traversal = field(default_factory=Traversal)
    mixer: Mixer = DEFAULT_MIXER
    directions: tuple[NamedDirection, ...] = ()
    arithmetic: Arithmetic = field(default_factory=Arithmetic)
    bookmarks: tuple[Bookmark, ...] = ()
    timelines: tuple[KeptTimeline, ...] = ()
    start_code: Floats | None = None
    code: Floats | None = None

    @property
    def subject(self) -> tuple[Source, int] | None:
        """Source and position of the shown image: the imported one, or else the selected one."""
        if self.imported_image is not None:
            return self.imported_image, 0
        return None if self.source is None or self.image_index is None else (self.source, self.image_index)


StateSignals: type[SignalGroup] = type("StateSignals", (SignalGroup,), {part.name: Signal() for part in fields(State)})
"""Signals without arguments, one for each field of `State`: it changed."""
