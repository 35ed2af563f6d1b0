"""What goes on in the background, as the window shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class JobView:
    """A long job: `done` of `total` units (0: not known), seconds left or None."""

    key: int
    title: str
    done: int = 0
    total: int = 0
    note: str = ""
    seconds_left: float | None = None


@dataclass(frozen=True)
class CurvePoint:
    """Losses of one epoch."""

    epoch: int
    loss: float
    val_loss: float


@dataclass(frozen=True)
class TrainingView:
    """The training that runs, or the last one.

    Attributes
    ----------
    phase
        ``idle`` before the first; ``starting`` until the first step; then ``running``; then one of the ends.
    title
        Name of the model in training.
    note
        What is being done, or how it ended.
    epoch, epochs, step, steps
        How far it is.
    curve
        Losses of the epochs so far.
    seconds_left
        Estimate, or None.
    path
        The bundle, once it is finished.
    """

    phase: Literal["idle", "starting", "running", "finishing", "finished", "cancelled", "failed"] = "idle"
    title: str = ""
    note: str = ""
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    curve: tuple[CurvePoint, ...] = field(default=())
    seconds_left: float | None = None
    path: str = ""

    @property
    def active(self) -> bool:
        """Whether a training runs."""
        return self.phase in {"starting", "running", "finishing"}
