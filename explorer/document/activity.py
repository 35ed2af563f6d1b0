"""Background jobs and the training, as the window shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from explorer.messages import NO_MESSAGE, Message
from explorer.models.runs import CurvePoint, ProgressFrame


@dataclass(frozen=True)
class JobView:
    """A long job: `done` of `total` units (0: unknown), seconds left or None."""

    key: int
    title: Message
    done: int = 0
    total: int = 0
    note: Message = NO_MESSAGE
    seconds_left: float | None = None


@dataclass(frozen=True)
class TrainingView:
    """The running training, or the last one.

    `phase` is ``idle`` before the first; ``starting`` until the first step; then ``running`` or ``paused``; then a
    final phase. `note` is the current step, or how it ended; `rate` in images per second; `path` the bundle, once it is
    finished; `run` the run's folder.
    """

    phase: Literal["idle", "starting", "running", "paused", "finishing", "finished", "cancelled", "failed"] = "idle"
    title: str = ""
    note: Message = NO_MESSAGE
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    curve: tuple[CurvePoint, ...] = field(default=())
    rate: float | None = None
    seconds_left: float | None = None
    path: str = ""
    run: Path | None = None
    progress_frames: tuple[ProgressFrame, ...] = field(default=())

    @property
    def active(self) -> bool:
        return self.phase in {"starting", "running", "paused", "finishing"}

    @property
    def progress(self) -> float:
        """Completed epochs, fractional."""
        return len(self.curve) + (self.step / self.steps if self.steps else 0)
