"""Lets quantized networks take and give floats, where they have integers with a known scale."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Final

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

_INTEGERS: Final = frozenset({TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT16})
_GIVEN: Final = {"DequantizeLinear": 1, "QLinearConv": 1, "QLinearMatMul": 1}
_MADE: Final = {"QuantizeLinear": 1, "QLinearConv": 6, "QLinearMatMul": 6}
"""Place of the scale of what an operator takes and gives among its inputs; the zero point follows it."""


def with_float_ends(model: ModelProto) -> None:
    """Change inputs and outputs of a network to floats that are quantized and dequantized within it."""
    graph = model.graph
    nodes = list(graph.node)
    numbers = {one.name for one in graph.initializer if prod(one.dims) == 1}
    before: list[NodeProto] = []
    for value in graph.input:
        takers = [node for node in nodes if value.name in node.input]
        scales = {_scale_of(node, _GIVEN, numbers) for node in takers if list(node.input).index(value.name) == 0}
        scale = scales.pop() if len(scales) == 1 else None
        kind = value.type.tensor_type.elem_type
        if kind in _INTEGERS and scale is not None and all(node.op_type in _GIVEN for node in takers):
            inside = f"{value.name}_quantized"
            before.append(helper.make_node("QuantizeLinear", [value.name, *_complete(model, scale, kind)], [inside]))
            _rename(takers, value.name, inside)
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    after: list[NodeProto] = []
    for value in graph.output:
        made = next((node for node in nodes if value.name in node.output), None)
        scale = None if made is None else _scale_of(made, _MADE, numbers)
        if scale is not None:
            inside = f"{value.name}_quantized"
            after.append(helper.make_node("DequantizeLinear", [inside, *filter(None, scale)], [value.name]))
            _rename(nodes, value.name, inside)
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    if before or after:
        del graph.node[:]
        graph.node.extend([*before, *nodes, *after])


def _rename(nodes: Iterable[NodeProto], old: str, new: str) -> None:
    for node in nodes:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new


def _scale_of(node: NodeProto, places: dict[str, int], numbers: set[str]) -> tuple[str, str] | None:
    """Return the names of scale and zero point (empty for 0) of a node; None if they are not two single `numbers`."""
    place = places.get(node.op_type, len(node.input))
    found = [*node.input[place : place + 2], ""][:2]
    return (found[0], found[1]) if found[0] in numbers and found[1] in numbers | {""} else None


def _complete(model: ModelProto, scale: tuple[str, str], kind: int) -> tuple[str, str]:
    """Return a scale with a zero point, which decides the type of what is quantized."""
    if scale[1]:
        return scale
    name = f"latent_explorer_zero_{scale[0]}"
    if all(one.name != name for one in model.graph.initializer):
        zero = np.zeros((), helper.tensor_dtype_to_np_dtype(kind))
        model.graph.initializer.append(numpy_helper.from_array(zero, name))
    return scale[0], name
