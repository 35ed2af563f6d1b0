"""What every format of animation shares: its settings, and the checks of the frames it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np

from explorer.errors import ExportError, UsageError
from explorer.types import Pixels, Progress

Palette = Literal["shared", "frame"]
PALETTES: tuple[str, ...] = get_args(Palette)

MAX_SIDE = 8_192
"""Longest side of a picture in a file, in pixels. GIF could count further, but nobody could play it."""


@dataclass(frozen=True)
class AnimationSettings:
    """How frames become a file.

    Attributes
    ----------
    fps
        Frames a second, above 0.
    loop
        Whether the film starts over at its end, for ever.
    scale
        Every pixel becomes a square of this side; at least 1.
    palette
        Where a format has at most 256 colours: one palette for all frames, or one for each.
    dither
        Whether colours that a palette lacks are mixed from neighbouring dots. Grey pictures never need it.

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

    def __post_init__(self) -> None:
        """Check the values."""
        if not (self.fps > 0 and np.isfinite(self.fps)):
            raise UsageError("frames a second above 0", str(self.fps), "Give for example 25.")
        if self.scale < 1:
            raise UsageError("a scale of 1 or more", str(self.scale), "Give for example 4.")
        if self.palette not in PALETTES:
            raise UsageError("a known palette", f"“{self.palette}”", f"Choose one of: {', '.join(PALETTES)}.")


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
        if not 0 < max(frame.shape[:2]) * scale <= MAX_SIDE or min(frame.shape[:2]) == 0:
            height, width = frame.shape[:2]
            raise ExportError(
                f"pictures of 1 to {MAX_SIDE} pixels a side",
                f"{width * scale}×{height * scale}",
                "Choose a smaller scale.",
            )
        shape = frame.shape
        count += 1
        if count > total:
            break
        yield frame
    if count != total or count == 0:
        received = f"{count} or more" if count > total else str(count)
        raise ExportError(f"a film of {max(total, 1)} frames", received, "Make the film again.")
