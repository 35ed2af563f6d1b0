"""Loads one ONNX file in the reader process: external data, structure, inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import prod
from typing import Any, BinaryIO, Final

import numpy as np
from onnx import ModelProto, TensorProto, ValueInfoProto, load_model_from_string

from explorer.errors import ModelError
from explorer.inference.gate.sizes import Bounds
from explorer.inference.gate.structure import ITEM_BYTES, read_network
from explorer.inference.onnx_import.limits import MOST_BYTES
from explorer.inference.onnx_import.quantized import with_float_ends
from explorer.inference.sessions import open_session
from explorer.messages import message
from explorer.paths import is_plain_name
from explorer.reading import reason_of
from explorer.types import Floats

_FREE_WEIGHTS: Final = 4
"""Version of the file format from which weights are no inputs."""

Shape = tuple[int | None, ...]
Arrays = dict[str, np.ndarray[Any, Any]]
_KINDS: Final[dict[int, type[np.generic]]] = {
    TensorProto.FLOAT: np.float32,
    TensorProto.DOUBLE: np.float64,
    TensorProto.FLOAT16: np.float16,
    TensorProto.UINT8: np.uint8,
    TensorProto.INT8: np.int8,
    TensorProto.INT32: np.int32,
    TensorProto.INT64: np.int64,
    TensorProto.BOOL: np.bool_,
}


@dataclass(frozen=True)
class Port:
    """An input of a network: its shape includes the batch; None for a variable side, and for an unknown shape."""

    name: str
    kind: int
    shape: Shape

    @property
    def values(self) -> int:
        """Number of values of one image or code, with 1 for each variable side."""
        return prod(side or 1 for side in self.shape[1:])


@dataclass
class Network:
    """A checked network, and its file in errors. `given` are its inputs without weights, `outputs` names."""

    file: str
    model: ModelProto
    given: list[Port] = field(default_factory=list)
    _session: Any = field(default=None, repr=False)
    _bounded: set[tuple[tuple[int, ...], ...]] = field(default_factory=set, repr=False)

    @property
    def outputs(self) -> list[str]:
        return [output.name for output in self.model.graph.output]

    def port(self, name: str) -> Port:
        return next(port for port in self.given if port.name == name)

    def run(self, values: Arrays, outputs: list[str] | None = None) -> list[Any]:
        """Return the outputs of ONNX Runtime, whose exceptions are not converted.

        ModelError before it if a tensor would be too large, see `Bounds`; what is unknown is left to the limits of the
        reader process.
        """
        if outputs is not None:
            return self._with_outputs(outputs).run(values)
        shapes = tuple(values[port.name].shape for port in self.given)
        if shapes not in self._bounded:
            self._bound(shapes)
            self._bounded.add(shapes)
        self._session = self._session or open_session(self.model.SerializeToString(), threads=1)
        return list(self._session.run(self.outputs, values))

    def gives_integers(self) -> list[bool]:
        """Return for each output whether its values are integers; call it after a run."""
        return ["int" in output.type for output in self._session.get_outputs()]

    def _with_outputs(self, outputs: list[str]) -> Network:
        model = ModelProto()
        model.CopyFrom(self.model)
        del model.graph.output[:]
        for name in outputs:
            model.graph.output.add().name = name
        return Network(self.file, model, self.given)

    def _bound(self, shapes: tuple[tuple[int, ...], ...]) -> None:
        model = ModelProto()
        model.CopyFrom(self.model)
        sizes = {port.name: shape for port, shape in zip(self.given, shapes, strict=True)}
        largest = max(shapes, key=prod, default=())
        try:
            Bounds(model).check(sizes, message("in a run on {shape}", shape=words(largest)))
        except ModelError as error:
            raise ModelError("{file}: {problem}", file=self.file, problem=error.message) from error


def external_files(content: bytes, file: str) -> tuple[str, ...]:
    """Return the names of the files that an ONNX file has its weights in; ModelError if one is not beside it."""
    names: dict[str, None] = {}
    for tensor in _parsed(content, file).graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            name = _location(tensor)
            if not is_plain_name(name):
                raise ModelError(
                    "{file} has weights in “{name}”, which is outside of its folder. "
                    "Export the model into one folder, and import it from there.",
                    file=file,
                    name=name[:100],
                )
            names[name] = None
    return tuple(names)


def load(content: bytes, file: str, externals: Mapping[str, BinaryIO]) -> Network:
    """Return a network with all its weights; `externals` are the open files of its external data by name.

    ModelError if it is damaged, larger than `MOST_BYTES`, or has what `read_network` refuses.
    """
    model = _parsed(content, file)
    left = MOST_BYTES - len(content)
    inside = {tensor.name for tensor in model.graph.initializer}
    for tensor in model.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            left -= _embed(tensor, externals, file, left)
    weights = [value for value in model.graph.input if value.name in inside]
    for value in weights:
        model.graph.input.remove(value)
    if weights or model.ir_version < _FREE_WEIGHTS or left < MOST_BYTES - len(content):
        model.ir_version = max(_FREE_WEIGHTS, model.ir_version)
        content = model.SerializeToString()
    try:
        model = read_network(content)
    except ModelError as error:
        raise ModelError("{file}: {problem}", file=file, problem=error.message) from error
    _sort(model, file)
    with_float_ends(model)
    return Network(file, model, [_port(value) for value in model.graph.input])


def _parsed(content: bytes, file: str) -> ModelProto:
    try:
        model = load_model_from_string(content)
    except Exception as error:
        raise ModelError("{file} is not an ONNX file, or is damaged. Export it again.", file=file) from error
    if not model.graph.node or not model.graph.output:
        raise ModelError("{file} is not an ONNX file: it has no network. Export it again.", file=file)
    return model


def _location(tensor: TensorProto) -> str:
    return next((str(entry.value) for entry in tensor.external_data if entry.key == "location"), "")


def _embed(tensor: TensorProto, externals: Mapping[str, BinaryIO], file: str, left: int) -> int:
    """Move the external data of a tensor into it, and return its size in bytes."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    name = _location(tensor)
    item = ITEM_BYTES.get(tensor.data_type, 0)
    size: int = item * prod(tensor.dims)
    if min(tensor.dims, default=1) < 0 or not 0 <= size <= left:
        raise ModelError(
            "{file} is too large: with “{name}” it has more than {most:,} MB. Import a smaller model.",
            file=file,
            name=name,
            most=MOST_BYTES >> 20,
        )
    try:
        stream = externals[name]
        stream.seek(_number(entries.get("offset", "0")))
        data = stream.read(size)
        length = _number(entries.get("length", str(size)))
    except (KeyError, OSError, ValueError) as error:
        raise ModelError(
            "Cannot read the weights of {file} in “{name}”: {reason}. Copy both files again.",
            file=file,
            name=name,
            reason=reason_of(error),
        ) from error
    if not len(data) == length == size:
        raise ModelError(
            "“{name}” does not match {file}: it has too few weights. Copy both files again.", file=file, name=name
        )
    tensor.raw_data = data
    tensor.data_location = TensorProto.DEFAULT
    del tensor.external_data[:]
    return size


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 15:
        raise ValueError("an offset or a length is not a number")
    return int(text)


