"""Adapts the networks of an import, from loaded files to checked ones, in the reader process."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Literal, TypeAlias

import numpy as np
from onnx import TensorProto

from explorer.data.choices import MAX_CHANNELS
from explorer.errors import ModelError
from explorer.inference.gate.check import check_and_try
from explorer.inference.onnx_import.adapting import CodeForm, adapt_decoder, adapt_encoder, code_form, with_controls
from explorer.inference.onnx_import.batching import free_batch, run_once
from explorer.inference.onnx_import.comparing import decoder_difference, encoder_difference
from explorer.inference.onnx_import.conditions import share_controls
from explorer.inference.onnx_import.loading import Arrays, Network, Port, is_integer, words
from explorer.inference.onnx_import.parts import Output, Part
from explorer.inference.onnx_import.quantized import with_float_tensors, without_float_tensors
from explorer.inference.onnx_import.records import Adapted, Described
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
    code_outputs,
    code_port,
    concrete,
    condition_rows,
    half,
    image_of,
    inputs_for,
    largest,
    listed,
    stacking,
    takes,
)
from explorer.messages import message
from explorer.models.import_record import LOST_VARIANCE, Control
from explorer.models.third_party.layout import integer_codes, no_condition
from explorer.models.third_party.request import Choices
from explorer.types import Progress

Role: TypeAlias = Literal["encoder", "decoder"]
_OFFERED = 8
_COLOR = 3
_DISPLAYED = (1, _COLOR)
"""Channels of images that may be given with transparency."""


@dataclass
class _Found:
    """What is found out on the way; `ordered` is whether the encoder's outputs are mean and log-variance."""

    ordered: bool = False
    bottleneck: str = ""
    places: tuple[tuple[str, tuple[int, ...]], ...] = ()
    outputs: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)


@dataclass
class _Understood:
    """How networks have images and codes: the parts, and what `Described` says of them."""

    encoder: Part | None = None
    decoder: Part | None = None
    image_in: Image | None = None
    image_out: Image | None = None
    mean: int = 0
    variance: int | Literal["stacked"] | None = None
    outputs: tuple[Output, ...] = ()
    form: CodeForm = field(default_factory=lambda: CodeForm((), ()))
    found: _Found = field(default_factory=_Found)

    @property
    def parts(self) -> list[Part]:
        return [one for one in (self.encoder, self.decoder) if one is not None]

    @property
    def controls(self) -> tuple[Control, ...]:
        return self.parts[0].controls


def adapt(networks: dict[str, Network], stated: Choices) -> Iterator[Progress | Described | Adapted]:
    """Adapt a whole network, or encoder and decoder; ModelError if their inputs or outputs are not understood."""
    yield Progress(0, 0)
    understood = yield from _understood(networks, stated)
    differences: list[float | None] = [0.0]
    for role, one, content, shape in _contents(understood):
        yield Progress(0, 0)
        differences.append(_difference(understood, role, content))
        yield Progress(0, 0)
        at_once = 0
        for most in check_and_try(content, shape):
            at_once = most
            yield Progress(0, 0)
        if one.fixed is not None:
            at_once = min(at_once, 1 << (one.fixed.bit_length() - 1))
        yield Adapted(role, np.frombuffer(content, np.uint8), at_once, _parameters(one.network))
    compared = [difference for difference in differences if difference is not None]
    yield _described(understood, max(compared) if len(compared) == len(differences) else None)


def _understood(networks: dict[str, Network], stated: Choices) -> Generator[Progress, None, _Understood]:
    known = _Understood()
    # Without what no output needs.
    needed = {role: part(network, network.outputs) for role, network in networks.items()}
    encoder, decoder = yield from _parts(needed, stated, known.found)
    yield Progress(0, 0)
    if encoder is not None:
        yield from _understand_encoder(known, encoder, decoder, stated)
        yield Progress(0, 0)
    if decoder is not None:
        known.decoder = yield from _decoder(decoder, known.form if encoder is not None else None, stated)
        known.image_out = _image_out(known.decoder, known.image_in, stated, known.found)
        if known.image_in is None or known.image_in.layout in {"flat", "hw"}:
            shape = known.form.shape if encoder is not None else known.decoder.row
            known.form = code_form(shape, channels_first=_is_first(known.image_out))
        yield Progress(0, 0)
    share_controls(known.encoder, known.decoder)
    if stated.condition is not None and not any(one.rows for one in known.parts):
        raise no_condition(known.parts[0].network.file)
    if known.controls and known.variance is not None:
        known.outputs = known.outputs[:1]
        known.found.notes.append(str(LOST_VARIANCE))
    _note_batches(known.parts, known.found)
    _note_conditions(known.parts, stated, known.found)
    return known


