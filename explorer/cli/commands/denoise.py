"""``denoise``: a clean picture, or a folder of them, of any size."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console
from explorer.cli.inputs import open_model
from explorer.cli.parser import add_model, add_out
from explorer.models.cleaning import clean_files


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    add_model(parser)
    parser.add_argument("path", metavar="PATH", help="a picture's file, or a folder of pictures")
    add_out(parser, "the picture to write, or for a folder another folder, new or empty", "PATH")


def _check_cleaned(path: Path, options: Namespace) -> None:
    """Check a file that is written; of a folder `clean_files` says whether it may be."""
    if not Path(options.path).expanduser().is_dir():
        places.new_file(path, options)


def run(options: Namespace, console: Console) -> Report:
    """Clean, and warn of pictures that could not be read."""
    path, out = places.file_path(options.path), places.file_path(options.out)
    model = open_model(options.model)
    cleaned = console.result(clean_files(model.codec, model.preprocessing, path, out))
    for skipped in cleaned.skipped:
        console.warn(f"{skipped.name} is left out: {skipped.reason}")
    many = "picture" if cleaned.count == 1 else "pictures"
    return Report(
        {"count": cleaned.count, "path": cleaned.path}, [f"{cleaned.count:,} {many}", f"written to {cleaned.path}"]
    )


COMMAND = Command(
    "denoise --model digits-deep-49 scan.png --out clean.png",
    add_arguments,
    run,
    reads={"model": places.model, "path": places.file},
    writes={"out": _check_cleaned},
    notes=(
        "Pictures keep their size: overlapping tiles of the model's input size are cleaned and blended. A grey model\n"
        "cleans the channels of a colour picture one by one. The EXIF orientation is applied. Alpha is kept, and put\n"
        "on white where the format has none. Originals are never overwritten; a folder's pictures keep their names."
    ),
)
