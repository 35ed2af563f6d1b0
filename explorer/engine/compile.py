"""Converts Keras networks to ONNX and verifies the result.

The converter may report unsupported operators, return normally, and leave a file that does not load. So every file is
opened and its output on random input compared with Keras.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from explorer.engine.agreement import (
    OPSET,
    TOLERANCE,
    Call,
    calling,
    function_difference,
    is_random,
    largest_difference,
)
from explorer.engine.compiled import Compiled
from explorer.engine.live_network import LiveNetwork
from explorer.errors import exception_message
from explorer.messages import message

LARGE = 1_000_000
"""Number of weights above which a network is converted without weights, which are inserted afterwards. The converter
needs about 220 bytes per weight: 7.6 GB and a minute for 37 million weights, instead of 0.7 GB and a second."""

_LONGEST_REASON = 200


def compile_network(model: keras.Model, path: Path, outputs: tuple[str, ...]) -> Compiled:
    """Write `model` as ONNX with named outputs, and compare the file with Keras; OSError if it cannot be written.

    The model has one input, float32, any batch size.
    """
    try:
        if model.count_params() > LARGE:
            content = LiveNetwork(model, outputs).content()
        else:
            tensor = model.inputs[0]
            content = _converted(calling(model), tuple(tensor.shape[1:]), tensor.name, outputs)
        difference = largest_difference(model, content)
    except Exception as error:
        return _failed(error)
    return _written(content, difference, path)


def compile_function(call: Call, shape: tuple[int, ...], path: Path, outputs: tuple[str, ...]) -> Compiled:
    """Write a TensorFlow function as ONNX with named outputs, and compare the file with the function.

    It makes a list of tensors of one float32 tensor ``(n, *shape)``. OSError if the file cannot be written.
    """
    try:
        content = _converted(call, shape, "value", outputs)
        difference = function_difference(call, shape, content)
    except Exception as error:
        compiled = _failed(error)
    else:
        compiled = _written(content, difference, path)
    if not compiled.ok and is_random(call, shape):
        return replace(compiled, reason=message("its output is random"))
    return compiled


def _failed(error: Exception) -> Compiled:
    return Compiled(False, float("inf"), exception_message(error))


def _written(content: bytes, difference: float, path: Path) -> Compiled:
    """Write the file if it agrees with Keras; errors of the disk are raised as OSError."""
    if not difference <= TOLERANCE:
        reason = message("its output differs from Keras by {difference:.2g}", difference=difference)
        return Compiled(False, difference, reason)
    path.write_bytes(content)
    return Compiled(True, difference)


def _converted(call: Call, shape: tuple[int, ...], name: str, outputs: tuple[str, ...]) -> bytes:
    signature = [tf.TensorSpec((None, *shape), tf.float32, name=name)]

    # AutoGraph is not needed, since nothing branches on values, and would leave files in the temporary folder.
    @tf.function(input_signature=signature, autograph=False)
    def run(value: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(zip(outputs, call(value), strict=True))

    proto, _ = tf2onnx.convert.from_function(run, input_signature=signature, opset=OPSET)
    _feed_constants(proto.graph, run.get_concrete_function())
    _pad_kernels(proto.graph)
    by_name = {output.name: output for output in proto.graph.output}
    ordered = [by_name[name] for name in outputs]
    del proto.graph.output[:]
    proto.graph.output.extend(ordered)
    content: bytes = proto.SerializeToString()
    return content


def _feed_constants(graph: onnx.GraphProto, function: Any) -> None:
    """Turn the constants of a function into initializers: the converter makes larger ones inputs that nobody feeds."""
    unfed = {value.name: value for value in graph.input}
    for outside, inside in function.graph.captures:
        if inside.name in unfed and outside.dtype != tf.resource:
            graph.initializer.append(onnx.numpy_helper.from_array(outside.numpy(), inside.name))
            graph.input.remove(unfed[inside.name])


def _pad_kernels(graph: onnx.GraphProto) -> None:
    """Replace negative padding of transposed convolutions, which ONNX does not have, by zeros behind their kernels.

    It arises where the strides are larger than the kernel, which leaves gaps in the output. TensorFlow has the gap at
    the end; the converter divides it between both.
    """
    weights = {initializer.name: initializer for initializer in graph.initializer}
    for node in graph.node:
        fields = {attribute.name: attribute for attribute in node.attribute}
        pads = list(fields["pads"].ints) if node.op_type == "ConvTranspose" and "pads" in fields else []
        if not pads or min(pads) >= 0 or node.input[1] not in weights:
            continue
        half = len(pads) // 2
        behind = [(0, max(0, -first - last)) for first, last in zip(pads[:half], pads[half:], strict=True)]
        kernel = np.pad(onnx.numpy_helper.to_array(weights[node.input[1]]), [(0, 0), (0, 0), *behind])
        name = f"{node.input[1]}_{node.name}_padded"
        graph.initializer.append(onnx.numpy_helper.from_array(kernel, name))
        node.input[1] = name
        fields["pads"].ints[:] = [max(0, pad) for pad in pads]
        if "kernel_shape" in fields:
            fields["kernel_shape"].ints[:] = kernel.shape[2:]
    used = {name for node in graph.node for name in node.input}
    for name, initializer in weights.items():
        if name not in used:
            graph.initializer.remove(initializer)
