"""What every format of animation shares: its settings, its clock, and the checks of the frames it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from explorer.errors import ExportError, UsageError
from explorer.export.recipe import Recipe
from explorer.types import Pixels, Progress

Palette = Literal["shared", "frame"]
PALETTES: tuple[str, ...] = get_args(Palette)

MAX_SIDE = 8_192
"""Longest side of a picture in a file, in pixels. GIF could count further, but nobody could play it."""

MAX_PLAYS = 65_535


@dataclass(frozen=True)
class AnimationSettings:
    """How frames become a file.

    Attributes
    ----------
    fps
        Frames a second, above 0.
    loop
        Whether the film starts over at its end.
    scale
        Every pixel becomes a square of this side; at least 1.
    palette
        Where a format has at most 256 colours: one palette for all frames, or one for each.
    dither
        Whether colours that a palette lacks are mixed from neighbouring dots. Grey pictures never need it.
    plays
        Where `loop` is on, how often the film is shown in all; 0 for ever. An MP4 cannot say it.
    size
        Height and width to which each picture is resized smoothly, before `scale`; None leaves its own pixels.
    caption
        A line of text below the pictures; empty for none.
    beside
        Pictures ``(h, w, c)`` uint8, of the frames' shape, that stand left and right of every frame; or None.
    recipe
        What the file remembers of how it was made, so that it can be opened again; or None.

    Raises
    ------
    UsageError
        If a value cannot be meant.
    """

    fps: float
    loop: bool
    scale: int = 1
    palette: Palette = "shared"
    dither: bool = False
    plays: int = 0
    size: tuple[int, int] | None = None
    caption: str = ""
    beside: tuple[Pixels, Pixels] | None = field(default=None, compare=False, repr=False)
    recipe: Recipe | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Check the values."""
        if not (self.fps > 0 and np.isfinite(self.fps)):
            raise UsageError("frames a second above 0", str(self.fps), "Give for example 25.")
        if self.scale < 1:
            raise UsageError("a scale of 1 or more", str(self.scale), "Give for example 4.")
        if self.palette not in PALETTES:
            raise UsageError("a known palette", f"“{self.palette}”", f"Choose one of: {', '.join(PALETTES)}.")
        if not 0 <= self.plays <= MAX_PLAYS:
            raise UsageError(f"0 to {MAX_PLAYS} plays", str(self.plays), "Give 0 for ever.")
        if self.size is not None and not all(1 <= side <= MAX_SIDE for side in self.size):
            raise UsageError(f"a size of 1 to {MAX_SIDE} pixels a side", str(self.size), "Give for example 256, 256.")

    @property
    def times_shown(self) -> int:
        """How often the film is shown; 0 for ever."""
        return self.plays if self.loop else 1


FrameWriter: TypeAlias = Callable[[Iterable[Pixels], int, Path, AnimationSettings], Iterator[Progress]]
"""Frames ``(h, w, c)``, how many there are, the file, the settings; a job that yields progress.

The file is in place when the job ends; closing the job earlier leaves what was there before.
"""


@dataclass(frozen=True)
class ExportFormat:
    """One kind of file that frames can become.

    Attributes
    ----------
    title
        For people.
    write
        The job that writes it.
    animated
        Whether it plays, or shows all frames at once.
    possible_fps
        The speed nearest to the wanted one that the format can play.
    """

    title: str
    write: FrameWriter
    animated: bool
    possible_fps: Callable[[float], float]


def frame_ticks(count: int, fps: float, clock: int) -> NDArray[np.int64]:
    """How long each of `count` frames is shown, ``(count,)``, on a clock of so many ticks a second.

    They add up to ``count / fps`` seconds, rounded, and no frame changes more than half a tick too early or too late:
    at 30 frames a second and 100 ticks 3, 4, 3 and so on.
    """
    ends = np.floor(np.arange(count + 1) * (clock / fps) + 0.5).astype(np.int64)
    return np.asarray(np.diff(ends), dtype=np.int64)


def checked_frames(frames: Iterable[Pixels], total: int, scale: int = 1) -> Iterator[Pixels]:
    """Pass the frames on, all of one shape ``(h, w, c)`` uint8 with c 1 or 3, exactly `total` of them.

    Raises
    ------
    ExportError
        At the first frame that is not as said, or at the end if the number is another.
    """
    shape: tuple[int, ...] | None = None
    count = 0
    for frame in frames:
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] not in (1, 3):
            raise ExportError(
                "frames of shape (height, width, 1 or 3) and 8 bits",
                f"the shape {frame.shape} of {frame.dtype}",
                "Convert the frames first.",
            )
        if shape is not None and frame.shape != shape:
            raise ExportError(f"frames of one shape, {shape}", str(frame.shape), "Use pictures of one model.")
        check_side(frame.shape, scale)
        shape = frame.shape
        count += 1
        if count > total:
            break
        yield frame
    if count != total or count == 0:
        received = f"{count} or more" if count > total else str(count)
        raise ExportError(f"a film of {max(total, 1)} frames", received, "Make the film again.")


def check_side(shape: tuple[int, ...], scale: int = 1, longest: int = MAX_SIDE) -> None:
    """Raise ExportError where a picture of `shape` ``(h, w, …)``, enlarged, is empty or larger than anyone plays."""
    height, width = shape[:2]
    if not 0 < max(height, width) * scale <= longest or min(height, width) == 0:
        raise ExportError(
            f"pictures of 1 to {longest} pixels a side", f"{width * scale}×{height * scale}", "Choose a smaller scale."
        )
