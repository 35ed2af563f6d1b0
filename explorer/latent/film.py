"""The morph: which code each frame of a film shows.

One pass through k keys has ``(k - 1) * (steps - 1) + 1`` frames: every segment counts both its ends, and an inner key
is shown once. The first and the last frame are held for `hold` frames more. `none` and `repeat` have the frames
hold + pass + hold and differ in how the file is played; `pingpong` goes on with the pass backwards, without showing
the two ends twice where nothing is held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.checks import as_codes
from explorer.latent.easing import easing_named
from explorer.latent.paths import path_named
from explorer.types import Floats

Loop = Literal["none", "repeat", "pingpong"]
LOOPS: tuple[str, ...] = get_args(Loop)


@dataclass(frozen=True)
class FilmSettings:
    """How a film runs through its keys; the defaults are the reference's film.

    Attributes
    ----------
    steps
        Frames of a segment, counting both ends; at least 2.
    hold
        Frames for which the first and the last picture are held, beyond their own.
    fps
        Frames a second, above 0.
    loop
        ``"none"`` plays once, ``"repeat"`` starts over, ``"pingpong"`` runs back and starts over.
    path, easing
        Names in `explorer.latent.paths.PATHS` and `explorer.latent.easing.EASINGS`.

    Raises
    ------
    UsageError
        If a value cannot be meant.
    """

    steps: int = 90
    hold: int = 18
    fps: float = 50.0
    loop: Loop = "pingpong"
    path: str = "linear"
    easing: str = "linear"

    def __post_init__(self) -> None:
        """Check the values."""
        if self.steps < 2:
            raise UsageError("at least 2 steps a segment", str(self.steps), "Steps count both ends.")
        if self.hold < 0:
            raise UsageError("a hold of 0 frames or more", str(self.hold), "Give for example 18.")
        if not (self.fps > 0 and np.isfinite(self.fps)):
            raise UsageError("frames a second above 0", str(self.fps), "Give for example 25.")
        if self.loop not in LOOPS:
            raise UsageError("a known loop", f"“{self.loop}”", f"Choose one of: {', '.join(LOOPS)}.")
        path_named(self.path)
        easing_named(self.easing)


def film_times(k: int, settings: FilmSettings) -> NDArray[np.float64]:
    """Position along the keys of each frame.

    Parameters
    ----------
    k
        Number of keys, at least 1.
    settings
        How the film runs.

    Returns
    -------
    ndarray
        ``(frames,)`` float64 in [0, k - 1], before easing: `code_at` of each gives the frame's code. At a key the
        position is a whole number exactly.

    Raises
    ------
    UsageError
        If `k` is below 1.
    """
    if k < 1:
        raise UsageError("at least one key", str(k), "Add a keyframe.")
    forward = np.arange((k - 1) * (settings.steps - 1) + 1) / (settings.steps - 1)
    held = np.concatenate([np.repeat(forward[:1], settings.hold), forward, np.repeat(forward[-1:], settings.hold)])
    if settings.loop != "pingpong":
        return held
    back = forward[::-1] if settings.hold else forward[-2:0:-1]
    return np.concatenate([held, back])


def film_codes(keys: Floats, settings: FilmSettings) -> Floats:
    """Codes ``(frames, d)`` of a film through keys ``(k, d)``; see the module for the number of frames.

    Raises
    ------
    UsageError
        If `keys` is no table of at least one code.
    """
    keys = as_codes(keys, "keys")
    return _codes_at(keys, film_times(len(keys), settings), settings.path, settings.easing)


def code_at(keys: Floats, position: float, path: str = "linear", easing: str = "linear") -> Floats:
    """Code ``(d,)`` at one position in [0, k - 1] along keys ``(k, d)``; outside, the nearer end.

    Raises
    ------
    UsageError
        If `keys` is no table, the position is undefined, or there is no such path or easing.
    """
    if np.isnan(position):
        raise UsageError("a position along the keys", "no number", "Give 0 for the first key.")
    return _codes_at(as_codes(keys, "keys"), np.array([position], dtype=np.float64), path, easing).reshape(-1)


def _codes_at(keys: Floats, positions: NDArray[np.float64], path: str, easing: str) -> Floats:
    """Ease within each segment, then follow the path."""
    walk, speed = path_named(path), easing_named(easing)
    clipped = np.clip(positions, 0, len(keys) - 1)
    segment = np.floor(clipped)
    codes: Floats = walk(keys, segment + speed(clipped - segment))
    return codes
