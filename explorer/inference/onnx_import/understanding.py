"""Finds what the inputs and outputs of networks mean, by their shapes, names and values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Final, Literal

import numpy as np
from onnx import GraphProto, numpy_helper

from explorer.data.choices import MAX_CHANNELS
from explorer.errors import ModelError
from explorer.inference.onnx_import.loading import Arrays, Network, Port, Shape, is_integer, kind_name, typed, words
from explorer.models.import_record import Control, Layout
from explorer.models.third_party.layout import integer_codes
from explorer.types import Floats, ImageShape

SIDES: Final = (8, 1024)
MOST_CHOICES: Final = 64
"""One-hot conditions up to this length are classes; longer ones are plain numbers."""

_MOST_VALUES = 1024
"""Maximum number of values of a condition."""

FREE_SIDES: Final = (64, 32, 28, 128, 224, 256)
"""Sizes that are tried with a network for images of any size, the usual first."""

_ALPHA = 4
_CODE_NAMES: Final = ("z", "code", "latent")


@dataclass(frozen=True)
class Image:
    """Layout and shape of an image at an input or output.

    `channels_first` also tells how a flattened image is read; `channels` counts those in the file, which may include an
    alpha channel. `batched` is whether the first axis is that of the images.
    """

    layout: Layout
    shape: ImageShape
    channels_first: bool
    channels: int
    batched: bool = True


def image_of(shape: Shape, order: str | None, *, alpha: bool = False) -> Image | None:
    """Return how to read a tensor with a batch axis as images; None if it holds none.

    `order` is ``nchw`` or ``nhwc``, or None to find out. Images have 1 to 16 channels, flat ones 1 or 3; with `alpha`
    the last of four is transparency, which is left out.
    """
    # Three planes are rather one image than a batch of three.
    for batched in (False, True) if len(shape) == 3 and shape[0] == 3 else (True, False):
        sides = shape[1:] if batched else shape
        if None not in sides and (batched or shape[:1] != (None,)):
            found = _read_as(tuple(side for side in sides if side is not None), order, alpha=alpha, batched=batched)
            if found is not None:
                return found
    return None


def _read_as(sides: tuple[int, ...], order: str | None, *, alpha: bool, batched: bool) -> Image | None:
    low, high = SIDES

    def image(layout: Layout, height: int, width: int, depth: int) -> Image | None:
        if depth > MAX_CHANNELS or not (low <= height <= high and low <= width <= high):
            return None
        first = layout == "chw" or (layout == "flat" and order == "nchw")
        own = depth - 1 if alpha and depth == _ALPHA else depth
        return Image(layout, (height, width, own), first, depth, batched)

    if len(sides) == 3:
        last, first = image("hwc", *sides), image("chw", sides[1], sides[2], sides[0])
        if order is not None:
            return first if order == "nchw" else last
        # An image of at most 16 pixels per side can be read in both ways: rather as one of few channels.
        return min(filter(None, (last, first)), key=lambda one: one.channels, default=None)
    if len(sides) == 2 and min(sides) > 1:
        return image("hw", *sides, 1)
    size = prod(sides)
    if len(sides) in {1, 2} and batched:
        for depth in (1, 3):
            side = math.isqrt(size // depth)
            if side * side * depth == size:
                found = image("flat", side, side, depth)
                if found is not None:
                    return found
    return None


def channel_weights(channels: int, depth: int) -> Floats:
    """Return the weights ``(channels, depth)`` that leave out alpha, and average colors for gray images."""
    if depth == channels - 1:
        return np.eye(channels, depth, dtype=np.float32)
    weights = np.zeros((channels, depth), np.float32)
    weights[:3] = 1 / 3
    return weights


def concrete(shape: Shape, side: int) -> list[Shape]:
    """Return shapes without variable sides to try in place of one with some; the batch stays as it is."""
    if None not in shape[1:]:
        return [shape]
    if len(shape) == 4:
        known = shape[1:]
        first = tuple(value or side for value in (known[0] or 3, *known[1:]))
        if known[0] in {1, 3} or known[2] is None:
            options = [first] if known[0] else [first, (1, *first[1:])]
            return [(shape[0], *option) for option in options]
        return [(shape[0], *(value or side for value in known))]
    return [(shape[0], *(value or side for value in shape[1:]))]


def largest(network: Network) -> Port:
    """Return the input with the most values, an image or a code among conditions; ModelError if there is none."""
    if not network.given:
        raise ModelError(
            "The outputs of {file} do not depend on an input. Export a model that takes images or codes.",
            file=network.file,
        )
    return _largest(network.given)


def _largest(ports: Sequence[Port]) -> Port:
    return max(ports, key=lambda port: (not is_integer(port.kind), port.values))


def code_port(ports: Sequence[Port], code: tuple[int, ...] | None, file: str) -> Port:
    """Return the input of a decoder that takes the code, of the shape `code` if it is known."""
    fitting = [port for port in ports if not is_integer(port.kind) and (code is None or takes(port, code))]
    if not fitting and all(is_integer(port.kind) for port in ports):
        raise integer_codes(file)
    if not fitting:
        raise ModelError(
            "Encoder and decoder do not match: the code has the shape {code}, the decoder's inputs {inputs}. "
            "Import two that were trained together, or choose another output (--code).",
            code=words(code or ()),
            inputs=[words(port.shape[1:]) for port in ports],
        )
    named = [port for port in fitting if any(word in port.name.lower() for word in _CODE_NAMES)]
    return (named or [_largest(fitting)])[0]


def takes(port: Port, code: tuple[int, ...]) -> bool:
    """Return whether an input takes codes of a shape; axes of size 1 do not matter, nor does that of the batch."""
    sides = port.shape if len(port.shape) == 1 and port.shape[0] is not None else port.shape[1:]
    if len(sides) == len(code) and all(side in {None, have} for side, have in zip(sides, code, strict=True)):
        return True
    return None not in sides and tuple(s for s in sides if s != 1) == tuple(s for s in code if s != 1)


def condition_rows(ports: Sequence[Port], condition: Sequence[float] | None, network: Network) -> Arrays:
    """Return the value of each condition input of a network, with the shape of one row.

    Without a `condition` it is the first class, or zeros. ModelError if it does not fit, or if there is none and an
    input cannot be changed later.
    """
    unknown = [port for port in ports if condition is None and control_of(network, port) is None]
    if unknown:
        raise ModelError(
            "{file} takes more than an image or a code: {inputs}. "
            "Set the condition (--condition LABEL, or V,V,…): the model is imported for this one only.",
            file=network.file,
            inputs=[f"{port.name} ({kind_name(port.kind)} {words(port.shape) or 'scalar'})" for port in unknown],
        )
    return {port.name: _row(port, (0.0,) if condition is None else condition, network) for port in ports}


def _row(port: Port, condition: Sequence[float], network: Network) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    sides = tuple(side or 1 for side in port.shape[1:])
    size = prod(sides)
    with np.errstate(over="ignore"):
        values = np.asarray(condition, np.float32)
    if not np.isfinite(values).all():
        raise ModelError("The condition has numbers that are too large. Give smaller ones (--condition).")
    label = int(values[0])
    classes = _classes(network, port.name) if is_integer(port.kind) and size == 1 else 0
    if classes and not (0 <= label < classes and label == values[0]):
        raise ModelError(
            "The condition input “{name}” of {file} takes a class from 0 to {last}, not {value:g}. "
            "Give one of these (--condition).",
            name=port.name,
            file=network.file,
            last=classes - 1,
            value=float(values[0]),
        )
    if len(values) == 1 and size > 1 and not is_integer(port.kind) and 0 <= label < size and label == values[0]:
        values = np.eye(size, dtype=np.float32)[label]
    if len(values) != size:
        raise ModelError(
            "The condition input “{name}” of {file} takes {count:# value|# values}, not {given}. "
            "Give a class from 0 to {last}, or that many values (--condition).",
            name=port.name,
            file=network.file,
            count=size,
            given=len(values),
            last=max(0, size - 1),
        )
    return typed(values.reshape(sides), port.kind)


def control_of(network: Network, port: Port) -> Control | None:
    """Return a condition input that can be changed; None if it is too large, or its number of classes is unknown."""
    shape = tuple(side or 1 for side in port.shape[1:])
    size = prod(shape)
    classes = size if 1 < size <= MOST_CHOICES else 0
    if is_integer(port.kind):
        classes = _classes(network, port.name)
    known = size == 1 and classes > 0 if is_integer(port.kind) else size <= _MOST_VALUES
    if not known or not port.shape or None in port.shape[1:]:
        return None
    return Control(name=port.name, shape=shape, choices=classes)


def _classes(network: Network, name: str) -> int:
    """Return how many classes a label may be: rows of a table, or length of one-hot values; 0 if it is unknown."""
    graph = network.model.graph
    sizes = {one.name: one.dims for one in graph.initializer}
    same = {name}
    for node in graph.node:
        if not same.intersection(node.input):
            continue
        if node.op_type in {"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze"} and node.input[0] in same:
            same.update(node.output)
        elif (
            node.op_type == "Gather"
            and node.input[1] in same
            and node.input[0] in sizes
            and not any(one.name == "axis" and one.i for one in node.attribute)
        ):
            return int(next(iter(sizes[node.input[0]]), 0))
        elif node.op_type in {"OneHot", "Equal"}:
            # The exporters of PyTorch write one-hot values as an operator, or as a comparison with 0, 1, …
            constants = constants_of(graph)
            other = next((constants[name].ravel() for name in node.input if name in constants), np.zeros(0))
            if node.op_type == "OneHot":
                return int(other[0]) if other.size else 0
            return other.size if np.array_equal(other, np.arange(other.size)) else 0
    return 0


def constants_of(graph: GraphProto) -> Arrays:
    """Return the weights of a network, and the values of its operators that are constant tensors or integers."""
    found = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute:
            value = node.attribute[0]
            if value.name == "value_ints":
                found[node.output[0]] = np.array(value.ints, np.int64)
            elif value.HasField("t"):
                found[node.output[0]] = numpy_helper.to_array(value.t)
    return found


def inputs_for(port: Port, shape: tuple[int, ...], rows: Arrays, ports: Sequence[Port], seed: int = 0) -> Arrays:
    """Return random images or codes of a shape with the batch, and as many rows of each condition."""
    values: Floats = np.random.default_rng(seed).uniform(0, 1, shape).astype(np.float32)
    scale = 255 if is_integer(port.kind) else 1
    given: Arrays = {port.name: typed(values * scale, port.kind)}
    for other in ports:
        if other.name in rows:
            row = rows[other.name]
            count = shape[0] if other.shape and other.shape[0] is None else (other.shape or (1,))[0] or 1
            given[other.name] = np.broadcast_to(row, (count, *row.shape)).copy() if other.shape else row.reshape(())
    return given


# -- outputs of the encoder ------------------------------------------------------------------------------------------


def code_outputs(
    names: Sequence[str],
    shapes: Sequence[tuple[int, ...]],
    taken: Sequence[Port],
    code: str | None,
    log_variance: str | None,
) -> tuple[int, int | Literal["stacked"] | None]:
    """Return the places of the code (or its mean) and of the log-variance among an encoder's outputs.

    `shapes` are without the batch; `taken` are the inputs of the decoder, if there is one; `code` and `log_variance`
    are what the user stated. ModelError if it cannot be found out.
    """
    if code is not None or log_variance is not None:
        return _stated(names, shapes, code, log_variance)
    fitting = [place for place, shape in enumerate(shapes) if not taken or any(takes(port, shape) for port in taken)]
    if len(fitting) == 1:
        return fitting[0], None
    if not fitting and len(shapes) == 1:
        stacked = any(takes(port, half(shapes[0], axis)) for port in taken for axis in stacking(shapes[0]))
        return 0, "stacked" if stacked else None
    if len(fitting) not in {2, 3} or len({shapes[place] for place in fitting}) != 1:
        raise ModelError(
            "The encoder's {count:# output|# outputs} {outputs} are neither a code nor mean and log-variance. "
            "Name the output that is the code with --code.",
            count=len(shapes),
            outputs=listed(names, shapes),
        )
    lower = [name.lower() for name in names]
    named = [place for place in fitting if "var" in lower[place] or "log" in lower[place]]
    plain = [place for place in fitting if "std" not in lower[place] and "sigma" not in lower[place]]
    if not named and 0 < len(plain) < len(fitting):
        return plain[0], None
    # PyTorch names outputs by numbers; its models return (mean, log-variance), or (sample, mean, log-variance).
    variance = named[0] if 0 < len(named) < len(fitting) else fitting[-1]
    means = [place for place in fitting if place != variance]
    mean = next((place for place in means if "mean" in lower[place] or "mu" in lower[place]), means[-1])
    return mean, variance


def _stated(
    names: Sequence[str], shapes: Sequence[tuple[int, ...]], code: str | None, log_variance: str | None
) -> tuple[int, int | Literal["stacked"] | None]:
    def place_of(text: str, option: str) -> int:
        if text in names:
            return list(names).index(text)
        if text.isdecimal() and int(text) < len(names):
            return int(text)
        raise ModelError(
            "The encoder has no output “{name}” ({option}). Choose one of {outputs}, or its number from 0.",
            name=text,
            option=option,
            outputs=listed(names, shapes),
        )

    mean = 0 if code is None else place_of(code, "--code")
    if log_variance is None:
        return mean, None
    if log_variance != "stacked":
        variance = place_of(log_variance, "--log-variance")
        if code is None and variance == mean:
            mean = next((place for place, shape in enumerate(shapes) if place != mean and shape == shapes[mean]), mean)
        if shapes[mean] != shapes[variance]:
            raise ModelError(
                "Code and log-variance have different shapes, {code} and {variance}. "
                "Choose two outputs of equal shape (--code, --log-variance).",
                code=words(shapes[mean]),
                variance=words(shapes[variance]),
            )
        return mean, variance
    if not stacking(shapes[mean]):
        raise ModelError(
            "The output {shape} cannot hold mean and log-variance: its size is not even. "
            "Choose another output (--code), or leave out --log-variance.",
            shape=words(shapes[mean]),
        )
    return mean, "stacked"


def listed(names: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> list[str]:
    """Return outputs with their shapes, such as ``mean (10)``."""
    return [f"{name} ({words(shape)})" for name, shape in zip(names, shapes, strict=True)]


def stacking(shape: tuple[int, ...]) -> list[int]:
    """Return the axes of a code, without the batch, along which mean and log-variance may be stacked: channels."""
    axes = dict.fromkeys((0, len(shape) - 1) if shape else ())
    return [axis for axis in axes if shape[axis] % 2 == 0]


def half(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return *shape[:axis], shape[axis] // 2, *shape[axis + 1 :]
