"""Adapts the networks of an import, from loaded files to checked ones, in the reader process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Literal

import numpy as np
from onnx import TensorProto

from explorer.errors import ModelError
from explorer.inference.gate.check import check_and_try
from explorer.inference.onnx_import.adapting import CodeForm, adapt_decoder, adapt_encoder, code_form, with_controls
from explorer.inference.onnx_import.batching import free_batch, run_once
from explorer.inference.onnx_import.loading import Arrays, Network, Port, is_integer, typed, words
from explorer.inference.onnx_import.reading import Adapted, Described
from explorer.inference.onnx_import.splitting import (
    choose_cut,
    cuts,
    last_activation,
    likely,
    part,
    random_tensors,
    split,
    without_sampling,
)
from explorer.inference.onnx_import.understanding import (
    FREE_SIDES,
    Image,
    channel_weights,
    code_outputs,
    code_port,
    concrete,
    condition_rows,
    controls_of,
    half,
    image_of,
    inputs_for,
    largest,
    stacking,
    takes,
)
from explorer.inference.sessions import open_session
from explorer.messages import message
from explorer.models.import_record import Control
from explorer.models.third_party.request import Choices
from explorer.types import Floats, Progress

_TOLERANCE = 1e-4
_ROUNDED = 1e-3
"""The same for networks that compute with fewer bits."""

_OFFERED = 8


@dataclass
class _Part:
    """A network, its input, and how one image or code is shaped there.

    `fixed` is its only number of images, None for any; `shapes` are those of the outputs without the batch; `controls` are
    conditions at the end of the code instead of fixed `rows`.
    """

    network: Network
    port: Port
    row: tuple[int, ...]
    fixed: int | None
    rows: Arrays
    shapes: list[tuple[int, ...]]
    batched: bool = True
    controls: tuple[Control, ...] = ()


@dataclass
class _Found:
    """What is found out on the way."""

    bottleneck: str = ""
    places: tuple[tuple[str, tuple[int, ...]], ...] = ()
    notes: list[str] = field(default_factory=list)


def adapt(networks: dict[str, Network], stated: Choices) -> Iterator[Progress | Described | Adapted]:
    """Adapt a whole network, or encoder and decoder; ModelError if their inputs or outputs are not understood."""
    found = _Found()
    yield Progress(0, 0)
    encoder, decoder = _parts(networks, stated, found)
    yield Progress(0, 0)
    image_in: Image | None = None
    first = second = None
    mean, variance = 0, None
    form: CodeForm | None = None
    if encoder is not None:
        encoder, first, image_in = _encoder(encoder, stated, found)
        yield Progress(0, 0)
        taken = [] if decoder is None else [port for port in decoder.given if not is_integer(port.kind)]
        mean, variance = code_outputs(encoder.outputs, first.shapes, taken, stated.code, stated.log_variance)
        shape = _halved(first.shapes[mean], taken) if variance == "stacked" else first.shapes[mean]
        if variance == "stacked":
            found.notes.append(str(message("The encoder's output holds mean and log-variance, one after the other")))
        form = code_form(shape, channels_first=_is_first(image_in))
    image_out: Image | None = None
    if decoder is not None:
        second = _decoder(decoder, form, stated)
        image_out = _image_out(second, image_in, stated, found)
        form = form or code_form(second.row, channels_first=_is_first(image_out))
        if image_in is not None and image_in.layout in {"flat", "hw"} and form.channels_first != _is_first(image_out):
            form = code_form(form.shape, channels_first=_is_first(image_out))
    yield Progress(0, 0)
    assert form is not None
    image = image_out or image_in
    assert image is not None
    files: list[tuple[Literal["encoder", "decoder"], bytes, tuple[int, ...], int | None]] = []
    difference = 0.0
    if first is not None and image_in is not None:
        outputs = _named_outputs(encoder, mean, variance)
        first.network = part(first.network, list(dict.fromkeys(name for name, _, _ in outputs)), {})
        content = adapt_encoder(first.network, first.port, first.row, image_in, first.fixed, first.rows, form, outputs)
        difference = _encoder_difference(first, image_in, content, form, outputs)
        files.append(("encoder", content, image_in.shape, first.fixed))
        yield Progress(0, 0)
    if second is not None and image_out is not None:
        content = adapt_decoder(
            second.network, second.port, second.row, image_out, second.fixed, second.rows, form, second.controls
        )
        difference = max(difference, _decoder_difference(second, content, form, image_out))
        files.append(("decoder", content, with_controls(form.latent_shape, second.controls), second.fixed))
        yield Progress(0, 0)
    _note_batches(first, second, found)
    _note_conditions([one for one in (first, second) if one is not None], stated, found)
    for role, content, shape, fixed in files:
        core = first if role == "encoder" else second
        assert core is not None
        at_once = 0
        for at_once in check_and_try(content, shape):
            yield Progress(0, 0)
        if fixed is not None:
            at_once = min(at_once, 1 << (fixed.bit_length() - 1))
        yield Adapted(role, np.frombuffer(content, np.uint8), at_once, _parameters(core.network))
    yield Described(
        parts="both" if first and second else "encoder" if first else "decoder",
        image_shape=image.shape,
        latent_shape=with_controls(form.latent_shape, second.controls if second else ()),
        layout_in=image_in.layout if image_in else "hwc",
        layout_out=image_out.layout if image_out else "hwc",
        mean=mean,
        log_variance=variance,
        bottleneck=found.bottleneck,
        places=found.places,
        activation=last_activation(second.network, second.network.outputs[0]) if second else "",
        whole_numbers=(
            first is not None and is_integer(first.port.kind),
            second is not None and _gives_integers(second),
        ),
        max_difference=difference,
        controls=second.controls if second else (),
        notes=tuple(found.notes),
    )


# -- parts -------------------------------------------------------------------------------------------------------------


def _parts(networks: dict[str, Network], stated: Choices, found: _Found) -> tuple[Network | None, Network | None]:
    whole = networks.get("whole")
    if whole is None:
        return networks.get("encoder"), networks.get("decoder")
    port = largest(whole.given)
    # For the shapes alone, any condition will do.
    opened = _opened(whole, port, stated if stated.condition is not None else replace(stated, condition=(0.0,)))
    size = prod(opened.row)
    image = image_of(_known(opened), stated.layout)
    same = [name for name, shape in zip(whole.outputs, opened.shapes, strict=True) if prod(shape) == size]
    if image is not None and same:
        return _cut(part(whole, same[:1], {}), opened, stated, found)
    larger = [
        name
        for name, shape in zip(whole.outputs, opened.shapes, strict=True)
        if prod(shape) > size and image_of((None, *shape), stated.layout, alpha=True) is not None
    ]
    if larger:
        return None, part(whole, larger[:1], {})
    return whole, None


def _cut(whole: Network, opened: _Part, stated: Choices, found: _Found) -> tuple[Network, Network]:
    values = _values(opened)
    all_cuts = cuts(whole, opened.port, values)
    places = likely(all_cuts, prod(opened.row))
    chosen = choose_cut(all_cuts, places, stated.bottleneck, whole.file)
    found.bottleneck = chosen.name
    found.places = tuple((cut.name, cut.shape) for cut in places[:_OFFERED])
    if chosen.name not in dict(found.places):
        found.places = ((chosen.name, chosen.shape), *found.places)
    return split(whole, opened.port, chosen, values)


def _values(opened: _Part) -> Arrays:
    count = opened.port.shape[0] or (1 if opened.fixed == 1 else 2) if opened.batched else 1
    shape = (count, *opened.row) if opened.batched else opened.row
    return inputs_for(opened.port, shape, opened.rows, opened.network.given)


def _opened(network: Network, port: Port, stated: Choices) -> _Part:
    """Run a network of images, of a usual size if any is possible, and return how."""
    rows = condition_rows([other for other in network.given if other.name != port.name], stated.condition, network.file)
    if not port.shape:
        raise ModelError(
            "{file} does not say the shape of its input “{name}”. Export it with the shape of the images.",
            file=network.file,
            name=port.name,
        )
    image = image_of(port.shape, stated.layout)
    if image is not None and not image.batched:
        row = tuple(side or 1 for side in port.shape)
        outputs = run_once(network, port, row, rows)
        return _Part(network, port, row, 1, rows, [output.shape for output in outputs], batched=False)
    last: ModelError | None = None
    for side in FREE_SIDES if None in port.shape[1:] else FREE_SIDES[:1]:
        for shape in concrete(port.shape, side):
            for count in (shape[0],) if shape[0] is not None else (2, 1):
                row = tuple(side or 1 for side in shape[1:])
                try:
                    outputs = run_once(network, port, (count, *row), rows)
                except ModelError as error:
                    last = error
                    continue
                fixed = 1 if shape[0] is None and count == 1 else shape[0]
                return _Part(network, port, row, fixed, rows, [_one(output, count) for output in outputs])
    assert last is not None
    raise last


def _one(output: np.ndarray[Any, Any], count: int) -> tuple[int, ...]:
    """Return the shape of one result among an output's."""
    return tuple(output.shape[1:] if output.ndim and output.shape[0] == count else output.shape)


