"""Adds operators around a network: from images and codes of this program to its own, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from explorer.errors import ModelError
from explorer.inference.onnx_import.loading import Network, Port, is_integer
from explorer.inference.onnx_import.parts import Output, Part
from explorer.inference.onnx_import.understanding import Image, channel_weights
from explorer.models.import_record import Control

PREFIX = "latent_explorer_"
IMAGE, CODE, DECODED = "image", "code", "picture"
"""Names of inputs and outputs of adapted networks, beside ``mean`` and ``log_variance``."""

_SLICE_OPSET = 10


@dataclass(frozen=True)
class CodeForm:
    """How a network has its code.

    `shape` is that of one code in the file, `latent_shape` that in this program: channels last, flat unless spatial.
    """

    shape: tuple[int, ...]
    latent_shape: tuple[int, ...]
    channels_first: bool = False


def code_form(shape: tuple[int, ...], *, channels_first: bool) -> CodeForm:
    """Return the form of a code from the shape of one in the file."""
    if len(shape) != 3 or shape[1:] == (1, 1) or shape[:2] == (1, 1):
        return CodeForm(shape, (prod(shape),))
    return CodeForm(shape, (*shape[1:], shape[0]) if channels_first else shape, channels_first)


@dataclass
class _Builder:
    """A graph to which operators are added before and after."""

    model: ModelProto
    before: list[Any] = field(default_factory=list)
    after: list[Any] = field(default_factory=list)
    count: int = 0

    def name(self) -> str:
        self.count += 1
        return f"{PREFIX}{self.count}"

    def constant(self, values: Any, kind: Any = np.int64) -> str:
        name = self.name()
        self.model.graph.initializer.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def add(self, where: list[Any], operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        output = output or self.name()
        where.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def finished(self, given: str, shape: tuple[int, ...], outputs: list[str]) -> bytes:
        graph = self.model.graph
        nodes = [*self.before, *graph.node, *self.after]
        del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
        graph.node.extend(nodes)
        graph.input.append(helper.make_tensor_value_info(given, TensorProto.FLOAT, ["n", *shape]))
        for name in outputs:
            graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
        graph.name = graph.name or "network"
        content: bytes = self.model.SerializeToString()
        return content


def adapt_encoder(one: Part, image: Image, code: CodeForm, outputs: Sequence[Output]) -> bytes:
    """Return an encoder of images ``(n, h, w, c)`` in its own range to codes ``(n, *latent_shape)``.

    If it takes conditions that are not fixed, images are flat, and end with them; the codes are without them.
    """
    network, fixed = one.network, one.fixed
    builder = _builder(network)
    value = _feed_controls(builder, one, IMAGE, image.shape) if one.fed else IMAGE
    if image.channels_first:
        value = builder.add(builder.before, "Transpose", value, perm=[0, 3, 1, 2])
    _feed(builder, one.port, value, one.row, fixed, batched=image.batched)
    _bake(builder, one, IMAGE)
    names = []
    for output in outputs:
        value = _rows(builder, _floats(builder, output.name), IMAGE, output.shape_in_file(code.shape), fixed)
        if output.half is not None:
            size = code.shape[output.axis]
            places = builder.constant(np.arange(size) + output.half * size)
            value = builder.add(builder.after, "Gather", value, places, axis=output.axis + 1)
        if code.channels_first:
            value = builder.add(builder.after, "Transpose", value, perm=[0, 2, 3, 1])
        names.append(_reshaped(builder, value, (-1, *code.latent_shape), output.new))
    return builder.finished(IMAGE, with_controls(image.shape, one.controls if one.fed else ()), names)


def adapt_decoder(one: Part, image: Image, code: CodeForm) -> bytes:
    """Return a decoder of codes ``(n, *latent_shape)`` to images ``(n, h, w, c)`` in its own range.

    With conditions that are not fixed, codes are flat, and end with them.
    """
    network, fixed = one.network, one.fixed
    builder = _builder(network)
    value = _feed_controls(builder, one, CODE, code.latent_shape) if one.controls else CODE
    if code.channels_first:
        value = builder.add(builder.before, "Transpose", value, perm=[0, 3, 1, 2])
    _feed(builder, one.port, value, one.row, fixed, batched=one.batched)
    _bake(builder, one, CODE)
    value = _floats(builder, network.outputs[0])
    height, width, depth = image.shape
    shape = (image.channels, height, width) if image.channels_first else (height, width, image.channels)
    value = _rows(builder, value, CODE, shape, fixed)
    if image.channels_first:
        value = builder.add(builder.after, "Transpose", value, perm=[0, 2, 3, 1])
    if image.channels > depth:
        weights = builder.constant(channel_weights(image.channels, depth), np.float32)
        value = builder.add(builder.after, "MatMul", value, weights)
    builder.add(builder.after, "Identity", value, output=DECODED)
    return builder.finished(CODE, with_controls(code.latent_shape, one.controls), [DECODED])


def with_controls(shape: tuple[int, ...], controls: Sequence[Control]) -> tuple[int, ...]:
    """Return the shape of a code, or an image, with its conditions; flat if there are any."""
    return (prod(shape) + sum(one.size for one in controls),) if controls else shape


def _feed_controls(builder: _Builder, one: Part, given: str, shape: tuple[int, ...]) -> str:
    """Feed the conditions at the end of codes or images, and return these themselves ``(n, *shape)``."""
    start = prod(shape)
    own = builder.add(builder.before, "Gather", given, builder.constant(np.arange(start)), axis=1)
    starts = np.cumsum([start, *(control.size for control in one.controls)])
    for name, number in one.fed.items():
        control = one.controls[number]
        places = builder.constant(np.arange(control.size) + starts[number])
        value = builder.add(builder.before, "Gather", given, places, axis=1)
        if control.choices and control.size == 1:
            value = builder.add(builder.before, "Max", value, builder.constant(np.array([0]), np.float32))
            value = builder.add(builder.before, "Min", value, builder.constant([control.choices - 1], np.float32))
        row = tuple(side or 1 for side in one.network.port(name).shape[1:])
        _feed(builder, one.network.port(name), value, row, one.fixed, batched=True)
    return _reshaped_in(builder, own, (-1, *shape))


def _builder(network: Network) -> _Builder:
    """Return a builder of a copy whose tensors cannot be mistaken for added ones."""
    model = ModelProto()
    model.CopyFrom(network.model)
    graph = model.graph
    own = {IMAGE, CODE, DECODED, "mean", "log_variance"}
    for one in graph.initializer:
        one.name = _renamed(one.name, own)
    for value in graph.input:
        value.name = _renamed(value.name, own)
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                names[place] = _renamed(name, own)
    return _Builder(model)


def _renamed(name: str, own: set[str]) -> str:
    return f"original_{name}" if name in own or name.startswith((PREFIX, "original_")) else name


def _own(name: str) -> str:
    """Return the name of a tensor of the file within an adapted network."""
    return _renamed(name, {IMAGE, CODE, DECODED, "mean", "log_variance"})


def _feed(builder: _Builder, port: Port, value: str, row: tuple[int, ...], fixed: int | None, *, batched: bool) -> None:
    """Bring images or codes into the network's input: number, shape and type."""
    before = builder.before
    count = fixed if batched else 1
    if count is not None:
        # Filled up with zeros; a larger number fails in `_rows`.
        flat = _reshaped_in(builder, value, (-1, prod(row)))
        zeros = builder.constant(np.zeros((count, prod(row))), np.float32)
        both = builder.add(before, "Concat", flat, zeros, axis=0)
        value = builder.add(before, "Gather", both, builder.constant(np.arange(count)), axis=0)
    target = row if not batched else (count if count is not None else -1, *row)
    value = _reshaped_in(builder, value, target)
    if is_integer(port.kind):
        half = builder.constant(np.array(0.5), np.float32)
        value = builder.add(before, "Floor", builder.add(before, "Add", value, half))
    builder.add(before, "Cast", value, output=_own(port.name), to=port.kind)


