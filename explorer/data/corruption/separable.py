"""Separable linear filters as one matrix per axis: faster than a convolution for batches of small images."""

from __future__ import annotations

import numpy as np

from explorer.types import Floats


def apply_along_sides(images: Floats, down: Floats, across: Floats) -> Floats:
    """Return ``down · image · acrossᵀ`` for each channel of images ``(n, h, w, c)``; ``(h, h)`` and ``(w, w)``."""
    planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    # One product per channel of each image, since BLAS rounds differently for other shapes: an image alone must equal
    # the same image in a batch. One large product over all rows is no faster.
    return np.ascontiguousarray((down @ planes @ across.T).transpose(0, 2, 3, 1))
