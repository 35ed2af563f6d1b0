"""Films that are made in one go: their keys, and how they run."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from explorer.errors import UsageError
from explorer.latent.checks import as_code, as_codes, check_dimension
from explorer.latent.film import Film, FilmSettings
from explorer.latent.statistics import CodeStatistics
from explorer.types import Floats, Indices

STRIP = 16


class Preset(NamedTuple):
    """Keys ``(k, d)`` float32, and the film through them."""

    keys: Floats
    film: Film


def reference_film(start: Floats, end: Floats) -> Preset:
    """The reference's film between two codes ``(d,)``: 90 steps, held 18, and back: 216 frames at 50 fps, 4.3 s."""
    return _preset(np.stack([as_code(start), as_code(end)]), FilmSettings())


def strip(start: Floats, end: Floats, between: int = STRIP) -> Preset:
    """A row of pictures from one code ``(d,)`` to another: `between` of them and the two ends, nothing held.

    Raises
    ------
    UsageError
        If `between` is negative.
    """
    if between < 0:
        raise UsageError("a number of pictures of 0 or more", str(between), "Give for example 16.")
    return _preset(np.stack([as_code(start), as_code(end)]), FilmSettings(between + 2, 0, 10.0, "none"))


def one_of_each(codes: Floats, labels: Indices) -> Preset:
    """Round trip through one picture of each class, lowest label first: the one nearest to the mean of its class.

    Parameters
    ----------
    codes
        ``(n, d)``, codes of pictures.
    labels
        ``(n,)``, at least two different ones; negative ones mean that the picture has none.

    Raises
    ------
    UsageError
        If there are fewer than two classes, or the numbers differ.
    """
    codes, labels = as_codes(codes), np.asarray(labels)
    classes = np.unique(labels[labels >= 0]) if labels.shape == (len(codes),) else np.zeros(0)
    if len(classes) < 2:
        raise UsageError("codes of two classes or more, with a label each", "others", "Open data that has labels.")
    keys = []
    for label in classes:
        mine = codes[labels == label]
        centre = mine.mean(axis=0, dtype=np.float64)
        keys.append(mine[np.argmin(((mine - centre) ** 2).sum(axis=1))])
    return _preset(np.stack(keys), FilmSettings(24, 0, 25.0, "repeat", "spline"))


def random_walk(stats: CodeStatistics, seed: int, count: int = 8, stride: float = 0.6) -> Preset:
    """Round trip through random codes that look like the data's, each not far from the one before.

    Along each principal axis the steps are an autoregressive process that has the mean and the σ of the data.

    Parameters
    ----------
    stats
        Statistics of the data.
    seed
        The same seed, the same walk.
    count
        Number of keys, at least 2.
    stride
        In (0, 1]: 1 makes every key independent of the one before.

    Raises
    ------
    UsageError
        If a value cannot be meant.
    """
    if count < 2:
        raise UsageError("at least two keys", str(count), "Give for example 8.")
    if not 0 < stride <= 1:
        raise UsageError("a stride above 0 and up to 1", str(stride), "Give for example 0.6.")
    steps = np.random.default_rng(seed).standard_normal((count, len(stats.axes)))
    for number in range(1, count):
        steps[number] = np.sqrt(1 - stride**2) * steps[number - 1] + stride * steps[number]
    keys = stats.mean + (steps * stats.axis_sigma) @ stats.axes
    return _preset(keys.astype(np.float32), FilmSettings(24, 0, 25.0, "repeat", "spline"))


def breathing(z: Floats, stats: CodeStatistics, dim: int, sigmas: float = 2.0) -> Preset:
    """To and fro along one dimension, slowly at the turns, from `sigmas` σ below a code's own value to as far above.

    Parameters
    ----------
    z
        ``(d,)``; its other dimensions stay.
    stats
        Statistics of the data.
    dim
        The dimension that breathes.
    sigmas
        Depth of a breath, above 0.

    Raises
    ------
    UsageError
        If there is no such dimension, `z` is not of the statistics' length, or `sigmas` is not above 0.
    """
    z = as_code(z)
    check_dimension(dim, len(z))
    if len(z) != stats.latent_dim:
        raise UsageError(f"a code of length {stats.latent_dim}", str(len(z)), "Use one model's codes.")
    if not (sigmas > 0 and np.isfinite(sigmas)):
        raise UsageError("a depth above 0 σ", str(sigmas), "Give for example 2.")
    keys = np.stack([z, z])
    keys[:, dim] += np.array([-sigmas, sigmas], dtype=np.float32) * stats.sigma[dim]
    return _preset(keys, FilmSettings(50, 0, 25.0, "pingpong", "linear", "ease"))


def _preset(keys: Floats, settings: FilmSettings) -> Preset:
    return Preset(keys, settings.film(len(keys)))
