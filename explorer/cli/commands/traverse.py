"""``traverse``: decode codes that differ in one dimension or principal component."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console, table
from explorer.cli.inputs import (
    Model,
    channels_texts,
    decode_codes,
    open_model,
    output_file,
    sheet,
    short,
    written_lines,
)
from explorer.cli.parser import IMAGE_HELP, add_model, add_out, add_range, add_steps, whole
from explorer.errors import UsageError
from explorer.export.sheet import mosaic, write_png
from explorer.latent.planes import grid_axis
from explorer.latent.statistics import CodeStatistics
from explorer.latent.traversal import mean_to_max, traverse_component, traverse_dimension
from explorer.types import Floats

MOST_DIMENSIONS = 64
"""Above this number of dimensions the rows show principal components instead."""

MOST_CELLS = 1_024
"""Above this number of dimensions the mean-to-max experiment uses principal components."""

REACH = 3.0
"""Default range, ± in standard deviations."""


@dataclass(frozen=True)
class _Walk:
    """Codes row by row, the indices of the dimensions or components, and the values along each row."""

    codes: Floats
    rows: list[int]
    values: Floats
    unit: str


def add_arguments(parser: ArgumentParser) -> None:
    add_model(parser, conditional=True)
    parser.add_argument(
        "--image", metavar="P", help=f"start from the code of an image (default: the mean code): {IMAGE_HELP}"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dim", type=whole(0), metavar="K", help="one dimension, counted from 0")
    what.add_argument("--axis", type=whole(0), metavar="K", help="one principal component, counted from 0")
    what.add_argument(
        "--mean-to-max", action="store_true", help="mean code with one dimension at a time at its maximum"
    )
    add_range(parser, "-3 3 in standard deviations")
    parser.add_argument("--sigma", action="store_true", help="--range of a dimension is in standard deviations")
    add_steps(parser, 11)
    add_out(parser, "the image file to write, one row per dimension or component")


def run(options: Namespace, console: Console) -> Report:
    path = output_file(options.out, ".png")
    if options.mean_to_max and (options.image or options.range or options.sigma):
        raise UsageError("--mean-to-max starts from the mean code. Remove --image, --range and --sigma.")
    model = open_model(options.model, options.condition)
    if options.mean_to_max:
        return _mean_to_max(model, path, console)
    walk = _walk(options, model, console)
    write_png(mosaic(decode_codes(model, walk.codes, console), len(walk.values)), path, channels_texts(model.card))
    numbers = ", ".join(map(str, walk.rows))
    lines = [
        f"rows, top to bottom: {'component' if 'components' in walk.unit else 'dimension'} {numbers}",
        f"columns, left to right, in {walk.unit}: {', '.join(f'{value:.4g}' for value in walk.values)}",
        *written_lines(model.card, path),
    ]
    return Report({"rows": walk.rows, "values": short(walk.values)}, lines)


def _mean_to_max(model: Model, path: Path, console: Console) -> Report:
    """Decode the mean code with one dimension (for long codes: component) at a time at its maximum."""
    stats, dims = replace(model.statistics, mean=model.mean), np.arange(model.dimensions)
    if len(dims) <= MOST_CELLS:
        codes, largest, what = mean_to_max(stats, dims), stats.quantiles[-1, dims], "dimension"
    else:
        largest, what = model.bundle.sample.component_coordinates.max(axis=0), "principal component"
        steps = [traverse_component(stats.mean, stats, axis, value[None]) for axis, value in enumerate(largest)]
        codes = np.concatenate(steps or [np.empty((0, stats.latent_dim), np.float32)])
    if not len(codes):
        raise UsageError("The model has no principal components. Choose a dimension with --dim.")
    write_png(sheet(decode_codes(model, codes, console)), path, channels_texts(model.card))
    unit = "maximum" if what == "dimension" else "maximum in standard deviations"
    lines = table([(what, unit), *((str(row), f"{value:.4g}") for row, value in enumerate(largest))])
    return Report(
        {"rows": list(range(len(codes))), "values": short(largest)}, [*lines, *written_lines(model.card, path)]
    )


def _walk(options: Namespace, model: Model, console: Console) -> _Walk:
    stats = model.statistics
    start = model.mean
    if options.image is not None:
        start = model.codec.encode(model.images.read(options.image, console))[0]
    low, high = options.range or (-REACH, REACH)
    values = grid_axis(low, high, options.steps)
    along_components = options.axis is not None or (options.dim is None and model.dimensions > MOST_DIMENSIONS)
    if along_components:
        axes = [options.axis] if options.axis is not None else list(range(len(stats.components)))
        if not axes:
            raise UsageError("The model has no principal components. Choose a dimension with --dim.")
        codes = np.concatenate([traverse_component(start, stats, axis, values) for axis in axes])
        return _Walk(codes, axes, values, "standard deviations along principal components")
    dims = [model.check_dimension(options.dim)] if options.dim is not None else list(range(model.dimensions))
    in_sigma = options.sigma or options.range is None
    codes = np.concatenate([_along(start, stats, dim, values, in_sigma) for dim in dims])
    return _Walk(codes, dims, values, "standard deviations" if in_sigma else "code units")


def _along(start: Floats, stats: CodeStatistics, dim: int, values: Floats, in_sigma: bool) -> Floats:
    reached = stats.mean[dim] + stats.sigma[dim] * values if in_sigma else values
    return traverse_dimension(start, dim, reached)


COMMAND = Command(
    "traverse --model digits-vae-2d --image digits:3 --dim 0 --range -2.5 2.5 --steps 9 --out row.png",
    add_arguments,
    run,
    reads={"model": places.model, "image": places.image},
    writes={"out": places.new_file},
    notes=(
        "Without --dim, --axis and --mean-to-max: one row per dimension, or, above 64 dimensions, one row per\n"
        "principal component. --range is in code units; with --sigma and along components it is in standard\n"
        "deviations of the data, as is the default range. --mean-to-max writes a sheet with one image per dimension,\n"
        "or, above 1,024 dimensions, one image per principal component, with values in standard deviations."
    ),
)
