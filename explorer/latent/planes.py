"""Planes through the code space, in the order in which a mosaic shows them.

A mosaic is filled row by row from its top left corner. The first coordinate grows to the right, the second grows
*upwards*, as in any plot: the first row of codes holds the highest second coordinate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.checks import as_code, check_dimension, check_table
from explorer.latent.statistics import CodeStatistics
from explorer.types import Floats


def grid_axis(low: float, high: float, steps: int) -> Floats:
    """Evenly spaced values ``(steps,)`` from `low` to `high`, both ends counted; the middle if `steps` is 1.

    Raises
    ------
    UsageError
        If `steps` is below 1, or an end is not finite.
    """
    if steps < 1:
        raise UsageError("at least one step", str(steps), "Steps count both ends.")
    if not (np.isfinite(low) and np.isfinite(high)):
        raise UsageError("a range of two finite numbers", f"{low} {high}", "Give for example -3 3.")
    if steps == 1:
        return np.array([(low + high) / 2], dtype=np.float32)
    return np.linspace(low, high, steps, dtype=np.float64).astype(np.float32)


def top_to_bottom(ys: Floats) -> Floats:
    """Second coordinates ``(rows,)`` in the order of a mosaic's rows: highest first."""
    return np.sort(np.asarray(ys, dtype=np.float32))[::-1].copy()


