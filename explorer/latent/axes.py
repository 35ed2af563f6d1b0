"""Codes seen along the principal axes of the data, in standard deviations."""

from __future__ import annotations

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
    centred = _centred(z, stats)
    # An axis without spread must not turn rounding errors into millions of σ.
    flat = stats.axis_sigma <= stats.axis_sigma.max(initial=0.0) * 1e-6
    coordinates = np.where(flat, 0.0, centred @ stats.axes.T / np.where(flat, 1.0, stats.axis_sigma))
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
    direction = stats.axes[axis].astype(np.float64)
    wanted = float(sigma_value) * float(stats.axis_sigma[axis])
    here = float(_centred(z, stats) @ direction)
    moved = np.asarray(z, dtype=np.float64) + (wanted - here) * direction
    return np.asarray(moved, dtype=np.float32)


def _centred(z: Floats, stats: CodeStatistics) -> NDArray[np.float64]:
    codes = np.asarray(z, dtype=np.float64)
    if codes.ndim not in (1, 2) or codes.shape[-1] != stats.latent_dim:
        raise UsageError(
            f"codes of length {stats.latent_dim}", f"the shape {codes.shape}", "Use codes and statistics of one model."
        )
    return np.asarray(codes - stats.mean, dtype=np.float64)
