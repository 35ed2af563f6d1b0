"""Compares a compiled network with Keras, on random input."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TypeAlias

import keras
import numpy as np
import tensorflow as tf

from explorer.inference.gate.check import vouch
from explorer.inference.sessions import open_session
from explorer.types import Floats

OPSET = 17
"""ONNX operator set of all compiled networks."""

TOLERANCE = 1e-4
"""Largest accepted absolute difference."""

_TRIALS = 8

Call: TypeAlias = Callable[[tf.Tensor], list[tf.Tensor]]


def calling(model: keras.Model) -> Call:
    """Return a model in inference as a function from one tensor to a list of tensors."""

    def call(value: tf.Tensor) -> list[tf.Tensor]:
        result = model(value, training=False)
        return result if isinstance(result, list) else [result]

    return call


def largest_difference(model: keras.Model, content: bytes) -> float:
    """Return the largest absolute difference between an ONNX file and the model, on random input."""
    return function_difference(calling(model), tuple(model.inputs[0].shape[1:]), content)


def function_difference(call: Call, shape: tuple[int, ...], content: bytes) -> float:
    """Return the largest absolute difference between an ONNX file and a function of tensors ``(n, *shape)``."""
    # A network that does not pass the check could not be opened later.
    vouch(content, shape)
    values = _input(shape)
    session = open_session(content, threads=0)
    received = session.run(None, {session.get_inputs()[0].name: values})
    expected = call(tf.constant(values))
    return max(float(np.abs(a - np.asarray(b)).max()) for a, b in zip(received, expected, strict=True))


def is_random(call: Call, shape: tuple[int, ...]) -> bool:
    """Return whether a function of tensors ``(n, *shape)`` gives another output when called again."""
    one, two = ([np.asarray(part) for part in call(tf.constant(_input(shape)))] for _ in range(2))
    return any(bool(np.abs(a - b).max() > TOLERANCE) for a, b in zip(one, two, strict=True))


def _input(shape: tuple[int, ...]) -> Floats:
    """Return a few random images, or codes if they are flat."""
    rng = np.random.default_rng(0)
    if prod(shape) == shape[0]:
        return rng.standard_normal((_TRIALS, *shape)).astype(np.float32)
    return rng.uniform(0, 1, (_TRIALS, *shape)).astype(np.float32)
