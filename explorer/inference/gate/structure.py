"""Checks the structure of an ONNX file from its protobuf, without allocating or running what it declares."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from math import prod
from typing import TypeAlias

from onnx import (
    AttributeProto,
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    TypeProto,
    load_model_from_string,
)
from onnx.inliner import inline_local_functions

from explorer.errors import ModelError
from explorer.messages import Message, message

TENSOR_BYTES = 256 << 20
"""Maximum size of one tensor for one image or code."""

MOST_NODES = 20_000
"""Maximum number of operators, with functions expanded. The deepest published image networks have some thousands."""

MOST_CALLS = 16
"""Maximum depth of nested function calls."""

MOST_DIMENSIONS = 16

FUSED = frozenset({"BiasGelu", "FastGelu", "FusedConv", "FusedGemm", "FusedMatMul", "Gelu", "QuickGelu"})
"""Allowed operators of com.microsoft: those that ONNX Runtime writes for plain layers when it saves an optimized
network. Each is a product or sum with an activation, with an output as large as that of its ONNX counterpart."""

QUANTIZED = frozenset(
    {
        "DequantizeLinear",
        "DynamicQuantizeMatMul",
        "MatMulIntegerToFloat",
        "QGemm",
        "QLinearAdd",
        "QLinearAveragePool",
        "QLinearConcat",
        "QLinearGlobalAveragePool",
        "QLinearLeakyRelu",
        "QLinearMul",
        "QLinearSigmoid",
        "QLinearSoftmax",
        "QuantizeLinear",
    }
)
"""Allowed operators of com.microsoft that the quantization of ONNX Runtime writes: layers of ONNX for integers."""

ITEM_BYTES: dict[int, int] = {
    TensorProto.FLOAT: 4,
    TensorProto.DOUBLE: 8,
    TensorProto.FLOAT16: 2,
    TensorProto.BFLOAT16: 2,
    TensorProto.BOOL: 1,
    TensorProto.INT8: 1,
    TensorProto.UINT8: 1,
    TensorProto.INT16: 2,
    TensorProto.UINT16: 2,
    TensorProto.INT32: 4,
    TensorProto.UINT32: 4,
    TensorProto.INT64: 8,
    TensorProto.UINT64: 8,
}
"""Allowed element types with their size in bytes: numbers and booleans, no strings."""

_ONNX = frozenset({"", "ai.onnx"})
_CONTROL_FLOW = frozenset({"If", "Loop", "Scan", "SequenceMap"})
_SEQUENCES = ("Sequence", "SplitToSequence", "ConcatFromSequence", "Optional")
_STRINGS = frozenset({"RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit", "TfIdfVectorizer"})

_Function: TypeAlias = tuple[str, str, str]
"""Domain, name and overload of a function in the file."""


def read_network(content: bytes) -> ModelProto:
    """Parse an ONNX file, check its structure, and inline its functions.

    Raises ModelError if it is not an ONNX file, or contains control flow, sequences, strings, custom operators,
    external data, a tensor whose declared size differs from its data, or too many operators.
    """
    try:
        model = load_model_from_string(content)
    except Exception as error:
        raise ModelError("The network is not an ONNX file. Train or import the model again.") from error
    functions = _functions(model.functions)
    written = len(model.graph.node) + sum(len(function.node) for function in functions.values())
    _check_count(written)
    for function in functions.values():
        _check_nodes(function.node, functions)
    _check_graph(model.graph, functions)
    if not functions:
        return model
    _check_count(_count_nodes(model.graph.node, functions, {}, ()))
    model = inline_local_functions(model)
    _check_graph(model.graph, {})
    return model


def _check_count(nodes: int) -> None:
    if nodes > MOST_NODES:
        raise refused(message("it has {count:,} operators, more than {most:,}", count=nodes, most=MOST_NODES))


def refused(reason: Message) -> ModelError:
    return ModelError(
        "The network cannot be run safely: {reason}. Only open models from people you trust.", reason=reason
    )


def _functions(functions: Iterable[FunctionProto]) -> dict[_Function, FunctionProto]:
    found: dict[_Function, FunctionProto] = {}
    for function in functions:
        key = (function.domain, function.name, function.overload)
        if key in found:
            raise refused(message("it has two functions “{name}”", name=function.name))
        found[key] = function
        if len(found) > MOST_NODES:
            raise refused(message("it defines more than {most:,} functions", most=MOST_NODES))
    return found


def _called(node: NodeProto) -> _Function:
    return node.domain, node.op_type, node.overload


def _check_graph(graph: GraphProto, functions: dict[_Function, FunctionProto]) -> None:
    for tensor in graph.initializer:
        tensor_bytes(tensor)
    if graph.sparse_initializer:
        raise refused(message("it has sparse weights"))
    for value in chain(graph.input, graph.output, graph.value_info):
        _check_type(value.type, value.name)
    _check_nodes(graph.node, functions)


def _check_nodes(nodes: Iterable[NodeProto], functions: dict[_Function, FunctionProto]) -> None:
    for node in nodes:
        if _called(node) not in functions:
            _check_operator(node)
        for attribute in node.attribute:
            _check_attribute(node, attribute)


def _check_operator(node: NodeProto) -> None:
    name = node.op_type
    if node.domain == "com.microsoft" and name in FUSED | QUANTIZED:
        return
    if node.domain not in _ONNX:
        raise refused(message("it uses the custom operator {operator} of {domain}", operator=name, domain=node.domain))
    if name in _CONTROL_FLOW:
        raise refused(message("it uses control flow (operator {operator})", operator=name))
    if name.startswith(_SEQUENCES):
        raise refused(message("it works on sequences (the operator {operator})", operator=name))
    if name in _STRINGS:
        raise refused(message("it works on strings (the operator {operator})", operator=name))


def _check_attribute(node: NodeProto, attribute: AttributeProto) -> None:
    if attribute.HasField("g") or attribute.graphs:
        raise refused(message("it uses control flow (a graph within the operator {operator})", operator=node.op_type))
    if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
        raise refused(message("it uses a sparse tensor in operator {operator}", operator=node.op_type))
    if attribute.HasField("tp"):
        _check_type(attribute.tp, node.op_type)
    for kind in attribute.type_protos:
        _check_type(kind, node.op_type)
    if attribute.HasField("t"):
        tensor_bytes(attribute.t)
    for tensor in attribute.tensors:
        tensor_bytes(tensor)
    if (
        node.op_type == "Cast"
        and attribute.name == "to"
        and not attribute.ref_attr_name
        and attribute.i not in ITEM_BYTES
    ):
        raise refused(message("it casts to a type that is not numeric"))
    if node.op_type == "Constant" and attribute.name.startswith("value_string"):
        raise refused(message("it has a constant of strings"))


def _check_type(kind: TypeProto, name: str) -> None:
    which = kind.WhichOneof("value")
    if which not in {None, "tensor_type"}:
        raise refused(message("“{name}” is not a tensor, but a {type}", name=name, type=which))
    element = kind.tensor_type.elem_type
    if element not in ITEM_BYTES and element != TensorProto.UNDEFINED:
        raise refused(message("“{name}” is a tensor of a type that is not numeric", name=name))
    if any(dim.dim_value < 0 for dim in kind.tensor_type.shape.dim):
        raise refused(message("“{name}” has a negative size", name=name))


def tensor_bytes(tensor: TensorProto) -> int:
    """Return the size of a tensor of the file in bytes.

    Raises ModelError if its data is external, not numeric, or does not match its shape.
    """
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise refused(message("it has weights in other files (external data)"))
    item = ITEM_BYTES.get(tensor.data_type)
    if item is None:
        raise refused(message("“{name}” is a tensor of a type that is not numeric", name=tensor.name))
    if len(tensor.dims) > MOST_DIMENSIONS or any(size < 0 for size in tensor.dims):
        raise refused(
            message(
                "“{name}” has a negative size, or more than {most} dimensions", name=tensor.name, most=MOST_DIMENSIONS
            )
        )
    declared: int = item * prod(tensor.dims)
    stored = len(tensor.raw_data) if tensor.HasField("raw_data") else item * _stored_numbers(tensor)
    if declared != stored:
        raise refused(
            message(
                "“{name}” has {stored:,} bytes, but its shape needs {declared:,}",
                name=tensor.name,
                stored=stored,
                declared=declared,
            )
        )
    return declared


def _stored_numbers(tensor: TensorProto) -> int:
    fields = tensor.float_data, tensor.int32_data, tensor.int64_data, tensor.double_data, tensor.uint64_data
    return sum(len(field) for field in fields)


def _count_nodes(
    nodes: Iterable[NodeProto],
    functions: dict[_Function, FunctionProto],
    counted: dict[_Function, int],
    calls: tuple[_Function, ...],
) -> int:
    """Return the number of operators, with functions expanded at each call."""
    if len(calls) > MOST_CALLS:
        raise refused(message("its functions are nested more than {most} deep", most=MOST_CALLS))
    count = 0
    for node in nodes:
        key = _called(node)
        if key in calls:
            raise refused(message("its function “{name}” calls itself", name=node.op_type))
        if key in functions and key not in counted:
            counted[key] = _count_nodes(functions[key].node, functions, counted, (*calls, key))
        count += counted.get(key, 1)
    return count
