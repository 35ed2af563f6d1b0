"""Ways from key to key through the code space. A new one is one file here and one line in `PATHS`.

A path is a function of the keys ``(k, d)`` float32 and of positions ``(m,)`` float64 in [0, k - 1], to codes
``(m, d)`` float32. At a whole position it gives that key exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.latent.paths.linear import linear
from explorer.latent.registry import named
from explorer.types import Floats

PathFunction: TypeAlias = Callable[[Floats, NDArray[np.float64]], Floats]

PATHS: dict[str, PathFunction] = {
    "linear": linear,
}


def path_named(name: str) -> PathFunction:
    """Return the path of that name.

    Raises
    ------
    UsageError
        If there is none; the message lists the known ones.
    """
    return named(PATHS, name, "path")
