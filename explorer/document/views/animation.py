"""Measurements and images of the animation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.data.mixer import DEFAULT_MIXER, Mixer, shown
from explorer.document.document import Document
from explorer.document.views.kind import Priority, ViewKind
from explorer.latent.animation import Animation, AnimationCurve
from explorer.latent.curves import image_change
from explorer.latent.data_distance import CodeDistance
from explorer.types import Codec, Floats, Indices, Shown

_FRAMES = 360
"""Most frames that are measured."""

_IMAGES = 48
"""About as many of them are kept as images."""

_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class AnimationView:
    """Measurements of one pass of the animation, at some frames including the first and the last.

    `frames` are int64 ``(m,)``, ascending; for a closed animation the first keyframe once more. `distances` are from
    the data, as in `MeterView`, float64 ``(m,)``; `changes` of the image from each to the next, float64 ``(n,)``, fewer
    than m - 1 until it is complete. `shown` are the frames with images, int64 ``(s,)``, `pixels` these as shown:
    ``(s, h, w, c)``.
    """

    animation: Animation
    frames: Indices
    distances: NDArray[np.float64]
    changes: NDArray[np.float64]
    shown: Indices
    pixels: Shown

    @property
    def done(self) -> bool:
        return len(self.changes) == len(self.frames) - 1

    def changes_of_pass(self) -> NDArray[np.float64]:
        """Return the change from each frame of the pass to the next; between measured frames it is interpolated."""
        last = int(self.frames[-1])
        grown = np.interp(np.arange(last + 1), self.frames, np.concatenate([[0.0], np.cumsum(self.changes)]))
        return np.asarray(np.diff(grown), np.float64)


def measure_animation(
    codec: Codec, animation: Animation, curve: AnimationCurve, distance: CodeDistance, mixer: Mixer = DEFAULT_MIXER
) -> Iterator[AnimationView]:
    """Decode one pass of the animation, and measure the change per frame and the distance from the data.

    Each view has a few more frames than the one before, so that the strip fills from its start.
    """
    positions = animation.pass_positions()
    if animation.closed:
        positions = np.append(positions, 0.0)
    frames = np.unique(np.linspace(0, len(positions) - 1, _FRAMES).round().astype(np.int64))
    codes = curve.at(positions[frames])
    distances = distance.ratio(codes)
    every = max(1, len(frames) // _IMAGES)
    changes: list[float] = []
    kept: list[int] = []
    images: list[Shown] = []
    last: Floats | None = None
    for start in range(0, len(frames), _AT_ONCE):
        decoded = codec.decode(codes[start : start + _AT_ONCE])
        joined = decoded if last is None else np.concatenate([last[np.newaxis], decoded])
        changes += image_change(np.clip(joined, 0, 1)).tolist()
        last = decoded[-1]
        for number in range(start, start + len(decoded)):
            if number % every == 0:
                kept.append(int(frames[number]))
                images.append(shown(decoded[number - start], mixer))
        yield AnimationView(animation, frames, distances, np.array(changes), np.array(kept, np.int64), np.stack(images))


def _build(document: Document) -> Iterator[AnimationView] | None:
    model, animation, curve = document.state.model, document.timeline.animation, document.timeline.curve
    if model is None or animation is None or curve is None:
        return None
    distance = document.analysis.distance_of(model.sample)
    return measure_animation(model.codec, animation, curve, distance, document.state.mixer)


ANIMATION = ViewKind[AnimationView](
    name="animation",
    build=_build,
    priority=Priority.BACKGROUND,
    depends_on={"model", "keyframes", "animation", "times", "mixer"},
    signals=lambda document: (document.timeline.curve_laid,),
    stale_on={"model", "keyframes", "animation", "times"},
)
