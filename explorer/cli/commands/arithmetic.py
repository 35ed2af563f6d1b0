"""``arithmetic``: a − b + c on the codes of images."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import numpy as np

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console
from explorer.cli.inputs import channels_texts, open_model, output_file, written_lines
from explorer.cli.parser import IMAGE_HELP, add_model, add_out
from explorer.data.mixer import shown
from explorer.export.sheet import write_png
from explorer.latent.arithmetic import combine


def add_arguments(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument(
        "--plus", nargs="+", required=True, metavar="P", help=f"images whose codes are added: {IMAGE_HELP}"
    )
    parser.add_argument("--minus", nargs="+", default=[], metavar="P", help="images whose codes are subtracted")
    add_out(parser, "the image file to write")


def run(options: Namespace, console: Console) -> Report:
    path = output_file(options.out, ".png")
    model = open_model(options.model)
    terms = [
        (sign, model.codec.encode(model.images.read(image, console)))
        for sign, images in ((1.0, options.plus), (-1.0, options.minus))
        for image in images
    ]
    code = combine(terms)
    write_png(shown(model.codec.decode(code[np.newaxis]))[0], path, channels_texts(model.card))
    return Report(
        {"code": code},
        [f"codes added: {len(options.plus)}, subtracted: {len(options.minus)}", *written_lines(model.card, path)],
    )


COMMAND = Command(
    "arithmetic --model digits-deep-49 --plus digits:0 digits:1 --minus digits:2 --out sum.png",
    add_arguments,
    run,
    reads={"model": places.model, "plus": places.image, "minus": places.image},
    writes={"out": places.new_file},
)
