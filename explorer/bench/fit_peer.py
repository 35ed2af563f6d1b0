"""The peer of ``training``: the same network, loss, optimizer and batch size in ``model.fit``. Child process."""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from explorer.data.preprocessing import to_floats
from explorer.engine.build import build
from explorer.engine.prepare import Prepared

_SIDE = 1_536
_PRODUCTS = 12


class FitPeer:
    """Trains its own network on the images of a training, as float32 in memory."""

    def __init__(self, prepared: Prepared) -> None:
        settings = prepared.settings
        encoder, decoder = build(prepared.spec)
        self._images = to_floats(prepared.train[:])
        held_out = to_floats(prepared.validation[:])
        # Both measure the validation loss after every epoch.
        self._held_out = (held_out, held_out)
        self._batch = settings.batch
        self._epoch_seconds = float("inf")
        if prepared.spec.variational:
            self._model: Any = Variational(encoder, decoder, settings.beta)
            loss: Any = _summed_cross_entropy
        else:
            self._model = keras.Model(encoder.input, decoder(encoder.output))
            loss = "mse" if settings.loss == "mse" else "binary_crossentropy"
        self._model.compile(optimizer=keras.optimizers.Adam(settings.rate), loss=loss)

    def train(self, seconds: float) -> float:
        """Train for about `seconds` in one call of `fit`; return images per second."""
        epochs = max(1, round(seconds / self._epoch_seconds))
        begun = time.perf_counter()
        self._model.fit(
            self._images,
            self._images,
            batch_size=self._batch,
            epochs=epochs,
            validation_data=self._held_out,
            validation_batch_size=500,
            verbose=0,
        )
        took = time.perf_counter() - begun
        self._epoch_seconds = took / epochs
        return epochs * len(self._images) / took


class Variational(keras.Model):  # type: ignore[misc]  # Keras ships no types
    """A variational autoencoder in the usual form for `fit`: the KL term is added by `add_loss`."""

    def __init__(self, encoder: keras.Model, decoder: keras.Model, beta: float) -> None:
        super().__init__()
        self._encoder = encoder
        self._decoder = decoder
        self._beta = beta
        self._seed = keras.random.SeedGenerator(0)

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        mean, log_variance = self._encoder(images, training=training)
        noise = keras.random.normal(keras.ops.shape(mean), seed=self._seed)
        parts = 1 + log_variance - keras.ops.square(mean) - keras.ops.exp(log_variance)
        self.add_loss(-0.5 * self._beta * keras.ops.mean(keras.ops.sum(parts, axis=1)))
        return self._decoder(mean + keras.ops.exp(log_variance / 2) * noise, training=training)


def _summed_cross_entropy(clean: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
    return keras.ops.sum(keras.losses.binary_crossentropy(clean, output), axis=(1, 2)) * clean.shape[-1]


def matrix_product_rate() -> float:
    """Return the MACs per second of this machine in float32 matrix products, the best of several."""
    rng = np.random.default_rng(0)
    left, right = (tf.constant(rng.standard_normal((_SIDE, _SIDE)), tf.float32) for _ in range(2))
    best = float("inf")
    for _ in range(_PRODUCTS):
        begun = time.perf_counter()
        tf.linalg.matmul(left, right).numpy()
        best = min(best, time.perf_counter() - begun)
    return float(_SIDE**3 / best)
