"""Equalized speed: an animation timed so that the image changes by the same amount from each frame to the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.animation import Animation


def even_times(times: NDArray[np.float64], changes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the times ``(n,)`` at which the accumulated change grows linearly, with the same first and last time.

    `changes` ``(n - 1,)`` is the change of the image from each of the `times` to the next, interpolated linearly. If
    nothing changes, the times are kept. UsageError if the shapes do not match, or values are invalid.
    """
    times, changes = np.asarray(times, dtype=np.float64), np.asarray(changes, dtype=np.float64)
    if times.ndim != 1 or changes.shape != (len(times) - 1,) or not len(times) or (np.diff(times) < 0).any():
        raise UsageError(
            "The speed cannot be equalized: {times} increasing times and {changes} changes do not match. "
            "Measure every frame.",
            times=times.size,
            changes=changes.size,
        )
    if not (np.isfinite(changes).all() and (changes >= 0).all()):
        raise UsageError("The speed cannot be equalized: some changes are not finite. Measure the frames again.")
    if not changes.sum() > 0:
        return times
    # A tiny growth makes the result unique where nothing changes, and skips such parts quickly.
    growth = np.concatenate([[0.0], np.cumsum(changes / changes.sum() + 1e-9)])
    even = np.interp(np.linspace(0, growth[-1], len(times)), growth, times)
    even[0], even[-1] = times[0], times[-1]
    return np.maximum.accumulate(even)


def even_out(animation: Animation, changes: NDArray[np.float64]) -> Animation:
    """Return an animation with equalized speed and the same number of frames.

    `changes` are from each frame of one pass to the next, ``(animation.pass_frames - 1,)``; if closed, also from the
    last to the first. Inner keyframes need not coincide with frames. Since the change is measured only at the old
    frames, measure and call again for a more accurate result. UsageError if their number is wrong, or values are
    invalid.
    """
    times = animation.pass_positions()
    if not animation.closed:
        return replace(animation, times=tuple(even_times(times, changes).tolist()))
    even = even_times(np.append(times, float(len(animation.segments))), changes)
    return replace(animation, times=tuple(even[:-1].tolist()))
