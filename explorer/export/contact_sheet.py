"""All frames of an animation in one PNG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.export.frames import ExportFormat, ExportSettings, check_side
from explorer.export.layout import GAP_SHADE, cells_of, finished, frame_size, strip_below
from explorer.export.recipe import png_texts
from explorer.export.sheet import mosaic, write_png
from explorer.export.stills import PNG_SIGNATURE, read_png_text
from explorer.messages import message
from explorer.types import Pixels, Progress, Shown

MAX_SHEET_SIDE = 20_000
"""Longest side of a sheet in pixels."""


def write_sheet(frames: Iterable[Pixels], total: int, path: Path, settings: ExportSettings) -> Iterator[Progress]:
    """Write all frames of an animation as one contact sheet, a job like `explorer.export.gif.write_gif`.

    The sheet is about square; one native pixel of dark gray separates its cells. Uses size, scale, caption and recipe
    of the settings. ExportError if the frames are invalid, the sheet is too large, or the file cannot be written.
    """
    kept: list[Shown] = []
    columns = math.ceil(math.sqrt(max(total, 1)))
    settings = replace(settings, beside=None)
    for cells in cells_of(frames, total, settings):
        if not kept:
            # Checked at the first frame, before all others are kept in memory.
            rows = -(-total // columns)
            whole = (rows * (cells.shape[0] + 1) - 1, columns * (cells.shape[1] + 1) - 1)
            check_side(whole, settings.scale, MAX_SHEET_SIDE)
        kept.append(cells.copy())
        yield Progress(len(kept), total, message("Collecting frames"))
    sheet = mosaic(np.stack(kept), columns, gap=1, background=GAP_SHADE)
    write_png(finished(sheet, strip_below(sheet, settings), settings), path, png_texts(settings.recipe))


def _file_size(shape: tuple[int, ...], total: int, settings: ExportSettings) -> tuple[int, int]:
    height, width = settings.size or shape[:2]
    columns = math.ceil(math.sqrt(max(total, 1)))
    rows = -(-total // columns)
    sheet = (rows * (height + 1) - 1, columns * (width + 1) - 1, shape[2])
    return frame_size(sheet, replace(settings, size=None, beside=None))


FORMAT = ExportFormat(
    ".png",
    message("Contact sheet (PNG)"),
    write_sheet,
    PNG_SIGNATURE,
    read_png_text,
    animated=False,
    loops=False,
    file_size=_file_size,
)
