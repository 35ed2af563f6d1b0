"""A training from request to bundle, as a generator of events."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from explorer.data.preprocessing import Reading, to_floats
from explorer.data.source import Skipped
from explorer.data.sources import places_of
from explorer.engine import messages
from explorer.engine.budget import Budget
from explorer.engine.checkpoint import CONTENT_HASH, Checkpointed, load_checkpoint, save_checkpoint
from explorer.engine.control import Control, Interrupted, Rest, StoppedEarly, Unattended, obey
from explorer.engine.early_stop import BestWeights
from explorer.engine.epoch import EpochProgress, run_epoch, steps_per_epoch, validation_losses
from explorer.engine.finish import finish
from explorer.engine.live import WITHIN_SECONDS, LiveView
from explorer.engine.pca import solve
from explorer.engine.prepare import Prepared, prepare
from explorer.engine.step import Step
from explorer.engine.tensorboard import TensorBoardLog, check_tensorboard
from explorer.errors import ExportError, ModelError
from explorer.messages import Message, message
from explorer.models.bundle import bundle_folder, check_replaceable
from explorer.models.card import EpochRecord, LossParts
from explorer.models.reservation import Reservation
from explorer.models.settings import TrainingRequest, checkpoint_folder
from explorer.paths import check_apart

CHECKPOINT_SECONDS = 2.0
"""Minimum interval between checkpoints."""

LONG_SECONDS = 30.0
"""Interval between checkpoints within an epoch, if their time budget allows it."""

CHECKPOINT_SHARE = 0.01
"""Maximum share of the training time for checkpoints."""

EVEN_PREVIEWS = 8
"""Number of equal parts of a training that each end with a live preview, even if it is too short for its time budget.
"""


def train(
    request: TrainingRequest, control: Control | None = None, *, live: bool = False
) -> Iterator[messages.TrainingEvent]:
    """Train a model and write its bundle to ``request.out``.

    Yields progress, `Checkpoint`, `Live` if requested, `Paused` and `Resumed`, and last `Finished` or `Cancelled`.
    Orders are polled before every step. ExplorerError if the training cannot start or continue; the last checkpoint is
    kept, and no partial bundle is left.
    """
    check_place(request)
    if request.tensorboard is not None:
        check_tensorboard()
    last: messages.TrainingEvent | None = None
    with Reservation(request.out):
        for event in _train(request, control, live):
            if isinstance(event, messages.ENDINGS):
                last = event  # sent after the reservation is released
            else:
                yield event
    if last is not None:
        yield last


def check_place(request: TrainingRequest) -> None:
    """Check the output folders of a training before it begins.

    Raises ExportError if one exists already, or overlaps with an input.
    """
    read = places_of(request.data)
    if request.start_from is not None:
        read.append(bundle_folder(request.start_from))
    for written in (request.out, checkpoint_folder(request.out), request.tensorboard):
        if written is not None:
            check_apart(written, read)
    check_replaceable(request.out, force=request.force)


def _train(request: TrainingRequest, control: Control | None, live: bool) -> Iterator[messages.TrainingEvent]:
    folder = checkpoint_folder(request.out)
    control = control or Unattended()
    begun, rest = time.monotonic(), Rest()
    try:
        prepared: Prepared | None = None
        for item in prepare(request):
            try:
                yield from obey(control, rest)
            except StoppedEarly:
                raise Interrupted from None  # there is no model to save yet
            if isinstance(item, Prepared):
                prepared = item
            else:
                yield item
        assert prepared is not None
        training = Training(prepared, folder, control, rest, live=live)
        yield from training.run()
        seconds = time.monotonic() - begun - rest.seconds
        try:
            yield from finish(prepared, training.history, seconds, folder)
        except ExportError:
            yield from training.save()  # so that --resume can write the bundle after the user has fixed the problem
            raise
    except Interrupted:
        yield messages.Cancelled(str(folder) if folder.is_dir() else "")


class Training:
    """The training loop; `folder` is that of the checkpoint, and orders are polled before every step."""

    def __init__(self, prepared: Prepared, folder: Path, control: Control, rest: Rest, *, live: bool) -> None:
        self.prepared = prepared
        self.settings = prepared.settings
        self.folder = folder
        self.control = control
        self.rest = rest
        self._wants_live = live
        self.live: LiveView | None = None
        self._steps = steps_per_epoch(prepared)
        self._step = Step(
            prepared.encoder,
            prepared.decoder,
            self.settings,
            self.settings.epochs * self._steps,
            variational=prepared.spec.variational,
        )
        best = BestWeights(self._step, self.settings.early_stop)
        self._kept = Checkpointed(self._step, [], EpochProgress(1), best)
        self._log: TensorBoardLog | None = None
        self._trouble: Message | None = None
        self._identity: dict[str, object] = {}
        self._begun = time.monotonic()
        self._budget = Budget(CHECKPOINT_SHARE, CHECKPOINT_SECONDS, self._clock)
        self._parts = 0

    def _clock(self) -> float:
        """Training time in seconds, without pauses."""
        return time.monotonic() - self.rest.seconds

    @property
    def history(self) -> list[EpochRecord]:
        return self._kept.history

    def run(self) -> Iterator[messages.TrainingEvent]:
        kept = self._kept
        yield messages.Working(message("Analyzing images"))
        self._identity = _identity(self.prepared)
        if self.prepared.request.resume:
            load_checkpoint(self.folder, kept, self.settings, self._identity)
        yield _started(self.prepared, len(kept.history) + 1)
        if self.settings.solver == "pca":
            kept.history.append((yield from self._solve()))
            return
        log = self.prepared.request.tensorboard
        self._log = None if log is None else TensorBoardLog(log, self.prepared)
        yield from self._begin_live()
        self._budget.start()
        try:
            while len(kept.history) < self.settings.epochs:
                rate = yield from run_epoch(self.prepared, self._step, kept.progress, self.rest, self._between)
                yield from self._end_epoch(rate)
                if kept.best.should_stop(kept.history[-1].val_loss):
                    break
                yield from self._after_epoch()
        except StoppedEarly:
            yield from self._stop()
        finally:
            if self._log is not None:
                self._log.close()
        kept.best.restore()
        if self.live is not None:  # the last preview shows the final weights
            yield self._live_event(self.live)

    # -- epochs --------------------------------------------------------------------------------------------------

    def _end_epoch(self, rate: float) -> Iterator[messages.Epoch]:
        """Compute the validation loss, record the epoch and start the next."""
        progress = self._kept.progress
        begun = time.monotonic()
        validation, kl_per_dim = validation_losses(self.prepared, self._step)
        loss, reconstruction, kl = (float(value) for value in progress.losses)
        val_loss, val_reconstruction, val_kl = (float(value) for value in validation)
        parts = None
        if self.prepared.spec.variational:
            parts = LossParts(
                reconstruction=reconstruction, kl=kl, val_reconstruction=val_reconstruction, val_kl=val_kl
            )
        seconds = progress.seconds + time.monotonic() - begun
        record = EpochRecord(epoch=progress.epoch, loss=loss, val_loss=val_loss, seconds=seconds, parts=parts)
        self._kept.history.append(record)
        self._kept.progress = EpochProgress(progress.epoch + 1)
        dimensions = tuple(float(value) for value in kl_per_dim)
        event = messages.Epoch(
            record.epoch, self.settings.epochs, loss, val_loss, seconds, rate, record.parts, dimensions
        )
        if self._log is not None:
            self._log.write(event, self._step.optimizer, last=record.epoch == self.settings.epochs)
        yield event

    def _after_epoch(self) -> Iterator[messages.TrainingEvent]:
        """Write a checkpoint and send a preview, if they are due."""
        last = len(self.history) >= self.settings.epochs
        if self._budget.due() and not last:
            yield from self.save()
        if not last:
            yield from self._show()

    def _between(self) -> Generator[messages.TrainingEvent, None, None]:
        """Obey orders, write checkpoints and send previews between two steps."""
        progress = self._kept.progress
        order = obey(self.control, self.rest, progress.epoch, progress.step)
        for event in order:
            if isinstance(event, messages.Paused):
                # Saved before the event is sent: after it, the process may be killed without loss.
                yield from self.save()
                if self.live is not None:
                    # Not counted on the budget, since the user asked for it.
                    yield self._live_event(self.live)
            yield event
        if self._budget.due(LONG_SECONDS):
            yield from self.save()
        yield from self._show(WITHIN_SECONDS)

    def _stop(self) -> Iterator[messages.TrainingEvent]:
        """End the training, with a partial last epoch; Interrupted if no step was done."""
        progress = self._kept.progress
        if progress.step:
            yield from self._end_epoch(progress.seen / max(progress.seconds, 1e-9))
            self._kept.best.should_stop(self.history[-1].val_loss)
        elif not self.history:
            raise Interrupted

    # -- beside the training ---------------------------------------------------------------------------------------

    def save(self) -> Iterator[messages.TrainingEvent]:
        """Write a checkpoint; if that fails, report it and continue, since space may be available the next time."""
        try:
            with self._budget.spending():
                save_checkpoint(self.folder, self._kept, self.settings, self._identity)
        except ExportError as error:
            note = message(
                "Cannot save a checkpoint; training continues, and the last checkpoint is kept. {problem}",
                problem=error.message,
            )
            if note != self._trouble:  # reported only once
                yield messages.Trouble(note)
            self._trouble = note
        else:
            self._trouble = None
            yield messages.Checkpoint(len(self.history), str(self.folder))

    def _begin_live(self) -> Iterator[messages.TrainingEvent]:
        if not self._wants_live:
            return
        yield messages.Working(message("Preparing live preview"))
        try:
            self.live = LiveView(self.prepared, self._clock)
        except ModelError as error:
            yield messages.Advice(message("No live preview is available. {problem}", problem=error.message))
            return
        yield self._live_event(self.live)
        self.live.budget.start()

    def _show(self, seconds: float | None = None) -> Iterator[messages.TrainingEvent]:
        """Send a preview if it is due, see `Budget.due`; the time to send it counts, too."""
        if self.live is not None and (self.live.budget.due(seconds) or self._parts_done() > self._parts):
            with self.live.budget.spending():
                yield self._live_event(self.live)

    def _parts_done(self) -> int:
        progress = self._kept.progress
        done = (progress.epoch - 1) * self._steps + progress.step
        return done * EVEN_PREVIEWS // (self.settings.epochs * self._steps)

    def _live_event(self, view: LiveView) -> messages.Live:
        progress = self._kept.progress
        seconds = self._clock() - self._begun
        self._parts = self._parts_done()
        return view.show(self.history, progress.epoch - 1 + progress.step / self._steps, seconds)

    # -- the closed form -------------------------------------------------------------------------------------------

    def _solve(self) -> Generator[messages.TrainingEvent, None, EpochRecord]:
        begun = time.monotonic()
        yield messages.Working(message("Computing principal components"))
        images = to_floats(self.prepared.train[:])
        solve(images, self.prepared.encoder, self.prepared.decoder, self.settings.seed)
        losses = [float(self._step.validate(part, part)[0][0]) * len(part) for part in _parts(images)]
        validation, _ = validation_losses(self.prepared, self._step)
        record = EpochRecord(
            epoch=1,
            loss=sum(losses) / len(images),
            val_loss=float(validation[0]),
            seconds=time.monotonic() - begun,
        )
        rate = len(images) / max(record.seconds, 1e-9)
        yield messages.Epoch(1, 1, record.loss, record.val_loss, record.seconds, rate)
        return record


def _parts(images: Any, size: int = 1_000) -> Iterator[Any]:
    return (images[start : start + size] for start in range(0, len(images), size))


def _identity(prepared: Prepared) -> dict[str, object]:
    """Return the arguments that must not change for a training to be resumed."""
    request, reading = prepared.request, prepared.preprocessing.reading
    return {
        "architecture": prepared.architecture.name,
        "data": prepared.source.name,
        "start_from": prepared.started_from,
        "crop": prepared.source.crop if request.crop is None else request.crop,
        "invert": request.invert,
        # None as in checkpoints of earlier versions, which read all images in one way.
        "reading": None if reading == Reading() else reading.model_dump(mode="json"),
        "image_shape": list(prepared.spec.image_shape),
        "latent": prepared.spec.latent_dim,
        "train_count": len(prepared.train),
        CONTENT_HASH: prepared.source.content_hash(),
    }


def _reported(skipped: Skipped) -> tuple[str, str]:
    """Return name and reason as valid Unicode: file names may contain undecodable bytes."""
    name, reason = (text.encode("utf-8", "backslashreplace").decode() for text in (skipped.name, str(skipped.reason)))
    return name, reason


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
        skipped=tuple(map(_reported, prepared.source.skipped[: messages.MOST_SKIPPED])),
    )
