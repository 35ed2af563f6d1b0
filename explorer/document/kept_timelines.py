"""Each model has its own timeline, bookmarks, directions and arithmetic: kept while another model is open."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from explorer.document.state import KeptTimeline, ModelId, OpenModel, State
from explorer.messages import NO_MESSAGE, Message, message

MOST_MODELS: Final = 20
MOST_CODES: Final = 2_000
MOST_BYTES: Final = 128 << 20
"""Limits of all kept timelines together: models, codes of all kinds, and memory of codes and thumbnails.

A session with more of them than the open model may have could not be written. The oldest are removed first.
"""


def with_timeline_of(state: State, model: OpenModel) -> State:
    """Keep what belongs to the open model, and restore what belongs to `model`, which is opened next."""
    if state.model is not None and ModelId.of(state.model).fits(model):
        return state
    kept = [*state.timelines, *_left(state)]
    found = next((timeline for timeline in reversed(kept) if timeline.model.fits(model)), None)
    if found is None and state.model is None:
        return state
    restored = found or KeptTimeline(ModelId.of(model))
    return replace(
        state,
        keyframes=restored.keyframes,
        animation=restored.animation,
        times=restored.times,
        bookmarks=restored.bookmarks,
        directions=restored.directions,
        arithmetic=restored.arithmetic,
        timelines=_fitting([timeline for timeline in kept if timeline is not found]),
    )


def _left(state: State) -> list[KeptTimeline]:
    """Return what belongs to the open model, unless there is none or it is empty."""
    if state.model is None:
        return []
    left = KeptTimeline(
        ModelId.of(state.model),
        state.keyframes,
        state.animation,
        state.times,
        state.bookmarks,
        state.directions,
        state.arithmetic,
    )
    blank = KeptTimeline(left.model)
    changed = left.animation != blank.animation or left.arithmetic.settings != blank.arithmetic.settings
    return [left] if left.codes or changed else []


def _fitting(timelines: list[KeptTimeline]) -> tuple[KeptTimeline, ...]:
    """Return the newest timelines that are within the limits."""
    kept: list[KeptTimeline] = []
    codes = size = 0
    for timeline in reversed(timelines):
        more, larger = codes + len(timeline.codes), size + _nbytes(timeline)
        if len(kept) < MOST_MODELS and more <= MOST_CODES and larger <= MOST_BYTES:
            kept.append(timeline)
            codes, size = more, larger
    return tuple(reversed(kept))


def _nbytes(timeline: KeptTimeline) -> int:
    thumbnails = [kept.thumbnail.nbytes for kept in timeline.bookmarks if kept.thumbnail is not None]
    return sum(code.nbytes for code in timeline.codes) + sum(thumbnails) + 8 * len(timeline.times or ())


def keeping_note(before: State, after: State) -> Message:
    """Return what to report after another model was opened: which timeline was kept or removed; may be empty."""
    if after.model is None:
        return NO_MESSAGE
    left = [timeline.model for timeline in _left(before) if timeline.codes]
    kept = {timeline.model for timeline in after.timelines}
    for model in (*(timeline.model for timeline in before.timelines if timeline.codes), *left):
        if model not in kept and not model.fits(after.model):
            return message(
                "Removed the timeline, bookmarks and directions of {model}: there are too many. Undo restores them.",
                model=model.name,
            )
    if left and left[0] in kept:
        return message(
            "{model} keeps its timeline, bookmarks and directions. Open it again to continue.", model=left[0].name
        )
    return NO_MESSAGE