def _known(opened: _Part) -> tuple[int | None, ...]:
    return (None, *opened.row) if opened.batched else opened.row


def _encoder(encoder: Network, stated: Choices, found: _Found) -> tuple[Network, _Part, Image]:
    """Return an encoder without its sampling, how it is run, and how it has images."""
    random = random_tensors(encoder)
    plain = [name for name in encoder.outputs if name not in random]
    kept = part(encoder, plain, {}) if plain and len(plain) < len(encoder.outputs) else without_sampling(encoder)
    if kept is not None:
        found.notes.append(str(message("The sampling of codes is left out: images get their mean code")))
        encoder = kept
    port = largest(encoder.given)
    opened = _opened(encoder, port, stated)
    image = image_of(_known(opened), stated.layout)
    if image is None:
        raise _no_image("input", encoder.file, opened.row)
    image = Image(image.layout, image.shape, image.channels_first, image.channels, opened.batched)
    if None in port.shape[1:]:
        found.notes.append(
            str(message("It takes images of any size; here {width}×{height}", width=image.shape[1], height=image.shape[0]))
        )
    return encoder, _freed(opened), image


def _freed(opened: _Part) -> _Part:
    """Return a network for any number of images, if possible."""
    if not opened.batched:
        return opened
    network, fixed = free_batch(opened.network, opened.port, opened.row, opened.rows)
    port = network.port(opened.port.name)
    return _Part(network, port, opened.row, fixed, opened.rows, opened.shapes)


