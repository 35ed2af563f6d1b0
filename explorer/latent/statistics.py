"""Statistics of codes: mean, σ, quantiles, KL, principal components, correlations, active dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.checks import as_codes
from explorer.messages import message
from explorer.types import Floats

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
"""Levels of `CodeStatistics.quantiles`, from minimum to maximum."""

ACTIVE_VARIANCE = 0.01
"""Variance of the mean code above which a dimension counts as active (Burda et al. 2016, section 5.2)."""

_CHUNK = 4096
_COMPLETION_SEED = 0


@dataclass(frozen=True, eq=False)
class CodeStatistics:
    """Statistics of n codes of length d; every array float32.

    Attributes
    ----------
    mean, sigma
        ``(d,)``; mean and standard deviation (divided by n) of each dimension.
    quantiles
        ``(9, d)``, one row for each of `QUANTILES`, not decreasing.
    kl
        ``(d,)``, Kullback-Leibler divergence from N(0, 1) in nats, averaged over the codes; None unless from a VAE.
    components
        ``(k, d)``, principal components: orthonormal rows by decreasing variance, the largest entry of each positive.
    component_sigma
        ``(k,)``, standard deviation of the codes along each component (divided by n), not increasing.
    explained
        ``(k,)``, explained variance ratio of each component, in [0, 1].
    """

    mean: Floats
    sigma: Floats
    quantiles: Floats
    kl: Floats | None
    components: Floats
    component_sigma: Floats
    explained: Floats

    @property
    def latent_dim(self) -> int:
        return int(self.mean.shape[0])


def compute_statistics(codes: Floats, log_variance: Floats | None = None, max_components: int = 64) -> CodeStatistics:
    """Compute the statistics of codes ``(n, d)``: for a VAE of mean codes, with natural log-variances ``(n, d)``.

    There are ``min(max_components, n - 1, d)`` components. Computed in float64; time grows with ``min(n, d)`` cubed,
    memory with ``min(n, d)`` squared. UsageError if a table is not finite, or the shapes differ.
    """
    codes = as_codes(codes)
    if not np.isfinite(codes).all():
        raise UsageError("Some codes contain NaN or infinity. Check the model.")
    count, dim = codes.shape
    kl = None if log_variance is None else kl_per_dimension(codes, log_variance)
    mean = codes.mean(axis=0, dtype=np.float64)
    variance = np.empty(dim)
    quantiles = np.empty((len(QUANTILES), dim), dtype=np.float32)
    for part in _column_parts(dim):
        columns = codes[:, part].astype(np.float64)
        variance[part] = columns.var(axis=0)
        quantiles[:, part] = _quantiles(codes[:, part])
    axes, component_variance = _principal_components(codes, mean, max(0, min(max_components, count - 1, dim)))
    whole = float(variance.sum())
    return CodeStatistics(
        mean=mean.astype(np.float32),
        sigma=np.sqrt(variance).astype(np.float32),
        quantiles=np.maximum.accumulate(quantiles, axis=0),
        kl=kl,
        components=axes.astype(np.float32),
        component_sigma=np.sqrt(component_variance).astype(np.float32),
        explained=np.clip(component_variance / whole if whole > 0 else component_variance, 0, 1).astype(np.float32),
    )


def _quantiles(columns: Floats) -> NDArray[np.float64]:
    """Return `QUANTILES` ``(9, d)`` of columns ``(n, d)`` with linear interpolation.

    Equal to `numpy.quantile`, but three times as fast on long codes, since it sorts contiguous memory.
    """
    ordered = np.sort(np.ascontiguousarray(columns.T), axis=1).T.astype(np.float64)
    places = np.asarray(QUANTILES) * (len(columns) - 1)
    below = np.floor(places).astype(np.int64)
    above = np.minimum(below + 1, len(columns) - 1)
    low, high = ordered[below], ordered[above]
    return np.asarray(low + (high - low) * (places - below)[:, None], dtype=np.float64)


def _column_parts(dim: int) -> Iterator[slice]:
    for start in range(0, dim, _CHUNK):
        yield slice(start, min(start + _CHUNK, dim))


def _principal_components(codes: Floats, mean: NDArray[np.float64], keep: int) -> tuple[NDArray[np.float64], ...]:
    """Return components ``(keep, d)`` and their variances ``(keep,)``, from the covariance or the Gram matrix."""
    count, dim = codes.shape
    if keep == 0:
        return np.zeros((0, dim)), np.zeros(0)
    if dim <= count:
        centered = codes - mean
        values, vectors = np.linalg.eigh(centered.T @ centered / count)
        axes = vectors[:, ::-1][:, :keep].T
    else:
        gram = np.zeros((count, count))
        for part in _column_parts(dim):
            columns = codes[:, part] - mean[part]
            gram += columns @ columns.T
        values, vectors = np.linalg.eigh(gram / count)
        axes = _components_from_gram(codes, mean, vectors[:, ::-1][:, :keep], values[::-1][:keep])
    variances = np.maximum(values[::-1][:keep], 0.0)
    magnitudes = np.abs(axes)
    # The first of nearly equal entries, so that rounding does not decide.
    largest = np.argmax(magnitudes >= magnitudes.max(axis=1, keepdims=True) * (1 - 1e-6), axis=1)
    signs = np.where(axes[np.arange(keep), largest] < 0, -1.0, 1.0)
    return axes * signs[:, None], variances


def _components_from_gram(
    codes: Floats, mean: NDArray[np.float64], vectors: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return principal components ``(k, d)`` from eigenvectors ``(n, k)`` of the Gram matrix."""
    dim = codes.shape[1]
    axes = np.empty((vectors.shape[1], dim))
    for part in _column_parts(dim):
        axes[:, part] = vectors.T @ (codes[:, part] - mean[part])
    empty = values <= max(float(values[0]), 0.0) * 1e-10
    # Components without variance are arbitrary: random ones, orthogonalized to the others.
    axes[empty] = np.random.default_rng(_COMPLETION_SEED).standard_normal((int(empty.sum()), dim))
    orthonormal: NDArray[np.float64] = np.linalg.qr(axes.T)[0].T
    return orthonormal


