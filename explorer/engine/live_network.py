"""ONNX export of a network in training: converted once, then filled with the current weights.

A conversion takes up to a second. So the graph is converted once with its weights as inputs. For each preview the
current weights are inserted as constants, which takes milliseconds; ONNX Runtime folds constants while loading.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from onnx import ModelProto, numpy_helper

from explorer.engine.agreement import OPSET, TOLERANCE, largest_difference
from explorer.errors import ModelError

_INPUT = "value"


class LiveNetwork:
    """One network in training, with one input, float32, any batch size.

    Its weights may change; its layers may not. ModelError if it cannot be converted, or the result differs from Keras.
    """

    def __init__(self, model: keras.Model, outputs: tuple[str, ...]) -> None:
        self._variables: list[Any] = [*model.trainable_variables, *model.non_trainable_variables]
        try:
            self._template = _convert(model, self._variables, outputs)
            difference = largest_difference(model, self.content())
        except Exception as error:
            raise ModelError(
                "Cannot convert the network to ONNX: {error}: {reason}. Choose another architecture.",
                error=type(error).__name__,
                reason=str(error).rstrip(". "),
            ) from error
        if not difference <= TOLERANCE:
            raise ModelError(
                "The compiled network differs from Keras by {difference:.2g}, more than {tolerance:g}. "
                "Choose another architecture.",
                difference=difference,
                tolerance=TOLERANCE,
            )

    def content(self) -> bytes:
        filled = ModelProto()
        filled.CopyFrom(self._template)
        for number, variable in enumerate(self._variables):
            filled.graph.initializer.append(numpy_helper.from_array(np.asarray(variable), _weight_name(number)))
        content: bytes = filled.SerializeToString()
        return content


def _weight_name(number: int) -> str:
    return f"weight_{number}"


def _convert(model: keras.Model, variables: list[Any], outputs: tuple[str, ...]) -> ModelProto:
    """Convert the graph with its weights as inputs, then remove them from the declared inputs."""
    trainable = len(model.trainable_variables)
    signature = [tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32, name=_INPUT)]
    signature += [
        tf.TensorSpec(variable.shape, tf.float32, name=_weight_name(number))
        for number, variable in enumerate(variables)
    ]

    @tf.function(input_signature=signature)
    def run(value: tf.Tensor, *weights: tf.Tensor) -> dict[str, tf.Tensor]:
        result, _ = model.stateless_call(weights[:trainable], weights[trainable:], value, training=False)
        return dict(zip(outputs, result if isinstance(result, list) else [result], strict=True))

    proto: ModelProto
    proto, _ = tf2onnx.convert.from_function(run, input_signature=signature, opset=OPSET)
    graph = proto.graph
    received = {value.name for value in graph.input}
    missing = {_weight_name(number) for number in range(len(variables))} - received
    if missing:
        raise ModelError(
            "The ONNX network lacks the weights {names}. Choose another architecture.", names=sorted(missing)
        )
    data = [value for value in graph.input if value.name == _INPUT]
    by_name = {output.name: output for output in graph.output}
    del graph.input[:]
    graph.input.extend(data)
    del graph.output[:]
    graph.output.extend(by_name[name] for name in outputs)
    return proto
