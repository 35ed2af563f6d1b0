"""Animations: the code of each frame, interpolated between keyframes.

An `Animation` describes one pass through k keyframes, segment by segment, and how it is played. A segment of n steps
includes both its ends, and a keyframe between two segments is shown once: k keyframes with n steps per segment give
``(k - 1) * (n - 1) + 1`` frames. The first and the last frame are repeated `hold` times. `none` and `repeat` have the
frames hold + pass + hold and differ only in playback; `pingpong` appends the pass in reverse, without showing the ends
twice if `hold` is 0.

A closed animation has one more segment, from the last keyframe to the first, without the last frame of that segment, so
that it loops seamlessly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UsageError
from explorer.latent.checks import KEYS, as_codes, check_table
from explorer.latent.easing import easing_named
from explorer.latent.neighbor_graph import NeighborGraph
from explorer.latent.paths import Curve, Surroundings, path_named
from explorer.reading import reason_of
from explorer.types import Floats, Indices

Loop = Literal["none", "repeat", "pingpong"]
LOOPS: tuple[str, ...] = get_args(Loop)


@dataclass(frozen=True)
class Segment:
    """The segment from one keyframe to the next; UsageError if a value is invalid.

    `steps` are frames including both ends, at least 2. `path` and `easing` are names in `explorer.latent.paths.PATHS`
    and `explorer.latent.easing.EASINGS`.
    """

    steps: int = 90
    path: str = "linear"
    easing: str = "linear"

    def __post_init__(self) -> None:
        if self.steps < 2:
            raise UsageError(
                "A segment needs at least 2 frames, its ends included, not {steps}. Choose more.", steps=self.steps
            )
        path_named(self.path)
        easing_named(self.easing)


@dataclass(frozen=True)
class Animation:
    """An animation through keyframes, made of plain values only; UsageError if one is invalid.

    Attributes
    ----------
    segments
        One for each pair of adjacent keyframes, and one back to the first if closed. Empty for a single keyframe.
    hold
        Additional frames for the first and the last image.
    fps
        Frames per second, above 0.
    closed
        Whether the last segment leads back to the first keyframe; for `repeat`.
    times
        Position of each frame of one pass along the keyframes, as from `explorer.latent.timing.even_out`: increasing
        from 0 to the number of segments (exclusive if closed). None: evenly within each segment.
    """

    segments: tuple[Segment, ...]
    hold: int = 18
    fps: float = 50.0
    loop: Loop = "pingpong"
    closed: bool = False
    times: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.hold < 0:
            raise UsageError(
                "The ends cannot be held for {hold} frames. Choose 0 or more, for example 18.", hold=self.hold
            )
        _check_rate(self.fps)
        if self.loop not in LOOPS:
            raise UsageError("Unknown loop “{loop}”. Choose one of {loops}.", loop=self.loop, loops=LOOPS)
        if self.closed and (self.loop == "pingpong" or len(self.segments) < 2):
            raise UsageError(
                "A closed animation needs at least two keyframes and the loop “repeat”, "
                "not {count:# keyframe|# keyframes} and “{loop}”. Choose another loop.",
                count=self.key_count,
                loop=self.loop,
            )
        if self.times is not None:
            self._check_times(np.asarray(self.times, dtype=np.float64))

    def _check_times(self, times: NDArray[np.float64]) -> None:
        count = len(self.segments)
        good = times.shape == (self.pass_frames,) and np.isfinite(times).all() and (np.diff(times) >= 0).all()
        if not good or times[0] != 0 or not (times[-1] <= count if self.closed else times[-1] == count):
            raise UsageError(
                "The times of this animation are not {frames} increasing values from 0 to {count}. "
                "Equalize the visual speed again.",
                frames=self.pass_frames,
                count=count,
            )

    @property
    def key_count(self) -> int:
        """Number k of keyframes."""
        return len(self.segments) + (0 if self.closed else 1)

    @property
    def pass_frames(self) -> int:
        """Frames of one pass, without hold and reverse."""
        return sum(segment.steps - 1 for segment in self.segments) + (0 if self.closed else 1)

    @property
    def frames(self) -> int:
        if self.loop != "pingpong":
            return self.pass_frames + 2 * self.hold
        back = self.pass_frames if self.hold else max(self.pass_frames - 2, 0)
        return self.pass_frames + 2 * self.hold + back

    @property
    def seconds(self) -> float:
        return self.frames / self.fps

    def pass_positions(self) -> NDArray[np.float64]:
        """Return the position along the keyframes of each frame of one pass, ``(pass_frames,)``, before easing."""
        if self.times is not None:
            return np.asarray(self.times, dtype=np.float64)
        parts = [
            number + np.arange(segment.steps - 1) / (segment.steps - 1) for number, segment in enumerate(self.segments)
        ]
        end = [] if self.closed else [np.array([float(len(self.segments))])]
        return np.concatenate([*parts, *end])

    def positions(self) -> NDArray[np.float64]:
        """Return the position along the keyframes of each frame, ``(frames,)`` float64 in [0, segments], before easing.

        At a keyframe it is exactly an integer, unless the speed was equalized.
        """
        return self.pass_positions()[self.pass_numbers()]

    def positions_at(self, fps: float) -> NDArray[np.float64]:
        """Return the position along the keyframes of each frame at another frame rate, ``(n,)``, for equal duration.

        Frame j is at j / fps seconds; positions are interpolated between those of the animation's own frames.
        UsageError if `fps` is not above 0.
        """
        _check_rate(fps)
        positions = self.positions()
        if fps == self.fps:
            return positions
        wanted = np.arange(max(1, round(self.frames * fps / self.fps))) * (self.fps / fps)
        following = positions[0] if self.loop == "pingpong" else positions[-1]
        if self.closed:
            # It ends at its first keyframe, as position `segments`, not 0, which would interpolate backward.
            following = float(len(self.segments))
            positions[self.hold + self.pass_frames :] = following
        return np.asarray(np.interp(wanted, np.arange(len(positions) + 1), np.append(positions, following)))

    def pass_numbers(self) -> Indices:
        """Return for each frame its number within the pass, int64 ``(frames,)``."""
        forward = np.arange(self.pass_frames)
        # A closed animation ends at its first frame, which is held.
        last = forward[:1] if self.closed else forward[-1:]
        held = np.concatenate([np.repeat(forward[:1], self.hold), forward, np.repeat(last, self.hold)])
        if self.loop != "pingpong":
            return held
        return np.concatenate([held, forward[::-1] if self.hold else forward[-2:0:-1]])

    def key_frames(self) -> Indices:
        """Return the first frame ``(k,)`` of each keyframe; the nearest one if the speed was equalized."""
        forward = self.pass_positions()
        nearest = [int(np.argmin(np.abs(forward - key))) for key in range(self.key_count)]
        held = np.array([0] + [self.hold] * (self.key_count - 1), dtype=np.int64)
        return np.asarray(nearest, dtype=np.int64) + held

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; the inverse is `from_dict`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Animation:
        """Return the animation of values from `to_dict`; lists are accepted as tuples. UsageError if invalid."""
        try:
            known = dict(values)
            segments = tuple(Segment(**dict(segment)) for segment in known.pop("segments"))
            times = known.pop("times", None)
            return cls(segments=segments, times=None if times is None else tuple(map(float, times)), **known)
        except (TypeError, KeyError, ValueError) as error:
            raise UsageError(
                "Invalid animation settings: {reason}. Set up the animation again.", reason=reason_of(error)
            ) from error


@dataclass(frozen=True)
class AnimationSettings:
    """Settings of an animation with equal segments; the defaults are those of the reference.

    The fields are those of `Segment` and `Animation`. A looping spline is closed. UsageError if a value is invalid.
    """

    steps: int = 90
    hold: int = 18
    fps: float = 50.0
    loop: Loop = "pingpong"
    path: str = "linear"
    easing: str = "linear"

    def __post_init__(self) -> None:
        self.animation(1)
        Segment(self.steps, self.path, self.easing)

    @property
    def segment(self) -> Segment:
        return Segment(self.steps, self.path, self.easing)

    @property
    def closed(self) -> bool:
        return self.path == "spline" and self.loop == "repeat"

    def animation(self, k: int) -> Animation:
        """Return the animation through `k` keyframes; UsageError if `k` is below 1."""
        if k < 1:
            raise UsageError("There are no keyframes. Add a keyframe.")
        closed = self.closed and k > 1
        count = k if closed else k - 1
        return Animation((self.segment,) * count, self.hold, self.fps, self.loop, closed)


def _check_rate(fps: float) -> None:
    if not (fps > 0 and np.isfinite(fps)):
        raise UsageError("A frame rate of {fps:g} is impossible. Choose one above 0, for example 25.", fps=float(fps))


class AnimationCurve:
    """The codes of an animation at any position along its keyframes; paths are computed once.

    `keys` are ``(k, d)`` float32; `data`, for data paths, are codes of the data ``(n, d)`` or their neighbor graph,
    which animations can share. UsageError if the number of keyframes does not match, or a data path has no codes of the
    data.
    """

    def __init__(self, keys: Floats, animation: Animation, data: Floats | NeighborGraph | None = None) -> None:
        keys = as_codes(keys, KEYS)
        if len(keys) != animation.key_count:
            raise UsageError(
                "There are {count:# keyframe|# keyframes}, but the segments of this animation need {wanted}. "
                "Use one segment for each pair of keyframes.",
                count=len(keys),
                wanted=animation.key_count,
            )
        graph = data if isinstance(data, NeighborGraph) or data is None else NeighborGraph(data)
        points = np.concatenate([keys, keys[:1]]) if animation.closed else keys
        surroundings = Surroundings(animation.closed, graph)
        # An animation of one keyframe has no segment; any path gives its code.
        self._segments = animation.segments or (Segment(),)
        names = {segment.path for segment in self._segments}
        self._curves: dict[str, Curve] = {name: path_named(name)(points, surroundings) for name in names}
        self._end = len(animation.segments)
        self._latent_dim = keys.shape[1]

    def at(self, positions: NDArray[np.float64] | Sequence[float]) -> Floats:
        """Return the codes ``(m, d)`` at positions ``(m,)`` along the keyframes, before easing; clipped to the ends.

        UsageError if a position is NaN.
        """
        wanted = np.asarray(positions, dtype=np.float64).reshape(-1)
        if np.isnan(wanted).any():
            raise UsageError("A position along the keyframes is not a number. Use 0 for the first keyframe.")
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


def animation_codes(
    keys: Floats, settings: AnimationSettings | Animation, data: Floats | NeighborGraph | None = None
) -> Floats:
    """Return the codes ``(frames, d)`` of an animation through keyframes ``(k, d)`` float32; see `AnimationCurve`."""
    keys = as_codes(keys, KEYS)
    animation = settings if isinstance(settings, Animation) else settings.animation(len(keys))
    return AnimationCurve(keys, animation, data).at(animation.positions())
