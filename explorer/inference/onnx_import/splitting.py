"""Cuts one network at its bottleneck, and leaves out sampling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

from explorer.errors import ModelError
from explorer.inference.onnx_import.loading import Arrays, Network, Port, failed_run, words

_NAMED_FOR_IT: Final = re.compile(
    r"(^|[/_.])(encoded|latent|bottleneck|code|embedding|z|mu|mean)($|[_/.]\d+$|_(layer|space|vector|code|dim|output))",
    re.IGNORECASE,
)
_RESHAPING: Final = frozenset(
    {"Reshape", "Flatten", "Transpose", "Identity", "Dropout", "Squeeze", "Unsqueeze", "Cast"}
)
_RANDOM: Final = ("Random", "Bernoulli", "Multinomial")
_LONGEST_CODE = 4
"""Maximum size of a code, as a multiple of the image's."""

_OFFERED = 8


@dataclass(frozen=True)
class Cut:
    """A tensor that all paths from the image to the output pass through.

    `shape` is without the batch, `kind` the type of its values. `sampled` and `between` say whether it is drawn at
    random, and whether it leads from a part named encoder to one named decoder; `reshaped` whether its operator only
    moves values.
    """

    tensor: str
    name: str
    shape: tuple[int, ...]
    kind: int
    sampled: bool
    between: bool
    reshaped: bool
    pooling: bool

    @property
    def values(self) -> int:
        return prod(self.shape)

    @property
    def named(self) -> bool:
        return bool(_NAMED_FOR_IT.search(self.name) or _NAMED_FOR_IT.search(self.tensor))


def cuts(network: Network, image: Port, values: Arrays) -> list[Cut]:
    """Return the places where a network can be cut, the likeliest first; `values` are inputs for one run."""
    nodes = network.model.graph.node
    tensors = _passed_by_all(nodes, image.name, network.outputs[0])
    if not tensors:
        return []
    try:
        found = network.run(values, tensors)
    except ModelError:
        raise
    except Exception as error:
        raise failed_run(network.file, image.shape, error) from error
    batch = values[image.name].shape[0]
    random = _random_tensors(nodes)
    made = {name: node for node in nodes for name in node.output}
    takers: dict[str, list[NodeProto]] = {}
    for node in nodes:
        for name in node.input:
            takers.setdefault(name, []).append(node)
    listed = []
    for tensor, value in zip(tensors, found, strict=True):
        if value.ndim < 2 or value.shape[0] != batch or not np.issubdtype(value.dtype, np.floating):
            continue
        node = made[tensor]
        listed.append(
            Cut(
                tensor,
                node.name or tensor,
                tuple(value.shape[1:]),
                helper.np_dtype_to_tensor_dtype(value.dtype),
                tensor in random and not random.intersection(tensors[: tensors.index(tensor)]),
                _part(node.name) == "enc" and {_part(taker.name) for taker in takers[tensor]} == {"dec"},
                node.op_type in _RESHAPING,
                "Pool" in node.op_type,
            )
        )
    return _likeliest_first(listed)


def likely(found: list[Cut], size: int) -> list[Cut]:
    """Return the cuts that are smaller than an image of `size` values, or not much larger if there are none."""
    smaller = [cut for cut in found if cut.values < size or cut.sampled or cut.between]
    return smaller or [cut for cut in found if cut.values <= _LONGEST_CODE * size]


def _part(name: str) -> str:
    """Return whether a scope, such as ``/encoder/Conv``, is that of an encoder or a decoder."""
    scope = name.strip("/").split("/")[0].lower() if "/" in name else ""
    return next((part for part in ("enc", "dec") if part in scope), "")


def _likeliest_first(found: list[Cut]) -> list[Cut]:
    """Sort cuts, in the order of the network, by how likely each is the code.

    Of several with as many values, those before the network grows for the first time come first, and among them
    pooling, then the last.
    """
    grown: dict[int, bool] = {}
    ranks: dict[str, tuple[bool, bool, int]] = {}
    for number, cut in enumerate(found):
        grown = {values: before or cut.values > values for values, before in grown.items()}
        ranks[cut.tensor] = grown.setdefault(cut.values, False), not cut.pooling, -number
    return sorted(
        found,
        key=lambda cut: (not cut.sampled, not cut.between, not cut.named, cut.values, cut.reshaped, *ranks[cut.tensor]),
    )


