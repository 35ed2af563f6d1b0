"""Linear filters as a matrix for each side: on small pictures in batches faster than any convolution."""

from __future__ import annotations

import numpy as np

from explorer.types import Floats


def apply_along_sides(images: Floats, down: Floats, across: Floats) -> Floats:
    """Return ``down · picture · acrossᵀ`` for each channel of each picture.

    Parameters
    ----------
    images
        Float32 ``(n, h, w, c)``.
    down, across
        Float32 ``(h, h)`` and ``(w, w)``.
    """
    count, height, width, channels = images.shape
    # One large product for each side: numpy multiplies stacks of matrices one by one, many times slower.
    rows = np.ascontiguousarray(images.transpose(0, 3, 1, 2)).reshape(-1, width) @ across.T
    turned = rows.reshape(count, channels, height, width).transpose(0, 1, 3, 2)
    columns = np.ascontiguousarray(turned).reshape(-1, height) @ down.T
    return np.ascontiguousarray(columns.reshape(count, channels, width, height).transpose(0, 3, 2, 1))
