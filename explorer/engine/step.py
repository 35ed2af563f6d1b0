"""One training step: forward pass, loss, gradients, update; and the loss alone for validation."""

from __future__ import annotations

from math import prod
from typing import TypeAlias

import keras
import numpy as np
import tensorflow as tf

from explorer.engine.folding import folded
from explorer.models.limits import BYTES_A_VALUE, LOG_VARIANCE, STEP_BYTES
from explorer.models.settings import TrainingSettings
from explorer.types import Floats

Tensor: TypeAlias = tf.Tensor
_CLIP = 1e-7


class Step:
    """The compiled training and validation steps of one model.

    The encoder of a VAE outputs ``[mean, log_variance]``. After `total_steps` the cosine schedule reaches zero.
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        settings: TrainingSettings,
        total_steps: int,
        *,
        variational: bool,
    ) -> None:
        self.encoder = encoder
        self.decoder = decoder
        self._encode = folded(encoder)
        self._decode = folded(decoder)
        self._settings = settings
        self._variational = variational
        rate: float | keras.optimizers.schedules.CosineDecay = settings.rate
        if settings.schedule == "cosine":
            rate = keras.optimizers.schedules.CosineDecay(settings.rate, total_steps)
        self.optimizer = keras.optimizers.Adam(rate)
        self._variables = [*encoder.trainable_variables, *decoder.trainable_variables]
        self.optimizer.build(self._variables)
        images = tf.TensorSpec((None, *encoder.inputs[0].shape[1:]), tf.float32)
        number = tf.TensorSpec((), tf.int32)
        self._most = max(1, STEP_BYTES // (_values(encoder) + _values(decoder)) // BYTES_A_VALUE)
        self._whole = tf.function(self._train, input_signature=[images, images, number])
        self._part = tf.function(self._gradients, input_signature=[images, images, number])
        self.validate = tf.function(self._validate, input_signature=[images, images])

    def train(self, given: Floats, clean: Floats, number: int) -> Tensor:
        """Update the weights on one batch; return its losses ``(3,)``: total, reconstruction, KL.

        `given` is the (corrupted) input, `clean` the target, both ``(n, h, w, c)`` in [0, 1]; `number` counts the
        steps of the whole training and seeds ε, so that a resumed training samples the same values.
        """
        if len(given) <= self._most:
            return self._whole(given, clean, number)
        starts = range(0, len(given), self._most)
        losses, sums = tf.zeros(3), [tf.zeros_like(variable) for variable in self._variables]
        for index, start in enumerate(starts):
            part = slice(start, start + self._most)
            share = np.float32(len(given[part]) / len(given))
            part_losses, gradients = self._part(given[part], clean[part], number * len(starts) + index)
            losses += share * part_losses
            sums = [total + share * gradient for total, gradient in zip(sums, gradients, strict=True)]
        self.optimizer.apply_gradients(zip(sums, self._variables, strict=True))
        return losses

    def _train(self, given: Tensor, clean: Tensor, number: Tensor) -> Tensor:
        losses, gradients = self._gradients(given, clean, number)
        self.optimizer.apply_gradients(zip(gradients, self._variables, strict=True))
        return losses

    def _gradients(self, given: Tensor, clean: Tensor, number: Tensor) -> tuple[Tensor, list[Tensor]]:
        with tf.GradientTape() as tape:
            losses, _ = self._losses(given, clean, number, training=True)
            loss = losses[0]
        return losses, tape.gradient(loss, self._variables)

    def _validate(self, given: Tensor, clean: Tensor) -> tuple[Tensor, Tensor]:
        """Return the losses ``(3,)`` of one batch, and KL of each dimension ``(d,)``."""
        return self._losses(given, clean, tf.constant(-1, tf.int32), training=False)

    def _losses(self, given: Tensor, clean: Tensor, number: Tensor, *, training: bool) -> tuple[Tensor, Tensor]:
        code = self._encode(given, training=training)
        divergences = tf.zeros(0)
        if self._variational:
            mean, log_variance = code
            log_variance = _bounded(log_variance)
            seed = tf.stack([tf.constant(self._settings.seed, tf.int32), number])
            code = mean + tf.exp(log_variance / 2) * tf.random.stateless_normal(tf.shape(mean), seed)
            # Kingma and Welling 2014, appendix B; mean over images for each dimension, in nats.
            parts = 1 + log_variance - tf.square(mean) - tf.exp(log_variance)
            divergences = -0.5 * tf.reduce_mean(parts, axis=0)
        output = self._decode(code, training=training)
        errors = _squared(clean, output) if self._settings.loss == "mse" else _cross_entropy(clean, output)
        # The ELBO needs the sum over pixels; published results of plain autoencoders use the mean.
        reconstruction, divergence = tf.reduce_mean(errors), tf.reduce_sum(divergences)
        if self._variational:
            reconstruction = tf.reduce_mean(tf.reduce_sum(errors, axis=(1, 2, 3)))
        loss = reconstruction + self._settings.beta * divergence
        if self._settings.l1:
            activity = tf.reshape(code, (tf.shape(given)[0], -1))
            loss += self._settings.l1 * tf.reduce_mean(tf.reduce_sum(tf.abs(activity), axis=1))
        return tf.stack([loss, reconstruction, divergence]), divergences


def _bounded(log_variance: Tensor) -> Tensor:
    """Return log-variances clipped to `LOG_VARIANCE`, with the gradient of the identity, which never vanishes."""
    return log_variance + tf.stop_gradient(tf.clip_by_value(log_variance, *LOG_VARIANCE) - log_variance)


def _values(network: keras.Model) -> int:
    return sum(prod(layer.output.shape[1:]) for layer in network.layers)


def _squared(clean: Tensor, output: Tensor) -> Tensor:
    return tf.square(clean - output)


def _cross_entropy(clean: Tensor, output: Tensor) -> Tensor:
    output = tf.clip_by_value(output, _CLIP, 1 - _CLIP)
    return -(clean * tf.math.log(output) + (1 - clean) * tf.math.log(1 - output))
