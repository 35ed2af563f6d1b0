"""``train``: train a model in the model process, and print its events."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import get_args

from explorer.cli import places
from explorer.cli.command import Command
from explorer.cli.console import Console, channel_lines, figures_text, images_text, shape_text
from explorer.cli.inputs import warn_of
from explorer.cli.interrupts import interrupts
from explorer.cli.log import write_log
from explorer.cli.parser import MODEL_HELP, add_data, add_noise, add_out, size
from explorer.data.choices import join, split
from explorer.data.metrics import DATA_RANGE
from explorer.data.sources import known_name, known_sources, open_source
from explorer.engine import messages
from explorer.engine.client import ModelProcess
from explorer.errors import INTERRUPTED, ExportError, TrainingError
from explorer.messages import message
from explorer.models.architectures import ARCHITECTURES
from explorer.models.bundle import CARD, resolve_bundle
from explorer.models.settings import TrainingRequest, make_request, resolve_settings
from explorer.models.spec import Loss, Schedule
from explorer.types import Progress

_PENALTIES = ", ".join(f"{kind.defaults.l1:g} for {kind.name}" for kind in ARCHITECTURES.values() if kind.defaults.l1)
_NUMBERS: tuple[tuple[str, type, str, str], ...] = (
    ("channels", int, "N", "channels: 1 trains in gray, 3 in color (default: those of the images)"),
    ("crop", int, "N", "crop N pixels from each side before resizing (default: depends on the dataset)"),
    ("epochs", int, "N", "number of epochs"),
    ("batch", int, "N", "batch size"),
    ("rate", float, "X", "learning rate"),
    ("beta", float, "X", "β, the weight of the KL term of a VAE"),
    ("l1", float, "X", f"L1 penalty on the code (default: {_PENALTIES}, else 0)"),
    ("augment", int, "N", "augment the training images to N images"),
    ("limit", int, "N", "use at most N training images"),
    ("seed", int, "N", "random seed of weights, order, noise and augmentation (default: 0)"),
    ("early-stop", int, "N", "stop after N epochs without a lower validation loss, and keep the best weights"),
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options; the default of an omitted one comes from the architecture."""
    add = parser.add_argument
    add("--arch", required=True, dest="architecture", metavar="A", help=f"architecture: {', '.join(ARCHITECTURES)}")
    add_data(parser)
    add_out(parser, "folder of the new bundle", "DIR", replaced="an existing model bundle, and nothing else")
    omit = argparse.SUPPRESS
    add(
        "--from",
        dest="start_from",
        metavar="MODEL",
        default=omit,
        help=f"initialize from a trained model: {MODEL_HELP}",
    )
    add("--latent", type=int, metavar="N", default=omit, help="number of latent dimensions; not for spatial codes")
    add("--size", type=size, metavar="HxW", default=omit, help="resize the images (default: unchanged)")
    add("--invert", action="store_true", default=omit, help="invert the images")
    for name, kind, metavar, what in _NUMBERS:
        add(f"--{name}", type=kind, metavar=metavar, default=omit, help=what)
    add("--schedule", choices=get_args(Schedule), default=omit, help="learning rate schedule")
    add("--loss", choices=get_args(Loss), default=omit, help="reconstruction loss")
    add_noise(parser, omit)
    add(
        "--tensorboard",
        metavar="DIR",
        default=omit,
        help="write a TensorBoard log to this folder (needs the extra “tensorboard”)",
    )
    add("--resume", action="store_true", default=omit, help="resume from the last checkpoint")


def _check_log(folder: Path, options: Namespace) -> None:
    """Check the folder of the TensorBoard log; inside the bundle it would prevent writing the bundle."""
    out = places.file_path(options.out).resolve()
    if out in (folder.resolve(), *folder.resolve().parents):
        raise ExportError(
            "Cannot use --tensorboard {folder}: it is inside the model {out}. Choose another folder.",
            folder=folder,
            out=out,
        )
    if folder.exists() and not folder.is_dir():
        raise ExportError("Cannot use --tensorboard {path}: it is a file. Choose a folder.", path=folder)


def run(options: Namespace, console: Console) -> int:
    return _train(_checked_request(options), console)


def _checked_request(options: Namespace) -> TrainingRequest:
    """Make the request, and find errors in it before Keras is imported."""
    values = {name: value for name, value in vars(options).items() if name in TrainingRequest.model_fields}
    values["out"] = places.file_path(values["out"])
    values["data"] = _checked_data(values["data"])
    if "tensorboard" in values:
        values["tensorboard"] = places.file_path(values["tensorboard"])
    request = make_request(**values)
    resolve_settings(request)
    if request.start_from is None:
        return request
    resolve_bundle(request.start_from)
    folder = Path(request.start_from).expanduser()
    return request.model_copy(update={"start_from": str(folder.absolute())}) if (folder / CARD).is_file() else request


