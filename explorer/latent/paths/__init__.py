"""Interpolation paths between keyframes. To add one, add a file here and a line in `PATHS`.

A path is a function of the keyframes ``(k, d)`` float32 and a `Surroundings`. It returns a curve: a function from
positions ``(m,)`` float64 in [0, k - 1] to codes ``(m, d)`` float32. At an integer position it returns that keyframe
exactly.
"""

from __future__ import annotations

from explorer.latent.paths.data import data
from explorer.latent.paths.linear import linear
from explorer.latent.paths.path import Curve, Path, Surroundings
from explorer.latent.paths.slerp import slerp
from explorer.latent.paths.spline import spline
from explorer.latent.registry import named
from explorer.messages import message

__all__ = ["PATHS", "Curve", "Path", "Surroundings", "path_named"]

PATHS: dict[str, Path] = {
    "linear": linear,
    "slerp": slerp,
    "spline": spline,
    "data": data,
}


def path_named(name: str) -> Path:
    """Return a path by name; UsageError, with the known ones, if there is none."""
    return named(PATHS, name, message("path between codes"))
