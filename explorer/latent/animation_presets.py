"""Animation presets: keyframes and settings."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from explorer.errors import UsageError
from explorer.latent.animation import Animation, AnimationSettings
from explorer.latent.checks import as_code, as_codes, check_dimension
from explorer.latent.statistics import CodeStatistics
from explorer.types import Floats, Indices

STRIP = 16


class AnimationPreset(NamedTuple):
    """Codes of the keyframes ``(k, d)``, float32, and the animation through them."""

    keys: Floats
    animation: Animation


def reference_animation(start: Floats, end: Floats) -> AnimationPreset:
    """Return the reference's animation between two codes ``(d,)``: ping-pong, 216 frames at 50 fps, 4.3 s."""
    return _preset(np.stack([as_code(start), as_code(end)]), AnimationSettings())


def strip(start: Floats, end: Floats, between: int = STRIP) -> AnimationPreset:
    """Return a contact sheet from one code ``(d,)`` to another: the two ends and `between` images.

    UsageError if `between` is negative.
    """
    if between < 0:
        raise UsageError(
            "A contact sheet cannot have {count} images in between. Choose 0 or more, for example 16.", count=between
        )
    return _preset(np.stack([as_code(start), as_code(end)]), AnimationSettings(between + 2, 0, 10.0, "none"))


def one_of_each(codes: Floats, labels: Indices) -> AnimationPreset:
    """Return a loop through one image of each class in order of labels: the one nearest to the mean of its class.

    Codes are ``(n, d)``, labels ``(n,)``, negative for images without label. UsageError if there are fewer than two
    classes.
    """
    codes, labels = as_codes(codes), np.asarray(labels)
    classes = np.unique(labels[labels >= 0]) if labels.shape == (len(codes),) else np.zeros(0)
    if len(classes) < 2:
        raise UsageError("There are fewer than two labeled classes. Open a dataset with labels.")
    keys = []
    for label in classes:
        mine = codes[labels == label]
        center = mine.mean(axis=0, dtype=np.float64)
        keys.append(mine[np.argmin(((mine - center) ** 2).sum(axis=1))])
    return _preset(np.stack(keys), AnimationSettings(24, 0, 25.0, "repeat", "spline"))


def random_walk(stats: CodeStatistics, seed: int, count: int = 8, stride: float = 0.6) -> AnimationPreset:
    """Return a loop through random codes with the data's distribution, each near the previous one.

    Along each principal component the keyframes, at least 2, are an autoregressive process with the mean and σ of the
    data. `stride` is in (0, 1]; with 1 keyframes are independent. UsageError if a value is invalid.
    """
    if count < 2:
        raise UsageError(
            "A random walk cannot have {count:# keyframe|# keyframes}. Choose at least 2, for example 8.", count=count
        )
    if not 0 < stride <= 1:
        raise UsageError(
            "A random walk cannot have a stride of {stride:g}. Choose one above 0 and up to 1, for example 0.6.",
            stride=float(stride),
        )
    steps = np.random.default_rng(seed).standard_normal((count, len(stats.components)))
    for number in range(1, count):
        steps[number] = np.sqrt(1 - stride**2) * steps[number - 1] + stride * steps[number]
    keys = stats.mean + (steps * stats.component_sigma) @ stats.components
    return _preset(keys.astype(np.float32), AnimationSettings(24, 0, 25.0, "repeat", "spline"))


def breathing(z: Floats, stats: CodeStatistics, dim: int, sigmas: float = 2.0) -> AnimationPreset:
    """Return an oscillation of dimension `dim` of a code ``(d,)``, around its value with an amplitude of `sigmas` σ.

    Raises UsageError if there is no such dimension, `z` has another length than the statistics, or `sigmas` is not
    above 0.
    """
    z = as_code(z)
    check_dimension(dim, len(z))
    if len(z) != stats.latent_dim:
        raise UsageError(
            "The code has {codes} dimensions, but those of the data have {data}. Use codes of the same model.",
            codes=len(z),
            data=stats.latent_dim,
        )
    if not (sigmas > 0 and np.isfinite(sigmas)):
        raise UsageError(
            "An amplitude of {sigmas:g} σ is impossible. Choose one above 0, for example 2.", sigmas=float(sigmas)
        )
    keys = np.stack([z, z])
    keys[:, dim] += np.array([-sigmas, sigmas], dtype=np.float32) * stats.sigma[dim]
    return _preset(keys, AnimationSettings(50, 0, 25.0, "pingpong", "linear", "ease"))


def _preset(keys: Floats, settings: AnimationSettings) -> AnimationPreset:
    return AnimationPreset(keys, settings.animation(len(keys)))
