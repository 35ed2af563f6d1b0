"""The morph: which code each frame of a film shows.

A `Film` says how one pass runs through k keys, segment by segment, and how it is played. A segment of n steps counts
both its ends, and a key between two segments is shown once: k keys and n steps for each segment make
``(k - 1) * (n - 1) + 1`` frames. The first and the last frame are held for `hold` frames more. `none` and `repeat` have
the frames hold + pass + hold and differ in how the file is played; `pingpong` goes on with the pass backwards, without
showing the two ends twice where nothing is held.

A closed film has one more segment, from the last key back to the first, and leaves out the frame that would show the
first key again: played over and over, it has no seam.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.checks import as_codes, check_table
from explorer.latent.easing import easing_named
from explorer.latent.neighbour_graph import NeighbourGraph
from explorer.latent.paths import Curve, Surroundings, path_named
from explorer.types import Floats, Indices

Loop = Literal["none", "repeat", "pingpong"]
LOOPS: tuple[str, ...] = get_args(Loop)


@dataclass(frozen=True)
class Segment:
    """The way from one key to the next.

    Attributes
    ----------
    steps
        Frames, counting both ends; at least 2.
    path, easing
        Names in `explorer.latent.paths.PATHS` and `explorer.latent.easing.EASINGS`.

    Raises
    ------
    UsageError
        If a value cannot be meant.
    """

    steps: int = 90
    path: str = "linear"
    easing: str = "linear"

    def __post_init__(self) -> None:
        """Check the values."""
        if self.steps < 2:
            raise UsageError("at least 2 steps a segment", str(self.steps), "Steps count both ends.")
        path_named(self.path)
        easing_named(self.easing)


@dataclass(frozen=True)
class Film:
    """How a film runs through its keys, segment by segment; made of plain values only.

    Attributes
    ----------
    segments
        One for each pair of neighbouring keys, and one more back to the first key where the film is closed. None at
        all: a film of one key.
    hold
        Frames for which the first and the last picture are held, beyond their own.
    fps
        Frames a second, above 0.
    loop
        ``"none"`` plays once, ``"repeat"`` starts over, ``"pingpong"`` runs back and starts over.
    closed
        Whether the last segment leads back to the first key; for films that repeat.
    times
        Where each frame of one pass stands along the keys, as `explorer.latent.timing.even_out` finds it: rising from
        0 to the number of segments (which a closed film leaves out). None: evenly within each segment.

    Raises
    ------
    UsageError
        If a value cannot be meant.
    """

    segments: tuple[Segment, ...]
    hold: int = 18
    fps: float = 50.0
    loop: Loop = "pingpong"
    closed: bool = False
    times: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        if self.hold < 0:
            raise UsageError("a hold of 0 frames or more", str(self.hold), "Give for example 18.")
        if not (self.fps > 0 and np.isfinite(self.fps)):
            raise UsageError("frames a second above 0", str(self.fps), "Give for example 25.")
        if self.loop not in LOOPS:
            raise UsageError("a known loop", f"“{self.loop}”", f"Choose one of: {', '.join(LOOPS)}.")
        if self.closed and (self.loop == "pingpong" or len(self.segments) < 2):
            raise UsageError(
                "two or more keys and no way back for a film that is closed",
                f"{self.key_count} keys, {self.loop}",
                "Let it repeat.",
            )
        if self.times is not None:
            self._check_times(np.asarray(self.times, dtype=np.float64))

    def _check_times(self, times: NDArray[np.float64]) -> None:
        count = len(self.segments)
        good = times.shape == (self.pass_frames,) and np.isfinite(times).all() and (np.diff(times) >= 0).all()
        if not good or times[0] != 0 or not (times[-1] <= count if self.closed else times[-1] == count):
            raise UsageError(
                f"{self.pass_frames} rising times from 0 to {count}", "others", "Even out the motion of this film anew."
            )

    @property
    def key_count(self) -> int:
        """Number k of keys."""
        return len(self.segments) + (0 if self.closed else 1)

    @property
    def pass_frames(self) -> int:
        """Frames of one pass, without hold and way back."""
        return sum(segment.steps - 1 for segment in self.segments) + (0 if self.closed else 1)

    @property
    def frames(self) -> int:
        """Frames of the whole film."""
        if self.loop != "pingpong":
            return self.pass_frames + 2 * self.hold
        back = self.pass_frames if self.hold else max(self.pass_frames - 2, 0)
        return self.pass_frames + 2 * self.hold + back

    @property
    def seconds(self) -> float:
        """How long the whole film takes."""
        return self.frames / self.fps

    def pass_positions(self) -> NDArray[np.float64]:
        """Position along the keys of each frame of one pass, ``(pass_frames,)``, before easing."""
        if self.times is not None:
            return np.asarray(self.times, dtype=np.float64)
        parts = [
            number + np.arange(segment.steps - 1) / (segment.steps - 1) for number, segment in enumerate(self.segments)
        ]
        end = [] if self.closed else [np.array([float(len(self.segments))])]
        return np.concatenate([*parts, *end])

    def positions(self) -> NDArray[np.float64]:
        """Position along the keys of each frame, ``(frames,)`` float64 in [0, segments], before easing.

        At a key it is a whole number exactly, unless the motion was evened out.
        """
        return self.pass_positions()[self.pass_numbers()]

    def positions_at(self, fps: float) -> NDArray[np.float64]:
        """Position along the keys of each frame at another speed, ``(n,)``: the film takes as long, with other frames.

        Frame j is what is shown at j / fps seconds; between two frames of the film it lies between their positions.

        Raises
        ------
        UsageError
            If `fps` is not above 0.
        """
        if not (fps > 0 and np.isfinite(fps)):
            raise UsageError("frames a second above 0", str(fps), "Give for example 25.")
        positions = self.positions()
        if fps == self.fps:
            return positions
        wanted = np.arange(max(1, round(self.frames * fps / self.fps))) * (self.fps / fps)
        following = positions[0] if self.loop == "pingpong" else positions[-1]
        if self.closed:
            # Its end is its first key, but on the way there it does not run back through all of them.
            following = float(len(self.segments))
            positions[self.hold + self.pass_frames :] = following
        return np.asarray(np.interp(wanted, np.arange(len(positions) + 1), np.append(positions, following)))

    def pass_numbers(self) -> Indices:
        """Which frame of the pass each frame of the film shows, int64 ``(frames,)``."""
        forward = np.arange(self.pass_frames)
        # A closed film ends where it begins, so that is what is held.
        last = forward[:1] if self.closed else forward[-1:]
        held = np.concatenate([np.repeat(forward[:1], self.hold), forward, np.repeat(last, self.hold)])
        if self.loop != "pingpong":
            return held
        return np.concatenate([held, forward[::-1] if self.hold else forward[-2:0:-1]])

    def key_frames(self) -> Indices:
        """Frame ``(k,)`` on which each key is shown first: exactly, or the nearest one where motion was evened out."""
        forward = self.pass_positions()
        nearest = [int(np.argmin(np.abs(forward - key))) for key in range(self.key_count)]
        held = np.array([0] + [self.hold] * (self.key_count - 1), dtype=np.int64)
        return np.asarray(nearest, dtype=np.int64) + held

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold; `from_dict` makes the same film of them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Film:
        """Make a film of what `to_dict` gave; lists are taken for tuples.

        Raises
        ------
        UsageError
            If the values make no film.
        """
        try:
            known = dict(values)
            segments = tuple(Segment(**dict(segment)) for segment in known.pop("segments"))
            times = known.pop("times", None)
            return cls(segments=segments, times=None if times is None else tuple(map(float, times)), **known)
        except (TypeError, KeyError, ValueError) as error:
            raise UsageError("the settings of a film", f"“{error}”", "Set the film up anew.") from error


@dataclass(frozen=True)
class FilmSettings:
    """A film whose segments are all alike; the defaults are the reference's film.

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
        Names in `explorer.latent.paths.PATHS` and `explorer.latent.easing.EASINGS`. A spline that repeats is closed.

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
        self.film(1)
        Segment(self.steps, self.path, self.easing)

    @property
    def segment(self) -> Segment:
        """The way from any key to the next."""
        return Segment(self.steps, self.path, self.easing)

    @property
    def closed(self) -> bool:
        """Whether the film leads from its last key back to its first."""
        return self.path == "spline" and self.loop == "repeat"

    def film(self, k: int) -> Film:
        """Return the film of these settings through `k` keys.

        Raises
        ------
        UsageError
            If `k` is below 1.
        """
        if k < 1:
            raise UsageError("at least one key", str(k), "Add a keyframe.")
        closed = self.closed and k > 1
        count = k if closed else k - 1
        return Film((self.segment,) * count, self.hold, self.fps, self.loop, closed)


