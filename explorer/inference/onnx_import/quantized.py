"""Gives quantized networks floats, where they have integers with a known scale: at their ends, and where they are cut.

The integers between stay: a float is quantized where a network took integers, and dequantized where it gave them.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Final, TypeAlias

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Scale: TypeAlias = tuple[str, str]
"""Names of a scale and a zero point, empty for 0; both are single numbers."""

_FLOAT, _AGAIN = "_dequantized", "_quantized_again"
_INTEGERS: Final = frozenset({TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT16})
_GIVEN: Final = dict.fromkeys(
    (
        *("DequantizeLinear", "QGemm", "QLinearAdd", "QLinearAveragePool", "QLinearConv", "QLinearGlobalAveragePool"),
        *("QLinearLeakyRelu", "QLinearMatMul", "QLinearMul", "QLinearSigmoid", "QLinearSoftmax"),
    ),
    1,
)
_MADE: Final = {
    "QGemm": 7,
    "QLinearAdd": 6,
    "QLinearAveragePool": 3,
    "QLinearConcat": 0,
    "QLinearConv": 6,
    "QLinearGlobalAveragePool": 3,
    "QLinearLeakyRelu": 3,
    "QLinearMatMul": 6,
    "QLinearMul": 6,
    "QLinearSigmoid": 3,
    "QLinearSoftmax": 3,
    "QuantizeLinear": 1,
}
"""Place of the scale of what an operator takes first, and gives, among its inputs; the zero point follows it."""

_PASSING: Final = frozenset({"Flatten", "Identity", "MaxPool", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})


def with_float_ends(model: ModelProto) -> None:
    """Change inputs and outputs of a network to floats that are quantized and dequantized within it."""
    graph = model.graph
    nodes, numbers = list(graph.node), _numbers(model)
    before: list[NodeProto] = []
    takers: dict[str, list[NodeProto]] = {}
    for node in nodes:
        for name in dict.fromkeys(node.input):
            takers.setdefault(name, []).append(node)
    for value in graph.input:
        scale = _taken(takers, value.name, numbers)
        kind = value.type.tensor_type.elem_type
        if kind in _INTEGERS and scale is not None:
            inside = f"{value.name}{_AGAIN}"
            before.append(helper.make_node("QuantizeLinear", [value.name, *_complete(model, scale, kind)], [inside]))
            _rename(takers[value.name], value.name, inside)
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    after: list[NodeProto] = []
    made = _scales(nodes, numbers)
    for value in graph.output:
        if value.name in made:
            inside = f"{value.name}_integers"
            after.append(helper.make_node("DequantizeLinear", [inside, *filter(None, made[value.name])], [value.name]))
            _rename(nodes, value.name, inside)
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    if before or after:
        del graph.node[:]
        graph.node.extend([*before, *nodes, *after])


def with_float_tensors(model: ModelProto) -> ModelProto:
    """Return a network whose quantized layers give floats that are quantized again, which does not change them.

    So it can be cut there; `without_float_tensors` undoes the rest.
    """
    nodes = model.graph.node
    layers = {node.output[0] for node in nodes if node.op_type in _MADE and node.op_type != "QuantizeLinear"}
    scales = _scales(nodes, _numbers(model))
    wanted = {name for name in layers if name in scales and scales[name][1]}
    if not wanted:
        return model
    changed = ModelProto()
    changed.CopyFrom(model)
    found: list[NodeProto] = []
    for node in changed.graph.node:
        for place, name in enumerate(node.input):
            if name in wanted:
                node.input[place] = f"{name}{_AGAIN}"
        found.append(node)
        for name in wanted.intersection(node.output):
            value, title = f"{name}{_FLOAT}", node.name or name
            found.append(helper.make_node("DequantizeLinear", [name, *scales[name]], [value], name=title))
            found.append(helper.make_node("QuantizeLinear", [value, *scales[name]], [f"{name}{_AGAIN}"]))
    del changed.graph.node[:]
    changed.graph.node.extend(found)
    return changed


def without_float_tensors(model: ModelProto) -> None:
    """Remove what `with_float_tensors` has added, but at the ends of a network."""
    graph = model.graph
    outputs = {value.name for value in graph.output}
    own = {name: node.input[0] for node in graph.node for name in node.output if name.endswith(_FLOAT)}
    made = {name: node for node in graph.node for name in node.output}
    back = {name: own[node.input[0]] for name, node in made.items() if name.endswith(_AGAIN) and node.input[0] in own}
    gone = back.keys() | own.keys() - outputs
    kept = [node for node in graph.node if gone.isdisjoint(node.output)]
    for node in kept:
        for place, name in enumerate(node.input):
            if name in back:
                node.input[place] = back[name]
    del graph.node[:]
    graph.node.extend(kept)


def _numbers(model: ModelProto) -> set[str]:
    return {one.name for one in model.graph.initializer if prod(one.dims) == 1}


def _scales(nodes: Iterable[NodeProto], numbers: set[str]) -> dict[str, Scale]:
    """Return the scale of each quantized tensor, by its name."""
    found: dict[str, Scale] = {}
    for node in nodes:
        scale = found.get(node.input[0]) if node.op_type in _PASSING and node.input else None
        scale = scale or _scale_of(node, _MADE, numbers)
        if scale is not None:
            found[node.output[0]] = scale
    return found


def _taken(takers: dict[str, list[NodeProto]], name: str, numbers: set[str]) -> Scale | None:
    """Return the scale that all operators read a tensor with; None if they do not agree.

    `takers` are the operators that read a tensor, by its name.
    """
    found: set[Scale | None] = set()
    seen, left = {name}, [name]
    while left:
        tensor = left.pop()
        readers = takers.get(tensor, [])
        if not readers or any(node.input[0] != tensor for node in readers):
            return None
        for node in readers:
            if node.op_type not in _PASSING:
                found.add(_scale_of(node, _GIVEN, numbers))
            elif node.output[0] not in seen:
                seen.add(node.output[0])
                left.append(node.output[0])
    return found.pop() if len(found) == 1 else None


def _scale_of(node: NodeProto, places: dict[str, int], numbers: set[str]) -> Scale | None:
    place = places.get(node.op_type, len(node.input))
    found = [*node.input[place : place + 2], "", ""][:2]
    return (found[0], found[1]) if found[0] in numbers and found[1] in numbers | {""} else None


def _rename(nodes: Iterable[NodeProto], old: str, new: str) -> None:
    for node in nodes:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new


def _complete(model: ModelProto, scale: Scale, kind: int) -> Scale:
    """Return a scale with a zero point, which decides the type of what is quantized."""
    if scale[1]:
        return scale
    name = f"latent_explorer_zero_{scale[0]}"
    if all(one.name != name for one in model.graph.initializer):
        zero = np.zeros((), helper.tensor_dtype_to_np_dtype(kind))
        model.graph.initializer.append(numpy_helper.from_array(zero, name))
    return scale[0], name
