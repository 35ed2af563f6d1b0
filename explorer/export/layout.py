"""From a film's frames to what a file shows: resized, side by side, enlarged, with a caption.

Two stages, so that formats can work on few pixels: *cells* are the frames resized and side by side, before every pixel
becomes a square; the *strip* is the caption, which is the same in all frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from explorer.errors import ExportError
from explorer.export.frames import AnimationSettings, check_side, checked_frames
from explorer.export.sheet import caption_strip, enlarge
from explorer.types import Pixels

GAP_SHADE = 64
"""Grey level of the pixel that parts pictures side by side."""


def cells_of(frames: Iterable[Pixels], total: int, settings: AnimationSettings) -> Iterator[Pixels]:
    """Yield each frame as cells ``(h, w, c)`` uint8, all of one shape: resized, and between the end pictures.

    Raises
    ------
    ExportError
        If the frames are not `total` pictures of one shape, or the whole would be too large.
    """
    sides: tuple[Pixels, Pixels] | None = None
    for frame in checked_frames(frames, total):
        if settings.beside is not None and sides is None:
            sides = (_side(settings.beside[0], frame, settings), _side(settings.beside[1], frame, settings))
        cells = _resized(frame, settings.size)
        if sides is not None:
            gap = np.full((cells.shape[0], 1, cells.shape[2]), GAP_SHADE, dtype=np.uint8)
            cells = np.concatenate([sides[0], gap, cells, gap, sides[1]], axis=1)
        check_side(cells.shape, settings.scale)
        yield cells


def strip_below(cells: Pixels, settings: AnimationSettings) -> Pixels | None:
    """Return the caption ``(strip_h, w * scale, c)`` that goes below cells ``(h, w, c)``; None where there is none."""
    if not settings.caption:
        return None
    return caption_strip(cells.shape[1] * settings.scale, cells.shape[2], settings.caption)


def finished(cells: Pixels, strip: Pixels | None, settings: AnimationSettings) -> Pixels:
    """Return the whole picture ``(H, W, c)``: cells enlarged, over the caption."""
    picture = enlarge(cells, settings.scale)
    return picture if strip is None else np.concatenate([picture, strip])


@dataclass(frozen=True, eq=False)
class Patch:
    """The part of a frame that differs from the frame before.

    Attributes
    ----------
    top, left
        Where it stands, in cells.
    cells
        ``(h, w, c)`` uint8.
    changed
        ``(h, w)`` bool, which of them differ. None does where the frames are equal; then the patch is one corner.
    """

    top: int
    left: int
    cells: Pixels
    changed: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


def patches(pictures: Iterable[Pixels], align: int = 1) -> Iterator[Patch]:
    """Yield for each picture ``(h, w, c)`` the rectangle that changed; the first as a whole.

    Parameters
    ----------
    pictures
        Cells of one shape, or palette indices of them. A generator may fill one array again and again.
    align
        Patches begin at multiples of this.
    """
    previous: Pixels | None = None
    for picture in pictures:
        differs = np.ones(picture.shape[:2], dtype=bool) if previous is None else (picture != previous).any(axis=2)
        rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
        # A frame of no pixels is no frame: where nothing changed, one corner is shown anew.
        top, bottom = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 1)
        left, right = (int(columns[0]), int(columns[-1]) + 1) if len(columns) else (0, 1)
        top, left = top - top % align, left - left % align
        part = (slice(top, bottom), slice(left, right))
        previous = picture.copy()
        yield Patch(top, left, previous[part], differs[part])


def _side(picture: Pixels, frame: Pixels, settings: AnimationSettings) -> Pixels:
    if picture.shape != frame.shape or picture.dtype != np.uint8:
        raise ExportError(
            f"end pictures of the frames' shape, {frame.shape}, and 8 bits",
            f"{picture.shape} of {picture.dtype}",
            "Decode the first and the last key.",
        )
    return _resized(picture, settings.size)


def _resized(frame: Pixels, size: tuple[int, int] | None) -> Pixels:
    if size is None or size == frame.shape[:2]:
        return frame
    image = Image.fromarray(frame[..., 0] if frame.shape[2] == 1 else frame)
    resized = np.array(image.resize((size[1], size[0]), Image.Resampling.LANCZOS), dtype=np.uint8)
    return resized.reshape(*size, frame.shape[2])
