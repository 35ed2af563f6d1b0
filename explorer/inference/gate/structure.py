"""What an ONNX file may consist of, told from its protobuf alone; nothing it declares is allocated or run."""

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

REMEDY = "Do not open models from people you do not trust."

TENSOR_BYTES = 256 << 20
"""Most that one tensor may take for one image or code."""

MOST_NODES = 20_000
"""Most operators, those of functions at each call. The deepest published image networks have some thousands."""

MOST_CALLS = 16
"""How deep functions may call one another."""

MOST_DIMENSIONS = 16

FUSED = frozenset({"BiasGelu", "FastGelu", "FusedConv", "FusedGemm", "FusedMatMul", "Gelu", "QuickGelu"})
"""Operators of com.microsoft that are allowed: what ONNX Runtime writes for plain layers when it saves its optimized
network. Each is a product or sum with an activation, as large as its ONNX counterpart."""

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
"""Element types that are allowed, with their size: numbers and booleans, no strings."""

_ONNX = frozenset({"", "ai.onnx"})
_CONTROL_FLOW = frozenset({"If", "Loop", "Scan", "SequenceMap"})
_SEQUENCES = ("Sequence", "SplitToSequence", "ConcatFromSequence", "Optional")
_STRINGS = frozenset({"RegexFullMatch", "StringConcat", "StringNormalizer", "StringSplit", "TfIdfVectorizer"})

_Function: TypeAlias = tuple[str, str, str]
"""Domain, name and overload, by which a node calls a function of the file."""


def read_network(content: bytes) -> ModelProto:
    """Parse an ONNX file, refuse what no image network needs, and put the file's own functions where they are called.

    Raises
    ------
    ModelError
        If it is no ONNX file, or holds control flow, sequences, strings, operators of other domains, external data, a
        tensor whose declared size is not that of its data, or too many operators.
    """
    try:
        model = load_model_from_string(content)
    except Exception as error:
        raise ModelError("an ONNX file", "something else", "Train or import the model again.") from error
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
        raise refused(f"at most {MOST_NODES:,} operators", f"{nodes:,}")


def refused(expected: str, received: str) -> ModelError:
    """Return the error for a network that does not pass."""
    return ModelError(expected, received, REMEDY)


def _functions(functions: Iterable[FunctionProto]) -> dict[_Function, FunctionProto]:
    found: dict[_Function, FunctionProto] = {}
    for function in functions:
        key = (function.domain, function.name, function.overload)
        if key in found:
            raise refused("functions with different names", f"{function.name!r} twice")
        found[key] = function
        if len(found) > MOST_NODES:
            raise refused(f"at most {MOST_NODES:,} functions", "more")
    return found


def _called(node: NodeProto) -> _Function:
    return node.domain, node.op_type, node.overload


def _check_graph(graph: GraphProto, functions: dict[_Function, FunctionProto]) -> None:
    for tensor in graph.initializer:
        tensor_bytes(tensor)
    if graph.sparse_initializer:
        raise refused("dense weights", "sparse ones")
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
    if node.domain == "com.microsoft" and name in FUSED:
        return
    if node.domain not in _ONNX:
        raise refused("operators of ONNX itself", f"{name!r} of {node.domain!r}")
    if name in _CONTROL_FLOW:
        raise refused("a network without control flow", f"the operator {name}")
    if name.startswith(_SEQUENCES):
        raise refused("a network of tensors", f"the operator {name}, which works on sequences")
    if name in _STRINGS:
        raise refused("a network of numbers", f"the operator {name}, which works on strings")


def _check_attribute(node: NodeProto, attribute: AttributeProto) -> None:
    if attribute.HasField("g") or attribute.graphs:
        raise refused("a network without control flow", f"a graph within the operator {node.op_type!r}")
    if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
        raise refused("dense tensors", f"a sparse one in {node.op_type!r}")
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
        raise refused("a network of numbers", "a cast to something else")
    if node.op_type == "Constant" and attribute.name.startswith("value_string"):
        raise refused("a network of numbers", "a constant of strings")


def _check_type(kind: TypeProto, name: str) -> None:
    which = kind.WhichOneof("value")
    if which not in {None, "tensor_type"}:
        raise refused("a network of tensors", f"{name!r}, which is another type ({which})")
    element = kind.tensor_type.elem_type
    if element not in ITEM_BYTES and element != TensorProto.UNDEFINED:
        raise refused("a network of numbers", f"{name!r} of another element type")
    if any(dim.dim_value < 0 for dim in kind.tensor_type.shape.dim):
        raise refused("sizes of 0 or more", f"a negative one of {name!r}")


def tensor_bytes(tensor: TensorProto) -> int:
    """Return the size of a tensor of the file.

    Raises
    ------
    ModelError
        If its data lies elsewhere, is no number, or is not as large as its shape says.
    """
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise refused("weights in the file itself", "external data")
    item = ITEM_BYTES.get(tensor.data_type)
    if item is None:
        raise refused("a network of numbers", f"a tensor of another element type, {tensor.name!r}")
    if len(tensor.dims) > MOST_DIMENSIONS or any(size < 0 for size in tensor.dims):
        raise refused(f"tensors of at most {MOST_DIMENSIONS} dimensions of 0 or more", f"{tensor.name!r}")
    declared: int = item * prod(tensor.dims)
    stored = len(tensor.raw_data) if tensor.HasField("raw_data") else item * _stored_numbers(tensor)
    if declared != stored:
        raise refused(f"{declared:,} bytes of data for {tensor.name!r}, as its shape says", f"{stored:,}")
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
    """Return the number of operators that run: those of functions at each of their calls."""
    if len(calls) > MOST_CALLS:
        raise refused(f"functions that call one another at most {MOST_CALLS} deep", "deeper ones")
    count = 0
    for node in nodes:
        key = _called(node)
        if key in calls:
            raise refused("functions that end", f"{node.op_type!r}, which calls itself")
        if key in functions and key not in counted:
            counted[key] = _count_nodes(functions[key].node, functions, counted, (*calls, key))
        count += counted.get(key, 1)
    return count
