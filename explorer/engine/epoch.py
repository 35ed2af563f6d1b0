"""One epoch: shuffle, add noise, train on batches, report progress; and the validation loss."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.data.corruption import corrupt
from explorer.data.preprocessing import to_floats
from explorer.engine import messages
from explorer.engine.control import Rest
from explorer.engine.prepare import Prepared
from explorer.engine.step import Step
from explorer.errors import TrainingError
from explorer.models.batches import images_at_once
from explorer.types import Floats

REPORT_SECONDS = 0.2
_VALIDATION_BATCH = 500
_VALIDATION_SEED = 1

Between: TypeAlias = Callable[[], Generator[messages.TrainingEvent, None, None]]
"""Called between two steps: obeys orders, sends live weights, writes checkpoints."""


@dataclass
class EpochProgress:
    """Progress of the current epoch, which is part of a checkpoint: its number from 1; steps and images done.

    `sums` ``(3,)`` float64 are loss, reconstruction and KL, summed over these images. `seconds` are without pauses.
    """

    epoch: int
    step: int = 0
    seen: int = 0
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    seconds: float = 0.0

    @property
    def losses(self) -> NDArray[np.float64]:
        """Mean loss, reconstruction and KL so far, ``(3,)``."""
        return self.sums / max(1, self.seen)


def run_epoch(
    prepared: Prepared, step: Step, progress: EpochProgress, rest: Rest, between: Between
) -> Generator[messages.TrainingEvent, None, float]:
    """Train to the end of an epoch; yield progress a few times per second, return images per second.

    Order and noise depend only on the seed and the numbers of epoch and step, so that a resumed training gives the same
    result as an uninterrupted one, even if resumed within an epoch.

    Raises TrainingError if the loss is not finite; Interrupted, StoppedEarly if `between`, which is called before every
    step, raises it.
    """
    settings, epoch = prepared.settings, progress.epoch
    order = np.random.default_rng([settings.seed, epoch]).permutation(len(prepared.train))
    steps = steps_per_epoch(prepared)
    clock = _Clock(progress, rest)
    with closing(_batches(prepared, order, epoch, range(progress.step, steps))) as batches:
        for number in range(progress.step, steps):
            clock.stop()
            yield from between()
            clock.start()
            given, clean = next(batches)
            losses = np.asarray(step.train(given, clean, (epoch - 1) * steps + number), np.float64)
            if not np.isfinite(losses[0]):
                raise TrainingError(
                    "The loss is {loss} in epoch {epoch}, step {step}. "
                    "Lower the learning rate, or resume from the last checkpoint.",
                    loss=float(losses[0]),
                    epoch=epoch,
                    step=number + 1,
                )
            progress.sums += losses * len(clean)
            progress.seen += len(clean)
            progress.step += 1
            if clock.report_due():
                yield messages.Step(epoch, progress.step, steps, float(progress.losses[0]), clock.rate())
    clock.stop()
    return clock.whole_rate()


def _batches(
    prepared: Prepared, order: NDArray[np.int64], epoch: int, numbers: range
) -> Generator[tuple[Floats, Floats], None, None]:
    """Yield input and target of each step; a thread prepares the next batch during the step."""
    settings = prepared.settings

    def make(number: int) -> tuple[Floats, Floats]:
        clean = to_floats(prepared.train[order[number * settings.batch : (number + 1) * settings.batch]])
        if not prepared.noises:
            return clean, clean
        rng = np.random.default_rng([settings.seed, epoch, number + 1])
        return corrupt(clean, prepared.noises, rng), clean

    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        ready = pool.submit(make, numbers[0]) if numbers else None
        for following in [*numbers[1:], None]:
            if ready is None:
                return
            batch = ready.result()
            ready = None if following is None else pool.submit(make, following)
            yield batch


class _Clock:
    def __init__(self, progress: EpochProgress, rest: Rest) -> None:
        self._progress = progress
        self._rest = rest
        self._rested = rest.seconds
        self._running: float | None = None
        self._begun = self._reported = time.monotonic()
        self._seen_before = self._seen_reported = progress.seen

    def start(self) -> None:
        self._running = time.monotonic()

    def stop(self) -> None:
        """Stop measuring, and exclude pauses."""
        now = time.monotonic()
        paused = self._rest.seconds - self._rested
        self._rested = self._rest.seconds
        self._begun += paused
        self._reported += paused
        if self._running is not None:
            self._progress.seconds += now - self._running
            self._running = None

    def report_due(self) -> bool:
        return time.monotonic() - self._reported > REPORT_SECONDS

    def rate(self) -> float:
        """Images per second since the last report."""
        now = time.monotonic()
        rate = (self._progress.seen - self._seen_reported) / max(1e-9, now - self._reported)
        self._reported, self._seen_reported = now, self._progress.seen
        return rate

    def whole_rate(self) -> float:
        """Images per second since the epoch began or was resumed."""
        self.stop()
        return (self._progress.seen - self._seen_before) / max(1e-9, time.monotonic() - self._begun)


def steps_per_epoch(prepared: Prepared) -> int:
    """Return the number of batches in an epoch; the last may be smaller."""
    return -(-len(prepared.train) // prepared.settings.batch)


def validation_losses(prepared: Prepared, step: Step) -> tuple[NDArray[np.float64], Floats]:
    """Return the mean losses over the validation images, with the same noise every time.

    They are ``(3,)`` float64: loss, reconstruction and KL; and ``(d,)`` float32: KL of each dimension, empty unless the
    model is a VAE.
    """
    rng = np.random.default_rng(_VALIDATION_SEED)
    pixels = prepared.validation
    batch = images_at_once(prepared.spec.image_shape, _VALIDATION_BATCH)
    totals: list[NDArray[np.float64]] = []
    divergences: list[Floats] = []
    for start in range(0, len(pixels), batch):
        clean = to_floats(pixels[start : start + batch])
        given = corrupt(clean, prepared.noises, rng) if prepared.noises else clean
        losses, per_dim = step.validate(given, clean)
        totals.append(np.asarray(losses, np.float64) * len(clean))
        divergences.append(np.asarray(per_dim, np.float32) * np.float32(len(clean)))
    return np.sum(totals, axis=0) / len(pixels), np.sum(divergences, axis=0) / np.float32(len(pixels))
