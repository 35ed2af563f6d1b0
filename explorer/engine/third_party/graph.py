"""The graph of a functional model in Keras 2 or 3, and the layers at which it can be split."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from explorer.engine.third_party.loading import Generation, is_sampling, keras_of

_NAMED_FOR_IT = re.compile(
    r"(^|[/_])(encoded|latent|bottleneck|code|embedding|z)($|_\d+$|_(layer|space|vector|code|dim|features?)$)",
    re.IGNORECASE,
)
_RESHAPING = frozenset({"Reshape", "Flatten", "Permute", "Dropout", "Identity", "GaussianNoise"})


@dataclass(frozen=True)
class Cut:
    """A tensor that all paths from the image to the output pass through.

    Attributes
    ----------
    name
        The layer whose output it is, prefixed with its nested model, if any.
    shape
        Without the batch.
    sampled
        Whether it is the output of a sampling layer.
    between
        Whether it is between two nested models.
    reshaped
        Whether its layer only reshapes its input.
    pooling
        Whether its layer is a pooling.
    split_model
        Builds encoder and decoder. The encoder outputs the code, or mean and log-variance.
    """

    name: str
    shape: tuple[int, ...]
    sampled: bool
    between: bool
    reshaped: bool
    pooling: bool
    split_model: Callable[[], tuple[Any, Any]]

    @property
    def values(self) -> int:
        return prod(self.shape)


def shape_of(tensor: Any) -> tuple[int | None, ...]:
    """Return a tensor's shape without the batch; None for a variable side."""
    return tuple(None if side is None else int(side) for side in tensor.shape[1:])


def producer(tensor: Any) -> tuple[Any, list[Any]]:
    """Return the layer or operation that outputs a tensor, and its input tensors."""
    history = tensor._keras_history
    operation = history[0]
    node = operation._inbound_nodes[history.node_index]
    return operation, list(node.keras_inputs if hasattr(node, "keras_inputs") else node.input_tensors)


def is_model(operation: Any) -> bool:
    return bool(getattr(operation, "layers", None)) and hasattr(operation, "outputs")


def tensors_behind(outputs: list[Any]) -> list[Any]:
    """Return all tensors that `outputs` depend on, including themselves, in topological order."""
    ordered: list[Any] = []
    seen: set[int] = set()
    stack: list[tuple[Any, bool]] = [(output, False) for output in reversed(outputs)]
    while stack:
        tensor, ready = stack.pop()
        if ready:
            ordered.append(tensor)
        elif id(tensor) not in seen:
            seen.add(id(tensor))
            stack.append((tensor, True))
            stack += [(source, False) for source in producer(tensor)[1] if id(source) not in seen]
    return ordered


def find_sampling(outputs: list[Any]) -> tuple[Any, list[Any]] | None:
    """Return the output and the two inputs of a sampling layer that `outputs` depend on, or None."""
    for tensor in tensors_behind(outputs):
        operation, sources = producer(tensor)
        if is_sampling(operation) and len(sources) == 2:
            return tensor, sources
    return None


def cuts(model: Any, image: Any, generation: Generation) -> Iterator[Cut]:
    """Yield the places where a functional or sequential model with one output can be split, in order.

    `image` is the image among its inputs.
    """
    library = keras_of(generation)
    output = model.outputs[0]
    for tensor in _passed_by_all(image, output):
        operation, sources = producer(tensor)
        if is_model(operation):
            yield from _within(library, model, operation, sources, tensor, generation)
        if tensor is output:
            continue
        shape = shape_of(tensor)
        if not shape or None in shape:
            continue
        taken = any(is_model(producer(after)[0]) for after in tensors_behind([output]) if _takes(after, tensor))
        yield Cut(
            operation.name,
            tuple(side for side in shape if side is not None),
            is_sampling(operation) or (is_model(operation) and _gives_sampling(operation, tensor)),
            is_model(operation) and taken,
            type(operation).__name__ in _RESHAPING,
            "Pool" in type(operation).__name__,
            lambda tensor=tensor: _parted(library, model, tensor),  # type: ignore[misc]
        )


def _parted(library: Any, model: Any, tensor: Any) -> tuple[Any, Any]:
    # Keras 3 moves inputs that the decoder takes, too, to new nodes. An encoder from before could not be saved.
    decoder = _decoder_from(library, model, tensor)
    return encoder_to(library, model, tensor), decoder


def _takes(after: Any, tensor: Any) -> bool:
    return any(source is tensor for source in producer(after)[1])


