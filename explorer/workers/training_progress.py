"""Exports the progress of a training as an animation: originals over reconstructions, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from explorer.data.mixer import DEFAULT_MIXER, Mixer, channels_text, shown
from explorer.data.preprocessing import Reading
from explorer.errors import ExportError
from explorer.export import ExportSettings, format_of
from explorer.models.runs import ProgressFrame, read_strip
from explorer.types import Pixels, Progress

FPS = 10.0
_SIDE = 96
_GAP = 2


def export_training_progress(
    originals: Path, progress_frames: Sequence[ProgressFrame], path: Path, mixer: Mixer = DEFAULT_MIXER
) -> Iterator[Progress | Path]:
    """Write the frames as an animation or a contact sheet; yields progress, and finally the path.

    Channels are shown as in the mixer, which a caption states; formats that keep values get those of all channels.
    ExportError if there is no frame, or the file cannot be written; an existing file is then unchanged. TrainingError
    if a frame cannot be read.
    """
    if not progress_frames:
        raise ExportError("Cannot export the training progress: there is no frame yet. Train a little longer.")
    kind, above = format_of(path), read_strip(originals)
    scale = max(1, _SIDE // max(above.shape[1:3]))
    channels = channels_text(above.shape[3], mixer)
    caption = f"Channels: {channels}" if channels else ""
    values = Reading().values_text() if above.dtype == np.uint16 else ""
    settings = ExportSettings(fps=FPS, loop=True, scale=scale, caption=caption, values=values)
    strips = ((above, read_strip(frame.path)) for frame in progress_frames)
    if kind.values:
        frames = (progress_image(*strip) for strip in strips)
    else:
        frames = (progress_image(*(shown(images, mixer) for images in strip)) for strip in strips)
    yield from kind.write(frames, len(progress_frames), path, settings)
    yield path


def progress_image(originals: Pixels, reconstructions: Pixels) -> Pixels:
    """Return a row of originals over their reconstructions, each ``(k, h, w, c)``, as one image ``(2h+g, …, c)``."""
    rows = [_row(images) for images in (originals, reconstructions)]
    gap = np.zeros((_GAP, *rows[0].shape[1:]), rows[0].dtype)
    return np.concatenate([rows[0], gap, rows[1]])


def _row(images: Pixels) -> Pixels:
    padded = np.pad(images, ((0, 0), (0, 0), (0, _GAP), (0, 0)))
    count, height, width, channels = padded.shape
    row: Pixels = padded.transpose(1, 0, 2, 3).reshape(height, count * width, channels)[:, : count * width - _GAP]
    return row
