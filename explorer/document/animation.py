"""Keyframes and their animation: edits of the timeline as functions, without a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from explorer.document.session_record import check_animation
from explorer.document.state import KeptTimeline, Keyframe, OpenModel, State
from explorer.errors import UsageError
from explorer.latent.animation import Animation, AnimationSettings, Segment
from explorer.latent.animation_presets import AnimationPreset
from explorer.types import Floats


def animation_of(timeline: State | KeptTimeline) -> Animation | None:
    """Return the animation of keyframes; None with fewer than two."""
    if len(timeline.keyframes) < 2:
        return None
    animation = timeline.animation.animation(len(timeline.keyframes))
    # An open animation has one segment fewer: nothing follows the last keyframe.
    own = zip(timeline.keyframes, animation.segments, strict=False)
    segments = tuple(keyframe.segment or common for keyframe, common in own)
    return replace(animation, segments=segments, times=timeline.times)


def keyframes_of(codes: Floats, segments: Sequence[Segment | None] = ()) -> tuple[Keyframe, ...]:
    """Return keyframes of codes ``(k, d)``, which are copied; the first ones with their own segments."""
    table = np.array(codes, np.float32)
    table.flags.writeable = False
    own = [*segments, *[None] * len(table)]
    return tuple(Keyframe(code, own[number]) for number, code in enumerate(table))


def settings_of(animation: Animation) -> tuple[AnimationSettings, list[Segment | None]]:
    """Return the common settings of an animation's segments, and for each segment its own, or None."""
    common = Counter(animation.segments).most_common(1)[0][0] if animation.segments else Segment()
    # The common settings determine whether an animation is closed.
    if animation.closed != (common.path == "spline" and animation.loop == "repeat"):
        common = replace(common, path="spline" if animation.closed else "linear")
    settings = AnimationSettings(
        common.steps, animation.hold, animation.fps, animation.loop, common.path, common.easing
    )
    return settings, [None if segment == common else segment for segment in animation.segments]


def retimed(
    keyframes: tuple[Keyframe, ...], settings: AnimationSettings, index: int, frame: int
) -> tuple[tuple[Keyframe, ...], int]:
    """Move a keyframe to another frame of a pass; the others keep theirs, and their order may change.

    Return the keyframes in their new order, and the new position of the moved one. The first keyframe is always at
    frame 0, so moving it shifts the others.
    """
    ways = [keyframe.segment or settings.segment for keyframe in keyframes]
    frames = np.concatenate([[0], np.cumsum([way.steps - 1 for way in ways[:-1]])])
    frames[index] = frame
    order = sorted(range(len(keyframes)), key=lambda number: (frames[number], number != index))
    placed = frames[order].astype(np.int64)
    for number in range(1, len(placed)):
        placed[number] = max(placed[number], placed[number - 1] + 1)
    result: list[Keyframe] = []
    for place, number in enumerate(order):
        way = ways[number]
        if place + 1 < len(order):
            way = replace(way, steps=int(placed[place + 1] - placed[place]) + 1)
        result.append(replace(keyframes[number], segment=None if way == settings.segment else way))
    return tuple(result), order.index(index)


def with_animation(state: State, model: OpenModel, preset: AnimationPreset) -> State:
    """Return a state with other keyframes, codes of its model, and their animation.

    UsageError if the keyframes do not have the model's latent dimensions, or no session could hold the animation.
    """
    length = preset.keys.shape[1]
    if length != model.latent_dim:
        raise UsageError(
            "This animation has {length:# latent dimension|# latent dimensions}, but “{model}” has {wanted:,}. "
            "Open its model.",
            length=length,
            model=model.name,
            wanted=model.latent_dim,
        )
    settings, own = settings_of(preset.animation)
    try:
        check_animation(settings, own)
    except ValueError as error:
        raise UsageError("Cannot open the animation: it is too long or too fast to be edited.") from error
    return replace(state, keyframes=keyframes_of(preset.keys, own), animation=settings, times=preset.animation.times)