def choose_cut(found: list[Cut], offered: list[Cut], bottleneck: str | None, file: str) -> Cut:
    """Return the likeliest cut, or that of a name; ModelError if there is none."""
    if not offered:
        raise ModelError(
            "Cannot split {file}: no tensor separates input and output, as in networks with skip connections. "
            "Export encoder and decoder as separate files, and import both.",
            file=file,
        )
    if bottleneck is None:
        return offered[0]
    for cut in found:
        names = {cut.name, cut.tensor, cut.name.rsplit("/", 1)[-1], cut.tensor.rsplit("/", 1)[-1]}
        if bottleneck in names:
            return cut
    raise ModelError(
        "Cannot split the model at “{layer}”. Choose one of the tensors {layers} (--bottleneck).",
        layer=bottleneck,
        layers=[f"{cut.name} ({words(cut.shape)})" for cut in offered[:_OFFERED]],
    )


def split(network: Network, image: Port, cut: Cut, values: Arrays) -> tuple[Network, Network]:
    """Return the networks before and after a cut; the second takes the code, and conditions that it needs."""
    encoder = part(network, [cut.tensor])
    known = _with_known_shapes(network, cut, values, len(values[image.name]))
    return encoder, part(known, network.outputs, [Port(cut.tensor, cut.kind, (image.shape[0], *cut.shape))])


def _with_known_shapes(network: Network, cut: Cut, values: Arrays, batch: int) -> Network:
    """Return a network that does not ask for the shapes of tensors before a cut, apart from the batch."""
    after = {cut.tensor}
    asking: list[NodeProto] = []
    for node in network.model.graph.node:
        if after.intersection(node.input):
            after.update(node.output)
        elif node.op_type == "Shape":
            asking.append(node)
    if not asking:
        return network
    shapes = network.run(values, list(dict.fromkeys(node.input[0] for node in asking)))
    known = dict(zip(dict.fromkeys(node.input[0] for node in asking), shapes, strict=True))
    model = ModelProto()
    model.CopyFrom(network.model)
    graph = model.graph
    first = numpy_helper.from_array(np.array([0], np.int64), "latent_explorer_first")
    added = [
        helper.make_node("Shape", [cut.tensor], ["latent_explorer_shape"]),
        helper.make_node("Gather", ["latent_explorer_shape", first.name], ["latent_explorer_batch"]),
    ]
    graph.initializer.append(first)
    for number, node in enumerate(asking):
        shape = known[node.input[0]].shape
        limits = {one.name: one.i for one in node.attribute}
        axes = range(len(shape))[limits.get("start", 0) : limits.get("end")]
        batched = axes[:1] == range(1) and shape[0] == batch
        rest = numpy_helper.from_array(
            np.array([shape[axis] for axis in axes[batched:]], np.int64), f"latent_explorer_rest_{number}"
        )
        graph.initializer.append(rest)
        sources = ["latent_explorer_batch", rest.name] if batched else [rest.name]
        added.append(helper.make_node("Concat", sources, list(node.output), axis=0))
    gone = {name for node in asking for name in node.output}
    kept = [node for node in graph.node if not gone.intersection(node.output)]
    del graph.node[:]
    graph.node.extend([*kept, *added])
    return Network(network.file, model, network.given)


def part(network: Network, outputs: list[str], starts: Sequence[Port] = ()) -> Network:
    """Return the part of a network between tensors; `starts` are new inputs."""
    new = {port.name for port in starts}
    graph = network.model.graph
    made = {name: node for node in graph.node for name in node.output}
    needed: set[str] = set()
    kept: dict[int, NodeProto] = {}
    stack = list(outputs)
    while stack:
        name = stack.pop()
        if name in needed or not name:
            continue
        needed.add(name)
        node = made.get(name)
        if name in new or node is None:
            continue
        kept[id(node)] = node
        stack += node.input
    model = ModelProto()
    model.ir_version = network.model.ir_version
    model.opset_import.extend(network.model.opset_import)
    model.graph.name = graph.name
    model.graph.initializer.extend(one for one in graph.initializer if one.name in needed)
    model.graph.input.extend(value for value in graph.input if value.name in needed and value.name not in new)
    given = [port for port in network.given if port.name in needed and port.name not in new]
    for port in starts:
        model.graph.input.append(helper.make_tensor_value_info(port.name, port.kind, list(port.shape)))
        given.insert(0, port)
    for name in outputs:
        model.graph.output.add().name = name
    model.graph.node.extend(
        _sorted(list(kept.values()), {"", *(port.name for port in given), *needed.difference(made)})
    )
    return Network(network.file, model, given)


