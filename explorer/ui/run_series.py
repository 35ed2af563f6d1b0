"""Which trainings are drawn together, and in which order; their place is the number of their colour."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from explorer.document.document import Document
from explorer.models.runs import CurvePoint


@dataclass(frozen=True)
class Series:
    """The points of one training: of the run in that folder, if it has one yet."""

    run: Path | None
    name: str
    points: tuple[CurvePoint, ...]


def shown_series(document: Document) -> list[Series]:
    """Return the running training, or the last one where no other is chosen, and the runs that are chosen."""
    training, trainings = document.training, document.trainings
    chosen = [run for run in trainings.runs if run.path in trainings.chosen and run.path != training.run]
    shown = [Series(run.path, run.name, run.curve) for run in chosen]
    if training.phase != "idle" and (training.active or not chosen or training.run in trainings.chosen):
        shown.insert(0, Series(training.run, training.title, training.curve))
    return shown
