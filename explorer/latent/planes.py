"""Planes through the code space, in the order in which a mosaic shows them.

A mosaic is filled row by row from its top left corner. The first coordinate grows to the right, the second grows
*upwards*, as in any plot: the first row of codes holds the highest second coordinate.
"""

from __future__ import annotations

import numpy as np

from explorer.errors import UsageError
from explorer.latent.checks import as_code, check_dimension
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
    codes = np.tile(base, (len(rows) * len(xs), 1))
    codes[:, first] = np.tile(xs, len(rows))
    codes[:, second] = np.repeat(rows, len(xs))
    return codes
