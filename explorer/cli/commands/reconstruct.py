"""``reconstruct``: save images over their reconstructions as a sheet, and print the metrics."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console, channel_lines, figures_text, images_text
from explorer.cli.inputs import (
    IMAGE_SUFFIXES,
    READ_BATCH,
    channels_texts,
    check_sheet,
    open_model,
    output_file,
    select,
    warn_of_range,
    warn_of_skipped,
    written_lines,
)
from explorer.cli.parser import add_data, add_model, add_noise, add_out, add_split, whole
from explorer.data.corruption import Noise, corrupt, parse_noise
from explorer.data.metrics import DATA_RANGE, bce, mse, psnr, ssim
from explorer.data.mixer import shown
from explorer.data.preprocessing import to_floats
from explorer.data.sources import open_source
from explorer.export.ome_tiff import ImageStack, is_ome_tiff, write_stacks
from explorer.export.sheet import stack_rows, write_png
from explorer.models.batches import readable_batches
from explorer.models.evaluation import channel_figures


def add_arguments(parser: ArgumentParser) -> None:
    add_model(parser, conditional=True)
    add_data(parser)
    add_split(parser, "test")
    parser.add_argument(
        "--count",
        type=whole(1),
        default=10,
        metavar="N",
        help="number of images, evenly spaced over the split (default: 10)",
    )
    add_noise(parser)
    add_out(parser, "the sheet to write (.png), or the values of all channels (.ome.tif)")


def run(options: Namespace, console: Console) -> Report:
    path = output_file(options.out, *IMAGE_SUFFIXES)
    noises = seeded(parse_noise(options.noise))
    model = open_model(options.model, options.condition)
    source = open_source(options.data)
    warn_of_range(console, model, source)
    chosen = select(source, options.split, options.count)
    if not is_ome_tiff(path):
        check_sheet(len(chosen) * (3 if noises else 2), model.card)
    originals = np.concatenate([part[1] for part in readable_batches(source, chosen, model.preprocessing, READ_BATCH)])
    skipped = warn_of_skipped(console, source)
    clean = to_floats(originals)
    given = corrupt(clean, noises)
    output = model.codec.decode(model.codec.encode(given))
    rows = {"originals": clean, **({"corrupted": given} if noises else {}), "reconstructions": output}
    if is_ome_tiff(path):
        reading = model.preprocessing.reading
        stacks = [ImageStack.of(name, reading.values(row), reading.values_text()) for name, row in rows.items()]
        console.track(write_stacks(stacks, path))
    else:
        write_png(stack_rows([shown(row) for row in rows.values()]), path, channels_texts(model.card))
    figures = {
        "mse": mse(clean, output),
        "psnr": psnr(clean, output),
        "ssim": ssim(clean, output),
        "bce": bce(clean, output),
    }
    channels = channel_figures(clean, output)
    lines = [
        f"{images_text(len(originals))}: {figures_text(figures)}",
        *channel_lines(channels, source.found.range),
        *written_lines(model.card, path),
    ]
    by_channel = {"channels": list(channels)} if channels else {}
    about = {"data_range": DATA_RANGE, "range": source.found.range, "count": len(originals), "skipped": skipped}
    return Report({**figures, **by_channel, **about}, lines)


def seeded(noises: Sequence[Noise]) -> tuple[Noise, ...]:
    """Give each noise without a seed its own seed, so that a call is repeatable."""
    return tuple(noise if noise.seed is not None else replace(noise, seed=place) for place, noise in enumerate(noises))


COMMAND = Command(
    "reconstruct --model digits-vae-2d --data digits --count 12 --noise gaussian:0.3 --out rows.png",
    add_arguments,
    run,
    reads={"model": places.model, "data": places.data},
    writes={"out": places.new_file},
)
