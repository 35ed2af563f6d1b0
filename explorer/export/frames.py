"""Settings, frame timing and frame checks of all animation formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import NDArray

from explorer.errors import ExportError, UsageError
from explorer.export.recipe import Recipe
from explorer.messages import NO_MESSAGE, Message, message
from explorer.types import Pixels, Progress, Shown

Palette = Literal["shared", "frame"]
PALETTES: tuple[str, ...] = get_args(Palette)

WRITING = message("Writing frames")
MAX_SIDE = 8_192
"""Longest side of an exported image, in pixels; GIF allows more, but viewers do not play it."""

MAX_PLAYS = 65_535


@dataclass(frozen=True)
class ExportSettings:
    """Settings of an export; UsageError if a value is invalid.

    Attributes
    ----------
    fps
        Frames per second, above 0.
    scale
        Integer factor of nearest-neighbor enlargement; at least 1.
    palette
        For formats with at most 256 colors: one palette for all frames, or one per frame.
    dither
        Whether to dither colors that are not in the palette; never needed for grayscale images.
    plays
        Loop count if `loop` is on; 0 for infinite. Not supported by MP4.
    size
        Height and width to which each image is resized, before `scale`; None for no resize.
    smooth
        Whether `size` is reached with a smooth filter, else by area: pixels stay squares with blended edges.
    caption
        A line of text below the images; empty for none.
    beside
        Images ``(h, w, c)`` uint8, of the frames' shape, to the left and right of every frame.
    recipe
        The recipe stored in the file, so that it can be opened again.
    values
        What the values of the frames mean, for a format that keeps them.
    """

    fps: float
    loop: bool
    scale: int = 1
    palette: Palette = "shared"
    dither: bool = False
    plays: int = 0
    size: tuple[int, int] | None = None
    smooth: bool = True
    caption: str = ""
    beside: tuple[Shown, Shown] | None = field(default=None, compare=False, repr=False)
    recipe: Recipe | None = field(default=None, compare=False, repr=False)
    values: str = ""

    def __post_init__(self) -> None:
        if not (self.fps > 0 and np.isfinite(self.fps)):
            raise UsageError("The frames per second must be above 0, not {fps:g}.", fps=float(self.fps))
        if self.scale < 1:
            raise UsageError("The scale must be 1 or more, not {scale}.", scale=self.scale)
        if self.palette not in PALETTES:
            raise UsageError(
                "Unknown palette “{name}”. Choose one of {known}.", name=self.palette, known=list(PALETTES)
            )
        if not 0 <= self.plays <= MAX_PLAYS:
            raise UsageError(
                "The loop count must be from 0 (infinite) to {most:,}, not {count:,}.", most=MAX_PLAYS, count=self.plays
            )
        if self.size is not None and not all(1 <= side <= MAX_SIDE for side in self.size):
            raise UsageError(
                "The sides of a frame must be from 1 to {most:,} pixels, not {size}.",
                most=MAX_SIDE,
                size="×".join(map(str, self.size)),
            )

    @property
    def times_shown(self) -> int:
        """Loop count; 0 for infinite."""
        return self.plays if self.loop else 1


def fitted(shape: tuple[int, ...], side: int, *, smooth: bool) -> tuple[int, tuple[int, int] | None]:
    """Return `scale` and `size` with which the longest side of an image ``(h, w, …)`` has exactly `side` pixels."""
    height, width = shape[:2]
    longest = max(height, width)
    if side % longest == 0 and not smooth:
        return side // longest, None
    return 1, (max(1, round(height * side / longest)), max(1, round(width * side / longest)))


FrameWriter: TypeAlias = Callable[[Iterable[Pixels], int, Path, ExportSettings], Iterator[Progress]]
"""A job with the arguments frames ``(h, w, c)``, their number, file and settings, which yields progress.

The file is replaced when the job ends; closing the job earlier leaves the old file.
"""


@dataclass(frozen=True)
class ExportFormat:
    """An export format.

    Attributes
    ----------
    suffix
        Extension of its files, in lower case with the dot; empty for a folder.
    signature
        Regular expression for the first bytes of its files.
    read_text
        Returns the bytes that may be a recipe from an untrusted file, which is at its byte 16; None without any.
    animated
        Whether it is an animation; else it shows all frames at once.
    possible_fps
        Returns the nearest supported frame rate.
    loops
        Whether it has a loop count.
    indexed
        Whether its colors are a palette of at most 256, which may be dithered.
    values
        Whether it keeps the values of all channels: its frames are of any depth, and not as they are shown.
    note
        A limitation, in a sentence.
    file_size
        Returns height and width in pixels of a file of that many images ``(h, w, c)``; None for those of a frame.
    """

    suffix: str
    title: Message
    write: FrameWriter
    signature: bytes
    read_text: Callable[[BinaryIO], bytes | None]
    animated: bool = True
    possible_fps: Callable[[float], float] = float
    loops: bool = True
    indexed: bool = False
    values: bool = False
    note: Message = NO_MESSAGE
    file_size: Callable[[tuple[int, ...], int, ExportSettings], tuple[int, int]] | None = None

    @property
    def name_filter(self) -> str:
        """Filter of file dialogs: ``Animated GIF (*.gif)``."""
        return f"{self.title} (*{self.suffix})"


def frame_ticks(count: int, fps: float, clock: int) -> NDArray[np.int64]:
    """Return the duration of each of `count` frames, ``(count,)``, in ticks; `clock` is ticks per second.

    The sum is ``count / fps`` seconds, rounded, and no frame changes more than half a tick too early or too late: at 30
    frames per second and 100 ticks 3, 4, 3 and so on.
    """
    ends = np.floor(np.arange(count + 1) * (clock / fps) + 0.5).astype(np.int64)
    return np.asarray(np.diff(ends), dtype=np.int64)


def checked_frames(frames: Iterable[Pixels], total: int) -> Iterator[Shown]:
    """Yield the frames, and check that they are `total` uint8 frames of one shape ``(h, w, c)``, c 1 or 3.

    ExportError at the first invalid frame, or at the end if their number differs.
    """
    shape: tuple[int, ...] | None = None
    count = 0
    for frame in frames:
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] not in (1, 3):
            raise ExportError(
                "Frames must be uint8 of shape (h, w, 1 or 3), not {dtype} of shape {shape}.",
                dtype=frame.dtype,
                shape=str(frame.shape),
            )
        if shape is not None and frame.shape != shape:
            raise ExportError(
                "All frames must have shape {first}; one has {shape}.", first=str(shape), shape=str(frame.shape)
            )
        check_side(frame.shape)
        shape = frame.shape
        count += 1
        if count > total:
            break
        yield cast(Shown, frame)
    if count > total:
        raise ExportError("The animation has more than {total:# frame|# frames}.", total=total)
    if count != total or count == 0:
        raise ExportError("The animation has {count} of {total:# frame|# frames}.", count=count, total=max(total, 1))


def check_side(shape: tuple[int, ...], scale: int = 1, longest: int = MAX_SIDE) -> None:
    """Raise ExportError if an image of `shape` ``(h, w, …)``, times `scale`, is empty or has a longer side."""
    height, width = shape[:2]
    if not 0 < max(height, width) * scale <= longest or min(height, width) == 0:
        raise ExportError(
            "The image would have {size} pixels; at most {longest:,} per side are supported. Choose a smaller scale.",
            size=f"{width * scale}×{height * scale}",
            longest=longest,
        )
