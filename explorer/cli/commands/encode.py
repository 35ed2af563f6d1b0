"""``encode``: save the codes of a split as a NumPy archive."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import numpy as np

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console, shape_text
from explorer.cli.inputs import encode_source, open_model, output_file, select, warn_of_range, warn_of_skipped
from explorer.cli.parser import add_data, add_model, add_out, add_split
from explorer.data.source import UNLABELED
from explorer.data.sources import open_source
from explorer.paths import replacing_file


def add_arguments(parser: ArgumentParser) -> None:
    add_model(parser)
    add_data(parser)
    add_split(parser, "all")
    add_out(parser, "the archive to write", "NPZ")


def run(options: Namespace, console: Console) -> Report:
    path = output_file(options.out, ".npz")
    model = open_model(options.model)
    source = open_source(options.data)
    warn_of_range(console, model, source)
    codes, indices = console.result(encode_source(model, source, select(source, options.split)))
    skipped = warn_of_skipped(console, source)
    labels = np.full(len(indices), UNLABELED, np.int64) if source.labels is None else source.labels[indices]
    with replacing_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, codes=codes, labels=labels, indices=indices)
    shape = model.card.latent_shape
    return Report(
        {"count": len(codes), "latent_shape": shape, "skipped": skipped},
        [f"{len(codes):,} codes of shape {shape_text(shape)}", f"written to {path}"],
    )


COMMAND = Command(
    "encode --model digits-vae-2d --data digits --split test --out codes.npz",
    add_arguments,
    run,
    reads={"model": places.model, "data": places.data},
    writes={"out": places.new_file},
    notes=(
        "The archive contains codes float32 (n, latent), labels int64 (n,), -1 for unlabeled images, and indices\n"
        "int64 (n,) into the whole dataset. Images that cannot be read are skipped and listed."
    ),
)
