"""Exports the progress of a training as an animation: originals over reconstructions, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from explorer.errors import ExportError
from explorer.export import ExportSettings, format_of
from explorer.models.runs import ProgressFrame, read_strip
from explorer.types import Progress, Shown

FPS = 10.0
_SIDE = 96
_GAP = 2


def export_training_progress(
    originals: Path, progress_frames: Sequence[ProgressFrame], path: Path
) -> Iterator[Progress | Path]:
    """Write the frames as an animation or a contact sheet; yields progress, and finally the path.

    ExportError if there is no frame, or the file cannot be written; an existing file is then unchanged. TrainingError
    if a frame cannot be read.
    """
    if not progress_frames:
        raise ExportError("Cannot export the training progress: there is no frame yet. Train a little longer.")
    above = read_strip(originals)
    scale = max(1, _SIDE // max(above.shape[1:3]))
    settings = ExportSettings(fps=FPS, loop=True, scale=scale)
    frames = (progress_image(above, read_strip(frame.path)) for frame in progress_frames)
    yield from format_of(path).write(frames, len(progress_frames), path, settings)
    yield path


def progress_image(originals: Shown, reconstructions: Shown) -> Shown:
    """Return a row of originals over their reconstructions, each ``(k, h, w, c)``, as uint8 ``(2h+g, …, c)``."""
    rows = [_row(images) for images in (originals, reconstructions)]
    gap = np.zeros((_GAP, *rows[0].shape[1:]), np.uint8)
    return np.concatenate([rows[0], gap, rows[1]])


def _row(images: Shown) -> Shown:
    padded = np.pad(images, ((0, 0), (0, 0), (0, _GAP), (0, 0)))
    count, height, width, channels = padded.shape
    row: Shown = padded.transpose(1, 0, 2, 3).reshape(height, count * width, channels)[:, : count * width - _GAP]
    return row