def kl_per_dimension(mean: Floats, log_variance: Floats) -> Floats:
    """Return the KL divergence of N(mean, exp(log_variance)) from N(0, 1) per dimension, mean of codes ``(n, d)``.

    Kingma and Welling 2014, appendix B: ``0.5 (mean² + exp(log_variance) - 1 - log_variance)``; ``(d,)``, nats.
    UsageError if the shapes differ or are invalid.
    """
    mean = as_codes(mean, message("mean codes"))
    log_variance = as_codes(log_variance, message("log-variances"))
    if mean.shape != log_variance.shape:
        raise UsageError(
            "The mean codes have the shape {mean}, but the log-variances {log_variance}. Encode both at once.",
            mean=str(mean.shape),
            log_variance=str(log_variance.shape),
        )
    result = np.empty(mean.shape[1], dtype=np.float32)
    for part in _column_parts(mean.shape[1]):
        center, spread = mean[:, part].astype(np.float64), log_variance[:, part].astype(np.float64)
        # expm1 avoids rounding errors for the tiny divergence of inactive dimensions.
        result[part] = 0.5 * (center**2 + np.expm1(spread) - spread).mean(axis=0)
    return result


def correlations(codes: Floats, dimensions: NDArray[np.int64]) -> Floats:
    """Return Pearson's correlations between some dimensions of codes ``(n, d)``, ``(k, k)`` in [-1, 1].

    For a constant dimension they are 0, and 1 with itself. UsageError if the shape of `codes` is invalid.
    """
    chosen = as_codes(codes)[:, dimensions].astype(np.float64)
    chosen -= chosen.mean(axis=0)
    length = np.sqrt(np.square(chosen).sum(axis=0))
    chosen /= np.where(length > 0, length, 1.0)
    table = np.clip(chosen.T @ chosen, -1, 1)
    np.fill_diagonal(table, 1.0)
    return np.asarray(table, np.float32)


def active_dimensions(codes: Floats) -> NDArray[np.bool_]:
    """Return which dimensions of mean codes ``(n, d)`` are active: ``(d,)`` bool.

    Burda et al. 2016: their variance over the data is above 0.01. UsageError if the shape of `codes` is invalid.
    """
    active: NDArray[np.bool_] = as_codes(codes).var(axis=0, dtype=np.float64) > ACTIVE_VARIANCE
    return active
