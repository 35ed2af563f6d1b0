"""A codec that runs the Keras networks, to measure a model before it is compiled."""

from __future__ import annotations

import keras
import numpy as np

from explorer.inference.codec import bounded
from explorer.models.batches import images_at_once
from explorer.models.spec import ModelSpec
from explorer.types import Codec, Floats, ImageShape

_BATCH = 512


class KerasCodec(Codec):
    """Encoder and decoder of one model, called in batches."""

    def __init__(self, spec: ModelSpec, encoder: keras.Model, decoder: keras.Model) -> None:
        self._spec = spec
        self._encoder = encoder
        self._decoder = decoder
        self._batch = images_at_once(spec.image_shape, _BATCH)

    @property
    def image_shape(self) -> ImageShape:
        return self._spec.image_shape

    @property
    def latent_dim(self) -> int:
        return self._spec.latent_dim

    def decode(self, codes: Floats) -> Floats:
        folded = codes.reshape(-1, *self._spec.latent_shape)
        return self._batched(self._decoder, folded)[0]

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        outputs = [part.reshape(len(images), -1) for part in self._batched(self._encoder, images)]
        return outputs[0], bounded(outputs[1] if self._spec.variational else None)

    def _batched(self, model: keras.Model, values: Floats) -> list[Floats]:
        parts: list[list[Floats]] = []
        for start in range(0, len(values), self._batch):
            result = model(values[start : start + self._batch], training=False)
            result = result if isinstance(result, list) else [result]
            parts.append([np.asarray(part, np.float32) for part in result])
        return [np.concatenate(column) for column in zip(*parts, strict=True)]
