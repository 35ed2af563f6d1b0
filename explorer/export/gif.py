"""Animated GIF, frame for frame.

Pillow's own writer of animations merges equal frames into one and so loses their number; here each frame is kept, and
only the rectangle that changed is stored, so that a held frame costs some 20 bytes. Pillow compresses the pixels (a
still GIF of palette indices each); this module puts the blocks together as the GIF89a specification says.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.errors import ExportError
from explorer.export.frames import AnimationSettings, checked_frames
from explorer.export.palette import GREYS, ColourPalette, few_colours, palette_for
from explorer.export.sheet import enlarge
from explorer.paths import replacing_file
from explorer.types import Pixels, Progress

__all__ = ["AnimationSettings", "frame_delays", "possible_fps", "write_gif"]

MIN_DELAY = 2
"""Shortest delay in 1/100 s that viewers honour; they play shorter ones at 10."""

MAX_DELAY = 65_535

_TABLE_OF_256 = 0x87
_KEEP_WHAT_IS_SHOWN = 1 << 2
_SCREEN_FLAGS = 10
_SCREEN_END = 13
_DESCRIPTOR_LENGTH = 10

_Box: TypeAlias = tuple[int, int, int, int]
_Quantise: TypeAlias = Callable[[Pixels], tuple[NDArray[np.uint8], bytes | None]]
"""A picture to its indices ``(h, w)`` and, where it is not the file's, its palette."""


def possible_fps(fps: float) -> float:
    """Speed nearest to `fps` that a GIF can play on average: 50 at most, since the shortest delay is 2/100 s."""
    return float(np.clip(fps, 100 / MAX_DELAY, 100 / MIN_DELAY))


def frame_delays(count: int, fps: float) -> NDArray[np.int64]:
    """Delays ``(count,)`` in 1/100 s, each from 2 to 65,535.

    They add up to ``count / possible_fps(fps)`` seconds, rounded, and no frame is shown more than half a hundredth of
    a second too early or too late: 3, 4, 3 and so on for 30 frames a second.
    """
    ends = np.floor(np.arange(count + 1) * (100 / possible_fps(fps)) + 0.5).astype(np.int64)
    return np.asarray(np.clip(np.diff(ends), MIN_DELAY, MAX_DELAY), dtype=np.int64)


def write_gif(frames: Iterable[Pixels], total: int, path: Path, settings: AnimationSettings) -> Iterator[Progress]:
    """Write an animated GIF as a job.

    Parameters
    ----------
    frames
        ``(h, w, c)`` uint8 each, all of one shape; c 1 (kept exactly) or 3 (256 colours). May be a generator: it is
        read once. For a shared palette of colours all frames are held in memory at their native size.
    total
        How many there are.
    path
        The file. It is in place when the job ends; closing the job earlier leaves what was there.
    settings
        Speed, loop, enlargement and palette.

    Yields
    ------
    Progress
        After each frame read or written.

    Raises
    ------
    ExportError
        If the frames are not as said, or the file cannot be written.
    """
    checked = checked_frames(frames, total, settings.scale)
    with replacing_file(path) as temporary, temporary.open("wb") as file:
        first = next(checked)
        waiting: Iterable[Pixels] = chain([first], checked)
        done, units = 0, total
        table: bytes | None = None
        quantise = _frame_quantiser(settings.dither)
        if first.shape[2] == 1:
            table, quantise = GREYS, _grey
        elif settings.palette == "shared":
            done, units = total, 2 * total
            waiting, palette = yield from _read_all(waiting, total, settings.dither)
            table, quantise = palette.table, _palette_quantiser(palette)
        file.write(_header(first, table, settings))
        for frame_blocks in _blocks(waiting, total, quantise, settings):
            file.write(frame_blocks)
            done += 1
            yield Progress(done, units, "writing frames")
        file.write(b";")


