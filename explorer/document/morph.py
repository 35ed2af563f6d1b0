"""Keyframes and the film through them: what edits of the timeline come to, without a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from explorer.document.state import Keyframe, OpenModel, State
from explorer.errors import UsageError
from explorer.latent.film import Film, FilmSettings, Segment
from explorer.latent.presets import Preset
from explorer.types import Floats


def film_of(state: State) -> Film | None:
    """Return the film of a state's keyframes; None with fewer than two."""
    if len(state.keyframes) < 2:
        return None
    film = state.film.film(len(state.keyframes))
    # An open film has one segment fewer: nothing follows the last keyframe.
    own = zip(state.keyframes, film.segments, strict=False)
    segments = tuple(keyframe.segment or common for keyframe, common in own)
    return replace(film, segments=segments, times=state.times)


def keyframes_of(codes: Floats, segments: Sequence[Segment | None] = ()) -> tuple[Keyframe, ...]:
    """Return keyframes of codes ``(k, d)``, which are copied; the first ones with segments of their own."""
    table = np.array(codes, np.float32)
    table.flags.writeable = False
    own = [*segments, *[None] * len(table)]
    return tuple(Keyframe(code, own[number]) for number, code in enumerate(table))


def settings_of(film: Film) -> tuple[FilmSettings, list[Segment | None]]:
    """Take a film apart: what its segments have in common, and what each has of its own."""
    common = Counter(film.segments).most_common(1)[0][0] if film.segments else Segment()
    # Whether a film is closed is told by what its segments have in common.
    if film.closed != (common.path == "spline" and film.loop == "repeat"):
        common = replace(common, path="spline" if film.closed else "linear")
    settings = FilmSettings(common.steps, film.hold, film.fps, film.loop, common.path, common.easing)
    return settings, [None if segment == common else segment for segment in film.segments]


def retimed(
    keyframes: tuple[Keyframe, ...], settings: FilmSettings, index: int, frame: int
) -> tuple[tuple[Keyframe, ...], int]:
    """Show a keyframe at another frame of a pass: the others stay, those it passes change places with it.

    Parameters
    ----------
    keyframes, settings
        The morph.
    index, frame
        Which keyframe, and where it goes; the first frame of all is 0, so that the first keyframe brings the others
        nearer.

    Returns
    -------
    keyframes, place
        In their new order, and where the one that was moved stands in it.
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


def morph_of(model: OpenModel, preset: Preset) -> dict[str, Any]:
    """Return the parts of a state that a whole film of a model makes up.

    Raises
    ------
    UsageError
        If the keys are not of the model's length.
    """
    length = preset.keys.shape[1]
    if length != model.latent_dim:
        raise UsageError(f"codes of {model.latent_dim} numbers", f"{length}", "Open the model that they are codes of.")
    settings, own = settings_of(preset.film)
    return {"keyframes": keyframes_of(preset.keys, own), "film": settings, "times": preset.film.times}
