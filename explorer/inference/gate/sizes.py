"""Bounds the tensor sizes of an ONNX file by shape inference, without running it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import prod

from onnx import ModelProto, TensorProto, TypeProto
from onnx.shape_inference import infer_shapes

from explorer.errors import ModelError
from explorer.inference.gate import MOST_AT_ONCE
from explorer.inference.gate.structure import ITEM_BYTES, TENSOR_BYTES, refused
from explorer.messages import Message, message

LIVE_BYTES = 1 << 30
"""Maximum size of all tensors that are alive at the same time, without weights."""

TRIED = 2
"""Maximum batch size of a network whose tensor sizes are known only from a run."""

ONE = message("for one image or code")

_INPUTS_OF_SIZE: dict[str, tuple[int, ...]] = {
    "AffineGrid": (1,),
    "BlackmanWindow": (0,),
    "CenterCropPad": (1,),
    "Col2Im": (1, 2),
    "Compress": (1,),
    "ConstantOfShape": (0,),
    "DFT": (1, 2),
    "Expand": (1,),
    "HammingWindow": (0,),
    "HannWindow": (0,),
    "ImageDecoder": (0,),
    "MaxUnpool": (2,),
    "MelWeightMatrix": (0, 1, 2, 3, 4),
    "NonMaxSuppression": (0, 1, 2, 3, 4),
    "NonZero": (0,),
    "OneHot": (1,),
    "Pad": (1, 3),
    "Range": (0, 1, 2),
    "Reshape": (1,),
    "Resize": (1, 2, 3),
    "STFT": (1, 3),
    "Slice": (1, 2, 3, 4),
    "Split": (1,),
    "Squeeze": (1,),
    "Tile": (1,),
    "TopK": (1,),
    "Unique": (0,),
    "Unsqueeze": (1,),
    "Upsample": (1,),
}
"""Inputs whose values, not only their shapes, determine the size of the output."""

_RANDOM = ("Bernoulli", "Multinomial", "Random")
_LARGE_WEIGHTS = 1 << 16


@dataclass(frozen=True)
class Sizes:
    """Result of shape inference.

    `at_once` is the maximum batch size by the sizes that are known, a power of two; all smaller ones were checked, too.
    `unknown` are the tensors whose sizes could not be inferred.
    """

    at_once: int
    unknown: tuple[str, ...]

    @property
    def without_trial(self) -> int:
        """Maximum batch size of a network of which nothing else is known."""
        return min(self.at_once, TRIED) if self.unknown else self.at_once


def check_sizes(model: ModelProto, shape: tuple[int, ...]) -> Sizes:
    """Bound every tensor of a network from `read_network`; large weights are removed from `model`.

    `shape` is that of its input, without the batch. ModelError if it has more than one input, a tensor is too large for
    one image or code, or a size depends on values.
    """
    bounds = Bounds(model)
    if len(bounds.inputs) != 1 or bounds.inputs[0].type.tensor_type.elem_type != TensorProto.FLOAT:
        raise refused(message("it does not have exactly one input of type float32"))
    name = bounds.inputs[0].name
    unknown = bounds.check({name: (1, *shape)})
    at_once = 1
    for batch in _powers_of_two(MOST_AT_ONCE)[1:]:
        more = bounds.unknown({name: (batch, *shape)})
        if more is None:
            break
        at_once, unknown = batch, more
    return Sizes(at_once, unknown)


class Bounds:
    """The sizes of the tensors of a network from `read_network`, whose large weights are removed from `model`.

    ModelError if a size depends on values, operators are not in topological order, or a name is duplicate.
    """

    def __init__(self, model: ModelProto) -> None:
        self._model = model
        weights = {tensor.name: ITEM_BYTES[tensor.data_type] * prod(tensor.dims) for tensor in model.graph.initializer}
        self._weights = sum(weights.values())
        self.inputs = [value for value in model.graph.input if value.name not in weights]
        self._computed = _computed(model, [value.name for value in self.inputs], weights)
        _drop_large(model)
        # Declared shapes of computed tensors cannot be trusted, but inference would use them.
        del model.graph.value_info[:]
        for output in model.graph.output:
            output.type.tensor_type.ClearField("shape")

    def check(self, shapes: Mapping[str, tuple[int, ...]], run: Message = ONE) -> tuple[str, ...]:
        """Return the tensors of unknown size in a run with inputs of shapes; `run` names it in errors.

        ModelError if one of known size is too large.
        """
        sizes = self._infer(shapes)
        problem = _problem(self._model, sizes, self._computed, self._weights, run)
        if problem:
            raise refused(problem)
        return tuple(name for name, size in sizes.items() if size is None)

    def unknown(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, ...] | None:
        """Do the same, and return None if one is too large."""
        try:
            return self.check(shapes)
        except ModelError:
            return None

    def _infer(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int | None]:
        """Return the bytes of every computed tensor, or None if unknown."""
        for given in self.inputs:
            tensor = given.type.tensor_type
            tensor.ClearField("shape")
            for size in shapes[given.name]:
                tensor.shape.dim.add().dim_value = size
            tensor.shape.SetInParent()  # a scalar has no dimensions, but a shape
        inferred: dict[str, TypeProto] = {}
        # If inference fails, all sizes are unknown and will be measured in the trial.
        with suppress(Exception):
            graph = infer_shapes(self._model, data_prop=True).graph
            inferred = {value.name: value.type for value in (*graph.value_info, *graph.output)}
        return {name: _bytes(inferred.get(name)) for node in self._model.graph.node for name in node.output if name}


def _powers_of_two(most: int) -> list[int]:
    return [1 << exponent for exponent in range(most.bit_length())]


def _computed(model: ModelProto, given: Iterable[str], weights: Iterable[str]) -> frozenset[str]:
    """Return the names of the tensors that depend on the image or code; all others are computed only once.

    Raises ModelError if operators are not in topological order, a name is duplicate, or a size cannot be bounded.
    """
    depends, computed = set(given), set(given)
    defined = {"", *depends, *weights}
    for node in model.graph.node:
        sizes = {node.input[place] for place in _INPUTS_OF_SIZE.get(node.op_type, ()) if place < len(node.input)}
        if not sizes.isdisjoint(depends):
            raise refused(
                message("the output size of the operator {operator} depends on values", operator=node.op_type)
            )
        outputs = {name for name in node.output if name}
        if not defined.issuperset(node.input) or not defined.isdisjoint(outputs):
            raise refused(
                message(
                    "the operator {operator} with the outputs {names} is out of order, or a name is duplicate",
                    operator=node.op_type,
                    names=list(node.output),
                )
            )
        defined |= outputs
        if not computed.isdisjoint(node.input):
            computed |= outputs
        # No shape so far depends on values, so tensors computed from shapes do not either.
        random = node.op_type.startswith(_RANDOM)
        if random or (node.op_type not in {"Shape", "Size"} and not depends.isdisjoint(node.input)):
            depends |= outputs
    return frozenset(computed)


def _drop_large(model: ModelProto) -> None:
    for tensor in model.graph.initializer:
        if ITEM_BYTES[tensor.data_type] * prod(tensor.dims) > _LARGE_WEIGHTS:
            for field in ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data"):
                tensor.ClearField(field)


def _bytes(kind: TypeProto | None) -> int | None:
    if kind is None or not kind.tensor_type.HasField("shape"):
        return None
    dims = kind.tensor_type.shape.dim
    item = ITEM_BYTES.get(kind.tensor_type.elem_type)
    if item is None or not all(dim.HasField("dim_value") and dim.dim_value >= 0 for dim in dims):
        return None
    return item * prod(int(dim.dim_value) for dim in dims)


def too_large(size: int, run: Message = ONE) -> Message:
    """Return the problem with a tensor of `size` bytes."""
    return message(
        "a tensor takes {size:,} MB {run}, more than {most:,} MB", size=size >> 20, run=run, most=TENSOR_BYTES >> 20
    )


def _problem(
    model: ModelProto, sizes: dict[str, int | None], computed: frozenset[str], weights: int, run: Message
) -> Message | None:
    """Return the problem with the sizes of one run, or None."""
    for name, size in sizes.items():
        # Tensors computed from weights alone, such as transposed weights, may be as large as they are.
        if (size or 0) > (TENSOR_BYTES if name in computed else max(TENSOR_BYTES, weights)):
            return too_large(size or 0, run)
    alive = _most_alive(model, sizes, computed)
    if alive > LIVE_BYTES + 4 * weights:
        return message(
            "its tensors take {size:,} MB at a time {run}, more than {most:,} MB",
            size=alive >> 20,
            run=run,
            most=LIVE_BYTES >> 20,
        )
    return None


def _most_alive(model: ModelProto, sizes: dict[str, int | None], computed: frozenset[str]) -> int:
    """Return the maximum bytes alive at one time; tensors independent of the input are computed first, and kept."""
    alive = most = sum(size or 0 for name, size in sizes.items() if name not in computed)
    last = {name: place for place, node in enumerate(model.graph.node) for name in (*node.output, *node.input)}
    last |= {output.name: len(model.graph.node) for output in model.graph.output}
    for place, node in enumerate(model.graph.node):
        outputs = [name for name in node.output if name in computed]
        alive += sum(sizes.get(name) or 0 for name in outputs)
        most = max(most, alive)
        done = {name for name in (*node.input, *outputs) if name in computed and last[name] == place}
        alive -= sum(sizes.get(name) or 0 for name in done)
    return most
