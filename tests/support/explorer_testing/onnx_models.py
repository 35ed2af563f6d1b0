"""Small ONNX models as other programs export them, made of operators."""

from __future__ import annotations

from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.sources import open_source

SIDE = 28
Given = tuple[str, int, list[int | str | None]]


def model(
    nodes: list[Any], given: list[Given], made: list[str], weights: dict[str, Any] | None = None, opset: int = 17
) -> onnx.ModelProto:
    """Return a model of nodes, with inputs (name, type, shape), outputs and weights."""
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in given],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in made],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (weights or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def save(proto: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(proto.SerializeToString())
    return path


def run(path: Path, **values: Any) -> list[Any]:
    """Return what ONNX Runtime gives for a file."""
    found: list[Any] = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, values)
    return found


@cache
def components(count: int = 10) -> tuple[Any, Any]:
    """Return the mean and the principal components of digits, ``(784,)`` and ``(784, count)``."""
    digits = open_source("digits")
    rows = to_floats(digits.read(np.arange(0, 4000, 4), Preprocessing.standard((SIDE, SIDE, 1)))).reshape(-1, SIDE**2)
    mean = rows.mean(0)
    return mean, np.linalg.svd(rows - mean, full_matrices=False)[2][:count].T.astype(np.float32)


def encoder(
    shape: tuple[int, ...] = (1, SIDE, SIDE),
    batch: int | str = "n",
    count: int = 10,
    outputs: tuple[str, ...] = ("code",),
    low: float = 0.0,
    high: float = 1.0,
    kind: int = TensorProto.FLOAT,
    opset: int = 17,
    *,
    one_hot: int = 0,
) -> onnx.ModelProto:
    """Return an encoder of digits by principal components.

    `outputs` are of the names ``code`` or ``mean``, ``log_variance``, and ``stacked`` of both. With `one_hot` classes
    it also takes a class, which moves the code.
    """
    mean, directions = components(count)
    weights = {
        "low": np.float32(low),
        "span": np.float32(high - low),
        "directions": directions,
        "offset": (-mean @ directions).astype(np.float32),
        "spread": np.random.default_rng(1).normal(0, 0.01, directions.shape).astype(np.float32),
        "narrow": np.full(count, -2, np.float32),
        "row": np.array([batch if isinstance(batch, int) else -1, SIDE**2], np.int64),
    }
    code = next((name for name in outputs if name in {"code", "mean"}), "mean")
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["floats", "low"], ["above"]),
        helper.make_node("Div", ["above", "span"], ["scaled"]),
        helper.make_node("Reshape", ["scaled", "row"], ["flat"]),
        helper.make_node("Gemm", ["flat", "directions", "offset"], ["plain" if one_hot else code]),
        helper.make_node("Gemm", ["flat", "spread", "narrow"], ["log_variance"]),
        helper.make_node("Concat", [code, "log_variance"], ["stacked"], axis=1),
    ]
    given: list[Given] = [("pixels", kind, [batch, *shape])]
    if one_hot:
        given.append(("label", TensorProto.FLOAT, [batch, one_hot]))
        weights["moves"] = np.linspace(-1, 1, one_hot * count, dtype=np.float32).reshape(one_hot, count)
        nodes[-2:-2] = [
            helper.make_node("MatMul", ["label", "moves"], ["by_class"]),
            helper.make_node("Add", ["plain", "by_class"], [code]),
        ]
    return model(nodes, given, list(outputs), weights, opset)


def decoder(
    shape: tuple[int, ...] = (1, SIDE, SIDE),
    batch: int | str = "n",
    count: int = 10,
    low: float = 0.0,
    high: float = 1.0,
    activation: str = "",
    classes: int = 0,
    *,
    one_hot: int = 0,
) -> onnx.ModelProto:
    """Return the decoder of `encoder`, to whose class it returns the code with `one_hot`.

    With `classes` it takes a label, which changes the brightness.
    """
    mean, directions = components(count)
    weights = {
        "directions": directions.T.copy(),
        "offset": mean.astype(np.float32),
        "low": np.float32(low),
        "span": np.float32(high - low),
        "shape": np.array([batch if isinstance(batch, int) else -1, *shape], np.int64),
    }
    nodes = [helper.make_node("Gemm", ["plain" if one_hot else "z", "directions", "offset"], ["flat"])]
    given: list[Given] = [("z", TensorProto.FLOAT, [batch, count])]
    if one_hot:
        given.append(("label", TensorProto.FLOAT, [batch, one_hot]))
        weights["moves"] = np.linspace(-1, 1, one_hot * count, dtype=np.float32).reshape(one_hot, count)
        nodes[:0] = [
            helper.make_node("MatMul", ["label", "moves"], ["by_label"]),
            helper.make_node("Sub", ["z", "by_label"], ["plain"]),
        ]
    last = "flat"
    if classes:
        given.append(("label", TensorProto.INT64, [batch]))
        weights["brightness"] = np.linspace(-0.1, 0.1, classes, dtype=np.float32)[:, None]
        nodes += [
            helper.make_node("Gather", ["brightness", "label"], ["by_class"]),
            helper.make_node("Add", [last, "by_class"], ["shown"]),
        ]
        last = "shown"
    nodes += [
        helper.make_node("Mul", [last, "span"], ["spread"]),
        helper.make_node("Add", ["spread", "low"], ["moved"]),
        helper.make_node("Reshape", ["moved", "shape"], ["laid_out" if activation else "picture"]),
    ]
    if activation:
        nodes.append(helper.make_node(activation, ["laid_out"], ["picture"]))
    return model(nodes, given, ["picture"], weights)


def by_number(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return a decoder with a label whose number of classes nobody can know: the number itself is the brightness."""
    place = next(place for place, node in enumerate(proto.graph.node) if node.op_type == "Gather")
    proto.graph.node.pop(place)
    proto.graph.initializer.append(numpy_helper.from_array(np.array(0.01, np.float32), "step"))
    proto.graph.initializer.append(numpy_helper.from_array(np.array([-1, 1], np.int64), "column"))
    for node in (
        helper.make_node("Mul", ["number", "step"], ["by_class"]),
        helper.make_node("Reshape", ["float", "column"], ["number"]),
        helper.make_node("Cast", ["label"], ["float"], to=TensorProto.FLOAT),
    ):
        proto.graph.node.insert(place, node)
    return proto


def joined(first: onnx.ModelProto, second: onnx.ModelProto) -> onnx.ModelProto:
    """Return encoder and decoder as one model."""
    one, two = onnx.ModelProto(), onnx.compose.add_prefix(second, "decoder/")
    one.CopyFrom(first)
    for node in two.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = first.graph.output[0].name if name == "decoder/z" else name
    one.graph.node.extend(two.graph.node)
    one.graph.initializer.extend(two.graph.initializer)
    one.graph.input.extend(value for value in two.graph.input if value.name != "decoder/z")
    del one.graph.output[:]
    one.graph.output.extend(two.graph.output)
    return one


def images(count: int = 3, seed: int = 0) -> Any:
    """Return random images ``(n, 28, 28, 1)``."""
    return np.random.default_rng(seed).uniform(0, 1, (count, SIDE, SIDE, 1)).astype(np.float32)


def size_of(proto: onnx.ModelProto) -> int:
    return sum(prod(one.dims) for one in proto.graph.initializer)
