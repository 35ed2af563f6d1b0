"""What a session file says in words and numbers: every value bounded, so that a hostile one is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator, model_validator

from explorer.data.corruption import parse_noise
from explorer.data.preprocessing import Preprocessing
from explorer.errors import ExplorerError
from explorer.latent.easing import easing_named
from explorer.latent.film import Loop
from explorer.latent.paths import path_named
from explorer.types import ImageShape

VERSION: Final = 3
MOST: Final = 10_000
"""Keyframes, directions or codes in a slot; more than anybody sets, few enough for any machine."""

LONGEST_FILM: Final = 10_000_000
"""Frames of one pass."""

_REACH = 1e12
"""No setting of this program is larger; what is comes from no hand."""

_STRONGEST_NOISE = 1e6
_MOST_NOISES = 100

Amount = Annotated[FiniteFloat, Field(ge=-_REACH, le=_REACH)]
Size = Annotated[FiniteFloat, Field(ge=0, le=_REACH)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Name = Annotated[str, Field(max_length=200)]
Place = Annotated[str, Field(max_length=4096)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelRecord(_Record):
    """Which model it is, and where it was.

    Attributes
    ----------
    name, path
        Its name, and its folder on the machine that wrote this.
    model_hash
        What its decoder is known by (`explorer.models.card.Card.decoder_hash`); empty where it was still learning.
    latent_dim, image_shape, preprocessing
        What its codes and pictures are like.
    """

    name: Name
    path: Place
    model_hash: str = Field(max_length=100)
    latent_dim: int = Field(ge=1, le=2**31)
    image_shape: ImageShape
    preprocessing: Preprocessing


class DataRecord(_Record):
    """Which pictures they are.

    Attributes
    ----------
    spec
        What opens them: a known name, or an absolute path.
    beside
        The path as seen from the session's folder, where both are on one drive: it stays right when both are moved.
    name, title, count, split
        For people: what they are called, how many, and where their splits come from.
    picture, file
        The chosen one: its position, and its file where pictures are files.
    """

    spec: Place
    beside: Place = ""
    name: Name
    title: Name
    count: int = Field(ge=0, le=2**40)
    split: Name = ""
    picture: int | None = Field(default=None, ge=0, le=2**40)
    file: Place = ""


class GuestRecord(_Record):
    """A picture that is looked at and is none of the data; its file is a part of the session.

    Attributes
    ----------
    name
        What it is called.
    negative
        Whether dark and light are exchanged.
    checksum
        SHA-256 of its file, hexadecimal.
    """

    name: Name
    negative: bool = False
    checksum: str = Field(max_length=64)


class SegmentRecord(_Record):
    """See `explorer.latent.film.Segment`."""

    steps: int = Field(ge=2, le=MOST)
    path: Name
    easing: Name

    @model_validator(mode="after")
    def _known(self) -> Self:
        _meant(lambda: (path_named(self.path), easing_named(self.easing)))
        return self


class FilmRecord(SegmentRecord):
    """See `explorer.latent.film.FilmSettings`."""

    hold: int = Field(ge=0, le=MOST)
    fps: float = Field(gt=0, le=1000, allow_inf_nan=False)
    loop: Loop


class JitterRecord(_Record):
    """See `explorer.document.state.Jitter`."""

    sigma: Size
    seed: Seed


class SamplingRecord(_Record):
    """See `explorer.document.state.Sampling`."""

    prior: Literal["auto", "normal", "fitted"]
    temperature: Size
    seed: Seed


class TraversalRecord(_Record):
    """See `explorer.document.state.Traversal`."""

    by: Literal["dimensions", "axes", "maximum"]
    reach: Annotated[FiniteFloat, Field(gt=0, le=_REACH)]


class GridRecord(_Record):
    """See `explorer.document.state.GridSettings`; its corners are among the arrays."""

    dims: tuple[Annotated[int, Field(ge=0, le=2**31)], Annotated[int, Field(ge=0, le=2**31)]]
    low: Amount
    high: Amount
    steps: int = Field(ge=2, le=40)
    axes: bool
    quantiles: bool

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if not self.low < self.high or (self.quantiles and (self.axes or not 0 < self.low < self.high < 1)):
            raise ValueError("low must be below high, and quantiles between 0 and 1")
        return self


class DirectionRecord(_Record):
    """See `explorer.latent.directions.Direction`; its vector is among the arrays."""

    name: str = Field(min_length=1, max_length=200)
    method: Literal["means", "logistic"]
    count: tuple[int, int]
    accuracy: Amount
    effect: Amount
    chance: tuple[Amount, Amount]
    p: Amount


class ArithmeticRecord(_Record):
    """See `explorer.document.state.Arithmetic`; the codes in its slots are among the arrays."""

    strengths: tuple[Amount, Amount, Amount]
    mode: Literal["sum", "cross"]
    share: Annotated[FiniteFloat, Field(ge=0, le=1)]
    seed: Seed


class ViewRecord(_Record):
    """What is looked at.

    Attributes
    ----------
    tab
        Object name of the panel under the stage; empty for the first.
    playhead
        The frame of the morph.
    """

    tab: Name = ""
    playhead: int = Field(default=0, ge=0, le=2**40)


class PickedRecord(_Record):
    """See `explorer.document.selection.Picked`; the positions are among the arrays."""

    title: Name


class SessionRecord(_Record):
    """Everything of a session that is no array.

    Attributes
    ----------
    written_by, written_at
        For people: the program's version, and when, ISO 8601.
    origin
        Of a copy kept against a crash: the file that it is of; empty for one without a file.
    origin_checksum
        SHA-256 of that file as it was read or written last, hexadecimal.
    checksum
        SHA-256 of ``arrays.npz``, hexadecimal.
    noise
        As `explorer.data.corruption.format_noise` writes it.
    segments
        For each keyframe the way to the next; None where it is that of the film.
    bookmarks
        Their names; their codes and thumbnails are among the arrays.
    """

    format: Literal["latent-explorer-session"] = "latent-explorer-session"
    version: Literal[3] = VERSION
    written_by: Name = ""
    written_at: Name = ""
    origin: Place = ""
    origin_checksum: str = Field(default="", max_length=64)
    checksum: str = Field(default="", max_length=64)
    model: ModelRecord | None = None
    data: DataRecord | None = None
    guest: GuestRecord | None = None
    noise: str = Field(default="", max_length=10_000)
    jitter: JitterRecord
    sampling: SamplingRecord
    traversal: TraversalRecord
    grid: GridRecord
    film: FilmRecord
    segments: tuple[SegmentRecord | None, ...] = Field(default=(), max_length=MOST)
    directions: tuple[DirectionRecord, ...] = Field(default=(), max_length=MOST)
    arithmetic: ArithmeticRecord
    selection: PickedRecord | None = None
    bookmarks: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(default=(), max_length=MOST)
    view: ViewRecord = Field(default_factory=ViewRecord)

    @field_validator("noise")
    @classmethod
    def _noises(cls, text: str) -> str:
        noises = _meant(lambda: parse_noise(text))
        strengths = [max(noise.strength, abs(noise.mean)) for noise in noises]
        if max(strengths, default=0) > _STRONGEST_NOISE or len(noises) > _MOST_NOISES:
            raise ValueError("no noise is so strong")
        if any((noise.seed or 0) >= 2**63 for noise in noises):
            raise ValueError("no seed is so large")
        return text

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        frames = sum((segment or self.film).steps for segment in self.segments)
        if frames > LONGEST_FILM:
            raise ValueError(f"a film of at most {LONGEST_FILM:,} frames, not {frames:,}")
        return self


def _meant(check: Callable[[], Any]) -> Any:
    """Turn what a setting may not be into what a record may not be."""
    try:
        return check()
    except ExplorerError as error:
        raise ValueError(str(error)) from error
