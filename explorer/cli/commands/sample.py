"""``sample``: decode random codes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import numpy as np

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console, images_text
from explorer.cli.inputs import IMAGE_SUFFIXES, open_model, output_file, write_decoded
from explorer.cli.parser import add_model, add_out, number, whole
from explorer.latent.sampling import FittedPrior, sample_normal


def add_arguments(parser: ArgumentParser) -> None:
    add_model(parser, conditional=True)
    parser.add_argument("--count", type=whole(1), default=25, metavar="N", help="number of images (default: 25)")
    parser.add_argument(
        "--temperature",
        type=number,
        default=1.0,
        metavar="X",
        help="factor on the standard deviation of the prior (default: 1)",
    )
    parser.add_argument(
        "--prior",
        choices=("normal", "fitted"),
        help="N(0, I), or a Gaussian mixture fitted to the codes of the model (default: normal for a VAE, otherwise "
        "fitted)",
    )
    parser.add_argument("--seed", type=whole(0), metavar="N", help="random seed (default: random)")
    add_out(parser, "the sheet to write (.png), or the values of all channels (.ome.tif)")


def run(options: Namespace, console: Console) -> Report:
    path = output_file(options.out, *IMAGE_SUFFIXES)
    model = open_model(options.model, options.condition)
    prior = options.prior or ("normal" if model.card.variational else "fitted")
    rng = np.random.default_rng(options.seed)
    if prior == "normal":
        codes = sample_normal(options.count, model.card.latent_dim, rng, options.temperature)
    else:
        codes = FittedPrior().fit(model.bundle.sample.codes).sample(options.count, rng, options.temperature)
    conditions = model.card.conditions
    if conditions is not None:
        codes = conditions.replaced(codes, conditions.drawn(len(codes), rng))
    lines = [f"{images_text(len(codes))} from the {prior} prior", *write_decoded(model, codes, path, console)]
    return Report({"count": len(codes), "prior": prior}, lines)


COMMAND = Command(
    "sample --model digits-vae-2d --count 64 --seed 1 --out samples.png",
    add_arguments,
    run,
    reads={"model": places.model},
    writes={"out": places.new_file},
    notes="A conditional model draws a random class for each image, unless --condition is given.",
)
