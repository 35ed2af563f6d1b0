"""Change of the image from frame to frame, a curve of the timeline."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.types import Floats


def image_change(frames: Iterable[NDArray[np.uint8] | Floats]) -> NDArray[np.float64]:
    """Return the root mean squared difference of each frame to the next, ``(n - 1,)`` float64 in [0, 1].

    Frames are ``(h, w, c)`` of one shape, uint8, or float32 in [0, 1], and iterated once. UsageError if there are none.
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
