"""Writes the events of a training to the log of its run."""

from __future__ import annotations

from explorer.engine.messages import (
    Advice,
    Cancelled,
    Checkpoint,
    Epoch,
    Event,
    Failed,
    Finished,
    Paused,
    Resumed,
    Started,
    Trouble,
)
from explorer.models.runs import RunWriter


def log_event(writer: RunWriter, event: Event) -> None:
    """Append an event to the log; steps and progress are not logged."""
    match event:
        case Started():
            writer.log(
                "started",
                first_epoch=event.first_epoch,
                epochs=event.epochs,
                train_count=event.train_count,
                val_count=event.val_count,
                image_shape=event.image_shape,
                latent_shape=event.latent_shape,
                encoder_params=event.encoder_params,
                decoder_params=event.decoder_params,
            )
        case Epoch():
            writer.log(
                "epoch",
                epoch=event.epoch,
                loss=event.loss,
                val_loss=event.val_loss,
                seconds=round(event.seconds, 3),
                rate=round(event.rate, 1),
                parts=None if event.parts is None else event.parts.model_dump(),
                kl_per_dim=event.kl_per_dim,
            )
        case Checkpoint():
            writer.log("checkpoint", epoch=event.epoch)
        case Paused():
            writer.log("paused", epoch=event.epoch, step=event.step)
        case Resumed():
            writer.log("resumed")
        case Advice() | Trouble():
            writer.log("advice", note=str(event.note))
        case Finished():
            writer.log("finished", metrics=event.metrics, model=event.path, decoder_hash=event.decoder_hash)
        case Cancelled():
            writer.log("cancelled")
        case Failed():
            writer.log("failed", message=str(event.message))
