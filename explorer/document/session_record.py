"""The values of a session file. Every value is bounded, so that hostile files are rejected with the field's name.

The settings of a `State` are their own records: their annotations say what is valid in a file, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    WrapSerializer,
    WrapValidator,
    field_validator,
    model_validator,
)

from explorer.data.corruption import parse_noise
from explorer.data.mixer import DEFAULT_MIXER, Mixer
from explorer.data.preprocessing import Preprocessing
from explorer.document.kept_timelines import MOST_CODES, MOST_MODELS
from explorer.document.state import Amount, GridSettings, Jitter, Sampling, Seed, Traversal
from explorer.errors import ExplorerError
from explorer.latent.animation import AnimationSettings, Segment
from explorer.types import ImageShape

VERSION: Final = 7
MOST: Final = 10_000
"""Maximum number of keyframes, directions, or codes in a slot, and of frames of a segment or hold."""

LONGEST_ANIMATION: Final = 10_000_000
"""Maximum number of frames of an animation."""

_HIGHEST_RATE = 1_000
_STRONGEST_NOISE = 1e6
_MOST_NOISES = 100

Name = Annotated[str, Field(max_length=200)]
Title = Annotated[str, Field(min_length=1, max_length=200)]
Place = Annotated[str, Field(max_length=4096)]


def _checked(value: Any, validate: Callable[[Any], Any]) -> Any:
    """Raise the error of a setting as the ValueError that pydantic expects."""
    try:
        return validate(value)
    except ExplorerError as error:
        raise ValueError(str(error)) from error


def _without_corners(grid: GridSettings, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
    return {name: value for name, value in dump(grid).items() if name != "corners"}


_Count = Annotated[int, Field(ge=0, le=MOST_CODES)]
_Segment = Annotated[Segment, WrapValidator(_checked)]
_Animation = Annotated[AnimationSettings, WrapValidator(_checked)]
_Grid = Annotated[GridSettings, WrapValidator(_checked), WrapSerializer(_without_corners)]


class _Record(BaseModel):
    # Settings of an open state are validated, too, so that no file is written that cannot be read. The schemas are
    # built with the first session, not when the window opens.
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, revalidate_instances="always", defer_build=True
    )


class ModelRecord(_Record):
    """The model of a session, with its folder on the machine that saved the session.

    `model_hash` is `explorer.models.card.Card.decoder_hash`; empty if it was in training, then `run` is the folder of
    its training run.
    """

    name: Name
    path: Place
    run: Place = ""
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


class DirectionRecord(_Record):
    """See `explorer.latent.directions.Direction`; its vector is among the arrays."""

    name: Title
    method: Literal["means", "logistic"]
    count: tuple[int, int]
    accuracy: Amount
    effect: Amount
    null_effect: tuple[Amount, Amount]
    p: Amount


class ArithmeticRecord(_Record):
    """See `explorer.document.state.Arithmetic`; the codes of its terms are among the arrays."""

    strengths: tuple[Amount, Amount, Amount]
    mode: Literal["sum", "cross"]
    share: float = Field(ge=0, le=1)
    seed: Seed


class TimelineRecord(_Record):
    """See `explorer.document.state.KeptTimeline`; its codes and times are among the arrays.

    `run` is the folder of the training, empty if it is unknown; `model_hash` is empty if the model was in training.
    `frames` is the number of equalized times; None if they are not equalized. `terms` are the numbers of codes of the
    terms of the arithmetic.
    """

    name: Name
    path: Place
    run: Place = ""
    model_hash: str = Field(max_length=100)
    latent_dim: int = Field(ge=1, le=2**31)
    animation: _Animation
    segments: tuple[_Segment | None, ...] = Field(default=(), max_length=MOST_CODES)
    bookmarks: tuple[Title, ...] = Field(default=(), max_length=MOST_CODES)
    frames: int | None = Field(default=None, ge=0, le=LONGEST_ANIMATION)
    directions: tuple[DirectionRecord, ...] = Field(default=(), max_length=MOST_CODES)
    arithmetic: ArithmeticRecord
    terms: tuple[_Count, _Count, _Count] = (0, 0, 0)

    @property
    def parts(self) -> tuple[int, ...]:
        """Numbers of codes: keyframes, bookmarks, directions, and each term of the arithmetic."""
        return len(self.segments), len(self.bookmarks), len(self.directions), *self.terms

    @property
    def values(self) -> int:
        """Number of values of all its codes."""
        return sum(self.parts) * self.latent_dim

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        check_animation(self.animation, self.segments)
        return self


def check_animation(animation: AnimationSettings, own: Sequence[Segment | None]) -> None:
    """ValueError if the settings, or the frames of all segments together, are out of range."""
    common = animation.segment
    segments = [segment or common for segment in own]
    longest = max(segment.steps for segment in (common, *segments))
    if max(longest, animation.hold) > MOST or animation.fps > _HIGHEST_RATE:
        raise ValueError("animation settings out of range")
    frames = sum(segment.steps for segment in segments)
    if frames > LONGEST_ANIMATION:
        raise ValueError(f"{frames:,} frames exceed the limit of {LONGEST_ANIMATION:,}")


class ViewRecord(_Record):
    """What the window shows: names of the workspace, of the mode of the stage and of the panel in front, and playhead.

    Names are empty if they are unknown; the playhead is in frames.
    """

    workspace: Name = ""
    stage: Name = ""
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
    origin, origin_checksum
        In autosaved copies: the session file, empty for an unsaved session; and its SHA-256 when it was last read or
        written, hexadecimal.
    checksum
        SHA-256 of ``arrays.npz``, hexadecimal.
    noise
        As written by `explorer.data.corruption.format_noise`.
    segments
        For each keyframe the segment to the next; None for the animation's default.
    grid, bookmarks
        The corners of the one, codes and thumbnails of the others are among the arrays.
    timelines
        Those of other models.
    """

    format: Literal["latent-explorer-session"] = "latent-explorer-session"
    version: Literal[7] = VERSION
    written_by: Name = ""
    written_at: Name = ""
    origin: Place = ""
    origin_checksum: str = Field(default="", max_length=64)
    checksum: str = Field(default="", max_length=64)
    model: ModelRecord | None = None
    data: DataRecord | None = None
    imported_image: ImportedImageRecord | None = None
    noise: str = Field(default="", max_length=10_000)
    jitter: Jitter
    sampling: Sampling
    traversal: Traversal
    grid: _Grid
    mixer: Mixer = DEFAULT_MIXER
    animation: _Animation
    segments: tuple[_Segment | None, ...] = Field(default=(), max_length=MOST)
    directions: tuple[DirectionRecord, ...] = Field(default=(), max_length=MOST)
    arithmetic: ArithmeticRecord
    selection: PickedRecord | None = None
    bookmarks: tuple[Title, ...] = Field(default=(), max_length=MOST)
    timelines: tuple[TimelineRecord, ...] = Field(default=(), max_length=MOST_MODELS)
    view: ViewRecord = Field(default_factory=ViewRecord)

    @field_validator("noise")
    @classmethod
    def _noises(cls, text: str) -> str:
        noises = _checked(text, parse_noise)
        strengths = [max(noise.strength, abs(noise.mean)) for noise in noises]
        if max(strengths, default=0) > _STRONGEST_NOISE or len(noises) > _MOST_NOISES:
            raise ValueError("noise strength or number of noises out of range")
        if any((noise.seed or 0) >= 2**63 for noise in noises):
            raise ValueError("seed out of range")
        return text

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        check_animation(self.animation, self.segments)
        if self.grid.corners:
            raise ValueError("the corners of the map are among the values")
        codes = sum(sum(timeline.parts) for timeline in self.timelines)
        if codes > MOST_CODES:
            raise ValueError(f"{codes:,} codes of other models exceed the limit of {MOST_CODES:,}")
        return self
