"""Transitions of a state when a model or images are opened or replaced by a newer version."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.data.choices import place_of
from explorer.data.source import Source
from explorer.document.animation import with_animation
from explorer.document.kept_timelines import with_timeline_of
from explorer.document.state import COMPONENTS_ABOVE, GridSettings, OpenModel, State
from explorer.latent.animation_presets import AnimationPreset

_REACH = 3.0
"""Half of the map's default range, in σ."""

_SMALLEST_REACH = 2.0


def refined(state: State, source: Source) -> State:
    """Return a state with its source replaced by `source`, if that continues it."""
    old, image_index = state.source, state.image_index
    if old is None or old is source or not source.continues(old):
        return state
    if image_index is None:
        return replace(state, source=source)
    found = old.position_in(source, image_index)
    if found is not None:
        return replace(state, source=source, image_index=found)
    if state.imported_image is not None:
        return replace(state, source=source, image_index=min(image_index, source.count - 1))
    return replace(state, source=source, image_index=min(image_index, source.count - 1), start_code=None, code=None)


def newer(state: State, model: OpenModel) -> State:
    """Return a state with its model replaced by `model`, if that continues it; the image must be encoded again."""
    if not model.continues(state.model):
        return state
    code = None if state.code is state.start_code else state.code
    return replace(state, model=model, start_code=None, code=code, grid=newer_grid(state, model))


def newer_grid(state: State, model: OpenModel) -> GridSettings:
    """Return the map settings for a newer model: the default ones, unless the user changed them."""
    old = state.model
    return grid_for(model) if old is not None and state.grid == grid_for(old) else state.grid


def with_known_codes(before: State, state: State) -> State:
    """Return `state` with the codes of `before` if it shows the same image in the same model, and has none.

    Undo may restore a state from before its image was encoded, and nobody would encode it again.
    """
    if state.start_code is not None or before.start_code is None:
        return state
    same = state.model is before.model and state.source is before.source
    if not same or (state.image_index, state.imported_image) != (before.image_index, before.imported_image):
        return state
    code = before.start_code if state.code is None else state.code
    return replace(state, start_code=before.start_code, code=code)


def opened(
    state: State, model: OpenModel | None, source: Source | None, animation: AnimationPreset | None = None
) -> State:
    """Return a state with another model, other images, or both.

    Timeline, bookmarks, directions and arithmetic of the old model are kept, those of the new one restored. UsageError
    if the animation does not have the model's latent dimensions.
    """
    if model is not None:
        state = with_timeline_of(state, model)
        state = replace(state, model=model, grid=grid_for(model))
        if animation is not None:
            state = with_animation(state, model, animation)
    if source is not None:
        index = 0 if source.count else None
        if state.image_index is not None and same_place(state.source, source) and state.image_index < source.count:
            index = state.image_index
        state = replace(state, source=source, image_index=index, imported_image=None)
    return unencoded(state)


def same_place(old: Source | None, new: Source | None) -> bool:
    """Return whether two sources are one file or folder, read in two ways."""
    return old is not None and new is not None and old.spec != new.spec and place_of(old.spec) == place_of(new.spec)


def unencoded(state: State) -> State:
    """Return a state with its initial code: None until the image is encoded.

    Without an encoder it is the mean code, under the default condition if there are any.
    """
    model, code = state.model, None
    if model is not None and not model.card.encodes:
        mean, inputs = model.sample.statistics.mean, model.card.conditions
        code = np.array(mean if inputs is None else inputs.replaced(mean, inputs.default), np.float32)
        code.flags.writeable = False
    return replace(state, start_code=code, code=code)


def grid_for(model: OpenModel) -> GridSettings:
    """Return the default map: the first two dimensions, or for long codes the first two principal components."""
    if model.latent_dim > COMPONENTS_ABOVE and len(model.sample.statistics.components) > 1:
        return GridSettings(components=True)
    low, high = range_of(model)
    return GridSettings(low=low, high=high)


def range_of(model: OpenModel, dims: tuple[int, int] = (0, 1)) -> tuple[float, float]:
    """Return one range for two dimensions, in code units: mean ± 3 σ of both, rounded.

    Rounded coarsely, so that the range does not change with every step of a training.
    """
    statistics, places = model.sample.statistics, [dim for dim in dims if dim < model.latent_dim]
    mean, sigma = statistics.mean[places], statistics.sigma[places]
    low, high = float((mean - _REACH * sigma).min()), float((mean + _REACH * sigma).max())
    reach = max((high - low) / 2, _SMALLEST_REACH)
    step = 0.5 if reach <= 5 else 10.0 ** np.ceil(np.log10(reach / 5) - 1)
    middle = (low + high) / 2
    return float(np.round((middle - reach) / step) * step), float(np.round((middle + reach) / step) * step)
