"""Even motion: a film timed such that its pictures change by the same amount from each frame to the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.film import Film


def even_times(times: NDArray[np.float64], changes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times at which the change since the first frame grows evenly.

    Between two measured frames the change is taken to grow evenly with time.

    Parameters
    ----------
    times
        ``(n,)``, rising.
    changes
        ``(n - 1,)``, how much the picture changes from each frame to the next; not negative, finite.

    Returns
    -------
    ndarray
        ``(n,)``, rising, with the same first and last time. `times` themselves where nothing changes.

    Raises
    ------
    UsageError
        If the numbers do not belong together.
    """
    times, changes = np.asarray(times, dtype=np.float64), np.asarray(changes, dtype=np.float64)
    if times.ndim != 1 or changes.shape != (len(times) - 1,) or not len(times) or (np.diff(times) < 0).any():
        raise UsageError(
            "rising times, and a change between each two", f"{times.shape} and {changes.shape}", "Measure every frame."
        )
    if not (np.isfinite(changes).all() and (changes >= 0).all()):
        raise UsageError("changes of 0 or more", "others", "Measure the frames again.")
    if not changes.sum() > 0:
        return times
    # Where nothing changes, any time would do; a little growth makes the answer one, and passes quickly over it.
    growth = np.concatenate([[0.0], np.cumsum(changes / changes.sum() + 1e-9)])
    even = np.interp(np.linspace(0, growth[-1], len(times)), growth, times)
    even[0], even[-1] = times[0], times[-1]
    return np.maximum.accumulate(even)


def even_out(film: Film, changes: NDArray[np.float64]) -> Film:
    """Return the film with its frames timed such that the picture changes evenly; its length stays.

    Keys between the first and the last are then passed on the way, and need not be hit by a frame. Measured between
    frames, the change is known at those frames only; measure and call once more to come closer.

    Parameters
    ----------
    film
        As the changes were measured.
    changes
        From each frame of one pass to the next, ``(film.pass_frames - 1,)``; of a closed film ``(film.pass_frames,)``,
        the last of them from the last frame to the first.

    Raises
    ------
    UsageError
        If there are too many changes or too few, or they are no amounts.
    """
    times = film.pass_positions()
    if not film.closed:
        return replace(film, times=tuple(even_times(times, changes).tolist()))
    even = even_times(np.append(times, float(len(film.segments))), changes)
    return replace(film, times=tuple(even[:-1].tolist()))
