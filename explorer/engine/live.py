"""Live preview of a model in training: compiled networks, codes of validation images, reconstructions."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from explorer.data.mixer import unmixed
from explorer.data.preprocessing import to_floats, to_pixels
from explorer.data.source import PixelRows
from explorer.engine.budget import Budget
from explorer.engine.finish import make_card, output_names
from explorer.engine.live_network import LiveNetwork
from explorer.engine.messages import Live
from explorer.engine.prepare import Prepared
from explorer.inference.codec import OnnxCodec
from explorer.models.batches import images_in_memory
from explorer.models.card import EpochRecord
from explorer.models.sample import sample_images
from explorer.types import Indices

SHARE = 0.03
"""Maximum share of the training time for live previews."""

EPOCH_SECONDS, WITHIN_SECONDS = 0.5, 3.0
"""Minimum interval between previews at the end of an epoch, and within a long one."""

PROGRESS_IMAGES = 8
"""Images whose reconstructions are shown throughout the training."""

_FEWEST, _MOST = 48, 512
_SAMPLE_SECONDS = 0.04


class LiveView:
    """Live preview of one training; ModelError if a network cannot be compiled.

    `clock` gives seconds of training; `budget` limits the time for previews.
    """

    def __init__(self, prepared: Prepared, clock: Callable[[], float] = time.monotonic) -> None:
        self._prepared = prepared
        names = output_names(prepared)
        self._networks = tuple(
            LiveNetwork(model, outputs)
            for model, outputs in zip((prepared.encoder, prepared.decoder), names, strict=True)
        )
        rows = prepared.validation
        most = min(len(rows), _MOST, images_in_memory(prepared.spec.image_shape, _MOST))
        self._places = np.linspace(0, len(rows) - 1, most).astype(np.int64)
        self._pixels = rows[self._places]
        progress_frames = _progress_positions(prepared, rows)
        self._originals = rows[progress_frames]
        self._count = min(_FEWEST, most)
        self.budget = Budget(SHARE, EPOCH_SECONDS, clock)

    def show(self, history: Sequence[EpochRecord], progress: float, seconds: float) -> Live:
        """Return the current model after completed epochs, `progress` (fractional) epochs and `seconds` of training."""
        prepared = self._prepared
        encoder, decoder = (network.content() for network in self._networks)
        card = make_card(prepared, history, seconds)
        codec = OnnxCodec.from_contents(card, encoder, decoder)
        chosen = np.linspace(0, len(self._places) - 1, self._count).astype(np.int64)
        indices: Indices = prepared.validation_indices[self._places[chosen]]
        labels = prepared.source.labels
        begun = time.monotonic()
        sample = sample_images(
            codec,
            self._pixels[chosen],
            indices,
            None if labels is None else labels[indices],
            prepared.spec.latent_shape,
        )
        self._choose_count(time.monotonic() - begun)
        reconstructions = to_pixels(codec.decode(codec.encode(to_floats(self._originals))), self._originals.dtype)
        return Live(
            np.frombuffer(encoder, np.uint8),
            np.frombuffer(decoder, np.uint8),
            card,
            sample,
            progress,
            unmixed(self._originals),
            unmixed(reconstructions),
        )

    def _choose_count(self, seconds: float) -> None:
        """Choose the number of images for the next preview so that it takes `_SAMPLE_SECONDS`."""
        fitting = int(self._count * _SAMPLE_SECONDS / max(seconds, 1e-6))
        most = len(self._places)
        self._count = min(max(fitting, min(_FEWEST, most)), most)


def _progress_positions(prepared: Prepared, rows: PixelRows | np.ndarray) -> Indices:
    """Return positions of a few validation images: one per class if there are labels, else evenly spaced."""
    count = min(PROGRESS_IMAGES, len(rows))
    labels = prepared.source.labels
    if labels is not None:
        _, first = np.unique(labels[prepared.validation_indices[: len(rows)]], return_index=True)
        if len(first) >= count:
            return np.sort(first[np.linspace(0, len(first) - 1, count).astype(np.int64)]).astype(np.int64)
    return np.linspace(0, len(rows) - 1, count).astype(np.int64)
