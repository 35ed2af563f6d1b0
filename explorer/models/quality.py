"""Noise-level curves: quality of noisy images and of their reconstructions over the noise strength."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.data.corruption import CORRUPTIONS, Noise, corrupt, format_noise, noise_rng
from explorer.data.metrics import mse_per_image, psnr_per_image, ssim_per_image
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.source import Source
from explorer.errors import UsageError
from explorer.export.table import Cell, write_csv
from explorer.messages import message
from explorer.models.batches import images_at_once, readable_batches
from explorer.types import Codec, Floats, Indices, Pixels, Progress

CURVE_IMAGES = 300
"""Test images for a smooth curve within seconds."""

CURVE_STEPS = 11
_NOISE_SEED = 0
_MOST_AT_ONCE = 100
"""Images per batch; canceling takes effect between batches."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Means over the images at each strength, against the clean originals; float64 ``(k,)`` each.

    PSNR is infinite for a perfect copy.
    """

    mse: NDArray[np.float64]
    psnr: NDArray[np.float64]
    ssim: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class QualityCurve:
    """Quality of one model over the strength of one noise.

    `label` is the model's name, for a legend. The noise at position `varied` has strength 0 in `noises`, and varies
    over `strengths`, float64 ``(k,)``. `corrupted` and `reconstructed` are the quality of the model's input and output.
    """

    label: str
    noises: tuple[Noise, ...]
    varied: int
    strengths: NDArray[np.float64]
    corrupted: Scores
    reconstructed: Scores
    count: int

    @property
    def kind(self) -> str:
        return self.noises[self.varied].kind


def curve_strengths(kind: str, steps: int = CURVE_STEPS) -> NDArray[np.float64]:
    """Return strengths ``(steps,)`` from 0 to the maximum of the kind's slider; UsageError if it is unknown."""
    if kind not in CORRUPTIONS:
        raise UsageError("Unknown kind of noise “{kind}”. Choose one of {kinds}.", kind=kind, kinds=list(CORRUPTIONS))
    # Rounded, so that tables show 0.3 and not 0.30000000000000004.
    return np.round(np.linspace(0, CORRUPTIONS[kind].largest, steps), 6)


def quality_curve(
    codec: Codec,
    source: Source,
    indices: Indices,
    preprocessing: Preprocessing,
    noises: Sequence[Noise],
    strengths: Sequence[float] | NDArray[np.float64],
    *,
    varied: int = 0,
    label: str = "",
) -> Iterator[Progress | QualityCurve]:
    """Measure a model at each strength of a noise: yields progress, then the curve.

    All strengths use the same random numbers, so that the curve is smooth; models measured with the same images and
    noises get the same noisy images. UsageError if there is nothing to measure, or a strength is out of range.

    `indices` are int64 ``(n,)`` positions, n > 0, such as ``source.splits.select("test", CURVE_IMAGES)``. `noises` are
    applied in order, with their seeds; a fixed seed is used where there is none. `strengths` ``(k,)``, k > 0, replace
    that of the noise at position `varied`; see `curve_strengths`.
    """
    if not len(indices) or not len(strengths) or not 0 <= varied < len(noises):
        raise UsageError(
            "Nothing to measure: {images:# image|# images}, {strengths:# noise strength|# noise strengths}, "
            "{noises:# noise|# noises}. Choose images and a noise.",
            images=len(indices),
            strengths=len(strengths),
            noises=len(noises),
        )
    stacks = [_at(noises, varied, float(strength)) for strength in strengths]
    # Reject strengths out of range before measuring.
    corrupt(np.zeros((1, 1, 1, 1), np.float32), [noise for stack in stacks for noise in stack])
    batch = images_at_once(codec.image_shape, _MOST_AT_ONCE)
    parts = -(-len(indices) // batch)
    total = parts * (len(stacks) + 1)
    clean: list[Pixels] = []
    for _, pixels, _ in readable_batches(source, indices, preprocessing, batch):
        clean.append(pixels)
        yield Progress(len(clean), total, message("Reading images"))
    count = sum(map(len, clean))
    figures = np.empty((2, 3, len(stacks), count))
    for place, stack in enumerate(stacks):
        rng, start = noise_rng(stack, _NOISE_SEED), 0
        for number, pixels in enumerate(clean):
            figures[:, :, place, start : start + len(pixels)] = _measure(codec, to_floats(pixels), stack, rng)
            start += len(pixels)
            note = message("Noise strength {strength:g}", strength=float(strengths[place]))
            yield Progress(parts * (place + 1) + number + 1, total, note)
    given, output = (Scores(*measured.mean(axis=-1)) for measured in figures)
    levels = np.asarray(strengths, np.float64)
    yield QualityCurve(label, _at(noises, varied, 0.0), varied, levels, given, output, count)


def write_curves(path: Path, curves: Sequence[QualityCurve]) -> None:
    """Write curves as CSV, one row per model and strength; ExportError if the file cannot be written."""
    measures = [f"{what}_{figure}" for what in ("corrupted", "reconstructed") for figure in ("mse", "psnr", "ssim")]
    header = ["model", "kind", "strength", "noise", "images", *measures]
    write_csv(path, header, (row for curve in curves for row in _rows(curve)))


def _rows(curve: QualityCurve) -> Iterator[list[Cell]]:
    for place, strength in enumerate(curve.strengths):
        scores = [
            float(figures[place])
            for side in (curve.corrupted, curve.reconstructed)
            for figures in (side.mse, side.psnr, side.ssim)
        ]
        noise = format_noise(_at(curve.noises, curve.varied, float(strength)))
        yield [curve.label, curve.kind, float(strength), noise, curve.count, *scores]


def _at(noises: Sequence[Noise], varied: int, strength: float) -> tuple[Noise, ...]:
    return tuple(replace(noise, strength=strength) if place == varied else noise for place, noise in enumerate(noises))


def _measure(codec: Codec, clean: Floats, stack: Sequence[Noise], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return MSE, PSNR and SSIM of noisy images and of their reconstructions, float64 ``(2, 3, n)``."""
    noisy = corrupt(clean, stack, rng)
    output = codec.decode(codec.encode(noisy))
    measures = (mse_per_image, psnr_per_image, ssim_per_image)
    return np.array([[measure(clean, images) for measure in measures] for images in (noisy, output)])