class FilmCurve:
    """The codes of a film at any position along its keys, for many calls: paths are laid once.

    Parameters
    ----------
    keys
        ``(k, d)`` float32.
    film
        How it runs.
    data
        Codes of the data ``(n, d)``, or the graph over them, for segments along the data. Pass the graph itself where
        several films share it: it is then made once.

    Raises
    ------
    UsageError
        If `keys` is no table of the film's number of keys, or a segment needs codes of the data and there are none.
    """

    def __init__(self, keys: Floats, film: Film, data: Floats | NeighbourGraph | None = None) -> None:
        keys = as_codes(keys, "keys")
        if len(keys) != film.key_count:
            raise UsageError(f"{film.key_count} keys for the film", str(len(keys)), "Give one segment for each pair.")
        graph = data if isinstance(data, NeighbourGraph) or data is None else NeighbourGraph(data)
        points = np.concatenate([keys, keys[:1]]) if film.closed else keys
        surroundings = Surroundings(film.closed, graph)
        # A film of one key has no segment, and stands still on any path.
        self._segments = film.segments or (Segment(),)
        names = {segment.path for segment in self._segments}
        self._curves: dict[str, Curve] = {name: path_named(name)(points, surroundings) for name in names}
        self._end = len(film.segments)
        self._latent_dim = keys.shape[1]

    def at(self, positions: NDArray[np.float64] | Sequence[float]) -> Floats:
        """Codes ``(m, d)`` at positions ``(m,)`` along the keys, before easing; outside, the nearer end.

        Raises
        ------
        UsageError
            If a position is undefined.
        """
        wanted = np.asarray(positions, dtype=np.float64).reshape(-1)
        if np.isnan(wanted).any():
            raise UsageError("a position along the keys", "no number", "Give 0 for the first key.")
        wanted = np.clip(wanted, 0, self._end)
        numbers = np.minimum(np.floor(wanted).astype(np.int64), max(self._end - 1, 0))
        check_table(len(wanted), self._latent_dim)
        codes = np.empty((len(wanted), self._latent_dim), dtype=np.float32)
        for number in np.unique(numbers).tolist():
            mine = numbers == number
            segment = self._segments[number]
            eased = number + easing_named(segment.easing)(wanted[mine] - number)
            codes[mine] = self._curves[segment.path](eased)
        return codes


