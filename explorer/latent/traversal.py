"""Walks that change one coordinate of a code and keep the rest."""

from __future__ import annotations

import numpy as np

from explorer.errors import UsageError
from explorer.latent.axes import move_axis
from explorer.latent.checks import as_code, check_dimension, check_table
from explorer.latent.statistics import CodeStatistics
from explorer.types import Floats, Indices

MAX_ROWS = 8192
"""Longest code of which `mean_to_max` makes all rows at once (256 MB)."""


def traverse_dimension(z: Floats, dim: int, values: Floats) -> Floats:
    """Codes ``(len(values), d)``: copies of `z` ``(d,)`` with dimension `dim` set to each of `values`, in code units.

    Raises
    ------
    UsageError
        If `z` is not one code, or there is no such dimension.
    """
    z = as_code(z)
    check_dimension(dim, len(z))
    values = np.asarray(values, dtype=np.float32).ravel()
    check_table(len(values), len(z))
    codes = np.tile(z, (len(values), 1))
    codes[:, dim] = values
    return codes


def traverse_axis(z: Floats, stats: CodeStatistics, axis: int, sigmas: Floats) -> Floats:
    """Codes ``(len(sigmas), d)``: `z` ``(d,)`` moved along one principal axis to each of `sigmas`, in σ from the mean.

    Raises
    ------
    UsageError
        If `z` is not one code of the statistics' length, or there is no such axis.
    """
    z = as_code(z)
    sigmas = np.asarray(sigmas, dtype=np.float32).ravel()
    check_table(len(sigmas), len(z))
    codes = np.empty((len(sigmas), len(z)), dtype=np.float32)
    for row, sigma in enumerate(sigmas):
        codes[row] = move_axis(z, stats, axis, float(sigma))
    return codes


def ranked_dimensions(stats: CodeStatistics, most: int) -> Indices:
    """Return the dimensions that hold the most, int64 ``(k,)``: by KL of a variational model, else by variance."""
    weights = stats.sigma if stats.kl is None else stats.kl
    return np.argsort(-weights, kind="stable")[:most].astype(np.int64)


def mean_to_max(stats: CodeStatistics, dims: Indices | None = None) -> Floats:
    """Codes ``(d, d)``: the mean code with one dimension after the other set to its maximum over the data.

    Parameters
    ----------
    stats
        Statistics of the data.
    dims
        ``(m,)``; only these dimensions, so that the result is ``(m, d)``.

    Raises
    ------
    UsageError
        If there is no such dimension, or there are too many for one table.
    """
    dim = stats.latent_dim
    chosen = np.arange(dim) if dims is None else np.asarray(dims, dtype=np.int64).ravel()
    if len(chosen) > MAX_ROWS:
        raise UsageError(
            f"at most {MAX_ROWS} dimensions at once", str(len(chosen)), "Choose dimensions, or use principal axes."
        )
    for number in chosen:
        check_dimension(int(number), dim)
    codes = np.tile(stats.mean, (len(chosen), 1))
    codes[np.arange(len(chosen)), chosen] = stats.quantiles[-1, chosen]
    return codes
