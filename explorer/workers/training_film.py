"""Exports the progress of a training as an animation: originals over reconstructions, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from explorer.errors import ExportError
from explorer.export import AnimationSettings, format_of
from explorer.models.runs import FilmFrame, read_strip
from explorer.types import Pixels, Progress

FPS = 10.0
_SIDE = 96
_GAP = 2


def export_training_film(originals: Path, film: Sequence[FilmFrame], path: Path) -> Iterator[Progress | Path]:
    """Write the frames as an animation or a contact sheet; yields progress, and finally the path.

    Raises
    ------
    ExportError
        If there is no frame, or the file cannot be written; an existing file is then unchanged.
    TrainingError
        If a frame cannot be read.
    """
    if not film:
        raise ExportError("Cannot export the training progress: there is no frame yet. Train a little longer.")
    above = read_strip(originals)
    scale = max(1, _SIDE // max(above.shape[1:3]))
    settings = AnimationSettings(fps=FPS, loop=True, scale=scale)
    frames = (film_picture(above, read_strip(frame.path)) for frame in film)
    yield from format_of(path).write(frames, len(film), path, settings)
    yield path


def film_picture(originals: Pixels, reconstructions: Pixels) -> Pixels:
    """Return a row of originals over their reconstructions, each ``(k, h, w, c)``, as uint8 ``(2h+g, …, c)``."""
    rows = [_row(pictures) for pictures in (originals, reconstructions)]
    gap = np.zeros((_GAP, *rows[0].shape[1:]), np.uint8)
    return np.concatenate([rows[0], gap, rows[1]])


def _row(pictures: Pixels) -> Pixels:
    padded = np.pad(pictures, ((0, 0), (0, 0), (0, _GAP), (0, 0)))
    count, height, width, channels = padded.shape
    row: Pixels = padded.transpose(1, 0, 2, 3).reshape(height, count * width, channels)[:, : count * width - _GAP]
    return row
