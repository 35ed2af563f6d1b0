"""``import``: a Keras model that others wrote becomes a bundle."""

from __future__ import annotations

import argparse
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from explorer.cli import places
from explorer.cli.command import INTERRUPTED, Command, Report
from explorer.cli.console import Console, shape_text
from explorer.cli.interrupts import interrupts
from explorer.cli.log import write_log
from explorer.cli.parser import add_out
from explorer.engine import messages
from explorer.engine.client import IMPORT_SECONDS, ModelProcess
from explorer.errors import ModelError, UsageError
from explorer.models.foreign.record import RANGES, ValueRange
from explorer.models.foreign.request import ImportRequest
from explorer.types import Progress

CANCEL_SECONDS = 3.0
"""How long after Ctrl+C a step that does not end is waited for."""


def value_range(text: str) -> ValueRange:
    """Read a range of picture values as ``A,B``: one of `RANGES`."""
    known = {f"{low:g},{high:g}": (low, high) for low, high in RANGES}
    if text.replace(" ", "") not in known:
        raise argparse.ArgumentTypeError(f"one of {' | '.join(known)}; received “{text}”")
    return known[text.replace(" ", "")]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("path", nargs="?", metavar="PATH", help="a .keras or .h5 file, a SavedModel, or a folder with both halves")
    add_out(parser, "the bundle's folder, which must not exist yet", "DIR", replaced="a model bundle, and nothing else")
    add("--encoder", metavar="P", help="the encoder's file, or its name within PATH")
    add("--decoder", metavar="P", help="the decoder's file, or its name within PATH")
    add("--bottleneck", metavar="LAYER", help="the layer to cut at (default: the smallest that everything passes)")
    add(
        "--range-in",
        type=value_range,
        metavar="A,B",
        help="values of the pictures it takes: 0,1 or -1,1 or 0,255 (default: found by trying)",
    )
    add("--trust", action="store_true", help="let code in the model run, in a process of its own")


def run(options: Namespace, console: Console) -> Report | int:
    """Import, and say how it will run."""
    request = _request(options)
    process = ModelProcess()
    try:
        with interrupts(process) as received:
            for event in process.steps(messages.Import(request), IMPORT_SECONDS):
                if received and time.monotonic() - received[0] > CANCEL_SECONDS:
                    return INTERRUPTED
                match event:
                    case messages.Working():
                        console.bar(Progress(event.done, event.total, event.note))
                    case messages.ImportFinished():
                        return _report(event)
                    case messages.Cancelled():
                        return INTERRUPTED
                    case messages.Failed():
                        if event.details:
                            write_log(event.details)
                        raise ModelError(event.message)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        process.close()
    raise ModelError("the import to say how it ended", "nothing")


def _request(options: Namespace) -> ImportRequest:
    path, encoder, decoder = (
        None if text is None else Path(text).expanduser() for text in (options.path, options.encoder, options.decoder)
    )
    if path is None and encoder is None and decoder is None:
        raise UsageError("a model to import", "none", "Name its file, or --encoder and --decoder.")
    return ImportRequest(
        path=None if path is None else path.absolute(),
        out=places.file_path(options.out),
        encoder=_absolute(encoder),
        decoder=_absolute(decoder),
        bottleneck=options.bottleneck,
        ranges=options.range_in,
        trust=options.trust,
        force=options.force,
    )


def _absolute(path: Path | None) -> Path | None:
    """Return the absolute path of a file that is there; a name within a model stays as it is."""
    return path.absolute() if path is not None and path.exists() else path


def _report(event: messages.ImportFinished) -> Report:
    engine = (
        f"compiled, within {event.max_difference:.1e} of Keras"
        if event.engine == "onnx"
        else "run by Keras in a process of its own: ONNX cannot express it"
    )
    shapes = f"pictures {shape_text(event.image_shape)}, code {shape_text(event.latent_shape)}"
    document = {
        "name": event.name,
        "image_shape": event.image_shape,
        "latent_shape": event.latent_shape,
        "engine": event.engine,
        "max_difference": event.max_difference,
    }
    return Report(document, [f"{event.name}: {shapes}", engine, *event.notes, f"written to {event.path}"])


COMMAND = Command(
    "import autoencoder.h5 --out my-model",
    add_arguments,
    run,
    reads={"path": places.file, "encoder": places.file, "decoder": places.file},
    writes={"out": places.new_bundle},
    notes=(
        "The file is read as data first: layers with code of their own are named and refused, unless you trust them\n"
        "with --trust. A whole autoencoder is cut at its bottleneck; --bottleneck takes another layer."
    ),
)