def _understand_encoder(
    known: _Understood, encoder: Network, decoder: Network | None, stated: Choices
) -> Iterator[Progress]:
    encoder, known.encoder, known.image_in = yield from _encoder(encoder, stated, known.found)
    taken = [] if decoder is None else [port for port in decoder.given if not is_integer(port.kind)]
    shapes = known.encoder.shapes
    known.found.outputs = tuple(listed(encoder.outputs, shapes))
    if known.found.ordered and shapes[0] == shapes[1] and (stated.code, stated.log_variance) == (None, None):
        known.mean, known.variance = 0, 1
    else:
        known.mean, known.variance = _code_outputs(known.encoder, taken, stated)
    shape, axis = shapes[known.mean], 0
    if known.variance == "stacked":
        axis = _stacked_axis(shape, taken, channels_first=_is_first(known.image_in))
        shape = half(shape, axis)
        known.found.notes.append(str(message("The encoder's output holds mean and log-variance, one after the other")))
    known.form = code_form(shape, channels_first=_is_first(known.image_in))
    known.outputs = _named_outputs(encoder, known.mean, known.variance, axis)
    used = list(dict.fromkeys(output.name for output in known.outputs))
    if used != known.encoder.network.outputs:
        known.encoder.network = part(known.encoder.network, used)


def _code_outputs(encoder: Part, taken: list[Port], stated: Choices) -> tuple[int, int | Literal["stacked"] | None]:
    """Do the same as `code_outputs`; integers are no codes, and ModelError if there is nothing else."""
    names, whole = encoder.network.outputs, encoder.network.gives_integers()
    any_place = (stated.code, stated.log_variance) != (None, None)
    places = [place for place in range(len(names)) if any_place or not whole[place]]
    if not places:
        raise integer_codes(encoder.network.file)
    shapes = [encoder.shapes[place] for place in places]
    mean, variance = code_outputs([names[place] for place in places], shapes, taken, stated.code, stated.log_variance)
    if whole[places[mean]]:
        raise integer_codes(encoder.network.file)
    return places[mean], variance if variance is None or variance == "stacked" else places[variance]


def _contents(known: _Understood) -> Iterator[tuple[Role, Part, bytes, tuple[int, ...]]]:
    """Yield role, network, adapted file, and the shape of its input."""
    if known.encoder is not None and known.image_in is not None:
        content = adapt_encoder(known.encoder, known.image_in, known.form, known.outputs)
        controls = known.controls if known.encoder.fed else ()
        yield "encoder", known.encoder, content, with_controls(known.image_in.shape, controls)
    if known.decoder is not None and known.image_out is not None:
        content = adapt_decoder(known.decoder, known.image_out, known.form)
        yield "decoder", known.decoder, content, with_controls(known.form.latent_shape, known.controls)


def _difference(known: _Understood, role: Role, content: bytes) -> float | None:
    """Return the difference of an adapted file from the network, None if it is random; ModelError if it is large."""
    if role == "encoder":
        assert known.encoder is not None
        assert known.image_in is not None
        return encoder_difference(known.encoder, known.image_in, content, known.form, known.outputs)
    assert known.decoder is not None
    assert known.image_out is not None
    return decoder_difference(known.decoder, known.image_out, content, known.form)


def _described(known: _Understood, difference: float | None) -> Described:
    image = known.image_out or known.image_in
    assert image is not None
    decoder = known.decoder
    return Described(
        parts="both" if known.encoder and decoder else "encoder" if known.encoder else "decoder",
        image_shape=image.shape,
        latent_shape=with_controls(known.form.latent_shape, known.controls),
        layout_in=known.image_in.layout if known.image_in else "hwc",
        layout_out=known.image_out.layout if known.image_out else "hwc",
        mean=known.mean,
        log_variance=known.variance,
        bottleneck=known.found.bottleneck,
        places=known.found.places,
        outputs=known.found.outputs,
        activation=last_activation(decoder.network, decoder.network.outputs[0]) if decoder else "",
        whole_numbers=(
            known.encoder is not None and is_integer(known.encoder.port.kind),
            decoder is not None and _gives_integers(decoder),
        ),
        max_difference=difference,
        controls=known.controls,
        notes=tuple(known.found.notes),
    )


# -- parts -------------------------------------------------------------------------------------------------------------


