"""One epoch: shuffle, corrupt anew, step through, report now and then; then the validation loss."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

import numpy as np

from explorer.data.corruption import corrupt
from explorer.data.preprocessing import to_floats
from explorer.engine import messages
from explorer.engine.prepare import Prepared
from explorer.engine.step import Step
from explorer.errors import TrainingError
from explorer.models.batches import pictures_at_once

REPORT_SECONDS = 0.2
_VALIDATION_BATCH = 500
_VALIDATION_SEED = 1


class Interrupted(Exception):
    """The user asked to stop."""


def run_epoch(
    prepared: Prepared, step: Step, epoch: int, cancelled: Callable[[], bool]
) -> Generator[messages.Step, None, float]:
    """Train for one epoch; yield progress a few times a second, return the mean training loss.

    Order and noise are drawn from the seed and the epoch's number alone, so that a resumed training goes on exactly
    as the first would have.

    Raises
    ------
    TrainingError
        If the loss is not finite.
    Interrupted
        If `cancelled` says so; asked before every step.
    """
    settings = prepared.settings
    rng = np.random.default_rng([settings.seed, epoch])
    order = rng.permutation(len(prepared.train))
    steps = steps_per_epoch(prepared)
    total, seen, reported = 0.0, 0, time.monotonic()
    for number in range(steps):
        if cancelled():
            raise Interrupted
        clean = to_floats(prepared.train[order[number * settings.batch : (number + 1) * settings.batch]])
        given = corrupt(clean, prepared.noises, rng) if prepared.noises else clean
        loss = float(step.train(given, clean, (epoch - 1) * steps + number))
        if not np.isfinite(loss):
            raise TrainingError(
                "a finite loss",
                f"{loss} in epoch {epoch}, step {number + 1}",
                "Lower the learning rate, or start from the last checkpoint.",
            )
        total, seen = total + loss * len(clean), seen + len(clean)
        if time.monotonic() - reported > REPORT_SECONDS:
            reported = time.monotonic()
            yield messages.Step(epoch, number + 1, steps, total / seen)
    return total / seen


def steps_per_epoch(prepared: Prepared) -> int:
    """Return the number of batches in an epoch, the last one possibly smaller."""
    return -(-len(prepared.train) // prepared.settings.batch)


def validation_loss(prepared: Prepared, step: Step) -> float:
    """Return the mean loss over the validation pictures, corrupted the same way every time."""
    rng = np.random.default_rng(_VALIDATION_SEED)
    pixels = prepared.validation
    batch = pictures_at_once(prepared.spec.image_shape, _VALIDATION_BATCH)
    total = 0.0
    for start in range(0, len(pixels), batch):
        clean = to_floats(pixels[start : start + batch])
        given = corrupt(clean, prepared.noises, rng) if prepared.noises else clean
        total += float(step.validate(given, clean)) * len(clean)
    return total / len(pixels)