def _checked_data(spec: str) -> str:
    """Return a known name, or an absolute path.

    Raises
    ------
    DataError
        If it is neither, or the dataset is not downloaded.
    """
    place, choices = split(spec)
    name = known_name(place)
    entry = next((entry for entry in known_sources() if entry.name == name), None)
    path = Path(place).expanduser()
    if (entry is not None and (entry.status == "missing" or choices)) or (entry is None and not path.exists()):
        open_source(spec)
    return spec if entry is not None else join(path.absolute(), choices)


def _train(request: TrainingRequest, console: Console) -> int:
    process, reporter = ModelProcess(), _Reporter(console)
    try:
        with interrupts(process) as received:
            for event in process.run(messages.Train(request)):
                if received:
                    # The first Ctrl+C may have come before the request was sent.
                    process.cancel()
                code = reporter.show(event)
                if code is not None:
                    return code
    except KeyboardInterrupt:
        return _cancelled(console, reporter.checkpoint)
    finally:
        process.close()
    raise TrainingError("The training ended without a result. Try again.")


class _Reporter:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._epochs = 0
        self.checkpoint = ""

    def show(self, event: messages.Event) -> int | None:
        """Print one event; return the exit code after the last one."""
        console = self._console
        match event:
            case messages.Started():
                self._epochs = event.epochs
                skipped = [{"file": file, "reason": reason} for file, reason in event.skipped]
                console.event({"event": "started", **asdict(event), "skipped": skipped})
                console.line(_started_text(event))
                warn_of(console, skipped)
            case messages.Step():
                done, total = (event.epoch - 1) * event.steps + event.step, self._epochs * event.steps
                note = message(
                    "Epoch {epoch}/{epochs}, loss {loss:.4g}", epoch=event.epoch, epochs=self._epochs, loss=event.loss
                )
                console.bar(Progress(done, total, note))
            case messages.Working():
                console.bar(Progress(event.done, event.total, event.note))
            case messages.Advice() | messages.Trouble():
                console.note(str(event.note))
            case messages.Epoch():
                facts = {"epoch": event.epoch, "loss": event.loss, "val_loss": event.val_loss, "seconds": event.seconds}
                console.event({"event": "epoch", **facts})
                console.line(
                    f"epoch {event.epoch}/{event.epochs}: loss {event.loss:.4g}, validation {event.val_loss:.4g}, "
                    f"{event.seconds:.1f} s"
                )
            case messages.Checkpoint():
                self.checkpoint = event.path
                console.event({"event": "checkpoint", **asdict(event)})
            case messages.Finished():
                console.event({"event": "finished", **_finished_facts(event)})
                console.line(f"test images: {figures_text(event.metrics)}")
                for line in (*channel_lines(event.channels, event.range), f"written to {event.path}"):
                    console.line(line)
                return 0
            case messages.Cancelled():
                return _cancelled(console, event.checkpoint)
            case messages.Failed():
                if event.details:
                    write_log(event.details)
                raise TrainingError(event.message)
        return None


def _started_text(event: messages.Started) -> str:
    return (
        f"{event.architecture} on {event.data}: {images_text(event.train_count)} of {shape_text(event.image_shape)}, "
        f"code {shape_text(event.latent_shape)}, {event.encoder_params:,} + {event.decoder_params:,} parameters"
    )


def _finished_facts(event: messages.Finished) -> dict[str, object]:
    by_channel = {"channels": list(event.channels)} if event.channels else {}
    return {"metrics": event.metrics, **by_channel, "data_range": DATA_RANGE, "range": event.range, "path": event.path}


def _cancelled(console: Console, checkpoint: str) -> int:
    console.event({"event": "cancelled", "checkpoint": checkpoint or None})
    console.line(f"canceled; continue with --resume ({checkpoint})" if checkpoint else "canceled; nothing was written")
    return INTERRUPTED


COMMAND = Command(
    "train --arch deep-dense --data digits --epochs 20 --out my-digits",
    add_arguments,
    run,
    reads={"data": places.data, "start_from": places.model},
    writes={"out": places.new_bundle, "tensorboard": _check_log},
    reports_failure=True,
    notes=(
        "Defaults depend on the architecture. Ctrl+C stops at the next step and keeps the last\n"
        "checkpoint next to DIR; a second Ctrl+C stops at once. With --json, one event per line: started, epoch,\n"
        "checkpoint, and finally finished, cancelled or failed."
    ),
)
