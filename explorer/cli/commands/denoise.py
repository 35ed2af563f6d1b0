"""``denoise``: remove noise from an image or a folder of images of any size."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console, images_text
from explorer.cli.inputs import open_model
from explorer.cli.parser import add_model, add_out
from explorer.data.sources import skipped_json
from explorer.models.cleaning import clean_files


def add_arguments(parser: ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("path", metavar="PATH", help="an image file, or a folder of images")
    add_out(parser, "the image file to write; for a folder, another folder, new or empty", "PATH")


def _check_cleaned(path: Path, options: Namespace) -> None:
    """Check an output file; `clean_files` checks an output folder."""
    if not Path(options.path).expanduser().is_dir():
        places.new_file(path, options)


def run(options: Namespace, console: Console) -> Report:
    path, out = places.file_path(options.path), places.file_path(options.out)
    model = open_model(options.model)
    cleaned = console.result(clean_files(model.codec, model.preprocessing, path, out))
    for skipped in cleaned.skipped:
        console.warn(f"{skipped.name} was skipped: {skipped.reason}")
    for note in cleaned.notes:
        console.warn(str(note))
    return Report(
        {
            "count": cleaned.count,
            "path": cleaned.path,
            "skipped": skipped_json(cleaned.skipped),
            "notes": [str(note) for note in cleaned.notes],
        },
        [images_text(cleaned.count), f"written to {cleaned.path}"],
    )


COMMAND = Command(
    "denoise --model digits-deep-49 scan.png --out clean.png",
    add_arguments,
    run,
    reads={"model": places.model, "path": places.file},
    writes={"out": _check_cleaned},
    notes=(
        "Images keep their size: overlapping tiles of the model's input size are denoised and blended. A grayscale\n"
        "model denoises each channel. The EXIF orientation is applied. Alpha is kept; in formats without alpha, the\n"
        "image is placed on white. Images of more than 8 bits, or of 2 or 4 to 16 channels, keep their values and\n"
        "units, in TIFF (OME-TIFF for channels) or PNG. Originals are never overwritten, and file names are kept."
    ),
)
