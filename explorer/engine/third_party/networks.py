"""Adapts third-party networks: images in [0, 1], channels last, condition inputs at the end of the code."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import tensorflow as tf

from explorer.models.batches import images_at_once
from explorer.models.conditions import conditions_of, encode_best
from explorer.models.import_record import Control, Imported, Layout
from explorer.types import Codec, Floats, ImageShape

_BATCH = 256


class ThirdPartyNetworks(Codec):
    """Adapted encoder and decoder of an import.

    Condition inputs are appended to the code, see `explorer.models.conditions`; what `encode_tensors` makes is without
    them. The constructor gets callables on one tensor or a list of them, or None, and the shape of the network's own
    code, without conditions.
    """

    def __init__(
        self, encoder: Any, decoder: Any, record: Imported, image_shape: ImageShape, latent_shape: tuple[int, ...]
    ) -> None:
        self._encoder, self._decoder, self._record = encoder, decoder, record
        self._image_shape, self._own_shape = image_shape, latent_shape
        self._values = prod(latent_shape)
        size = sum(control.size for control in record.controls)
        self._conditions = conditions_of(record.controls, self._values + size)
        self._batch = images_at_once(image_shape, _BATCH)

    @property
    def image_shape(self) -> ImageShape:
        return self._image_shape

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one code; flat if there are condition inputs."""
        return (self.latent_dim,) if self._record.controls else self._own_shape

    @property
    def latent_dim(self) -> int:
        return self._values + (self._conditions.size if self._conditions is not None else 0)

    @property
    def encoder_shape(self) -> tuple[int, ...]:
        """Shape of one input of `encode_tensors`: image, or image and condition."""
        conditions = self._conditions
        return conditions.encoder_shape(self._image_shape) if conditions is not None else self._image_shape

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        if self._conditions is not None:
            decode = None if self._decoder is None else self.decode
            return encode_best(self._conditions, images, lambda given: self.encode_inputs(given)[0], decode), None
        outputs = self.encode_inputs(images)
        return outputs[0], outputs[1] if len(outputs) > 1 else None

    def encode_inputs(self, values: Floats) -> list[Floats]:
        """Return what `encode_tensors` makes, flat, ``(n, size)`` each."""
        return [part.reshape(len(values), -1) for part in self._batched(self.encode_tensors, values)]

    def decode(self, codes: Floats) -> Floats:
        return self._batched(self.decode_tensors, codes.reshape(-1, *self.latent_shape))[0]

    def _batched(self, call: Any, values: Floats) -> list[Floats]:
        parts = [
            [np.asarray(tensor, np.float32) for tensor in call(tf.constant(values[start : start + self._batch]))]
            for start in range(0, max(1, len(values)), self._batch)
        ]
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def encode_tensors(self, values: Any) -> list[Any]:
        """Return the code, or mean and log-variance, of ``(n, *encoder_shape)``; the function to compile."""
        conditions = self._conditions
        if conditions is None:
            return self._code_of(self._encoded(values, []))
        images, rows = values, []
        if conditions.in_encoder:
            sizes = [prod(self._image_shape), *(control.size for control in conditions.controls)]
            flat, *rows = tf.split(values, sizes, axis=1)
            images = tf.reshape(flat, (-1, *self._image_shape))
        return [tf.reshape(self._code_of(self._encoded(images, rows))[0], (-1, self._values))]

    def decode_tensors(self, codes: Any) -> list[Any]:
        """Return the images ``(n, h, w, c)`` of codes ``(n, *latent_shape)``; the function to compile."""
        record = self._record
        flat = tf.reshape(codes, (-1, self.latent_dim))
        own = tf.reshape(flat[:, : self._values], (-1, *self._own_shape))
        given: dict[int, Any] = {record.code_in: own}
        for control, start in self._conditions.places if self._conditions is not None else ():
            if control.in_decoder is not None:
                given[control.in_decoder] = _as_control(flat[:, start : start + control.size], control)
        made = _images(tf.cast(_first(_call(self._decoder, given)), tf.float32), record.layout_out, self._image_shape)
        if record.range_out == "logits":
            return [tf.sigmoid(made)]
        low, high = record.range_out
        return [(made - low) / (high - low)]

    def _code_of(self, outputs: list[Any]) -> list[Any]:
        """Return the code, or mean and log-variance, among the outputs of the encoder."""
        place = self._record.log_variance
        if place == "stacked":
            chosen = tf.split(outputs[self._record.mean], 2, axis=-1)
        else:
            chosen = [outputs[self._record.mean], *([] if place is None else [outputs[place]])]
        return [tf.reshape(tf.cast(tensor, tf.float32), (-1, *self._own_shape)) for tensor in chosen]

    def _encoded(self, images: Any, rows: list[Any]) -> list[Any]:
        record = self._record
        low, high = record.range_in
        given = {record.image_in: _laid_out(images * (high - low) + low, record.layout_in, self._image_shape)}
        for control, row in zip(record.controls if rows else (), rows, strict=True):
            if control.in_encoder is not None:
                given[control.in_encoder] = _as_control(row, control)
        result = _call(self._encoder, given)
        return list(result) if isinstance(result, list | tuple) else [result]


def _as_control(row: Any, control: Control) -> Any:
    """Return a condition as its network expects it; an embedding's index is rounded and clipped."""
    if control.choices and control.size == 1:
        row = tf.clip_by_value(tf.round(row), 0, control.choices - 1)
    return tf.reshape(row, (-1, *control.shape))


def _call(model: Any, given: dict[int, Any]) -> Any:
    values = [given[place] for place in sorted(given)]
    return model(values if len(values) > 1 else values[0], training=False)


def _first(result: Any) -> Any:
    return result[0] if isinstance(result, list | tuple) else result


def _laid_out(images: Any, layout: Layout, shape: ImageShape) -> Any:
    height, width, channels = shape
    match layout:
        case "hw":
            return tf.reshape(images, (-1, height, width))
        case "chw":
            return tf.transpose(images, (0, 3, 1, 2))
        case "flat":
            return tf.reshape(images, (-1, height * width * channels))
    return images


def _images(values: Any, layout: Layout, shape: ImageShape) -> Any:
    height, width, channels = shape
    if layout == "chw":
        return tf.transpose(tf.reshape(values, (-1, channels, height, width)), (0, 2, 3, 1))
    return tf.reshape(values, (-1, height, width, channels))