def _read_all(
    frames: Iterable[Pixels], total: int, dither: bool
) -> Generator[Progress, None, tuple[list[Pixels], ColourPalette]]:
    """Read every frame before the first is written, for a palette that serves all."""
    kept: list[Pixels] = []
    exact: NDArray[np.uint32] | None = np.empty(0, dtype=np.uint32)
    for frame in frames:
        # A generator may fill one array again and again.
        kept.append(frame.copy())
        exact = few_colours(frame, exact)
        yield Progress(len(kept), 2 * total, "reading frames")
    return kept, palette_for(kept, dither, exact)


def _grey(frame: Pixels) -> tuple[NDArray[np.uint8], None]:
    return frame[..., 0], None


def _palette_quantiser(palette: ColourPalette) -> _Quantise:
    return lambda frame: (palette.indices(frame), None)


def _frame_quantiser(dither: bool) -> _Quantise:
    def quantise(frame: Pixels) -> tuple[NDArray[np.uint8], bytes]:
        palette = palette_for([frame], dither, few_colours(frame, np.empty(0, dtype=np.uint32)))
        return palette.indices(frame), palette.table

    return quantise


def _header(frame: Pixels, table: bytes | None, settings: AnimationSettings) -> bytes:
    """Signature, screen, the common palette if there is one, and for an endless film Netscape's loop block."""
    height, width = (side * settings.scale for side in frame.shape[:2])
    flags = 0x70 | (_TABLE_OF_256 if table else 0)
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, flags, 0, 0) + (table or b"")
    return head + (b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00" if settings.loop else b"")


def _blocks(frames: Iterable[Pixels], total: int, quantise: _Quantise, settings: AnimationSettings) -> Iterator[bytes]:
    """Yield the blocks of each frame: its delay, its place, its palette if it has one, its pixels."""
    previous: Pixels | None = None
    corner: tuple[NDArray[np.uint8], bytes | None] | None = None
    scale = settings.scale
    for frame, delay in zip(frames, frame_delays(total, settings.fps).tolist(), strict=True):
        box = _changed(previous, frame)
        top, left, bottom, right = box or (0, 0, 1, 1)
        # Where nothing changed, one pixel is shown anew as it is shown now: a frame of no pixels is no frame.
        indices, table = corner if corner and not box else quantise(frame[top:bottom, left:right])
        if top == left == 0:
            corner = indices[:1, :1], table
        height, width = indices.shape
        flags = _TABLE_OF_256 if table else 0
        control = b"!\xf9\x04" + struct.pack("<BHBB", _KEEP_WHAT_IS_SHOWN, delay, 0, 0)
        place = b"," + struct.pack("<HHHHB", left * scale, top * scale, width * scale, height * scale, flags)
        yield control + place + (table or b"") + _compressed(enlarge(indices[..., None], scale))
        previous = frame.copy()


def _changed(previous: Pixels | None, frame: Pixels) -> _Box | None:
    """Top, left, bottom, right of the rectangle that differs; None where nothing does."""
    if previous is None:
        return 0, 0, frame.shape[0], frame.shape[1]
    differs = (previous != frame).any(axis=2)
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not len(rows):
        return None
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _compressed(indices: Pixels) -> bytes:
    """LZW code size and data of indices ``(h, w, 1)``: what follows the one image descriptor of Pillow's still GIF.

    The indices go in as greys, which have the whole palette of 256, so that Pillow neither sorts nor drops any.
    """
    still = io.BytesIO()
    Image.fromarray(indices[..., 0]).save(still, format="GIF", optimize=False, interlace=0)
    data = still.getvalue()
    table_end = _SCREEN_END + 3 * 2 ** ((data[_SCREEN_FLAGS] & 0b111) + 1)
    if data[_SCREEN_FLAGS] != data[_SCREEN_FLAGS] | _TABLE_OF_256 or data[table_end : table_end + 1] != b",":
        raise ExportError("a still GIF of 256 greys from Pillow", "another layout", "Use the version of Pillow given.")
    return data[table_end + _DESCRIPTOR_LENGTH : -1]
