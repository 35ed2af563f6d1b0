"""``import``: convert a model of another program to a bundle."""

from __future__ import annotations

import argparse
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TypeVar, get_args

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console, shape_text
from explorer.cli.interrupts import interrupts
from explorer.cli.log import write_log
from explorer.cli.parser import add_out, condition
from explorer.data.sources import open_source
from explorer.engine import messages
from explorer.engine.client import IMPORT_SECONDS, ModelProcess
from explorer.errors import INTERRUPTED, ModelError, UsageError
from explorer.models.import_record import RANGES, ChannelOrder, Fitting, OutputRange, ValueRange
from explorer.models.third_party.files import files_of
from explorer.models.third_party.no_network import NoNetworkError, checking
from explorer.models.third_party.reading import finished
from explorer.models.third_party.request import Choices, ImportRequest
from explorer.types import Progress

T = TypeVar("T")
CANCEL_SECONDS = 3.0
"""Longest wait for a step to end after Ctrl+C."""


def value_range(text: str) -> ValueRange:
    """Read a range of image values as ``A,B``: one of `RANGES`."""
    return _one_of(text, {f"{low:g},{high:g}": (low, high) for low, high in RANGES})


def output_range(text: str) -> OutputRange:
    """Read the range of a decoder's values: one of `RANGES`, or ``logits``."""
    known: dict[str, OutputRange] = {f"{low:g},{high:g}": (low, high) for low, high in RANGES}
    return _one_of(text, known | {"logits": "logits"})


def _one_of(text: str, known: dict[str, T]) -> T:
    if text.replace(" ", "") not in known:
        raise argparse.ArgumentTypeError(f"“{text}” is not one of {' | '.join(known)}")
    return known[text.replace(" ", "")]


def add_arguments(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "path",
        nargs="?",
        metavar="PATH",
        help="a .keras, .h5, .onnx, .tflite, .pt2 or model.json file, TorchScript, a SavedModel, or a folder with "
        "encoder and decoder",
    )
    add_out(parser, "folder of the new bundle", "DIR", replaced="an existing model bundle, and nothing else")
    add("--encoder", metavar="P", help="file of the encoder, or its name within PATH")
    add("--decoder", metavar="P", help="file of the decoder, or its name within PATH")
    add("--bottleneck", metavar="LAYER", help="bottleneck layer (default: the smallest layer on every path)")
    add(
        "--range-in",
        type=value_range,
        metavar="A,B",
        help="range that the encoder takes: 0,1 or -1,1 or 0,255 (default: auto-detected)",
    )
    add(
        "--range-out",
        type=output_range,
        metavar="A,B",
        help="range that the decoder gives: 0,1 or -1,1 or 0,255, or logits (default: auto-detected)",
    )
    add(
        "--fit",
        choices=get_args(Fitting),
        help="images smaller than the model's: add a border, or enlarge them (default: auto-detected)",
    )
    add("--code", metavar="OUTPUT", help="output of the encoder that is the code, by layer name or number from 0")
    add(
        "--log-variance",
        metavar="OUTPUT",
        help="output of the encoder that is the log-variance; “stacked” if it follows the mean in the same output",
    )
    add(
        "--layout",
        choices=get_args(ChannelOrder),
        help="axes of the images of an ONNX, PyTorch or TensorFlow Lite file (default: auto-detected)",
    )
    add(
        "--condition",
        type=condition,
        metavar="LABEL",
        help="default of the condition inputs: a class, or values V,V,…; in an ONNX, PyTorch or TensorFlow Lite file "
        "it becomes fixed if the number of classes is unknown",
    )
    add(
        "--decoder-only",
        action="store_true",
        help="import only the decoder of a Keras model; code in a whole model does not run, even with --trust",
    )
    add("--data", metavar="D", help="also try the model on these images, which it knows: a known dataset, or a path")
    add("--trust", action="store_true", help="run code contained in the model, in a separate process")


def run(options: Namespace, console: Console) -> Report | int:
    request = _request(options)
    _check_formats(request, console)
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
                        log = write_log(event.details) if event.details else None
                        if log is not None:
                            raise ModelError("{message} Details: {log}", message=event.message, log=log)
                        raise ModelError(event.message)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        process.close()
    raise ModelError("The import ended without a result. Try again.")


def _check_formats(request: ImportRequest, console: Console) -> None:
    """Raise NoNetworkError if a file must be exported first, and show how."""
    try:
        for path in files_of(request):
            finished(checking(path))
    except NoNetworkError as error:
        for line in error.recipe.splitlines():
            console.line(line)
        raise


def _request(options: Namespace) -> ImportRequest:
    path, encoder, decoder = (
        None if text is None else Path(text).expanduser() for text in (options.path, options.encoder, options.decoder)
    )
    if path is None and encoder is None and decoder is None:
        raise UsageError("No model to import. Give PATH, or --encoder and --decoder.")
    return ImportRequest(
        path=None if path is None else path.absolute(),
        out=places.file_path(options.out),
        encoder=_absolute(encoder),
        decoder=_absolute(decoder),
        choices=Choices(
            bottleneck=options.bottleneck,
            range_in=options.range_in,
            range_out=options.range_out,
            fit=options.fit,
            code=options.code,
            log_variance=options.log_variance,
            layout=options.layout,
            condition=options.condition,
        ),
        trust=options.trust,
        force=options.force,
        decoder_only=options.decoder_only,
        data=None if options.data is None else open_source(options.data).spec,
    )


def _absolute(path: Path | None) -> Path | None:
    """Return the absolute path of an existing file; the name of a submodel is returned unchanged."""
    return path.absolute() if path is not None and path.exists() else path


def _report(event: messages.ImportFinished) -> Report:
    made = "runs in ONNX Runtime" if event.framework == "ONNX" else "compiled to ONNX"
    deviation = (
        "random: not compared"
        if event.max_difference is None
        else f"max. deviation from {event.framework} {event.max_difference:.1e}"
    )
    engine = (
        f"{made} ({deviation})"
        if event.engine == "onnx"
        else "runs in Keras in a separate process (slower): it cannot be converted to ONNX"
    )
    shapes = f"images {shape_text(event.image_shape)}, code {shape_text(event.latent_shape)}"
    document = {
        "name": event.name,
        "image_shape": event.image_shape,
        "latent_shape": event.latent_shape,
        "engine": event.engine,
        "max_difference": event.max_difference,
    }
    conditions = [f"condition inputs (--condition): {event.conditions}"] if event.conditions else []
    lines = [f"{event.name}: {shapes}", *conditions, engine, *event.notes, f"written to {event.path}"]
    return Report(document, lines)


COMMAND = Command(
    "import autoencoder.h5 --out my-model",
    add_arguments,
    run,
    reads={"path": places.file, "encoder": places.file, "decoder": places.file, "data": places.data},
    writes={"out": places.new_bundle},
    notes=(
        "The file is first read as data only: layers that contain code, and PyTorch programs, which are code, are "
        "refused unless --trust is given.\n"
        "A whole autoencoder is split at its bottleneck; --bottleneck selects another layer."
    ),
)