def _sorted(nodes: list[NodeProto], known: set[str]) -> list[NodeProto]:
    """Return nodes in an order in which every tensor is computed before it is used; `known` are inputs and weights."""
    ordered: list[NodeProto] = []
    left = nodes[::-1]
    while left:
        waiting: list[NodeProto] = []
        for node in left:
            if known.issuperset(node.input):
                ordered.append(node)
                known.update(node.output)
            else:
                waiting.append(node)
        if len(waiting) == len(left):
            return [*ordered, *waiting]
        left = waiting
    return ordered


def without_sampling(encoder: Network) -> Network | None:
    """Return an encoder with mean and log-variance as outputs if its code is sampled; None if it is not.

    The mean alone if the log-variance is not found.
    """
    nodes = encoder.model.graph.node
    random = _random_tensors(nodes)
    sampled = [name for name in encoder.outputs if name in random]
    if not sampled:
        return None
    made = {name: node for node in nodes for name in node.output}
    name = sampled[0]
    while (node := made.get(name)) is not None and node.op_type in _RESHAPING:
        name = node.input[0]
    if node is None or node.op_type != "Add":
        return None
    means = [source for source in node.input if source not in random]
    if len(means) != 1:
        return None
    noise = next(source for source in node.input if source in random)
    variance = _log_variance(made, noise)
    return part(encoder, [means[0], *([variance] if variance is not None else [])])


def _log_variance(made: dict[str, NodeProto], noise: str) -> str | None:
    """Return the log-variance in ``exp(log_variance / 2) * noise``; None if it is computed otherwise."""
    node = made.get(noise)
    if node is None or node.op_type != "Mul":
        return None
    exponents = [made[name] for name in node.input if name in made and made[name].op_type == "Exp"]
    half = made.get(exponents[0].input[0]) if len(exponents) == 1 else None
    if half is None or half.op_type not in {"Mul", "Div"}:
        return None
    return next((name for name in half.input if name in made and made[name].op_type != "Constant"), None)


def random_tensors(network: Network) -> set[str]:
    """Return the tensors that differ at every run."""
    return _random_tensors(network.model.graph.node)


def _random_tensors(nodes: Iterable[NodeProto]) -> set[str]:
    random: set[str] = set()
    for node in nodes:
        if node.op_type.startswith(_RANDOM) or (
            node.op_type not in {"Shape", "Size"} and random.intersection(node.input)
        ):
            random.update(node.output)
    return random


def _passed_by_all(nodes: Iterable[NodeProto], start: str, end: str) -> list[str]:
    """Return the tensors that every path from `start` to `end` passes, in order, without both.

    What depends on the shape of a tensor only does not count.
    """
    ordered = [node for node in nodes if node.op_type not in {"Shape", "Size"}]
    there = {start: 1}
    for node in ordered:
        ways = sum(there.get(name, 0) for name in node.input)
        for name in node.output:
            there[name] = ways
    onward = {end: 1}
    for node in reversed(ordered):
        ways = sum(onward.get(name, 0) for name in node.output)
        for name in node.input:
            onward[name] = onward.get(name, 0) + ways
    total = there.get(end, 0)
    # Every path passes a tensor if and only if the number of paths through it is the total number.
    return [
        name
        for node in ordered
        for name in node.output
        if name and name != end and there[name] and there[name] * onward.get(name, 0) == total
    ]


def last_activation(network: Network, output: str) -> str:
    """Return the activation that an output ends with: ``sigmoid``, ``tanh``, ``clip``, ``linear``; empty if unknown."""
    made = {name: node for node in network.model.graph.node for name in node.output}
    weights = {one.name: one for one in network.model.graph.initializer}
    while (node := made.get(output)) is not None:
        kind = node.op_type
        if kind in {"Sigmoid", "HardSigmoid", "Tanh"}:
            return "tanh" if kind == "Tanh" else "sigmoid"
        if kind == "Clip":
            bounds = [float(numpy_helper.to_array(weights[name])) for name in node.input[1:] if name in weights]
            return "sigmoid" if bounds == [0.0, 1.0] else "tanh" if bounds == [-1.0, 1.0] else ""
        if kind in {"Conv", "ConvTranspose", "Gemm", "MatMul", "Add"}:
            return "linear"
        if kind not in _RESHAPING | {"Slice", "Pad", "Resize", "Upsample"}:
            return ""
        output = node.input[0]
    return ""
