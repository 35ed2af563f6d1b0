"""Metrics of a model on a split, for the card, the command line and the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from explorer.data.corruption import Noise, corrupt, noise_rng
from explorer.data.metrics import bce_per_image, by_channel, mse_per_image, psnr_per_image, ssim_per_image
from explorer.data.mixer import needs_mixer
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.source import Source
from explorer.latent.checks import check_table
from explorer.latent.statistics import active_dimensions, kl_per_dimension
from explorer.messages import message
from explorer.models.batches import images_in_memory, readable_batches
from explorer.types import Codec, Floats, Indices, Progress

BATCH = 500
"""Maximum number of images per batch; fewer if they are large."""

SAMPLING_SEED = 0
"""Seed of ε in the loss of a VAE."""

_MEASURES = {"mse": mse_per_image, "psnr": psnr_per_image, "ssim": ssim_per_image}


@dataclass
class Evaluation:
    """Means over images, measured against the clean originals, at the mean code.

    `kl` and `loss` are in nats per image, the latter summed BCE plus KL with sampled codes; `kl_per_dim` in nats. These
    and `active_dims` are None unless the model is a VAE. `channels` are MSE, PSNR and SSIM of each channel alone,
    if the images are neither grayscale nor color.
    """

    count: int
    mse: float
    bce: float
    psnr: float
    ssim: float
    kl: float | None = None
    loss: float | None = None
    active_dims: int | None = None
    kl_per_dim: list[float] | None = None
    channels: tuple[dict[str, float], ...] = ()

    def metrics(self) -> dict[str, float]:
        figures = {"mse": self.mse, "bce": self.bce, "psnr": self.psnr, "ssim": self.ssim}
        if self.kl is not None and self.loss is not None:
            figures |= {"kl": self.kl, "loss": self.loss}
        return figures


@dataclass
class _Sums:
    per_image: dict[str, list[NDArray[np.float64]]] = field(default_factory=dict)
    means: list[Floats] = field(default_factory=list)
    log_variances: list[Floats] = field(default_factory=list)

    def add(self, **values: NDArray[np.float64]) -> None:
        for key, value in values.items():
            self.per_image.setdefault(key, []).append(value)

    def mean(self, key: str) -> float:
        return float(np.concatenate(self.per_image[key]).astype(np.float64).mean())

    def channels(self) -> tuple[dict[str, float], ...]:
        keys = [name for name in _MEASURES if f"{name}_by_channel" in self.per_image]
        means = [np.concatenate(self.per_image[f"{name}_by_channel"]).mean(axis=0) for name in keys]
        return tuple(dict(zip(keys, map(float, figures), strict=True)) for figures in zip(*means, strict=True))


def evaluate(
    codec: Codec, source: Source, indices: Indices, preprocessing: Preprocessing, noises: Sequence[Noise] = ()
) -> Iterator[Progress | Evaluation]:
    """Measure `codec` on images of `source`: yields progress, then the result.

    Unreadable images of the positions ``(n,)``, n > 0, are skipped. `noises` corrupt the input; the target stays clean.
    """
    sums = _Sums()
    rng, noise = np.random.default_rng(SAMPLING_SEED), noise_rng(noises, SAMPLING_SEED)
    step = images_in_memory(codec.image_shape, BATCH)
    count = 0
    for done, pixels, _ in readable_batches(source, indices, preprocessing, step):
        clean = to_floats(pixels)
        _measure(codec, clean, corrupt(clean, noises, noise) if noises else clean, sums, rng)
        if sums.means:
            check_table(2 * len(indices), codec.latent_dim)
        count += len(clean)
        yield Progress(done, len(indices), message("Measuring"))
    yield _summarize(sums, count)


def channel_figures(clean: Floats, output: Floats) -> tuple[dict[str, float], ...]:
    """Return MSE, PSNR and SSIM of each channel of images ``(n, h, w, c)``; empty if they are grayscale or color."""
    sums = _Sums()
    if needs_mixer(clean.shape[3]):
        sums.add(**_by_channel(clean, output))
    return sums.channels()


def _by_channel(clean: Floats, output: Floats) -> dict[str, NDArray[np.float64]]:
    return {f"{name}_by_channel": by_channel(measure, clean, output) for name, measure in _MEASURES.items()}


def _measure(codec: Codec, clean: Floats, given: Floats, sums: _Sums, rng: np.random.Generator) -> None:
    mean, log_variance = codec.encode_distribution(given)
    output = codec.decode(mean)
    sums.add(
        mse=mse_per_image(clean, output),
        bce=bce_per_image(clean, output),
        psnr=psnr_per_image(clean, output),
        ssim=ssim_per_image(clean, output),
    )
    if needs_mixer(clean.shape[3]):
        sums.add(**_by_channel(clean, output))
    if log_variance is None:
        return
    sums.means.append(mean)
    sums.log_variances.append(log_variance)
    epsilon = rng.standard_normal(mean.shape, dtype=np.float32)
    sampled = codec.decode((mean + np.exp(log_variance / 2) * epsilon).astype(np.float32))
    pixels = clean[0].size
    sums.add(summed_bce=bce_per_image(clean, sampled) * pixels)


def _summarize(sums: _Sums, count: int) -> Evaluation:
    result = Evaluation(count, sums.mean("mse"), sums.mean("bce"), sums.mean("psnr"), sums.mean("ssim"))
    if sums.means:
        means, log_variances = np.concatenate(sums.means), np.concatenate(sums.log_variances)
        kl = kl_per_dimension(means, log_variances)
        result.kl_per_dim = [float(value) for value in kl]
        result.kl = float(kl.sum())
        result.loss = sums.mean("summed_bce") + result.kl
        result.active_dims = int(active_dimensions(means).sum())
    result.channels = sums.channels()
    return result
