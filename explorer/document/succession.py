"""What of a state goes on where a model or pictures are opened, or give way to a newer version of themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.data.source import Source
from explorer.document.state import AXES_ABOVE, GridSettings, OpenModel, State
from explorer.types import Floats


def refined(state: State, source: Source) -> State:
    """Return a state with `source` in place of the one that it continues."""
    old, picture = state.source, state.picture
    if old is None or old is source or not source.continues(old):
        return state
    if picture is None:
        return replace(state, source=source)
    found = old.position_in(source, picture)
    if found is not None:
        return replace(state, source=source, picture=found)
    if state.guest is not None:
        return replace(state, source=source, picture=min(picture, source.count - 1))
    return replace(state, source=source, picture=min(picture, source.count - 1), start_code=None, code=None)


def newer(state: State, model: OpenModel) -> State:
    """Return a state with `model` in place of the older one that it continues; its picture is to be encoded anew."""
    if not model.continues(state.model):
        return state
    code = None if state.code is state.start_code else state.code
    return replace(state, model=model, start_code=None, code=code, grid=newer_grid(state, model))


def newer_grid(state: State, model: OpenModel) -> GridSettings:
    """Let the map grow and shrink with the codes of a model that learns, unless its range was set by hand."""
    old = state.model
    return grid_for(model) if old is not None and state.grid == grid_for(old) else state.grid


def codes_at_first(model: OpenModel | None) -> dict[str, Floats | None]:
    """Where the cursor stands before the encoder has answered: nowhere; amidst the codes where there is no encoder."""
    if model is None or model.card.encodes:
        return {"start_code": None, "code": None}
    code = np.array(model.sample.statistics.mean, np.float32)
    code.flags.writeable = False
    return {"start_code": code, "code": code}


def grid_for(model: OpenModel) -> GridSettings:
    """The first two dimensions; of a long code, in which these say little, the two widest axes."""
    if model.latent_dim > AXES_ABOVE and len(model.sample.statistics.axes) > 1:
        return GridSettings(axes=True)
    high = reach_of(model)
    return GridSettings(low=-high, high=high)


def reach_of(model: OpenModel) -> float:
    """Half the side of a square that holds nearly all codes of the sample, rounded up to halves, ones or tens.

    So coarsely that the range of a model that learns does not change with every step it takes.
    """
    reach = float(np.abs(model.sample.statistics.quantiles[:, :2][[1, -2]]).max())
    step = 0.5 if reach <= 5 else 10.0 ** np.ceil(np.log10(reach / 5) - 1)
    return float(max(2.0, np.ceil(reach / step) * step))
