"""Traversals: codes that differ in one dimension or principal component."""

from __future__ import annotations

import numpy as np

from explorer.errors import UsageError
from explorer.latent.checks import as_code, check_dimension, check_table
from explorer.latent.components import move_component
from explorer.latent.statistics import CodeStatistics
from explorer.types import Floats, Indices

MAX_ROWS = 8192
"""Maximum number of rows of `mean_to_max` (256 MB)."""


def traverse_dimension(z: Floats, dim: int, values: Floats) -> Floats:
    """Return copies ``(len(values), d)`` of a code ``(d,)`` with dimension `dim` set to each of `values`.

    Raises UsageError if `z` is not one code, or there is no such dimension.
    """
    z = as_code(z)
    check_dimension(dim, len(z))
    values = np.asarray(values, dtype=np.float32).ravel()
    check_table(len(values), len(z))
    codes = np.tile(z, (len(values), 1))
    codes[:, dim] = values
    return codes


def traverse_component(z: Floats, stats: CodeStatistics, component: int, sigmas: Floats) -> Floats:
    """Return copies ``(len(sigmas), d)`` of a code ``(d,)`` moved along one principal component to each of `sigmas`.

    Raises UsageError if `z` is not one code of the statistics' length, or there is no such component.
    """
    z = as_code(z)
    sigmas = np.asarray(sigmas, dtype=np.float32).ravel()
    check_table(len(sigmas), len(z))
    codes = np.empty((len(sigmas), len(z)), dtype=np.float32)
    for row, sigma in enumerate(sigmas):
        codes[row] = move_component(z, stats, component, float(sigma))
    return codes


def ranked_dimensions(stats: CodeStatistics, most: int) -> Indices:
    """Return the most informative dimensions, int64 ``(k,)``: by KL for a VAE, else by variance."""
    weights = stats.sigma if stats.kl is None else stats.kl
    return np.argsort(-weights, kind="stable")[:most].astype(np.int64)


def mean_to_max(stats: CodeStatistics, dims: Indices | None = None) -> Floats:
    """Return the mean code with each dimension in turn set to its maximum over the data, ``(d, d)``.

    With `dims` ``(m,)`` only these, ``(m, d)``. UsageError if there is no such dimension, or there are too many.
    """
    dim = stats.latent_dim
    chosen = np.arange(dim) if dims is None else np.asarray(dims, dtype=np.int64).ravel()
    if len(chosen) > MAX_ROWS:
        raise UsageError(
            "Cannot show {count:# dimension|# dimensions} at once; at most {most:,} are possible. "
            "Choose some dimensions, or use principal components.",
            count=len(chosen),
            most=MAX_ROWS,
        )
    for number in chosen:
        check_dimension(int(number), dim)
    codes = np.tile(stats.mean, (len(chosen), 1))
    codes[np.arange(len(chosen)), chosen] = stats.quantiles[-1, chosen]
    return codes
