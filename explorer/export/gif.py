"""Animated GIF with every frame.

Pillow's writer of animations merges equal frames; here each frame is kept, and only its changed rectangle is stored,
with unchanged pixels transparent: runs of one index, which compress to a quarter. Pillow compresses the pixels (each
frame as a still GIF of palette indices); this module assembles the blocks according to the GIF89a specification.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Generator, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.errors import ExportError
from explorer.export.frames import WRITING, ExportFormat, ExportSettings, frame_ticks
from explorer.export.layout import Patch, cells_of, patches, strip_below
from explorer.export.palette import (
    COLORS,
    GRAYS,
    INK,
    ColorPalette,
    Histogram,
    exact_palette,
    few_colors,
    fitted_palette,
    inked,
    pack,
    quick_palette,
)
from explorer.export.recipe import KEYWORD, MAX_BLOCKS, MAX_TEXT
from explorer.export.sheet import enlarge
from explorer.messages import message
from explorer.paths import replacing_file
from explorer.types import Pixels, Progress, Shown

__all__ = ["ExportSettings", "frame_delays", "possible_fps", "write_gif"]

MIN_DELAY = 2
"""Shortest delay that viewers support, in 1/100 s; they play shorter ones as 10."""

MAX_DELAY = 65_535

_TABLE_OF_256 = 0x87
_KEEP_WHAT_IS_SHOWN = 1 << 2
_TRANSPARENT = 1
_SCREEN_FLAGS = 10
_SCREEN_END = 13
_DESCRIPTOR_LENGTH = 10
_COUNTED_AT_ONCE = 32


def possible_fps(fps: float) -> float:
    """Return the nearest average frame rate of a GIF: at most 50, since the shortest delay is 2/100 s."""
    return float(np.clip(fps, 100 / MAX_DELAY, 100 / MIN_DELAY))


def frame_delays(count: int, fps: float) -> NDArray[np.int64]:
    """Return delays ``(count,)`` in 1/100 s, each from 2 to 65,535.

    The sum is ``count / possible_fps(fps)`` seconds, rounded, and no frame changes more than 1/200 s too early or too
    late: 3, 4, 3 and so on for 30 frames per second.
    """
    return np.clip(frame_ticks(count, possible_fps(fps), 100), MIN_DELAY, MAX_DELAY)


def write_gif(frames: Iterable[Pixels], total: int, path: Path, settings: ExportSettings) -> Iterator[Progress]:
    """Write an animated GIF as a job; yields after each frame read or written.

    The frames are `total` images ``(h, w, c)`` uint8, all of one shape; c 1 (exact) or 3 (256 colors). They may be a
    generator: it is read once. For a global palette of color frames, all frames are kept in memory at their native
    size.

    The file is replaced when the job ends; closing the job earlier leaves the old file. ExportError if the frames are
    invalid, or the file cannot be written.
    """
    cells = cells_of(frames, total, settings)
    with replacing_file(path) as temporary, temporary.open("wb") as file:
        first = next(cells)
        waiting: Iterable[Shown] = chain([first], cells)
        strip = strip_below(first, settings)
        done, units, quantized = 0, total, None
        if first.shape[2] == 1:
            table, quantized = GRAYS, waiting
        elif settings.palette == "shared":
            done, units = total, 2 * total
            kept, palette = yield from _read_all(waiting, total, settings)
            table, quantized = palette.table, (palette.indices(frame)[..., None] for frame in kept)
            strip = None if strip is None else palette.indices(inked(strip))[..., None]
        else:
            table = GRAYS
        blocks = _own_palettes(waiting, strip, settings) if quantized is None else _shared(quantized, strip, settings)
        height, width = first.shape[0] * settings.scale + (0 if strip is None else strip.shape[0]), first.shape[1]
        file.write(_header(height, width * settings.scale, table, settings))
        for delay, block in zip(frame_delays(total, settings.fps).tolist(), blocks, strict=True):
            file.write(_placed(block, delay))
            done += 1
            yield Progress(done, units, WRITING)
        file.write(b";")


class _Block:
    """One frame of the file: palette indices ``(h, w, 1)``, their position, and the transparent index."""

    def __init__(
        self, patch: Patch, indices: Shown, clear: int | None, strip: Shown | None, scale: int, table: bytes = b""
    ) -> None:
        self.top, self.left = patch.top * scale, patch.left * scale
        large = enlarge(indices, scale)
        self.indices = large if strip is None else np.concatenate([large, strip])
        self.clear = clear
        self.table = table


def _shared(indices: Iterable[Shown], strip: Shown | None, settings: ExportSettings) -> Iterator[_Block]:
    """Yield the blocks of frames ``(h, w, 1)`` of indices into the global palette; the first has the caption."""
    for number, patch in enumerate(patches(indices)):
        clear = None
        if not patch.changed.all():
            # Any index that no changed pixel has; if all 256 are in use, unchanged pixels are stored too.
            used = np.bincount(patch.cells[patch.changed].ravel(), minlength=COLORS)
            clear = int(np.argmin(used)) if used.min() == 0 else None
        cells = patch.cells if clear is None else np.where(patch.changed[..., None], patch.cells, np.uint8(clear))
        yield _Block(patch, cells, clear, None if number else strip, settings.scale)


def _own_palettes(frames: Iterable[Shown], strip: Shown | None, settings: ExportSettings) -> Iterator[_Block]:
    """Frames ``(h, w, 3)``."""
    for number, patch in enumerate(patches(frames)):
        if not patch.changed.any():
            # One transparent pixel: the image does not change, and no palette is needed.
            yield _Block(patch, np.zeros((1, 1, 1), dtype=np.uint8), 0, None, settings.scale)
            continue
        below = None if number or strip is None else inked(strip)
        few = few_colors(patch.cells, np.empty(0, dtype=np.uint32) if below is None else np.unique(pack(below)))
        ink = None if below is None else INK
        palette = exact_palette(few) if few is not None else quick_palette(patch.cells, settings.dither, ink)
        below = None if below is None else palette.indices(below)[..., None]
        yield _Block(patch, palette.indices(patch.cells)[..., None], None, below, settings.scale, palette.table)


def _read_all(
    frames: Iterable[Shown], total: int, settings: ExportSettings
) -> Generator[Progress, None, tuple[list[Shown], ColorPalette]]:
    """Read all frames before the first is written, for a global palette."""
    kept: list[Shown] = []
    ink = INK if settings.caption else None
    few: NDArray[np.uint32] | None = np.empty(0, dtype=np.uint32) if ink is None else np.sort(pack(ink))
    for frame in frames:
        # A generator may reuse one array.
        kept.append(frame.copy())
        few = few_colors(frame, few)
        yield Progress(len(kept), 2 * total, message("Reading frames"))
    if few is not None:
        return kept, exact_palette(few)
    histogram = Histogram()
    for start in range(0, len(kept), _COUNTED_AT_ONCE):
        histogram.add(kept[start : start + _COUNTED_AT_ONCE])
    return kept, fitted_palette(histogram, settings.dither, ink)


def _header(height: int, width: int, table: bytes, settings: ExportSettings) -> bytes:
    """Return signature, screen, global palette, Netscape's loop block if it loops, and the recipe as a comment."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x70 | _TABLE_OF_256, 0, 0) + table
    # The block counts repetitions after the first pass; 0 is infinite.
    shown = settings.times_shown
    loop = b"" if shown == 1 else b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", max(shown - 1, 0)) + b"\0"
    return head + loop + (b"" if settings.recipe is None else _comment(settings.recipe.to_text().encode("ascii")))


