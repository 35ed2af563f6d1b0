"""``decode``: decode codes to a sheet of images."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console, images_text
from explorer.cli.inputs import IMAGE_SUFFIXES, open_model, output_file, read_codes, write_decoded
from explorer.cli.parser import add_model, add_out


def add_arguments(parser: ArgumentParser) -> None:
    add_model(parser, conditional=True)
    parser.add_argument(
        "--codes",
        required=True,
        metavar="NPY",
        help="a .npy file with codes (n, latent) or (latent,), or an .npz file with an array “codes”",
    )
    add_out(parser, "the sheet to write (.png), or the values of all channels (.ome.tif)")


def run(options: Namespace, console: Console) -> Report:
    path = output_file(options.out, *IMAGE_SUFFIXES)
    model = open_model(options.model, options.condition)
    codes = read_codes(Path(options.codes).expanduser(), model.card)
    return Report({"count": len(codes)}, [images_text(len(codes)), *write_decoded(model, codes, path, console)])


COMMAND = Command(
    "decode --model digits-vae-2d --codes codes.npz --out sheet.png",
    add_arguments,
    run,
    reads={"model": places.model, "codes": places.file},
    writes={"out": places.new_file},
)