def _parts(
    networks: dict[str, Network], stated: Choices, found: _Found
) -> Generator[Progress, None, tuple[Network | None, Network | None]]:
    whole = networks.get("whole")
    if whole is None:
        return networks.get("encoder"), networks.get("decoder")
    port = largest(whole)
    # For the shapes alone, any condition will do.
    any_condition = stated if stated.condition is not None else replace(stated, condition=(0.0,))
    opened = yield from _opened(whole, port, any_condition)
    size = prod(opened.row)
    image = image_of(_known(opened), stated.layout)
    same = [name for name, shape in zip(whole.outputs, opened.shapes, strict=True) if prod(shape) == size]
    if image is not None and same:
        return _cut(part(whole, same[:1]), opened, stated, found)
    larger = [
        name
        for name, shape in zip(whole.outputs, opened.shapes, strict=True)
        if prod(shape) > size and image_of((None, *shape), stated.layout, alpha=True) is not None
    ]
    if larger:
        return None, part(whole, larger[:1])
    return whole, None


def _cut(whole: Network, opened: Part, stated: Choices, found: _Found) -> tuple[Network, Network]:
    if not opened.batched:
        raise ModelError(
            "Cannot split {file}: its input {shape} has no axis for the number of images. "
            "Export it with one, or encoder and decoder as separate files.",
            file=whole.file,
            shape=words(opened.row),
        )
    values = _values(opened)
    whole = Network(whole.file, with_float_tensors(whole.model), whole.given)
    all_cuts = cuts(whole, opened.port, values)
    places = likely(all_cuts, prod(opened.row))
    chosen = choose_cut(all_cuts, places, stated.bottleneck, whole.file)
    found.bottleneck = chosen.name
    found.places = tuple((cut.name, cut.shape) for cut in places[:_OFFERED])
    if chosen.name not in dict(found.places):
        found.places = ((chosen.name, chosen.shape), *found.places)
    parts = split(whole, opened.port, chosen, values)
    for one in parts:
        without_float_tensors(one.model)
    return parts


def _values(opened: Part) -> Arrays:
    count = opened.port.shape[0] or (1 if opened.fixed == 1 else 2)
    return inputs_for(opened.port, (count, *opened.row), opened.rows, opened.network.given)


def _opened(network: Network, port: Port, stated: Choices) -> Generator[Progress, None, Part]:
    """Run a network of images, of a usual size if any is possible, and return how; yields between runs."""
    rows = condition_rows([other for other in network.given if other.name != port.name], stated.condition, network)
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
        return Part(network, port, row, 1, rows, [output.shape for output in outputs], batched=False)
    last: ModelError | None = None
    for side in FREE_SIDES if None in port.shape[1:] else FREE_SIDES[:1]:
        for shape in concrete(port.shape, side):
            for count in (shape[0],) if shape[0] is not None else (2, 1):
                row = tuple(side or 1 for side in shape[1:])
                yield Progress(0, 0)
                try:
                    outputs = run_once(network, port, (count, *row), rows)
                except ModelError as error:
                    last = error
                    continue
                fixed = 1 if shape[0] is None and count == 1 else shape[0]
                return Part(network, port, row, fixed, rows, [_one(output, count) for output in outputs])
    assert last is not None
    raise last


def _one(output: np.ndarray[Any, Any], count: int) -> tuple[int, ...]:
    """Return the shape of one result among an output's."""
    return tuple(output.shape[1:] if output.ndim and output.shape[0] == count else output.shape)


def _known(opened: Part) -> tuple[int | None, ...]:
    return (None, *opened.row) if opened.batched else opened.row


def _encoder(
    encoder: Network, stated: Choices, found: _Found
) -> Generator[Progress, None, tuple[Network, Part, Image]]:
    """Return an encoder without its sampling, how it is run, and how it has images."""
    random = random_tensors(encoder)
    plain = [name for name in encoder.outputs if name not in random]
    if plain and len(plain) < len(encoder.outputs):
        kept: Network | None = part(encoder, plain)
    else:
        kept = without_sampling(encoder)
        found.ordered = kept is not None and len(kept.outputs) == 2
    if kept is not None:
        found.notes.append(str(message("The sampling of codes is left out: images get their mean code")))
        encoder = kept
    port = largest(encoder)
    opened = yield from _opened(encoder, port, stated)
    image = image_of(_known(opened), stated.layout)
    if image is None:
        raise _no_image("input", encoder.file, opened.row)
    image = Image(image.layout, image.shape, image.channels_first, image.channels, opened.batched)
    if None in port.shape[1:]:
        found.notes.append(
            str(
                message(
                    "It takes images of any size; here {width}×{height}", width=image.shape[1], height=image.shape[0]
                )
            )
        )
    freed = yield from _freed(opened)
    return encoder, freed, image


