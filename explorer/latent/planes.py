"""Planes and grids in latent space.

Grids are in row-major order from the top left. x grows to the right and y *upward*, as in plots: the first row has the
largest y.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.checks import COMPONENT, as_code, check_dimension, check_table
from explorer.latent.statistics import CodeStatistics
from explorer.types import Floats


def grid_axis(low: float, high: float, steps: int) -> Floats:
    """Return evenly spaced values ``(steps,)`` from `low` to `high`, inclusive; the midpoint if `steps` is 1.

    UsageError if `steps` is below 1, or an end is not finite.
    """
    if steps < 1:
        raise UsageError("A grid cannot have {steps} steps. Choose at least 1.", steps=steps)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise UsageError(
            "The range from {low} to {high} is not finite. Choose another, for example -3 to 3.", low=low, high=high
        )
    if steps == 1:
        return np.array([(low + high) / 2], dtype=np.float32)
    return np.linspace(low, high, steps, dtype=np.float64).astype(np.float32)


def top_to_bottom(ys: Floats) -> Floats:
    """Return y coordinates ``(rows,)`` in the order of a grid's rows: largest first."""
    return np.sort(np.asarray(ys, dtype=np.float32))[::-1].copy()


def grid_codes(base: Floats, dims: tuple[int, int], xs: Floats, ys: Floats) -> Floats:
    """Return the codes ``(rows * columns, d)`` of a regular grid over two dimensions, row-major from the top.

    Row r has y = ``top_to_bottom(ys)[r]``; all other dimensions have the values of `base` ``(d,)``. UsageError if the
    dimensions are equal or do not exist, or there are no values.
    """
    base = as_code(base)
    first, second = (check_dimension(dim, len(base)) for dim in dims)
    if first == second:
        raise UsageError(
            "A grid needs two different dimensions, not {dimension} twice. Choose two, for example 0 1.",
            dimension=first,
        )
    xs, rows = np.asarray(xs, dtype=np.float32).ravel(), top_to_bottom(np.ravel(ys))
    if not (len(xs) and len(rows)):
        raise UsageError("A grid needs at least one value for each dimension. Add values.")
    check_table(len(rows) * len(xs), len(base))
    codes = np.tile(base, (len(rows) * len(xs), 1))
    codes[:, first] = np.tile(xs, len(rows))
    codes[:, second] = np.repeat(rows, len(xs))
    return codes


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane in latent space: ``origin + x · across + y · up``, each float32 ``(d,)``.

    `across` and `up` are the unit steps along x and y; UsageError if they are linearly dependent, or lengths differ.
    """

    origin: Floats
    across: Floats
    up: Floats

    def __post_init__(self) -> None:
        shapes = {array.shape for array in (self.origin, self.across, self.up)}
        if len(shapes) != 1 or self.origin.ndim != 1:
            raise UsageError(
                "The codes that span the plane have different shapes: {shapes}. Use codes of the same model.",
                shapes=[str(shape) for shape in sorted(shapes)],
            )
        gram = self._gram
        if not np.linalg.det(gram) > 1e-12 * max(gram[0, 0] * gram[1, 1], 1e-30):
            raise UsageError("The two directions are parallel and span no plane. Choose others.")

    @cached_property
    def _gram(self) -> NDArray[np.float64]:
        steps = np.stack([self.across, self.up]).astype(np.float64)
        gram: NDArray[np.float64] = np.einsum("id,jd->ij", steps, steps)
        return gram

    @cached_property
    def key(self) -> bytes:
        """Cache key: equal for equal planes."""
        return self.origin.tobytes() + self.across.tobytes() + self.up.tobytes()

    @classmethod
    def of_dimensions(cls, base: Floats, dims: tuple[int, int]) -> Plane:
        """Return the plane of two dimensions through a code ``(d,)``; its coordinates are the dimensions' values.

        UsageError if the dimensions are equal or do not exist.
        """
        base = as_code(base)
        first, second = (check_dimension(dim, len(base)) for dim in dims)
        origin = base.copy()
        origin[[first, second]] = 0
        across, up = np.zeros_like(base), np.zeros_like(base)
        across[first] = up[second] = 1
        return cls(origin, across, up)

    @classmethod
    def of_components(cls, base: Floats, stats: CodeStatistics, axes: tuple[int, int]) -> Plane:
        """Return the plane of two principal components through a code ``(d,)``; coordinates are σ from the mean.

        Raises UsageError if the components are equal, do not exist, or have no variance.
        """
        base = as_code(base)
        first, second = (check_dimension(component, len(stats.components), COMPONENT) for component in axes)
        across, up = (stats.components[component] * stats.component_sigma[component] for component in (first, second))
        x, y = cls(stats.mean, across, up).coordinates(base)
        return cls(base - x * across - y * up, across, up)

    def codes(self, points: Floats) -> Floats:
        """Return the codes ``(n, d)`` at points ``(n, 2)``, float32."""
        points = np.asarray(points, np.float32)
        check_table(len(points), len(self.origin))
        found: Floats = self.origin + points[:, :1] * self.across + points[:, 1:] * self.up
        return found

    def coordinates(self, codes: Floats) -> Floats:
        """Return the coordinates ``(n, 2)`` of codes ``(n, d)`` projected on the plane, or ``(2,)`` of one ``(d,)``."""
        offset = np.asarray(codes, np.float64) - self.origin
        along = np.stack([offset @ self.across.astype(np.float64), offset @ self.up.astype(np.float64)], axis=-1)
        return np.asarray(along @ np.linalg.inv(self._gram), np.float32)

    def moved(self, code: Floats, x: float, y: float) -> Floats:
        """Return a code ``(d,)`` moved parallel to the plane to coordinates x, y."""
        here = self.coordinates(code)
        moved = code + np.float32(x - here[0]) * self.across + np.float32(y - here[1]) * self.up
        return np.asarray(moved, np.float32)


_NORMAL = NormalDist()
_OUTERMOST = 1e-4
"""Quantiles are clipped, since 0 and 1 would give infinite codes."""


class QuantilePlane(Plane):
    """A plane whose coordinates are quantiles of the standard normal prior, so that equal areas are equally likely."""

    @cached_property
    def key(self) -> bytes:
        return b"quantiles" + super().key

    def codes(self, points: Floats) -> Floats:
        return super().codes(_inverse(points))

    def coordinates(self, codes: Floats) -> Floats:
        """Return the quantiles of codes ``(n, d)``, or one ``(d,)``, float32 ``(n, 2)`` or ``(2,)``."""
        straight = super().coordinates(codes)
        flat = [_NORMAL.cdf(float(value)) for value in straight.ravel()]
        return np.array(flat, np.float32).reshape(straight.shape)

    def moved(self, code: Floats, x: float, y: float) -> Floats:
        """Return a code ``(d,)`` moved parallel to the plane to quantiles x, y."""
        across, up = _inverse(np.array([x, y], np.float32)).tolist()
        here = super().coordinates(code)
        moved = code + np.float32(across - here[0]) * self.across + np.float32(up - here[1]) * self.up
        return np.asarray(moved, np.float32)


def _inverse(quantiles: Floats) -> Floats:
    kept = np.clip(np.asarray(quantiles, np.float64), _OUTERMOST, 1 - _OUTERMOST)
    flat = [_NORMAL.inv_cdf(float(value)) for value in kept.ravel()]
    return np.array(flat, np.float32).reshape(kept.shape)