def _bake(builder: _Builder, one: Part, given: str) -> None:
    """Feed the fixed conditions with constants."""
    for other in one.baked:
        row = one.rows[other.name]
        batch = other.shape[0] if other.shape else 0
        if batch is not None:
            values = np.broadcast_to(row, (batch, *row.shape)) if other.shape else row.reshape(())
            builder.add(builder.before, "Identity", builder.constant(values, row.dtype), output=_own(other.name))
            continue
        first = builder.constant(row[None], row.dtype)
        if one.fixed is not None:
            values = np.broadcast_to(row, (one.fixed, *row.shape))
            builder.add(builder.before, "Identity", builder.constant(values, row.dtype), output=_own(other.name))
            continue
        count = _count(builder, builder.before, given)
        shape = builder.add(builder.before, "Concat", count, builder.constant(np.array(row.shape, np.int64)), axis=0)
        builder.add(builder.before, "Expand", first, shape, output=_own(other.name))


def _count(builder: _Builder, where: list[Any], given: str) -> str:
    """Return the number of images or codes, as a vector of one."""
    shape = builder.add(where, "Shape", given)
    return builder.add(where, "Gather", shape, builder.constant([0]), axis=0)


def _floats(builder: _Builder, name: str) -> str:
    return builder.add(builder.after, "Cast", _own(name), to=TensorProto.FLOAT)


def _rows(builder: _Builder, value: str, given: str, shape: tuple[int, ...], fixed: int | None) -> str:
    """Return the outputs ``(n, *shape)``, without those of the zeros that filled up a fixed number."""
    after = builder.after
    if fixed is None:
        return _reshaped(builder, value, (-1, *shape))
    flat = _reshaped(builder, value, (max(1, fixed), *shape))
    if max(opset.version for opset in builder.model.opset_import if opset.domain in {"", "ai.onnx"}) < _SLICE_OPSET:
        raise ModelError(
            "The network takes exactly {count:# image|# images} at once, in an old version of ONNX. "
            "Export it with dynamic_axes, or opset 17.",
            count=fixed,
        )
    count = _count(builder, after, given)
    first = builder.add(after, "Slice", flat, builder.constant([0]), count, builder.constant([0]))
    # Fails for more than the fixed number.
    target = builder.add(after, "Concat", count, builder.constant(np.array(shape, np.int64)), axis=0)
    return builder.add(after, "Reshape", first, target)


def _reshaped(builder: _Builder, value: str, shape: tuple[int, ...], output: str | None = None) -> str:
    return builder.add(builder.after, "Reshape", value, builder.constant(np.array(shape, np.int64)), output=output)


def _reshaped_in(builder: _Builder, value: str, shape: tuple[int, ...]) -> str:
    return builder.add(builder.before, "Reshape", value, builder.constant(np.array(shape, np.int64)))