def _freed(opened: Part) -> Generator[Progress, None, Part]:
    """Return a network for any number of images, if possible."""
    if not opened.batched:
        return opened
    network, fixed = yield from free_batch(opened.network, opened.port, opened.row, opened.rows)
    port = network.port(opened.port.name)
    return Part(network, port, opened.row, fixed, opened.rows, opened.shapes)


def _stacked_axis(shape: tuple[int, ...], taken: Sequence[Port], *, channels_first: bool) -> int:
    """Return the axis of an output, without the batch, along which mean and log-variance are stacked."""
    axes = stacking(shape)
    fitting = [axis for axis in axes if any(takes(port, half(shape, axis)) for port in taken)]
    return (fitting or axes)[0 if channels_first else -1]


def _decoder(decoder: Network, form: CodeForm | None, stated: Choices) -> Generator[Progress, None, Part]:
    port = code_port(decoder.given, form.shape if form else None, decoder.file)
    others = [other for other in decoder.given if other.name != port.name]
    rows = condition_rows(others, stated.condition, decoder)
    if len(port.shape) == 1 and port.shape[0] is not None:
        one_code = (port.shape[0],)
        outputs = run_once(decoder, port, one_code, rows)
        return Part(decoder, port, one_code, 1, rows, [_one(output, 1) for output in outputs], batched=False)
    row = tuple(side or 1 for side in port.shape[1:])
    if form is not None and (None in port.shape[1:] or prod(row) != prod(form.shape)):
        row = form.shape
    if form is None and None in port.shape[1:]:
        row = tuple(side or 8 for side in port.shape[1:])
    network, fixed = yield from free_batch(decoder, port, row, rows)
    port = network.port(port.name)
    count = fixed or 2
    outputs = run_once(network, port, (count, *row), rows)
    shapes = [_one(output, count) for output in outputs]
    return Part(network, port, row, fixed, rows, shapes)


def _image_out(decoder: Part, image_in: Image | None, stated: Choices, found: _Found) -> Image:
    shape = decoder.shapes[0]
    alpha = image_in is None or image_in.shape[2] in _DISPLAYED
    image = image_of((None, *shape), stated.layout, alpha=alpha)
    if image_in is not None and (image is None or image.layout == "flat") and prod(shape) == prod(image_in.shape):
        return Image("flat", image_in.shape, image_in.channels_first, image_in.channels)
    if image is None:
        raise _no_image("output", decoder.network.file, shape)
    if image.layout != "flat" and image.channels > image.shape[2]:
        found.notes.append(str(message("The last of the four channels is taken for transparency, and left out")))
    if image_in is not None and image_in.shape == (*image.shape[:2], 1) and image.shape[2] == _COLOR:
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
        "Import a model of images with 1 to {channels} channels and 8 to 1,024 pixels per side (see --layout).",
        channels=MAX_CHANNELS,
        what=where,
        file=file,
        shape=words(shape),
    )


def _is_first(image: Image | None) -> bool:
    return image is not None and image.layout != "hwc" and (image.layout == "chw" or image.channels_first)


def _named_outputs(
    encoder: Network, mean: int, variance: int | Literal["stacked"] | None, axis: int
) -> tuple[Output, ...]:
    name = encoder.outputs[mean]
    if variance is None:
        return (Output(name, "mean"),)
    if variance == "stacked":
        return Output(name, "mean", 0, axis), Output(name, "log_variance", 1, axis)
    return Output(name, "mean"), Output(encoder.outputs[variance], "log_variance")


def _gives_integers(decoder: Part) -> bool:
    count = decoder.fixed or 1
    (output, *_) = run_once(decoder.network, decoder.port, decoder.shape(count), decoder.rows)
    return bool(np.issubdtype(output.dtype, np.integer))


def _note_batches(networks: Sequence[Part], found: _Found) -> None:
    count = max((one.fixed for one in networks if one.fixed is not None), default=1)
    if count > 1:
        note = message(
            "The network always computes {count} images at once, so one costs as much as {count}: "
            "export it with dynamic_axes",
            count=count,
        )
        found.notes.append(str(note))


def _note_conditions(networks: Sequence[Part], stated: Choices, found: _Found) -> None:
    names = list(dict.fromkeys(port.name for one in networks for port in one.baked))
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
