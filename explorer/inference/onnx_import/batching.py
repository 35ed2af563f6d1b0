"""Frees the number of images in networks that were exported for a fixed number."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, numpy_helper

from explorer.inference.onnx_import.loading import Arrays, Network, Port, failed_run
from explorer.inference.onnx_import.understanding import inputs_for
from explorer.types import Progress

_CLOSE = 1e-4
_TRIED = (3, 2)
"""Numbers of images that are tried."""


def free_batch(
    network: Network, port: Port, row: tuple[int, ...], rows: Arrays
) -> Generator[Progress, None, tuple[Network, int | None]]:
    """Return a network, changed if necessary, for any number of images or codes, and None; else its only number.

    `port` is its input, `row` the shape of one image or code there, and `rows` are conditions. Yields between
    runs, which take long for large networks. ModelError if it fails.
    """
    fixed = port.shape[0] if port.shape else None
    if fixed is None:
        if all(_runs(network, port, (count, *row), rows) is not None for count in _TRIED):
            return network, None
        fixed = 1
    expected = run_once(network, port, (fixed, *row), rows)
    yield Progress(0, 0)
    freed = _freed(network, port, fixed)
    same = _runs(freed, port, (fixed, *row), rows, values_of=fixed)
    yield Progress(0, 0)
    if same is not None and _equal(same, expected):
        first = inputs_for(port, (fixed, *row), rows, freed.given)
        more = _repeated(freed, first, port, fixed, rows)
        if more is not None and all(_begins_with(many, few) for many, few in zip(more, expected, strict=True)):
            return freed, None
    return network, fixed


def run_once(network: Network, port: Port, shape: tuple[int, ...], rows: Arrays) -> list[np.ndarray[Any, Any]]:
    """Return the outputs for random images or codes; ModelError if it fails."""
    try:
        return network.run(inputs_for(port, shape, rows, network.given))
    except Exception as error:
        raise failed_run(network.file, shape, error) from error


def _runs(
    network: Network, port: Port, shape: tuple[int, ...], rows: Arrays, values_of: int | None = None
) -> list[np.ndarray[Any, Any]] | None:
    """Return the outputs; None if it fails, or if they have not as many rows as the input."""
    try:
        outputs = network.run(inputs_for(port, shape, rows, network.given))
    except Exception:
        return None
    scales = values_of is not None or all(output.ndim > 0 and output.shape[0] == shape[0] for output in outputs)
    return outputs if scales else None


def _repeated(
    network: Network, first: Arrays, port: Port, count: int, rows: Arrays
) -> list[np.ndarray[Any, Any]] | None:
    """Return the outputs for the same images and one more."""
    given = dict(inputs_for(port, (count + 1, *first[port.name].shape[1:]), rows, network.given))
    given[port.name] = np.concatenate([first[port.name], first[port.name][:1]])
    try:
        return network.run(given)
    except Exception:
        return None


def _begins_with(many: np.ndarray[Any, Any], few: np.ndarray[Any, Any]) -> bool:
    grown = many.ndim > 0 and many.shape == (few.shape[0] + 1, *few.shape[1:])
    return grown and _equal([many[: len(few)]], [few])


def _equal(one: list[np.ndarray[Any, Any]], two: list[np.ndarray[Any, Any]]) -> bool:
    return all(
        a.shape == b.shape and np.allclose(a, b, rtol=_CLOSE, atol=_CLOSE) for a, b in zip(one, two, strict=True)
    )


def _freed(network: Network, port: Port, fixed: int) -> Network:
    """Return a network without its fixed number of images, in inputs and in reshaping; it may be wrong."""
    model = ModelProto()
    model.CopyFrom(network.model)
    graph = model.graph
    del graph.value_info[:]
    given = []
    for value, known in zip(graph.input, network.given, strict=True):
        dims = value.type.tensor_type.shape.dim
        free = bool(dims) and (known.name == port.name or dims[0].dim_value == fixed)
        if free:
            dims[0].Clear()
        given.append(Port(known.name, known.kind, (None, *known.shape[1:])) if free else known)
    del graph.output[:]
    for name in network.outputs:
        graph.output.add().name = name
    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer if len(one.dims) == 1}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].HasField("t"):
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    for node in graph.node:
        if node.op_type == "Reshape" and node.input[1] in constants:
            _free_reshape(model, node, constants[node.input[1]], fixed)
    return Network(network.file, model, given)


def _free_reshape(model: ModelProto, node: NodeProto, shape: np.ndarray[Any, Any], fixed: int) -> None:
    sides = [int(side) for side in shape.reshape(-1)]
    if len(sides) < 2 or sides[0] != fixed:
        return
    # 0 means the size of the input's axis, -1 what is left.
    sides[0] = 0 if -1 in sides[1:] else -1
    name = f"{node.output[0]}_any_batch"
    model.graph.initializer.append(numpy_helper.from_array(np.array(sides, np.int64), name))
    node.input[1] = name
