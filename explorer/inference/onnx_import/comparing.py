"""Compares adapted networks with those of the file, on random input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from onnx import TensorProto

from explorer.errors import ModelError
from explorer.inference.onnx_import.adapting import CodeForm
from explorer.inference.onnx_import.loading import is_integer, typed
from explorer.inference.onnx_import.parts import Output, Part
from explorer.inference.onnx_import.splitting import random_tensors
from explorer.inference.onnx_import.understanding import Image, channel_weights, inputs_for
from explorer.inference.sessions import open_session
from explorer.types import Floats

_TOLERANCE: Final = 1e-4
_ROUNDED: Final = 1e-3
"""The same for networks that compute with fewer bits."""


def encoder_difference(
    one: Part, image: Image, content: bytes, form: CodeForm, outputs: Sequence[Output]
) -> float | None:
    """Return the largest difference between an encoder and the adapted one, None if it is random.

    ModelError if it is large.
    """
    count = one.fixed or 2
    images: Floats = np.random.default_rng(1).uniform(0, 1, (count, *image.shape)).astype(np.float32)
    if is_integer(one.port.kind):
        images = np.rint(images * 255).astype(np.float32)
    own = images.transpose(0, 3, 1, 2) if image.channels_first else images
    shape = one.shape(count)
    given = inputs_for(one.port, shape, one.rows, one.network.given)
    given[one.port.name] = typed(np.ascontiguousarray(own).reshape(shape), one.port.kind)
    known = dict(zip(one.network.outputs, one.network.run(given), strict=True))
    expected = []
    for output in outputs:
        value = np.asarray(known[output.name], np.float32).reshape(count, *output.shape_in_file(form.shape))
        if output.half is not None:
            value = np.split(value, 2, axis=output.axis + 1)[output.half]
        expected.append(value.transpose(0, 2, 3, 1) if form.channels_first else value)
    values = _with_defaults(images, one) if one.fed else images
    return _difference(content, values, [value.reshape(count, *form.latent_shape) for value in expected], one)


def decoder_difference(one: Part, image: Image, content: bytes, form: CodeForm) -> float | None:
    """Do the same for a decoder."""
    count = one.fixed or 2
    codes: Floats = np.random.default_rng(2).standard_normal((count, *form.latent_shape)).astype(np.float32)
    given = inputs_for(one.port, one.shape(count), one.rows, one.network.given)
    values = _with_defaults(codes, one) if one.controls else codes
    own = codes.transpose(0, 3, 1, 2) if form.channels_first else codes
    given[one.port.name] = typed(np.ascontiguousarray(own).reshape(one.shape(count)), one.port.kind)
    made = np.asarray(one.network.run(given)[0], np.float32)
    height, width, depth = image.shape
    if image.channels_first:
        made = made.reshape(count, image.channels, height, width).transpose(0, 2, 3, 1)
    made = made.reshape(count, height, width, image.channels)
    if image.channels > depth:
        made = made @ channel_weights(image.channels, depth)
    return _difference(content, values, [made], one)


def _with_defaults(values: Floats, one: Part) -> Floats:
    """Return images or codes ``(n, size)`` with the default conditions at their end, which the rows have, too."""
    defaults = np.array([value for control in one.controls for value in control.default], np.float32)
    flat = values.reshape(len(values), -1)
    return np.concatenate([flat, np.broadcast_to(defaults, (len(flat), len(defaults)))], axis=1)


def _difference(content: bytes, values: Floats, expected: list[Floats], one: Part) -> float | None:
    """Return the largest difference of an adapted network from the expected outputs; ModelError if it is large."""
    if random_tensors(one.network):
        return None
    session = open_session(content, threads=1)
    received = session.run(None, {session.get_inputs()[0].name: values})
    # Not `max`, which ignores a NaN after the first.
    difference = float(
        np.max([np.abs(a - b).max() / np.maximum(1, np.abs(b).max()) for a, b in zip(received, expected, strict=True)])
    )
    kinds = {weight.data_type for weight in one.network.model.graph.initializer}
    few_bits = bool(kinds & {TensorProto.FLOAT16, TensorProto.INT8, TensorProto.UINT8})
    if not difference <= (_ROUNDED if few_bits else _TOLERANCE):
        raise ModelError(
            "{file} gives other results after its layout was changed (difference {difference:.2g}). "
            "Export it with dynamic_axes for the batch, and import it again.",
            file=one.network.file,
            difference=difference,
        )
    return difference
