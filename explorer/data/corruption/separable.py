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
    planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    # One product per channel of each image: the shape of a product decides how BLAS blocks it and so its last bits.
    # One large product over all rows is no faster, and an image alone would differ from the same image in a batch.
    return np.ascontiguousarray((down @ planes @ across.T).transpose(0, 2, 3, 1))
