"""Adds the value ranges that were found on images to an adapted network, which passed the gate before."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, helper, load_model_from_string, numpy_helper

from explorer.inference.gate.check import check_changed
from explorer.inference.gate.passed import keep_passed, network_key
from explorer.models.import_record import RANGES, OutputRange, ValueRange
from explorer.types import Floats

_IMAGE, _DECODED = "image", "picture"
_PREFIX = "latent_explorer_range_"


def with_input_range(content: bytes, values: ValueRange, rest: int = 0) -> bytes:
    """Return an encoder that takes images in [0, 1]; `values` is the range of the given one.

    `rest` is the number of values after a flat image, which stay as they are; 0 if images are not flat.
    """
    low, high = values
    if (low, high) == RANGES[0]:
        return content
    model = load_model_from_string(content)
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name == _IMAGE:
                node.input[place] = f"{_PREFIX}moved"
    moved = np.array([[high - low], [low]], np.float32)
    if rest:
        size = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
        moved = np.repeat(moved, size, axis=1)
        moved[:, size - rest :] = [[1], [0]]
    span, start = _constants(model, *moved)
    nodes = [
        helper.make_node("Mul", [_IMAGE, span], [f"{_PREFIX}spread"]),
        helper.make_node("Add", [f"{_PREFIX}spread", start], [f"{_PREFIX}moved"]),
        *model.graph.node,
    ]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    changed: bytes = model.SerializeToString()
    return changed


def with_output_range(content: bytes, values: OutputRange) -> bytes:
    """Return a decoder that gives images in [0, 1]; `values` is the range of the given one."""
    if values == RANGES[0]:
        return content
    model = load_model_from_string(content)
    for node in model.graph.node:
        for place, name in enumerate(node.output):
            if name == _DECODED:
                node.output[place] = f"{_PREFIX}raw"
    if isinstance(values, str):
        model.graph.node.append(helper.make_node("Sigmoid", [f"{_PREFIX}raw"], [_DECODED]))
    else:
        low, high = values
        span, start = _constants(model, np.float32(high - low), np.float32(low))
        model.graph.node.append(helper.make_node("Sub", [f"{_PREFIX}raw", start], [f"{_PREFIX}moved"]))
        model.graph.node.append(helper.make_node("Div", [f"{_PREFIX}moved", span], [_DECODED]))
    changed: bytes = model.SerializeToString()
    return changed


def _constants(model: ModelProto, *values: np.float32 | Floats) -> list[str]:
    names = [f"{_PREFIX}{number}" for number in range(len(values))]
    for name, value in zip(names, values, strict=True):
        model.graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), name))
    return names


def keep_checked(content: bytes, shape: tuple[int, ...], at_once: int) -> None:
    """Check a changed network, and cache that it may run with at most `at_once` images; ModelError if it may not."""
    keep_passed(network_key(content, shape), check_changed(content, shape, at_once))
