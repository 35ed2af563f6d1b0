"""Compare denoising models with classical filters: a table of metrics on held-out images.

Usage: python scripts/compare_denoisers.py --model M [--model M2 …] --data D --noise N [--split S] [--count N] [--json]

The filters are the median and Gaussian filters of SciPy. Their parameter is the best by PSNR on the same images, which
favors them over the models. Filters cannot remove noise that changes brightness or contrast; therefore each has another
line with fitted levels: a·x + b, by least squares on the same images.
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
    """One denoising method and its metrics; PSNR and SSIM are means over images."""

    name: str
    parameter: str
    mse: float
    psnr: float
    ssim: float


def gaussian(images: Floats, sigma: float) -> Floats:
    """Apply a Gaussian filter to images ``(n, h, w, c)``."""
    smooth: Floats = ndimage.gaussian_filter(images, (0, sigma, sigma, 0))
    return smooth


def median(images: Floats, size: float) -> Floats:
    """Apply a median filter to images ``(n, h, w, c)``."""
    middle: Floats = ndimage.median_filter(images, (1, int(size), int(size), 1))
    return middle


def fitted(clean: Floats, images: Floats) -> Floats:
    """Return ``a · images + b`` with the least-squares fit to the clean images."""
    slope, offset = np.polyfit(images.ravel().astype(np.float64), clean.ravel().astype(np.float64), 1)
    result: Floats = (images * slope + offset).astype(np.float32)
    return result


def measured(name: str, parameter: str, clean: Floats, output: Floats) -> Line:
    """Return the table row of one result."""
    return Line(name, parameter, mse(clean, output), psnr(clean, output), ssim(clean, output))


def tuned(name: str, apply: Filter, values: Sequence[float], clean: Floats, noisy: Floats) -> list[Line]:
    """Return the best row of a filter, and its best row with fitted levels."""
    best: dict[str, tuple[float, float, Floats]] = {}
    for value in values:
        output = apply(noisy, value)
        for title, images in ((name, output), (f"{name}, levels fitted", fitted(clean, output))):
            quality = psnr(clean, images)
            if title not in best or quality > best[title][0]:
                best[title] = quality, value, images
    # Only these, since SSIM takes longest.
    return [measured(title, f"{value:g}", clean, images) for title, (_, value, images) in best.items()]


def compare(models: Sequence[str], data: str, noise: str, split: str = "test", count: int | None = 1000) -> list[Line]:
    """Measure the noisy images, each model, and the filters.

    Parameters
    ----------
    models
        Bundles with identical preprocessing.
    data, split, count
        The images, evenly spaced over the split.
    noise
        As on the command line; without a seed, a fixed one is used.

    Raises
    ------
    ExplorerError
        If a model, the dataset or the noise is invalid, or the preprocessing differs.
    """
    opened = [open_model(model) for model in models]
    recipe: Preprocessing = opened[0].preprocessing
    for model in opened:
        if model.preprocessing != recipe:
            raise UsageError("The models {names} differ in preprocessing. Compare them one by one.", names=models)
    source = open_source(data)
    clean = to_floats(source.read(source.splits.select(split, count), recipe))
    noises = parse_noise(noise)
    noisy = corrupt(clean, noises, noise_rng(noises, NOISE_SEED))
    lines = [measured("none (noisy input)", "", clean, noisy)]
    for name, model in zip(models, opened, strict=True):
        lines.append(measured(name, "", clean, model.codec.decode(model.codec.encode(noisy))))
    lines += tuned("median filter", median, SIZES, clean, noisy)
    return lines + tuned("Gaussian filter", gaussian, SIGMAS, clean, noisy)


def table(lines: Sequence[Line]) -> str:
    """Return the lines as a Markdown table."""
    rows = [("method", "size or σ", "MSE", "PSNR, dB", "SSIM")]
    rows += [(line.name, line.parameter, f"{line.mse:.5f}", f"{line.psnr:.2f}", f"{line.ssim:.4f}") for line in lines]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    texts = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([texts[0], "| " + " | ".join("-" * width for width in widths) + " |", *texts[1:]])


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--model", action="append", required=True, metavar="M", help="name or folder of a model; repeatable"
    )
    parser.add_argument("--data", required=True, metavar="D")
    parser.add_argument("--noise", required=True, metavar="N", help="such as gaussian:0.5@0.5")
    parser.add_argument("--split", default="test", choices=("test", "train", "all"))
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="number of images (default: 1000)")
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
