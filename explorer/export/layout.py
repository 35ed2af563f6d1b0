"""Layout of exported frames: resized, side by side, enlarged, with a caption.

Two stages, so that formats work on few pixels: *cells* are the frames resized and side by side, before enlargement; the
*strip* is the caption, which is the same in all frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from explorer.errors import ExportError
from explorer.export.frames import ExportFormat, ExportSettings, check_side, checked_frames
from explorer.export.sheet import caption_strip, enlarge, sample_area, to_pillow
from explorer.types import Pixels, Shown

GAP_SHADE = 64
"""Gray value of the pixel between images side by side."""


def cells_of(frames: Iterable[Pixels], total: int, settings: ExportSettings) -> Iterator[Shown]:
    """Yield each frame as cells ``(h, w, c)`` uint8, all of one shape: resized, between start and end images.

    ExportError if the frames are not `total` images of one shape, or the result is too large.
    """
    sides: tuple[Shown, Shown] | None = None
    for frame in checked_frames(frames, total):
        if settings.beside is not None and sides is None:
            sides = (_side(settings.beside[0], frame, settings), _side(settings.beside[1], frame, settings))
        cells = _resized(frame, settings)
        if sides is not None:
            gap = np.full((cells.shape[0], 1, cells.shape[2]), GAP_SHADE, dtype=np.uint8)
            cells = np.concatenate([sides[0], gap, cells, gap, sides[1]], axis=1)
        check_side(cells.shape, settings.scale)
        yield cells


def frame_size(shape: tuple[int, ...], settings: ExportSettings) -> tuple[int, int]:
    """Return height and width in pixels of a complete frame, made of an image ``(h, w, c)``."""
    height, width = settings.size or shape[:2]
    width = width if settings.beside is None else 3 * width + 2
    strip = caption_strip(width * settings.scale, shape[2], settings.caption) if settings.caption else None
    return height * settings.scale + (0 if strip is None else len(strip)), width * settings.scale


def size_of_file(kind: ExportFormat, shape: tuple[int, ...], total: int, settings: ExportSettings) -> tuple[int, int]:
    """Return height and width in pixels of a file of `total` images ``(h, w, c)``."""
    return frame_size(shape, settings) if kind.file_size is None else kind.file_size(shape, total, settings)


def strip_below(cells: Shown, settings: ExportSettings) -> Shown | None:
    """Return the caption ``(strip_h, w * scale, c)`` below cells ``(h, w, c)``; None without caption."""
    if not settings.caption:
        return None
    return caption_strip(cells.shape[1] * settings.scale, cells.shape[2], settings.caption)


def finished(cells: Shown, strip: Shown | None, settings: ExportSettings) -> Shown:
    """Return the complete image ``(H, W, c)``: enlarged cells above the caption."""
    image = enlarge(cells, settings.scale)
    return image if strip is None else np.concatenate([image, strip])


@dataclass(frozen=True, eq=False)
class Patch:
    """The part of a frame that differs from the previous frame, uint8 ``(h, w, c)``, at a position in cells.

    `changed`, bool ``(h, w)``, is which cells differ. If the frames are equal, the patch is one unchanged corner.
    """

    top: int
    left: int
    cells: Shown
    changed: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


def patches(images: Iterable[Shown], align: int = 1) -> Iterator[Patch]:
    """Yield the changed rectangle of each image ``(h, w, c)``; the first image as a whole.

    The images are cells of one shape, or their palette indices; a generator may reuse one array. Patches start at
    multiples of `align`.
    """
    previous: Shown | None = None
    for image in images:
        differs = np.ones(image.shape[:2], dtype=bool) if previous is None else (image != previous).any(axis=2)
        rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
        # A frame needs at least one pixel: without changes, it is a corner.
        top, bottom = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 1)
        left, right = (int(columns[0]), int(columns[-1]) + 1) if len(columns) else (0, 1)
        top, left = top - top % align, left - left % align
        part = (slice(top, bottom), slice(left, right))
        previous = image.copy()
        yield Patch(top, left, previous[part], differs[part])


def _side(image: Shown, frame: Shown, settings: ExportSettings) -> Shown:
    if image.shape != frame.shape or image.dtype != np.uint8:
        raise ExportError(
            "Start and end images must be uint8 of shape {frame}, not {dtype} of shape {shape}.",
            frame=str(frame.shape),
            dtype=image.dtype,
            shape=str(image.shape),
        )
    return _resized(image, settings)


def _resized(frame: Shown, settings: ExportSettings) -> Shown:
    size = settings.size
    if size is None or size == frame.shape[:2]:
        return frame
    if not settings.smooth:
        return sample_area(frame, size)
    resized = np.array(to_pillow(frame).resize((size[1], size[0]), Image.Resampling.LANCZOS), dtype=np.uint8)
    return resized.reshape(*size, frame.shape[2])
