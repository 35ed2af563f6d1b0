"""Ways from key to key through the code space. A new one is one file here and one line in `PATHS`.

A path takes the keys ``(k, d)`` float32 and their surroundings, and gives a curve: a function of positions ``(m,)``
float64 in [0, k - 1] to codes ``(m, d)`` float32. At a whole position it gives that key exactly.
"""

from __future__ import annotations

from explorer.latent.paths.data import data
from explorer.latent.paths.linear import linear
from explorer.latent.paths.path import Curve, Path, Surroundings
from explorer.latent.paths.slerp import slerp
from explorer.latent.paths.spline import spline
from explorer.latent.registry import named

__all__ = ["PATHS", "Curve", "Path", "Surroundings", "path_named"]

PATHS: dict[str, Path] = {
    "linear": linear,
    "slerp": slerp,
    "spline": spline,
    "data": data,
}


def path_named(name: str) -> Path:
    """Return the path of that name.

    Raises
    ------
    UsageError
        If there is none; the message lists the known ones.
    """
    return named(PATHS, name, "path")
