"""What a timeline draws below its frames: how far each code is from the data, and how much the picture changes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.checks import as_codes
from explorer.types import Floats

_BLOCK_VALUES = 4_000_000


def distance_to_data(codes: Floats, data: Floats) -> Floats:
    """Distance from each code to the nearest code of the data.

    Parameters
    ----------
    codes
        ``(n, d)``.
    data
        ``(m, d)``, m at least 1.

    Returns
    -------
    Floats
        ``(n,)``, Euclidean, 0 for a code of the data.

    Raises
    ------
    UsageError
        If either is no table, or they differ in d.
    """
    codes, data = as_codes(codes), as_codes(data, "codes of the data")
    if codes.shape[1] != data.shape[1]:
        raise UsageError(f"codes of length {data.shape[1]}", str(codes.shape[1]), "Use codes of one model.")
    squares = (data.astype(np.float64) ** 2).sum(axis=1)
    found = np.empty(len(codes), dtype=np.float32)
    rows = max(1, _BLOCK_VALUES // len(data))
    for start in range(0, len(codes), rows):
        block = codes[start : start + rows]
        nearest = np.argmin(squares - 2 * (block @ data.T), axis=1)
        # The product finds the nearest, but cancellation would blur a small distance itself.
        found[start : start + rows] = np.linalg.norm(block.astype(np.float64) - data[nearest], axis=1)
    return found


def picture_change(frames: Iterable[NDArray[np.uint8] | Floats]) -> NDArray[np.float64]:
    """How much the picture changes from each frame to the next.

    Parameters
    ----------
    frames
        n pictures ``(h, w, c)`` of one shape, uint8, or float32 in [0, 1]; read once.

    Returns
    -------
    ndarray
        ``(n - 1,)`` float64 in [0, 1]: the root of the mean squared difference.

    Raises
    ------
    UsageError
        If there is no frame, or they differ in shape.
    """
    changes: list[float] = []
    previous: Floats | None = None
    for frame in frames:
        values = frame.astype(np.float32) / np.float32(255 if frame.dtype == np.uint8 else 1)
        if previous is not None:
            if values.shape != previous.shape:
                raise UsageError(f"frames of one shape, {previous.shape}", str(values.shape), "Use one model.")
            changes.append(float(np.sqrt(((values - previous) ** 2).mean(dtype=np.float64))))
        previous = values
    if previous is None:
        raise UsageError("at least one frame", "none", "Add a keyframe.")
    return np.asarray(changes, dtype=np.float64)
