"""``grid``: decode a regular grid on a plane of latent space."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console
from explorer.cli.inputs import Model, channels_texts, decode_codes, open_model, output_file, short, written_lines
from explorer.cli.parser import add_model, add_out, add_range, add_steps, whole
from explorer.errors import UsageError
from explorer.export.sheet import axes_figure, mosaic, write_png
from explorer.latent.planes import grid_axis, grid_codes, top_to_bottom
from explorer.types import Floats

REACH = 3.0


def add_arguments(parser: ArgumentParser) -> None:
    add_model(parser, conditional=True)
    parser.add_argument(
        "--plane",
        nargs=2,
        type=whole(0),
        default=(0, 1),
        metavar=("I", "J"),
        help="latent dimensions of the x and y axes, counted from 0 (default: 0 1)",
    )
    add_range(parser, "-3 3 for a VAE, otherwise ±3 standard deviations around the mean")
    add_steps(parser, 15)
    parser.add_argument("--axes", action="store_true", help="draw axes with the code values around the grid")
    add_out(parser, "the image file to write")


def run(options: Namespace, console: Console) -> Report:
    path = output_file(options.out, ".png")
    model = open_model(options.model, options.condition)
    if model.dimensions < 2:
        raise UsageError(
            "A grid needs two latent dimensions, but {model} has one. Use traverse.", model=model.bundle.name
        )
    first, second = map(model.check_dimension, options.plane)
    xs = _values(model, first, options)
    ys = top_to_bottom(_values(model, second, options))
    codes = grid_codes(model.mean, (first, second), xs, ys)
    image = mosaic(decode_codes(model, codes, console), len(xs))
    if options.axes:
        image = axes_figure(image, xs, ys, (f"dimension {first}", f"dimension {second}"))
    write_png(image, path, channels_texts(model.card))
    lines = [
        f"dimension {first} from {xs[0]:.4g} (left) to {xs[-1]:.4g} (right)",
        f"dimension {second} from {ys[-1]:.4g} (bottom) to {ys[0]:.4g} (top)",
        *written_lines(model.card, path),
    ]
    return Report({"xs": short(xs), "ys": short(ys)}, lines)


def _values(model: Model, dim: int, options: Namespace) -> Floats:
    if options.range is not None:
        low, high = options.range
        return grid_axis(low, high, options.steps)
    if model.card.variational:
        return grid_axis(-REACH, REACH, options.steps)
    center, reach = float(model.statistics.mean[dim]), REACH * float(model.statistics.sigma[dim])
    return grid_axis(center - reach, center + reach, options.steps)


COMMAND = Command(
    "grid --model digits-vae-2d --range -3 3 --steps 20 --axes --out grid.png",
    add_arguments,
    run,
    reads={"model": places.model},
    writes={"out": places.new_file},
    notes=(
        "Cells have the size of the model's images and no gaps; the top row has the highest y value. The range is in\n"
        "code units. All other dimensions stay at their means."
    ),
)
