"""Coordinates of codes along the principal components of the data, in standard deviations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.checks import COMPONENT, check_dimension
from explorer.latent.statistics import CodeStatistics
from explorer.types import Floats

_PART_VALUES = 4_000_000


def to_components(z: Floats, stats: CodeStatistics) -> Floats:
    """Return coordinates ``(k,)`` of a code ``(d,)``, or ``(n, k)`` of several, along the principal components.

    They are in σ from the mean code; 0 along a component without variance. UsageError for codes of another length.
    """
    centered = _centered(z, stats).astype(np.float32)
    # einsum for single codes, which are needed while dragging: a matrix product would wake the threads of BLAS, which
    # takes ten times as long during a training.
    along = np.einsum("kd,d->k", stats.components, centered) if centered.ndim == 1 else centered @ stats.components.T
    # Without this, rounding errors along a component without variance would become millions of σ.
    flat = stats.component_sigma <= stats.component_sigma.max(initial=0.0) * 1e-6
    coordinates = np.where(flat, 0.0, along / np.where(flat, 1.0, stats.component_sigma))
    return coordinates.astype(np.float32)


def along_components(codes: Floats, stats: CodeStatistics) -> Floats:
    """Return what `to_components` does for codes ``(n, d)``, in parts, so that long codes need little memory."""
    step = max(1, _PART_VALUES // stats.latent_dim)
    parts = [to_components(codes[start : start + step], stats) for start in range(0, max(1, len(codes)), step)]
    return np.concatenate(parts)


def move_component(z: Floats, stats: CodeStatistics, component: int, sigma_value: float) -> Floats:
    """Return a copy of one code ``(d,)`` moved along one principal component to `sigma_value`.

    Its other coordinates, and its part outside of the components, are kept. UsageError if there is no such component,
    or `z` has another length than the statistics.
    """
    check_dimension(component, len(stats.components), COMPONENT)
    wanted = float(sigma_value) * float(stats.component_sigma[component])
    here = _dot(_centered(z, stats), stats.components[component])
    return _step(z, stats, component, wanted - here)


def take_component(z: Floats, other: Floats, stats: CodeStatistics, component: int) -> Floats:
    """Return a copy of one code ``(d,)`` with one principal coordinate of `other` ``(d,)``.

    UsageError if there is no such component, or one of the codes has another length than the statistics.
    """
    check_dimension(component, len(stats.components), COMPONENT)
    between = _centered(other, stats) - _centered(z, stats)
    return _step(z, stats, component, _dot(between, stats.components[component]))


def random_along_components(stats: CodeStatistics, rng: np.random.Generator) -> Floats:
    """Return a random code ``(d,)``, float32, from the normal distribution with the data's mean and covariance.

    Independent dimensions would give noise for long codes. Without components (statistics of a single code) it is the
    mean.
    """
    steps = rng.standard_normal(len(stats.components)) * stats.component_sigma
    return np.asarray(stats.mean + steps.astype(np.float32) @ stats.components, dtype=np.float32)


def _step(z: Floats, stats: CodeStatistics, component: int, length: float) -> Floats:
    direction = stats.components[component].astype(np.float64)
    # Components stored as float16 are not exactly of length 1.
    squared = max(_dot(direction, direction), 1e-12)
    return np.asarray(np.asarray(z, dtype=np.float64) + length / squared * direction, dtype=np.float32)


def _dot(left: NDArray[np.float64], right: NDArray[np.floating[Any]]) -> float:
    return float(np.einsum("d,d->", left, right.astype(np.float64)))


def _centered(z: Floats, stats: CodeStatistics) -> NDArray[np.float64]:
    codes = np.asarray(z, dtype=np.float64)
    if codes.ndim not in (1, 2) or codes.shape[-1] != stats.latent_dim:
        raise UsageError(
            "Codes of shape {shape} do not match the model, which has {count:# dimension|# dimensions}. "
            "Use codes of the same model.",
            shape=str(codes.shape),
            count=stats.latent_dim,
        )
    return np.asarray(codes - stats.mean, dtype=np.float64)