def _comment(text: bytes) -> bytes:
    parts = (text[start : start + 255] for start in range(0, len(text), 255))
    return b"!\xfe" + b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def _placed(block: _Block, delay: int) -> bytes:
    height, width = block.indices.shape[:2]
    disposal = _KEEP_WHAT_IS_SHOWN | (0 if block.clear is None else _TRANSPARENT)
    control = b"!\xf9\x04" + struct.pack("<BHBB", disposal, delay, block.clear or 0, 0)
    flags = _TABLE_OF_256 if block.table else 0
    place = b"," + struct.pack("<HHHHB", block.left, block.top, width, height, flags)
    return control + place + block.table + _compressed(block.indices)


def _compressed(indices: Shown) -> bytes:
    """Return LZW code size and data of indices ``(h, w, 1)``: what follows the image descriptor of Pillow's still GIF.

    The indices are passed as gray values with all 256 palette entries, so that Pillow neither sorts nor removes any.
    """
    still = io.BytesIO()
    Image.fromarray(indices[..., 0]).save(still, format="GIF", optimize=False, interlace=0)
    data = still.getvalue()
    table_end = _SCREEN_END + 3 * 2 ** ((data[_SCREEN_FLAGS] & 0b111) + 1)
    if data[_SCREEN_FLAGS] != data[_SCREEN_FLAGS] | _TABLE_OF_256 or data[table_end : table_end + 1] != b",":
        raise ExportError("This version of Pillow writes GIF in an unknown layout. Install the supported version.")
    return data[table_end + _DESCRIPTOR_LENGTH : -1]


def _read_text(file: BinaryIO) -> bytes | None:
    """Return our comment, which precedes the first image."""
    file.seek(10)
    flags = file.read(1)
    file.seek(13 + (3 * 2 ** ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0))
    for _ in range(MAX_BLOCKS):
        introducer = file.read(2)
        if introducer[:1] != b"!" or len(introducer) < 2:
            return None
        text = b"".join(_sub_blocks(file, keep=introducer == b"!\xfe"))
        if introducer == b"!\xfe" and KEYWORD.encode() in text:
            return text
    return None


def _sub_blocks(file: BinaryIO, keep: bool) -> Iterator[bytes]:
    """Yield the sub-blocks of an extension up to the size of a recipe, or only skip them."""
    kept = 0
    for _ in range(MAX_BLOCKS):
        size = file.read(1)
        if not size or size == b"\0":
            return
        block = file.read(size[0])
        kept += len(block)
        if keep and kept <= MAX_TEXT + 255:
            yield block


FORMAT = ExportFormat(
    ".gif", message("Animated GIF"), write_gif, rb"GIF8", _read_text, possible_fps=possible_fps, indexed=True
)