def _halved(shape: tuple[int, ...], taken: Sequence[Port]) -> tuple[int, ...]:
    """Return the shape of the mean in a stacked output."""
    axes = stacking(shape)
    fitting = [axis for axis in axes if any(takes(port, half(shape, axis)) for port in taken)]
    return half(shape, (fitting or axes)[0])


def _decoder(decoder: Network, form: CodeForm | None, stated: Choices) -> _Part:
    port = code_port(decoder.given, form.shape if form else None, decoder.file)
    others = [other for other in decoder.given if other.name != port.name]
    controls = controls_of(decoder, others) if form is None and stated.condition is None else None
    rows = condition_rows(others, (0.0,) if controls else stated.condition, decoder.file)
    row = tuple(side or 1 for side in port.shape[1:])
    if form is not None and (None in port.shape[1:] or prod(row) != prod(form.shape)):
        row = form.shape
    if form is None and None in port.shape[1:]:
        row = tuple(side or 8 for side in port.shape[1:])
    network, fixed = free_batch(decoder, port, row, rows)
    port = network.port(port.name)
    count = fixed or 2
    outputs = run_once(network, port, (count, *row), rows)
    shapes = [_one(output, count) for output in outputs]
    return _Part(network, port, row, fixed, rows, shapes, controls=tuple(controls or ()))


def _image_out(decoder: _Part, image_in: Image | None, stated: Choices, found: _Found) -> Image:
    shape = decoder.shapes[0]
    image = image_of((None, *shape), stated.layout, alpha=True)
    if image_in is not None and (image is None or image.layout == "flat") and prod(shape) == prod(image_in.shape):
        return Image("flat", image_in.shape, image_in.channels_first, image_in.channels)
    if image is None:
        raise _no_image("output", decoder.network.file, shape)
    if image_in is not None and image.shape[2] > image_in.shape[2] and image.shape[:2] == image_in.shape[:2]:
        found.notes.append(str(message("The decoder gives color images, which are averaged to gray")))
        image = Image(image.layout, image_in.shape, image.channels_first, image.channels)
    if image_in is not None and image.shape != image_in.shape:
        raise ModelError(
            "Encoder and decoder do not match: images of {encoder} and of {decoder}. "
            "Import two that were trained together.",
            encoder=words(image_in.shape),
            decoder=words(image.shape),
        )
    return image


def _no_image(what: str, file: str, shape: tuple[int, ...]) -> ModelError:
    where = message("input") if what == "input" else message("output")
    return ModelError(
        "The {what} of {file} is not an image: its shape is {shape}. "
        "Import a model of images with 1 or 3 channels and 8 to 1,024 pixels per side (see --layout).",
        what=where,
        file=file,
        shape=words(shape),
    )


def _is_first(image: Image | None) -> bool:
    return image is not None and image.layout != "hwc" and (image.layout == "chw" or image.channels_first)


def _named_outputs(
    encoder: Network | None, mean: int, variance: int | Literal["stacked"] | None
) -> list[tuple[str, str, int | None]]:
    assert encoder is not None
    name = encoder.outputs[mean]
    if variance is None:
        return [(name, "mean", None)]
    if variance == "stacked":
        return [(name, "mean", 0), (name, "log_variance", 1)]
    return [(name, "mean", None), (encoder.outputs[variance], "log_variance", None)]


