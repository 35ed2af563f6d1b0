"""Codes seen along the principal axes of the data, in standard deviations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.checks import check_dimension
from explorer.latent.statistics import CodeStatistics
from explorer.types import Floats


def to_axes(z: Floats, stats: CodeStatistics) -> Floats:
    """Coordinates along the principal axes.

    Parameters
    ----------
    z
        One code ``(d,)``, or many ``(n, d)``.
    stats
        Statistics of the data.

    Returns
    -------
    Floats
        ``(k,)``, or ``(n, k)``, in σ from the mean code; 0 along an axis on which the data do not vary.

    Raises
    ------
    UsageError
        If `z` has another length than the statistics.
    """
    centred = _centred(z, stats).astype(np.float32)
    # A single code is wanted at every step of a drag. A matrix product would wake the threads of BLAS for it and, while
    # a training has the processor, wait for them ten times as long as this takes.
    along = np.einsum("kd,d->k", stats.axes, centred) if centred.ndim == 1 else centred @ stats.axes.T
    # An axis without spread must not turn rounding errors into millions of σ.
    flat = stats.axis_sigma <= stats.axis_sigma.max(initial=0.0) * 1e-6
    coordinates = np.where(flat, 0.0, along / np.where(flat, 1.0, stats.axis_sigma))
    return coordinates.astype(np.float32)


def move_axis(z: Floats, stats: CodeStatistics, axis: int, sigma_value: float) -> Floats:
    """Return a copy of one code ``(d,)`` moved along one axis to `sigma_value`, its other coordinates kept.

    What the axes do not hold of the code is kept too.

    Raises
    ------
    UsageError
        If there is no such axis, or `z` has another length than the statistics.
    """
    check_dimension(axis, len(stats.axes), "principal axis")
    wanted = float(sigma_value) * float(stats.axis_sigma[axis])
    here = _dot(_centred(z, stats), stats.axes[axis])
    return _step(z, stats, axis, wanted - here)


def take_axis(z: Floats, other: Floats, stats: CodeStatistics, axis: int) -> Floats:
    """Return a copy of one code ``(d,)`` that lies along one axis where `other` ``(d,)`` does, the rest of it kept.

    Raises
    ------
    UsageError
        If there is no such axis, or one of the codes has another length than the statistics.
    """
    check_dimension(axis, len(stats.axes), "principal axis")
    between = _centred(other, stats) - _centred(z, stats)
    return _step(z, stats, axis, _dot(between, stats.axes[axis]))


def random_along_axes(stats: CodeStatistics, rng: np.random.Generator) -> Floats:
    """Return a random code ``(d,)``, float32: the mean, and along each axis a normal step of that axis' σ.

    Its dimensions vary together as the data's do; drawn one by one, those of a long code would make noise. Without
    any axis (statistics of a single code) it is the mean.
    """
    steps = rng.standard_normal(len(stats.axes)) * stats.axis_sigma
    return np.asarray(stats.mean + steps.astype(np.float32) @ stats.axes, dtype=np.float32)


def _step(z: Floats, stats: CodeStatistics, axis: int, length: float) -> Floats:
    direction = stats.axes[axis].astype(np.float64)
    # Axes that were kept in 16 bits are not quite of length 1, and the slider must stand where it was put.
    squared = max(_dot(direction, direction), 1e-12)
    return np.asarray(np.asarray(z, dtype=np.float64) + length / squared * direction, dtype=np.float32)


def _dot(left: NDArray[np.float64], right: NDArray[np.floating[Any]]) -> float:
    return float(np.einsum("d,d->", left, right.astype(np.float64)))


def _centred(z: Floats, stats: CodeStatistics) -> NDArray[np.float64]:
    codes = np.asarray(z, dtype=np.float64)
    if codes.ndim not in (1, 2) or codes.shape[-1] != stats.latent_dim:
        raise UsageError(
            f"codes of length {stats.latent_dim}", f"the shape {codes.shape}", "Use codes and statistics of one model."
        )
    return np.asarray(codes - stats.mean, dtype=np.float64)
