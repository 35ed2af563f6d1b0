"""Frees the number of images in networks that were exported for a fixed number."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

from explorer.errors import ModelError
from explorer.inference.onnx_import.loading import Arrays, Network, Port, failed_run
from explorer.inference.onnx_import.understanding import constants_of, inputs_for
from explorer.types import Progress

_CLOSE = 1e-4
_TRIED = (3, 2)
"""Numbers of images that are tried."""

_SIZES_OF = {"Reshape": 1, "Expand": 1, "ConstantOfShape": 0, "Tile": 1, "Resize": 3}
"""Input of operators that is the shape of their output, or how often it is repeated."""


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
    for more in (False, True):
        freed = _Freeing(network, port, fixed, more=more).network()
        same = _runs(freed, port, (fixed, *row), rows, values_of=fixed)
        yield Progress(0, 0)
        if same is not None and _equal(same, expected):
            first = inputs_for(port, (fixed, *row), rows, freed.given)
            grown = _repeated(freed, first, port, fixed, rows)
            if grown is not None and all(_begins_with(many, few) for many, few in zip(grown, expected, strict=True)):
                return freed, None
            yield Progress(0, 0)
    return network, fixed


def run_once(network: Network, port: Port, shape: tuple[int, ...], rows: Arrays) -> list[np.ndarray[Any, Any]]:
    """Return the outputs for random images or codes; ModelError if it fails."""
    try:
        return network.run(inputs_for(port, shape, rows, network.given))
    except ModelError:
        raise
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


class _Freeing:
    """A copy of a network without its fixed number of images, in inputs and in what reshapes; it may be wrong.

    With `more`, the number is also replaced in other sizes that begin with it or a multiple, and constants of equal
    rows, as of what was repeated for each image, are repeated for any number.
    """

    def __init__(self, network: Network, port: Port, fixed: int, *, more: bool) -> None:
        self._old, self._port, self._fixed, self._more = network, port, fixed, more
        self._model = ModelProto()
        self._model.CopyFrom(network.model)
        self._graph = self._model.graph
        self._before: list[NodeProto] = []
        self._names = 0
        self._constants = constants_of(self._graph)
        self._made = {name: node for node in self._graph.node for name in node.output}

    def network(self) -> Network:
        given = self._freed_inputs()
        for node in self._graph.node:
            place = _SIZES_OF.get(node.op_type)
            if place is not None and place < len(node.input) and node.input[place]:
                self._free_size(node, place)
            elif self._more:
                self._free_rows(node)
        nodes = [*self._before, *self._graph.node]
        del self._graph.node[:]
        self._graph.node.extend(nodes)
        return Network(self._old.file, self._model, given)

    def _freed_inputs(self) -> list[Port]:
        del self._graph.value_info[:]
        del self._graph.output[:]
        for name in self._old.outputs:
            self._graph.output.add().name = name
        given = []
        for value, known in zip(self._graph.input, self._old.given, strict=True):
            dims = value.type.tensor_type.shape.dim
            free = bool(dims) and (known.name == self._port.name or dims[0].dim_value == self._fixed)
            if free:
                dims[0].Clear()
            given.append(Port(known.name, known.kind, (None, *known.shape[1:])) if free else known)
        return given

    def _free_size(self, node: NodeProto, place: int) -> None:
        """Free the shape that a node brings its input to, if it is constant, or joined from constants."""
        source = self._made.get(node.input[place])
        value = self._constants.get(node.input[place])
        sides = None if value is None or value.ndim != 1 else [int(side) for side in value]
        if sides is None:
            joined = source is not None and source.op_type == "Concat" and self._more
            first = self._constants.get(source.input[0]) if joined and source is not None else None
            if source is not None and first is not None and first.tolist() == [self._fixed]:
                source.input[0] = self._count(1)
        elif node.op_type == "Reshape" and len(sides) > 1 and sides[0] == self._fixed:
            # 0 means the size of the input's axis, -1 what is left.
            sides[0] = 0 if -1 in sides[1:] else -1
            node.input[place] = self._constant(sides)
        elif self._more and sides and sides[0] > 0 and sides[0] % self._fixed == 0:
            if node.op_type == "Tile" and self._fixed == 1:
                return
            node.input[place] = self._shape(sides[0] // self._fixed, sides[1:])

    def _free_rows(self, node: NodeProto) -> None:
        """Repeat the first row of constants that have an equal one for each image."""
        for place, name in enumerate(node.input):
            value = self._constants.get(name)
            if value is None or value.ndim < 2 or self._fixed == 1 or value.shape[0] != self._fixed:
                continue
            if np.array_equal(value, np.broadcast_to(value[:1], value.shape)):
                row = self._constant(value[:1], value.dtype)
                node.input[place] = self._add("Expand", row, self._shape(1, list(value.shape[1:])))

    def _shape(self, times: int, rest: list[int]) -> str:
        """Return a shape that begins with a multiple of the number of images."""
        return self._add("Concat", self._count(times), self._constant(rest), axis=0) if rest else self._count(times)

    def _count(self, times: int) -> str:
        shape = self._add("Shape", self._port.name)
        count = self._add("Gather", shape, self._constant([0]), axis=0)
        return self._add("Mul", count, self._constant([times])) if times > 1 else count

    def _constant(self, values: Any, kind: Any = np.int64) -> str:
        name = self._name()
        self._graph.initializer.append(numpy_helper.from_array(np.array(values, kind), name))
        return name

    def _add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = self._name()
        self._before.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def _name(self) -> str:
        self._names += 1
        # A file that was imported before has such names already.
        name = f"any_batch_{self._names}"
        return self._name() if name in self._made or name in self._constants else name