def _gives_integers(decoder: _Part) -> bool:
    count = decoder.fixed or 1
    (output, *_) = run_once(decoder.network, decoder.port, (count, *decoder.row), decoder.rows)
    return bool(np.issubdtype(output.dtype, np.integer))


def _note_batches(first: _Part | None, second: _Part | None, found: _Found) -> None:
    fixed = [one.fixed for one in (first, second) if one is not None and one.fixed is not None]
    if max(fixed, default=1) > 1:
        found.notes.append(
            str(
                message(
                    "The network always computes {count} images at once, so it is slow: export it with dynamic_axes",
                    count=max(fixed),
                )
            )
        )


def _note_conditions(networks: Sequence[_Part], stated: Choices, found: _Found) -> None:
    names = list(dict.fromkeys(name for one in networks if not one.controls for name in one.rows))
    if names:
        found.notes.append(
            str(
                message(
                    "The condition {names} is fixed at {value}; other conditions are lost",
                    names=names,
                    value=",".join(f"{value:g}" for value in stated.condition or ()),
                )
            )
        )


def _parameters(network: Network) -> int:
    whole = {TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL}
    return sum(prod(one.dims) for one in network.model.graph.initializer if one.data_type not in whole)


# -- comparison with the file ------------------------------------------------------------------------------------------


def _encoder_difference(
    one: _Part, image: Image, content: bytes, form: CodeForm, outputs: list[tuple[str, str, int | None]]
) -> float:
    count = one.fixed or 2
    images: Floats = np.random.default_rng(1).uniform(0, 1, (count, *image.shape)).astype(np.float32)
    if is_integer(one.port.kind):
        images = np.rint(images * 255).astype(np.float32)
    own = images.transpose(0, 3, 1, 2) if image.channels_first else images
    shape = (count, *one.row) if one.batched else one.row
    given = inputs_for(one.port, shape, one.rows, one.network.given)
    given[one.port.name] = typed(np.ascontiguousarray(own).reshape(shape), one.port.kind)
    known = dict(zip(one.network.outputs, one.network.run(given), strict=True))
    expected = []
    for name, _, place in outputs:
        value = np.asarray(known[name], np.float32)
        if place is not None:
            axis = 1 if form.channels_first or len(form.shape) == 1 else value.ndim - 1
            value = np.split(value, 2, axis=axis)[place]
        value = value.reshape(count, *form.shape)
        expected.append(value.transpose(0, 2, 3, 1) if form.channels_first else value)
    return _difference(content, images, [value.reshape(count, *form.latent_shape) for value in expected], one)


def _decoder_difference(one: _Part, content: bytes, form: CodeForm, image: Image) -> float:
    count = one.fixed or 2
    codes: Floats = np.random.default_rng(2).standard_normal((count, *form.latent_shape)).astype(np.float32)
    given = inputs_for(one.port, (count, *one.row), one.rows, one.network.given)
    values = codes
    if one.controls:
        # The first class of labels, which the rows have, too.
        ends = [np.asarray(given[control.name], np.float32).reshape(count, -1) for control in one.controls]
        values = np.concatenate([codes.reshape(count, -1), *ends], axis=1)
    own = codes.transpose(0, 3, 1, 2) if form.channels_first else codes
    given[one.port.name] = typed(np.ascontiguousarray(own).reshape(count, *one.row), one.port.kind)
    made = np.asarray(one.network.run(given)[0], np.float32)
    height, width, depth = image.shape
    if image.channels_first:
        made = made.reshape(count, image.channels, height, width).transpose(0, 2, 3, 1)
    made = made.reshape(count, height, width, image.channels)
    if image.channels > depth:
        made = made @ channel_weights(image.channels, depth)
    return _difference(content, values, [made], one)


def _difference(content: bytes, values: Floats, expected: list[Floats], one: _Part) -> float:
    """Return the largest difference of an adapted network from the expected outputs; ModelError if it is large."""
    if random_tensors(one.network):
        return 0.0
    session = open_session(content, threads=1)
    received = session.run(None, {session.get_inputs()[0].name: values})
    difference = max(
        float(np.abs(a - b).max() / max(1.0, float(np.abs(b).max()))) for a, b in zip(received, expected, strict=True)
    )
    kinds = {weight.data_type for weight in one.network.model.graph.initializer}
    few_bits = bool(kinds & {TensorProto.FLOAT16, TensorProto.INT8, TensorProto.UINT8})
    if not difference <= (_ROUNDED if few_bits else _TOLERANCE):
        raise ModelError(
            "{file} gives other results after its layout was changed (difference {difference:.2g}). "
            "Export it with dynamic_axes for the batch, and import it again.",
            file=one.network.file,
            difference=difference,
        )
    return difference
