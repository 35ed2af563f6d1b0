"""Metrics between images and references: MSE, binary cross-entropy, PSNR and SSIM.

All take float32 images ``(n, h, w, c)``, the reference in [0, 1], compute in float64, and have two forms: one value per
image, and the mean of these. `by_channel` gives one value per channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.errors import DataError
from explorer.types import Floats

Figures: TypeAlias = NDArray[np.float64]
"""One value per image, ``(n,)``."""

DATA_RANGE = 1.0
"""Range of the values that PSNR and SSIM assume, whatever the depth of the images."""

BCE_CLIP = 1e-7
SSIM_WINDOW = 7
_K1, _K2 = 0.01, 0.03
_BATCH_VALUES = 1 << 17
"""Values converted to float64 at once: 1 MB per array, which stays in the cache of the processor."""


def mse_per_image(reference: Floats, output: Floats) -> Figures:
    """Return the mean squared error of each image; the output is not clipped."""
    return _batched(lambda a, b: _pixel_mean((a - b) ** 2), reference, output)


def bce_per_image(reference: Floats, output: Floats) -> Figures:
    """Return the binary cross-entropy of each image: mean per value, nats, output clipped to [1e-7, 1 - 1e-7]."""

    def batch(target: Figures, guess: Figures) -> Figures:
        guess = np.clip(guess, BCE_CLIP, 1 - BCE_CLIP)
        return _pixel_mean(-(target * np.log(guess) + (1 - target) * np.log1p(-guess)))

    return _batched(batch, reference, output)


def psnr_per_image(reference: Floats, output: Floats) -> Figures:
    """Return the peak signal-to-noise ratio of each image in dB, output clipped to [0, 1]; infinite where equal."""
    errors = _batched(lambda a, b: _pixel_mean((a - np.clip(b, 0, 1)) ** 2), reference, output)
    with np.errstate(divide="ignore"):
        ratios: Figures = -10 * np.log10(errors)
    return ratios


def ssim_per_image(reference: Floats, output: Floats) -> Figures:
    """Return the structural similarity of each image, with scikit-image's defaults.

    7×7 uniform window, data range 1, sample covariance, borders excluded, channels averaged; the output is not clipped.
    Images with a side below 7 use the largest odd window that fits. Wang et al. 2004, "Image quality assessment: from
    error visibility to structural similarity", equation 13.
    """
    return _batched(_ssim_batch, reference, output)


def mse(reference: Floats, output: Floats) -> float:
    return float(mse_per_image(reference, output).mean())


def bce(reference: Floats, output: Floats) -> float:
    """Return the binary cross-entropy: mean per value, nats, output clipped to [1e-7, 1 - 1e-7]."""
    return float(bce_per_image(reference, output).mean())


def psnr(reference: Floats, output: Floats) -> float:
    """Return the mean PSNR in dB; infinite if one image equals its reference."""
    return float(psnr_per_image(reference, output).mean())


def ssim(reference: Floats, output: Floats) -> float:
    return float(ssim_per_image(reference, output).mean())


def by_channel(measure: Callable[[Floats, Floats], Figures], reference: Floats, output: Floats) -> Figures:
    """Return a metric of each channel of each image, ``(n, c)``; `measure` is one of the functions for images."""
    channels = [slice(channel, channel + 1) for channel in range(reference.shape[-1])]
    return np.stack([measure(reference[..., one], output[..., one]) for one in channels], axis=1)


def _batched(measure: Callable[[Figures, Figures], Figures], reference: Floats, output: Floats) -> Figures:
    if reference.shape != output.shape or reference.ndim != 4 or not reference.size:
        raise DataError(
            "Cannot compare images of shapes {reference} and {output}. Both must have the same shape (n, h, w, c), "
            "not empty.",
            reference=str(reference.shape),
            output=str(output.shape),
        )
    return np.concatenate(
        [
            measure(reference[part].astype(np.float64), output[part].astype(np.float64))
            for part in _parts(len(reference), reference[0].size)
        ]
    )


def _parts(count: int, size: int) -> Iterator[slice]:
    step = max(1, _BATCH_VALUES // size)
    return (slice(start, start + step) for start in range(0, count, step))


def _pixel_mean(values: Figures) -> Figures:
    means: Figures = values.mean(axis=(1, 2, 3))
    return means


def _ssim_batch(x: Figures, y: Figures) -> Figures:
    side = min(SSIM_WINDOW, *x.shape[1:3])
    window = side if side % 2 else side - 1
    mean_x, mean_y = _window_means(x, window), _window_means(y, window)
    # Sample covariance; undefined for a window of one pixel.
    sample = window**2 / max(1, window**2 - 1)
    var_x = sample * (_window_means(x * x, window) - mean_x**2)
    var_y = sample * (_window_means(y * y, window) - mean_y**2)
    covariance = sample * (_window_means(x * y, window) - mean_x * mean_y)
    c1, c2 = _K1**2, _K2**2
    similarity: Figures = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    )
    return _pixel_mean(similarity)


def _window_means(values: Figures, window: int) -> Figures:
    """Return the means of all complete windows, by cumulative sums along both axes."""
    for axis in (1, 2):
        sums = np.cumsum(values, axis=axis)
        head = np.take(sums, [window - 1], axis=axis)
        values = np.concatenate([head, _steps(sums, window, axis)], axis=axis) / window
    return values


def _steps(sums: Figures, window: int, axis: int) -> Figures:
    upper: list[slice] = [slice(None)] * sums.ndim
    lower: list[slice] = [slice(None)] * sums.ndim
    upper[axis], lower[axis] = slice(window, None), slice(None, -window)
    steps: Figures = sums[tuple(upper)] - sums[tuple(lower)]
    return steps
