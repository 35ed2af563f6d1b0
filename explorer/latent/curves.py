"""Curves of the timeline: distance of each code to the data, and change of the image from frame to frame."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.checks import DATA_CODES, as_codes
from explorer.types import Floats

_BLOCK_VALUES = 4_000_000


def distance_to_data(codes: Floats, data: Floats) -> Floats:
    """Return the distance from each code to the nearest code of the data.

    Parameters
    ----------
    codes
        ``(n, d)``.
    data
        ``(m, d)``, m at least 1.

    Returns
    -------
    Floats
        ``(n,)``, Euclidean.

    Raises
    ------
    UsageError
        If a shape is invalid, or they differ in d.
    """
    codes, data = as_codes(codes), as_codes(data, DATA_CODES)
    if codes.shape[1] != data.shape[1]:
        raise UsageError(
            "The codes have {codes} dimensions, but those of the data have {data}. Use codes of the same model.",
            codes=codes.shape[1],
            data=data.shape[1],
        )
    squares = (data.astype(np.float64) ** 2).sum(axis=1)
    found = np.empty(len(codes), dtype=np.float32)
    rows = max(1, _BLOCK_VALUES // len(data))
    for start in range(0, len(codes), rows):
        block = codes[start : start + rows]
        nearest = np.argmin(squares - 2 * (block @ data.T), axis=1)
        # The product finds the nearest code; the distance itself is computed without its cancellation errors.
        found[start : start + rows] = np.linalg.norm(block.astype(np.float64) - data[nearest], axis=1)
    return found


def image_change(frames: Iterable[NDArray[np.uint8] | Floats]) -> NDArray[np.float64]:
    """Return the change of the image from each frame to the next.

    Parameters
    ----------
    frames
        n images ``(h, w, c)`` of one shape, uint8, or float32 in [0, 1]; iterated once.

    Returns
    -------
    ndarray
        ``(n - 1,)`` float64 in [0, 1]: root mean squared difference.

    Raises
    ------
    UsageError
        If there are no frames, or they differ in shape.
    """
    changes: list[float] = []
    previous: Floats | None = None
    for frame in frames:
        values = frame.astype(np.float32) / np.float32(255 if frame.dtype == np.uint8 else 1)
        if previous is not None:
            if values.shape != previous.shape:
                raise UsageError(
                    "The frames have different shapes, {first} and {second}. Use frames of one model.",
                    first=str(previous.shape),
                    second=str(values.shape),
                )
            changes.append(float(np.sqrt(((values - previous) ** 2).mean(dtype=np.float64))))
        previous = values
    if previous is None:
        raise UsageError("There are no frames. Add a keyframe.")
    return np.asarray(changes, dtype=np.float64)
