"""A training from request to bundle, as a stream of events."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

from explorer.data.preprocessing import to_floats
from explorer.engine import messages
from explorer.engine.checkpoint import load_checkpoint, save_checkpoint
from explorer.engine.epoch import Interrupted, run_epoch, steps_per_epoch, validation_loss
from explorer.engine.finish import finish
from explorer.engine.pca import solve
from explorer.engine.prepare import Prepared, prepare
from explorer.engine.step import Step
from explorer.models.card import EpochRecord
from explorer.models.settings import TrainingRequest, checkpoint_folder
from explorer.paths import check_writable, refuse_existing

CHECKPOINT_SECONDS = 2.0
"""Shortest time between two checkpoints, so that very short epochs do not spend it on writing."""


def train(request: TrainingRequest, cancelled: Callable[[], bool]) -> Iterator[messages.TrainingEvent]:
    """Train a model and write its bundle to ``request.out``.

    Parameters
    ----------
    request
        What to train.
    cancelled
        Asked before every step; when it says yes, the stream ends in `Cancelled`.

    Yields
    ------
    TrainingEvent
        `Working`, `Started`, `Step`, `Epoch`, `Checkpoint`, and last `Finished` or `Cancelled`.

    Raises
    ------
    ExplorerError
        If it cannot start or go on; nothing half-written is left, and the last checkpoint stays.
    """
    refuse_existing(request.out, force=request.force)
    check_writable(request.out.parent)
    folder = checkpoint_folder(request.out)
    begun = time.monotonic()
    try:
        prepared: Prepared | None = None
        for item in prepare(request):
            if cancelled():
                raise Interrupted
            if isinstance(item, Prepared):
                prepared = item
            else:
                yield item
        assert prepared is not None
        history = yield from _fit(prepared, folder, cancelled)
        yield from finish(prepared, history, time.monotonic() - begun, folder)
    except Interrupted:
        yield messages.Cancelled(str(folder) if folder.is_dir() else "")


def _fit(
    prepared: Prepared, folder: Path, cancelled: Callable[[], bool]
) -> Generator[messages.TrainingEvent, None, list[EpochRecord]]:
    settings = prepared.settings
    total = settings.epochs * steps_per_epoch(prepared)
    step = Step(prepared.encoder, prepared.decoder, settings, total, variational=prepared.spec.variational)
    history: list[EpochRecord] = []
    if prepared.request.resume:
        history = load_checkpoint(folder, step, settings, _identity(prepared))
    yield _started(prepared, len(history) + 1)
    if settings.solver == "pca":
        return [(yield from _solve(prepared, step))]
    keeper = _BestKeeper(step, settings.early_stop)
    saved = time.monotonic()
    for epoch in range(len(history) + 1, settings.epochs + 1):
        begun = time.monotonic()
        loss = yield from run_epoch(prepared, step, epoch, cancelled)
        record = EpochRecord(
            epoch=epoch, loss=loss, val_loss=validation_loss(prepared, step), seconds=time.monotonic() - begun
        )
        history.append(record)
        yield messages.Epoch(epoch, settings.epochs, record.loss, record.val_loss, record.seconds)
        if epoch < settings.epochs and time.monotonic() - saved >= CHECKPOINT_SECONDS:
            save_checkpoint(folder, step, settings, _identity(prepared), history)
            saved = time.monotonic()
            yield messages.Checkpoint(epoch, str(folder))
        if keeper.should_stop(record.val_loss):
            break
    keeper.restore()
    return history


def _solve(prepared: Prepared, step: Step) -> Generator[messages.TrainingEvent, None, EpochRecord]:
    begun = time.monotonic()
    yield messages.Working("solving for the principal components")
    pictures = to_floats(prepared.train[:])
    solve(pictures, prepared.encoder, prepared.decoder, prepared.settings.seed)
    losses = [float(step.validate(part, part)) * len(part) for part in _parts(pictures)]
    record = EpochRecord(
        epoch=1,
        loss=sum(losses) / len(pictures),
        val_loss=validation_loss(prepared, step),
        seconds=time.monotonic() - begun,
    )
    yield messages.Epoch(1, 1, record.loss, record.val_loss, record.seconds)
    return record


def _parts(pictures: Any, size: int = 1_000) -> Iterator[Any]:
    return (pictures[start : start + size] for start in range(0, len(pictures), size))


class _BestKeeper:
    """Early stopping: remembers the weights of the best validation loss."""

    def __init__(self, step: Step, patience: int) -> None:
        self._step = step
        self._patience = patience
        self._best = float("inf")
        self._waited = 0
        self._weights: tuple[Any, Any] | None = None

    def should_stop(self, val_loss: float) -> bool:
        if not self._patience:
            return False
        if val_loss < self._best:
            self._best, self._waited = val_loss, 0
            self._weights = self._step.encoder.get_weights(), self._step.decoder.get_weights()
        else:
            self._waited += 1
        return self._waited >= self._patience

    def restore(self) -> None:
        if self._weights:
            self._step.encoder.set_weights(self._weights[0])
            self._step.decoder.set_weights(self._weights[1])


def _identity(prepared: Prepared) -> dict[str, object]:
    """What must be the same for a checkpoint to fit."""
    request = prepared.request
    return {
        "architecture": prepared.architecture.name,
        "data": prepared.source.name,
        "start_from": prepared.started_from,
        "crop": prepared.source.crop if request.crop is None else request.crop,
        "invert": request.invert,
        "image_shape": list(prepared.spec.image_shape),
        "latent": prepared.spec.latent_dim,
        "train_count": len(prepared.train),
    }


def _started(prepared: Prepared, first_epoch: int) -> messages.Started:
    spec = prepared.spec
    return messages.Started(
        architecture=prepared.architecture.name,
        data=prepared.source.name,
        image_shape=spec.image_shape,
        latent_shape=spec.latent_shape,
        encoder_params=spec.encoder.parameters,
        decoder_params=spec.decoder.parameters,
        train_count=len(prepared.train),
        val_count=len(prepared.validation),
        first_epoch=first_epoch,
        epochs=prepared.settings.epochs,
    )