def film_times(k: int, settings: FilmSettings) -> NDArray[np.float64]:
    """Position along the keys of each frame of a film whose segments are alike; see `Film.positions`.

    Raises
    ------
    UsageError
        If `k` is below 1.
    """
    return settings.film(k).positions()


def film_codes(keys: Floats, settings: FilmSettings | Film, data: Floats | NeighbourGraph | None = None) -> Floats:
    """Codes ``(frames, d)`` of a film through keys ``(k, d)``; see the module for the number of frames.

    Parameters
    ----------
    keys
        Float32.
    settings
        How the film runs.
    data
        As for `FilmCurve`.

    Raises
    ------
    UsageError
        If `keys` is no table of the film's number of codes, or a path lacks codes of the data.
    """
    keys = as_codes(keys, "keys")
    film = settings if isinstance(settings, Film) else settings.film(len(keys))
    return FilmCurve(keys, film, data).at(film.positions())


def code_at(
    keys: Floats,
    position: float,
    path: str = "linear",
    easing: str = "linear",
    data: Floats | NeighbourGraph | None = None,
) -> Floats:
    """Code ``(d,)`` at one position in [0, k - 1] along keys ``(k, d)`` of an open film; outside, the nearer end.

    Raises
    ------
    UsageError
        If `keys` is no table, the position is undefined, or there is no such path or easing.
    """
    keys = as_codes(keys, "keys")
    film = Film((Segment(2, path, easing),) * (len(keys) - 1))
    return FilmCurve(keys, film, data).at([position]).reshape(-1)
