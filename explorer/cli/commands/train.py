"""``train``: a training in the model process, as a stream of events."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from explorer.cli import places
from explorer.cli.command import INTERRUPTED, Command
from explorer.cli.console import Console, figures_text, shape_text
from explorer.cli.inputs import warn_of
from explorer.cli.interrupts import interrupts
from explorer.cli.log import write_log
from explorer.cli.parser import DATA_HELP, MODEL_HELP, NOISE_HELP, add_out, size
from explorer.data.sources import known_sources, open_source
from explorer.engine import messages
from explorer.engine.client import ModelProcess
from explorer.errors import ExportError, TrainingError
from explorer.models.architectures import ARCHITECTURES
from explorer.models.bundle import CARD, resolve_bundle
from explorer.models.settings import TrainingRequest, make_request, resolve_settings
from explorer.types import Progress

_NUMBERS: tuple[tuple[str, type, str, str], ...] = (
    ("crop", int, "N", "cut N pixels off each side before resizing (default: what is usual for these pictures)"),
    ("epochs", int, "N", "passes over the pictures"),
    ("batch", int, "N", "pictures a step"),
    ("rate", float, "X", "Adam's learning rate"),
    ("beta", float, "X", "weight of a variational model's KL term"),
    ("l1", float, "X", "strength of the L1 penalty on the code (default: 1e-5 for sparse, else 0)"),
    ("augment", int, "N", "make N pictures from the training pictures and train on those"),
    ("limit", int, "N", "at most N training pictures"),
    ("seed", int, "N", "seed of weights, order, noise and augmentation (default: 0)"),
    ("early-stop", int, "N", "end after N epochs without a better validation loss, and keep the best"),
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options; what is left out stays the architecture's default."""
    add = parser.add_argument
    add("--arch", required=True, dest="architecture", metavar="A", help=f"one of {', '.join(ARCHITECTURES)}")
    add("--data", required=True, metavar="D", help=DATA_HELP)
    add_out(parser, "the bundle's folder, which must not exist yet", "DIR", replaced="a model bundle, and nothing else")
    omit = argparse.SUPPRESS
    add("--from", dest="start_from", metavar="MODEL", default=omit, help=f"go on with a trained model: {MODEL_HELP}")
    add("--latent", type=int, metavar="N", default=omit, help="numbers in a code; not for a spatial one")
    add("--size", type=size, metavar="HxW", default=omit, help="resize the pictures (default: as they are)")
    add("--invert", action="store_true", default=omit, help="exchange dark and light")
    for name, kind, metavar, what in _NUMBERS:
        add(f"--{name}", type=kind, metavar=metavar, default=omit, help=what)
    add("--schedule", choices=("constant", "cosine"), default=omit, help="how the rate goes on")
    add("--loss", choices=("bce", "mse"), default=omit, help="reconstruction loss")
    add("--noise", metavar="N", default=omit, help=NOISE_HELP)
    add("--tensorboard", metavar="DIR", default=omit, help="write a log for TensorBoard there (extra: tensorboard)")
    add("--resume", action="store_true", default=omit, help="go on from the checkpoint that an earlier run left")


def _check_log(folder: Path, options: Namespace) -> None:
    """Check the folder of a log, to which files are added; one inside the bundle would be in its way at the end."""
    out = places.file_path(options.out).resolve()
    if out in (folder.resolve(), *folder.resolve().parents):
        raise ExportError(f"a folder outside of {out} for --tensorboard", str(folder), "Choose another.")
    if folder.exists() and not folder.is_dir():
        raise ExportError("a folder for --tensorboard", f"{folder}, which is a file", "Choose another name.")


def run(options: Namespace, console: Console) -> int:
    """Train, and print what happens as it does."""
    return _train(_checked_request(options), console)


def _checked_request(options: Namespace) -> TrainingRequest:
    """Make the request, and find what is wrong with it before Keras is imported for it."""
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
        If it is neither, or the pictures of that name are not on this machine.
    """
    known = {entry.name: entry for entry in known_sources()}
    entry = known.get(spec.strip().lower().replace("-", "_"))
    path = Path(spec).expanduser()
    if (entry is not None and entry.status == "missing") or (entry is None and not path.exists()):
        open_source(spec)
    return spec if entry is not None else str(path.absolute())


def _train(request: TrainingRequest, console: Console) -> int:
    process, reporter = ModelProcess(), _Reporter(console)
    try:
        with interrupts(process) as received:
            for event in process.run(messages.Train(request)):
                if received:
                    # The first one may have come before the request did.
                    process.cancel()
                code = reporter.show(event)
                if code is not None:
                    return code
    except KeyboardInterrupt:
        return _cancelled(console, reporter.checkpoint)
    finally:
        process.close()
    raise TrainingError("the training to say how it ended", "nothing")


class _Reporter:
    """Prints the events of one training."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._epochs = 0
        self.checkpoint = ""

    def show(self, event: messages.Event) -> int | None:
        """Print one event; return the exit code at the last."""
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
                console.bar(Progress(done, total, f"epoch {event.epoch}/{self._epochs}, loss {event.loss:.4g}"))
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
                console.event({"event": "finished", "metrics": event.metrics, "path": event.path})
                console.line(f"test pictures: {figures_text(event.metrics)}")
                console.line(f"written to {event.path}")
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
        f"{event.architecture} on {event.data}: {event.train_count:,} pictures of {shape_text(event.image_shape)}, "
        f"code {shape_text(event.latent_shape)}, {event.encoder_params:,} + {event.decoder_params:,} parameters"
    )


def _cancelled(console: Console, checkpoint: str) -> int:
    console.event({"event": "cancelled", "checkpoint": checkpoint or None})
    console.line(
        f"cancelled; go on with --resume from {checkpoint}" if checkpoint else "cancelled; nothing was written"
    )
    return INTERRUPTED


COMMAND = Command(
    "train --arch deep-dense --data digits --epochs 20 --out my-digits",
    add_arguments,
    run,
    reads={"data": places.data, "start_from": places.model},
    writes={"out": places.new_bundle, "tensorboard": _check_log},
    tells_failure=True,
    notes=(
        "What is left out is as the architecture's reference had it. Ctrl+C stops at the next step and keeps the last\n"
        "checkpoint beside DIR; a second one ends at once. With --json, one event a line: started, epoch, checkpoint,\n"
        "and last finished, cancelled or failed."
    ),
)