def _sort(model: ModelProto, file: str) -> None:
    """Bring operators into an order in which every tensor is computed before it is used.

    Some exporters do not care. ModelError if that is impossible, or an output is not computed.
    """
    known = {"", *(value.name for value in model.graph.input), *(one.name for one in model.graph.initializer)}
    missing: dict[str, list[int]] = {}
    nodes = list(model.graph.node)
    counts = []
    for place, node in enumerate(nodes):
        needed = set(node.input) - known
        counts.append(len(needed))
        for name in needed:
            missing.setdefault(name, []).append(place)
    # Those that can be computed, the first in the file first.
    ready = [place for place, count in enumerate(counts) if not count]
    heapify(ready)
    order = []
    while ready:
        order.append(heappop(ready))
        for name in set(nodes[order[-1]].output) - known:
            known.add(name)
            for place in missing.get(name, ()):
                counts[place] -= 1
                if not counts[place]:
                    heappush(ready, place)
    if len(order) < len(nodes):
        stuck = next(node for node, count in zip(nodes, counts, strict=True) if count)
        raise ModelError(
            "{file} is damaged: an input of the operator {operator} is never computed. Export it again.",
            file=file,
            operator=stuck.op_type,
        )
    lost = next((output.name for output in model.graph.output if output.name not in known), None)
    if lost is not None:
        raise ModelError(
            "{file} is damaged: its output “{name}” is not computed. Export it again.", file=file, name=lost
        )
    if order != sorted(order):
        del model.graph.node[:]
        model.graph.node.extend(nodes[place] for place in order)


def _port(value: ValueInfoProto) -> Port:
    tensor = value.type.tensor_type
    sides = tuple(dim.dim_value if dim.dim_value > 0 else None for dim in tensor.shape.dim)
    return Port(value.name, tensor.elem_type, sides)


def kind_name(kind: int) -> str:
    """Return the name of an element type, such as ``int64``."""
    return str(TensorProto.DataType.Name(kind)).lower()


def is_integer(kind: int) -> bool:
    return kind in _KINDS and np.issubdtype(_KINDS[kind], np.integer)


def typed(values: Floats, kind: int) -> np.ndarray[Any, Any]:
    """Return values as an input takes them; integers are rounded. ModelError if NumPy does not have the type."""
    if kind not in _KINDS:
        raise ModelError(
            "The network takes values of the type {kind}. Export it with float32 inputs.", kind=kind_name(kind)
        )
    return np.rint(values).astype(_KINDS[kind]) if is_integer(kind) else values.astype(_KINDS[kind])


def words(shape: Shape) -> str:
    """Return a shape as text, such as ``28×28×1``; ``?`` for a variable side."""
    return "×".join("?" if side is None else str(side) for side in shape)


def failed_run(file: str, shape: Shape, error: Exception) -> ModelError:
    """Return the error of a network that ONNX Runtime cannot run."""
    return ModelError(
        "{file} fails on an input of {shape}: {reason}. Test it in ONNX Runtime, and export it again.",
        file=file,
        shape=words(shape),
        reason=" ".join(str(error).split())[:300].rstrip(". "),
    )
