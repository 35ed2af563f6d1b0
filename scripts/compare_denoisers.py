"""Compare models with classical filters at taking noise away: a table of figures on held-out images.

Usage: python scripts/compare_denoisers.py --model M [--model M2 …] --data D --noise N [--split S] [--count N] [--json]

The filters are SciPy's median and Gaussian. Their one parameter is the one that is best by PSNR on the very images
that the table is about, which flatters them and not the models. Noise that brightens or flattens an image cannot be
taken away by a filter alone; so there is a line for each with its levels fitted too: a·x + b, by least squares on these
images.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy import ndimage

from explorer.cli.inputs import open_model
from explorer.data.corruption import corrupt, noise_rng, parse_noise
from explorer.data.metrics import mse, psnr, ssim
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.sources import open_source
from explorer.errors import ExplorerError, UsageError
from explorer.types import Floats

SIGMAS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 4.0)
SIZES = (2, 3, 4, 5, 6, 7, 9, 11)
NOISE_SEED = 0

Filter = Callable[[Floats, float], Floats]


@dataclass(frozen=True)
class Line:
    """One way to clean, and what it reaches; PSNR and SSIM are means over images."""

    name: str
    parameter: str
    mse: float
    psnr: float
    ssim: float


def gaussian(images: Floats, sigma: float) -> Floats:
    """Return images ``(n, h, w, c)`` smoothed by SciPy."""
    smooth: Floats = ndimage.gaussian_filter(images, (0, sigma, sigma, 0))
    return smooth


def median(images: Floats, size: float) -> Floats:
    """Return the median of each pixel's surroundings, by SciPy."""
    middle: Floats = ndimage.median_filter(images, (1, int(size), int(size), 1))
    return middle


def fitted(clean: Floats, images: Floats) -> Floats:
    """Return ``a · images + b`` with the a and b that come nearest to the clean images."""
    slope, offset = np.polyfit(images.ravel().astype(np.float64), clean.ravel().astype(np.float64), 1)
    result: Floats = (images * slope + offset).astype(np.float32)
    return result


def measured(name: str, parameter: str, clean: Floats, output: Floats) -> Line:
    """Return the line of one result."""
    return Line(name, parameter, mse(clean, output), psnr(clean, output), ssim(clean, output))


def tuned(name: str, apply: Filter, values: Sequence[float], clean: Floats, noisy: Floats) -> list[Line]:
    """Return the best line of a filter as it is, and the best one with its levels fitted."""
    plain, levelled = [], []
    for value in values:
        output = apply(noisy, value)
        plain.append(measured(name, f"{value:g}", clean, output))
        levelled.append(measured(f"{name}, levels fitted", f"{value:g}", clean, fitted(clean, output)))
    return [max(lines, key=lambda line: line.psnr) for lines in (plain, levelled)]


def compare(models: Sequence[str], data: str, noise: str, split: str = "test", count: int | None = 1000) -> list[Line]:
    """Measure the noisy images, each model, and the filters.

    Parameters
    ----------
    models
        Bundles that take images in one and the same way.
    data, split, count
        The images: spread evenly over the split.
    noise
        As on the command line; a fixed seed where it has none.

    Raises
    ------
    ExplorerError
        If a model, the data or the noise is none, or the models take images differently.
    """
    opened = [open_model(model) for model in models]
    recipe: Preprocessing = opened[0].preprocessing
    for model in opened:
        if model.preprocessing != recipe:
            raise UsageError("models that take pictures in the same way", f"{models}", "Compare them one by one.")
    source = open_source(data)
    clean = to_floats(source.read(source.splits.select(split, count), recipe))
    noises = parse_noise(noise)
    noisy = corrupt(clean, noises, noise_rng(noises, NOISE_SEED))
    lines = [measured("nothing", "", clean, noisy)]
    for name, model in zip(models, opened, strict=True):
        lines.append(measured(name, "", clean, model.codec.decode(model.codec.encode(noisy))))
    lines += tuned("median filter", median, SIZES, clean, noisy)
    return lines + tuned("Gaussian filter", gaussian, SIGMAS, clean, noisy)


def table(lines: Sequence[Line]) -> str:
    """Return the lines as a Markdown table."""
    rows = [("cleaned by", "size or σ", "MSE", "PSNR, dB", "SSIM")]
    rows += [(line.name, line.parameter, f"{line.mse:.5f}", f"{line.psnr:.2f}", f"{line.ssim:.4f}") for line in lines]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    texts = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([texts[0], "| " + " | ".join("-" * width for width in widths) + " |", *texts[1:]])


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", action="append", required=True, metavar="M", help="a bundle; may be given again")
    parser.add_argument("--data", required=True, metavar="D")
    parser.add_argument("--noise", required=True, metavar="N", help="such as gaussian:0.5@0.5")
    parser.add_argument("--split", default="test", choices=("test", "train", "all"))
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="pictures (default: 1000)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    try:
        lines = compare(options.model, options.data, options.noise, options.split, options.count)
    except ExplorerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps([asdict(line) for line in lines], indent=2) if options.json else table(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