def grid_codes(base: Floats, dims: tuple[int, int], xs: Floats, ys: Floats) -> Floats:
    """Codes of a regular grid in the plane of two dimensions.

    Parameters
    ----------
    base
        ``(d,)``, gives the values of all other dimensions.
    dims
        The dimensions that grow to the right and upwards.
    xs
        ``(columns,)``, values of the first, left to right as given.
    ys
        ``(rows,)``, values of the second, in any order.

    Returns
    -------
    Floats
        ``(rows * columns, d)``, row-major, the top row first: row r has the second coordinate
        ``top_to_bottom(ys)[r]``.

    Raises
    ------
    UsageError
        If the two dimensions are not two different ones of the code, or a coordinate list is empty.
    """
    base = as_code(base, "the base code")
    first, second = (check_dimension(dim, len(base)) for dim in dims)
    if first == second:
        raise UsageError("two different dimensions", f"{first} twice", "Name two, for example 0 1.")
    xs, rows = np.asarray(xs, dtype=np.float32).ravel(), top_to_bottom(np.ravel(ys))
    if not (len(xs) and len(rows)):
        raise UsageError("values for both coordinates", "none for one", "Give at least one value each.")
    check_table(len(rows) * len(xs), len(base))
    codes = np.tile(base, (len(rows) * len(xs), 1))
    codes[:, first] = np.tile(xs, len(rows))
    codes[:, second] = np.repeat(rows, len(xs))
    return codes


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane through the code space: ``origin + x · across + y · up``.

    Attributes
    ----------
    origin, across, up
        Float32 ``(d,)``. `across` and `up` are the steps of one unit to the right and upwards; not parallel, not zero.

    Raises
    ------
    UsageError
        If the three are not of one length, or `across` and `up` span no plane.
    """

    origin: Floats
    across: Floats
    up: Floats

    def __post_init__(self) -> None:
        shapes = {array.shape for array in (self.origin, self.across, self.up)}
        if len(shapes) != 1 or self.origin.ndim != 1:
            raise UsageError("three codes of one length", f"shapes {sorted(shapes)}", "Choose others.")
        gram = self._gram
        if not np.linalg.det(gram) > 1e-12 * max(gram[0, 0] * gram[1, 1], 1e-30):
            raise UsageError("two directions that span a plane", "parallel ones", "Choose others.")

    @cached_property
    def _gram(self) -> NDArray[np.float64]:
        steps = np.stack([self.across, self.up]).astype(np.float64)
        gram: NDArray[np.float64] = np.einsum("id,jd->ij", steps, steps)
        return gram

    @cached_property
    def key(self) -> bytes:
        """Equal for planes that show the same."""
        return self.origin.tobytes() + self.across.tobytes() + self.up.tobytes()

    @classmethod
    def of_dimensions(cls, base: Floats, dims: tuple[int, int]) -> Plane:
        """Return the plane of two dimensions through a code ``(d,)``; its coordinates are those of the code.

        Raises
        ------
        UsageError
            If the two dimensions are not two different ones of the code.
        """
        base = as_code(base, "the base code")
        first, second = (check_dimension(dim, len(base)) for dim in dims)
        origin = base.copy()
        origin[[first, second]] = 0
        across, up = np.zeros_like(base), np.zeros_like(base)
        across[first] = up[second] = 1
        return cls(origin, across, up)

    @classmethod
    def of_axes(cls, base: Floats, stats: CodeStatistics, axes: tuple[int, int]) -> Plane:
        """Return the plane of two principal axes through a code ``(d,)``; its coordinates are σ from the data's mean.

        Raises
        ------
        UsageError
            If the axes are not two different ones of the data, or the data do not vary along one.
        """
        base = as_code(base, "the base code")
        first, second = (check_dimension(axis, len(stats.axes), "principal axis") for axis in axes)
        across, up = (stats.axes[axis] * stats.axis_sigma[axis] for axis in (first, second))
        x, y = cls(stats.mean, across, up).coordinates(base)
        return cls(base - x * across - y * up, across, up)

    def codes(self, points: Floats) -> Floats:
        """Return the codes ``(n, d)`` at points ``(n, 2)``, float32."""
        points = np.asarray(points, np.float32)
        check_table(len(points), len(self.origin))
        found: Floats = self.origin + points[:, :1] * self.across + points[:, 1:] * self.up
        return found

    def coordinates(self, codes: Floats) -> Floats:
        """Return where codes ``(n, d)``, or one ``(d,)``, lie on the plane, float32 ``(n, 2)`` or ``(2,)``.

        A code beside the plane has the coordinates of its nearest point on it.
        """
        offset = np.asarray(codes, np.float64) - self.origin
        along = np.stack([offset @ self.across.astype(np.float64), offset @ self.up.astype(np.float64)], axis=-1)
        return np.asarray(along @ np.linalg.inv(self._gram), np.float32)

    def moved(self, code: Floats, x: float, y: float) -> Floats:
        """Return a code ``(d,)`` moved along the plane to coordinates x, y; how far it lies beside it is kept."""
        here = self.coordinates(code)
        moved = code + np.float32(x - here[0]) * self.across + np.float32(y - here[1]) * self.up
        return np.asarray(moved, np.float32)


_NORMAL = NormalDist()
_OUTERMOST = 1e-4
"""Quantiles nearer to 0 or 1 would be codes without end."""


class QuantilePlane(Plane):
    """A plane whose coordinates are quantiles of the standard normal prior: what is as likely takes as much room.

    A step from 0.5 to 0.6 is as much of the prior as one from 0.9 to 1; the codes in between lie closer together.
    """

    @cached_property
    def key(self) -> bytes:
        """Equal for planes that show the same."""
        return b"quantiles" + super().key

    def codes(self, points: Floats) -> Floats:
        """Return the codes ``(n, d)`` at points ``(n, 2)``, float32; quantiles are kept from 0 and 1."""
        return super().codes(_inverse(points))

    def coordinates(self, codes: Floats) -> Floats:
        """Return the quantiles of codes ``(n, d)``, or one ``(d,)``, float32 ``(n, 2)`` or ``(2,)``."""
        straight = super().coordinates(codes)
        flat = [_NORMAL.cdf(float(value)) for value in straight.ravel()]
        return np.array(flat, np.float32).reshape(straight.shape)

    def moved(self, code: Floats, x: float, y: float) -> Floats:
        """Return a code ``(d,)`` moved along the plane to quantiles x, y; how far it lies beside it is kept."""
        across, up = _inverse(np.array([x, y], np.float32)).tolist()
        here = super().coordinates(code)
        moved = code + np.float32(across - here[0]) * self.across + np.float32(up - here[1]) * self.up
        return np.asarray(moved, np.float32)


def _inverse(quantiles: Floats) -> Floats:
    kept = np.clip(np.asarray(quantiles, np.float64), _OUTERMOST, 1 - _OUTERMOST)
    flat = [_NORMAL.inv_cdf(float(value)) for value in kept.ravel()]
    return np.array(flat, np.float32).reshape(kept.shape)
