"""Progress images of a training at one time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from explorer.document.views.kind import Priority, ViewKind
from explorer.models.runs import ProgressFrame, read_strip
from explorer.types import Pixels


@dataclass(frozen=True, eq=False)
class TrainingProgressView:
    """Progress images of a training after `progress` epochs, fractional: ``(k, h, w, c)``, before the mixer."""

    path: Path
    progress: float
    originals: Pixels
    reconstructions: Pixels


def read_progress(originals: Path, frame: ProgressFrame) -> Iterator[TrainingProgressView]:
    yield TrainingProgressView(frame.path, frame.progress, read_strip(originals), read_strip(frame.path))


TRAINING_PROGRESS = ViewKind[TrainingProgressView](
    name="training_progress",
    build=lambda document, originals, frame: read_progress(originals, frame),
    priority=Priority.THUMBNAILS,
    signals=lambda document: (document.trainings.frame_requested,),
)
