"""The channel mixer of a document: for which images there is one, and ranges that fit the values of an image."""

from __future__ import annotations

from typing import Final

import numpy as np

from explorer.data.mixer import Mix, channels_text, needs_mixer
from explorer.data.preprocessing import to_floats
from explorer.document.state import State
from explorer.types import Floats, Pixels

PERCENTILES: Final = (0.2, 99.8)
"""Values at or beyond these become black and of full brightness, so that a few odd pixels do not darken the rest."""

SMALLEST_RANGE: Final = 1e-4
"""Between the values that are black and of full brightness."""


def mixed_channels(state: State) -> int:
    """Return the number of channels that the mixer is for: of the model, else of the images; 0 without both.

    If only one of them has other channels than gray and color, it is for these.
    """
    shapes = [state.model.card.image_shape] if state.model is not None else []
    if state.source is not None and state.source.image_shape is not None:
        shapes.append(state.source.image_shape)
    counts = [channels for _, _, channels in shapes]
    return next(filter(needs_mixer, counts), counts[0] if counts else 0)


def offers_mixer(state: State) -> bool:
    """Return whether the mixer should be at hand: for channels, more than 8 bits, or a mix that was changed."""
    count = mixed_channels(state)
    deep = state.source is not None and state.source.depth != 8
    deep = deep or (state.model is not None and state.model.card.preprocessing.reading.depth != 8)
    return count > 0 and (deep or needs_mixer(count) or not state.mixer.mix(count).is_default)


def shown_text(state: State) -> str:
    """Return how the images of the model are shown, for a file; empty if they are shown as they are."""
    return "" if state.model is None else channels_text(state.model.card.image_shape[2], state.mixer)


def fitted_mix(mix: Mix, image: Pixels | Floats) -> Mix:
    """Return a mix with the range of each channel from `PERCENTILES` of its values in an image ``(h, w, c)``."""
    values = to_floats(image).reshape(-1, image.shape[-1])
    lows, highs = np.clip(np.percentile(values, PERCENTILES, axis=0), 0, 1).round(4)
    return Mix(
        channels=tuple(
            channel.model_copy(update={"low": low, "high": max(high, low + SMALLEST_RANGE)})
            for channel, low, high in zip(mix.channels, lows.tolist(), highs.tolist(), strict=True)
        )
    )
