"""Which training runs are plotted together, and in which order; the position is the number of the color."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from explorer.document.document import Document
from explorer.models.runs import CurvePoint


@dataclass(frozen=True)
class Series:
    """The curve of one training; `run` is its folder, None until it has one."""

    run: Path | None
    name: str
    points: tuple[CurvePoint, ...]


def shown_series(document: Document) -> list[Series]:
    """Return the active training, or the last one if no run is selected, and the selected runs."""
    training, trainings = document.training, document.trainings
    chosen = [run for run in trainings.runs if run.path in trainings.chosen and run.path != training.run]
    shown = [Series(run.path, run.name, run.curve) for run in chosen]
    if training.phase != "idle" and (training.active or not chosen or training.run in trainings.chosen):
        shown.insert(0, Series(training.run, training.title, training.curve))
    return shown
