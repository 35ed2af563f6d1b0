"""The values of a session file. Every value is bounded, so that hostile files are rejected with the field's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator, model_validator

from explorer.data.corruption import parse_noise
from explorer.data.preprocessing import Preprocessing
from explorer.errors import ExplorerError
from explorer.latent.animation import Loop
from explorer.latent.easing import easing_named
from explorer.latent.paths import path_named
from explorer.types import ImageShape

VERSION: Final = 4
MOST: Final = 10_000
"""Maximum number of keyframes, directions, or codes in a slot."""

LONGEST_ANIMATION: Final = 10_000_000
"""Maximum number of frames of an animation."""

_REACH = 1e12
"""Upper limit of all numeric settings."""

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
    """The model of a session, with its folder on the machine that saved the session.

    `model_hash` is `explorer.models.card.Card.decoder_hash`; empty if it was in training.
    """

    name: Name
    path: Place
    model_hash: str = Field(max_length=100)
    latent_dim: int = Field(ge=1, le=2**31)
    image_shape: ImageShape
    preprocessing: Preprocessing


class DataRecord(_Record):
    """The dataset of a session.

    `spec` is a known name, or an absolute path; `beside` the path relative to the session file if both are on one
    drive, so that both can be moved together. `split` is the origin of the splits. `image_index` and `file` are the
    position of the selected image, and its file if images are files.
    """

    spec: Place
    beside: Place = ""
    name: Name
    title: Name
    count: int = Field(ge=0, le=2**40)
    split: Name = ""
    image_index: int | None = Field(default=None, ge=0, le=2**40)
    file: Place = ""


class ImportedImageRecord(_Record):
    """An imported image, whose file is a part of the session; `checksum` is its SHA-256, hexadecimal.

    `negative` is whether its colors are inverted.
    """

    name: Name
    negative: bool = False
    checksum: str = Field(max_length=64)


class SegmentRecord(_Record):
    """See `explorer.latent.animation.Segment`."""

    steps: int = Field(ge=2, le=MOST)
    path: Name
    easing: Name

    @model_validator(mode="after")
    def _known(self) -> Self:
        _meant(lambda: (path_named(self.path), easing_named(self.easing)))
        return self


class AnimationRecord(SegmentRecord):
    """See `explorer.latent.animation.AnimationSettings`."""

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

    by: Literal["dimensions", "components", "maximum"]
    reach: Annotated[FiniteFloat, Field(gt=0, le=_REACH)]


class GridRecord(_Record):
    """See `explorer.document.state.GridSettings`; its corners are among the arrays."""

    dims: tuple[Annotated[int, Field(ge=0, le=2**31)], Annotated[int, Field(ge=0, le=2**31)]]
    low: Amount
    high: Amount
    steps: int = Field(ge=2, le=40)
    components: bool
    quantiles: bool

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if not self.low < self.high or (self.quantiles and (self.components or not 0 < self.low < self.high < 1)):
            raise ValueError("low must be below high, and quantiles between 0 and 1")
        return self


class DirectionRecord(_Record):
    """See `explorer.latent.directions.Direction`; its vector is among the arrays."""

    name: str = Field(min_length=1, max_length=200)
    method: Literal["means", "logistic"]
    count: tuple[int, int]
    accuracy: Amount
    effect: Amount
    null_effect: tuple[Amount, Amount]
    p: Amount


class ArithmeticRecord(_Record):
    """See `explorer.document.state.Arithmetic`; the codes in its slots are among the arrays."""

    strengths: tuple[Amount, Amount, Amount]
    mode: Literal["sum", "cross"]
    share: Annotated[FiniteFloat, Field(ge=0, le=1)]
    seed: Seed


class ViewRecord(_Record):
    """What the window shows: object name of the panel under the stage (empty for the first), and playhead in frames."""

    tab: Name = ""
    playhead: int = Field(default=0, ge=0, le=2**40)


class PickedRecord(_Record):
    """See `explorer.document.selection.Picked`; the positions are among the arrays."""

    title: Name


class SessionRecord(_Record):
    """Everything of a session that is not an array.

    Attributes
    ----------
    written_by, written_at
        Program version and time (ISO 8601), for information.
    origin
        In autosaved copies: the session file; empty for an unsaved session.
    origin_checksum
        SHA-256 of that file when it was last read or written, hexadecimal.
    checksum
        SHA-256 of ``arrays.npz``, hexadecimal.
    noise
        As written by `explorer.data.corruption.format_noise`.
    segments
        For each keyframe the segment to the next; None for the animation's default.
    bookmarks
        Their names; their codes and thumbnails are among the arrays.
    """

    format: Literal["latent-explorer-session"] = "latent-explorer-session"
    version: Literal[4] = VERSION
    written_by: Name = ""
    written_at: Name = ""
    origin: Place = ""
    origin_checksum: str = Field(default="", max_length=64)
    checksum: str = Field(default="", max_length=64)
    model: ModelRecord | None = None
    data: DataRecord | None = None
    imported_image: ImportedImageRecord | None = None
    noise: str = Field(default="", max_length=10_000)
    jitter: JitterRecord
    sampling: SamplingRecord
    traversal: TraversalRecord
    grid: GridRecord
    animation: AnimationRecord
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
            raise ValueError("noise strength or number of noises out of range")
        if any((noise.seed or 0) >= 2**63 for noise in noises):
            raise ValueError("seed out of range")
        return text

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        frames = sum((segment or self.animation).steps for segment in self.segments)
        if frames > LONGEST_ANIMATION:
            raise ValueError(f"{frames:,} frames exceed the limit of {LONGEST_ANIMATION:,}")
        return self


def _meant(check: Callable[[], Any]) -> Any:
    """Raise the error of a setting as the ValueError that pydantic expects."""
    try:
        return check()
    except ExplorerError as error:
        raise ValueError(str(error)) from error