def _passed_by_all(start: Any, end: Any) -> list[Any]:
    """Return the tensors that every path from `start` to `end` passes, in order, including `end` only."""
    ordered = tensors_behind([end])
    if not any(tensor is start for tensor in ordered):
        return []
    there: dict[int, int] = {id(start): 1}
    sources = {id(tensor): ([] if tensor is start else producer(tensor)[1]) for tensor in ordered}
    for tensor in ordered:
        if tensor is not start:
            there[id(tensor)] = sum(there[id(source)] for source in sources[id(tensor)])
    onward: dict[int, int] = {id(tensor): 0 for tensor in ordered}
    onward[id(end)] = 1
    for tensor in reversed(ordered):
        for source in sources[id(tensor)]:
            onward[id(source)] += onward[id(tensor)]
    ways = there[id(end)]
    # Every path passes a tensor if and only if the number of paths through it is the total number.
    return [
        tensor
        for tensor in ordered
        if tensor is not start and there[id(tensor)] and there[id(tensor)] * onward[id(tensor)] == ways
    ]


def _gives_sampling(operation: Any, tensor: Any) -> bool:
    return is_sampling(producer(operation.outputs[tensor._keras_history.tensor_index])[0])


def _within(
    library: Any, model: Any, operation: Any, sources: list[Any], after: Any, generation: Generation
) -> Iterator[Cut]:
    if len(operation.inputs) != 1 or len(operation.outputs) != 1 or len(sources) != 1:
        return
    for cut in cuts(operation, operation.inputs[0], generation):

        def split_model(cut: Cut = cut) -> tuple[Any, Any]:
            first, second = cut.split_model()
            decoder = second
            if after is not model.outputs[0]:
                code = library.Input(cut.shape)
                decoder = library.Model(code, _decoder_from(library, model, after)(second(code)))
            return library.Model(model.inputs, first(sources[0])), decoder

        yield Cut(
            f"{operation.name}/{cut.name}", cut.shape, cut.sampled, cut.between, cut.reshaped, cut.pooling, split_model
        )


def encoder_to(library: Any, model: Any, tensor: Any) -> Any:
    """Return the part of a model up to a tensor; up to mean and log-variance if it is sampled."""
    operation, sources = producer(tensor)
    if is_sampling(operation):
        return library.Model(inputs_behind(model, sources), sources)
    if is_model(operation):
        known = find_sampling([operation.outputs[tensor._keras_history.tensor_index]])
        if known is not None:
            inner = library.Model(operation.inputs, known[1])
            outputs = inner(sources if len(sources) > 1 else sources[0])
            return library.Model(inputs_behind(model, sources), outputs)
    return library.Model(inputs_behind(model, [tensor]), tensor)


def inputs_behind(model: Any, tensors: list[Any]) -> list[Any]:
    """Return the inputs of a model that `tensors` depend on."""
    behind = {id(tensor) for tensor in tensors_behind(tensors)}
    return [tensor for tensor in model.inputs if id(tensor) in behind]


def _decoder_from(library: Any, model: Any, tensor: Any) -> Any:
    """Return the part of a model after a tensor, with the further inputs used there."""
    needed: list[Any] = []
    seen: set[int] = {id(tensor)}
    stack = [model.outputs[0]]
    while stack:
        here = stack.pop()
        if id(here) in seen:
            continue
        seen.add(id(here))
        if any(here is given for given in model.inputs):
            needed.append(here)
            continue
        stack += producer(here)[1]
    others = [given for given in model.inputs if any(given is one for one in needed)]
    return library.Model([tensor, *others], model.outputs[0])


def likeliest_first(found: list[Cut]) -> list[Cut]:
    """Sort cuts, in the order of the model, by how likely each is the code.

    Sampled, between two models, named as a code, few values, no reshaping. Of several with the same number of values,
    those before the model grows for the first time come first, and among them pooling, then the last.
    """
    ranks = _plateau_ranks(found)
    return sorted(
        found,
        key=lambda cut: (
            not cut.sampled,
            not cut.between,
            not _NAMED_FOR_IT.search(cut.name),
            cut.values,
            cut.reshaped,
            ranks[id(cut)],
        ),
    )


def _plateau_ranks(found: list[Cut]) -> dict[int, tuple[bool, bool, int]]:
    """Return for each cut whether a larger one lies between it and the first of its size, and whether it pools."""
    ranks: dict[int, tuple[bool, bool, int]] = {}
    grown: dict[int, bool] = {}
    for number, cut in enumerate(found):
        grown = {values: before or cut.values > values for values, before in grown.items()}
        later = grown.setdefault(cut.values, False)
        ranks[id(cut)] = later, not cut.pooling, -number
    return ranks
